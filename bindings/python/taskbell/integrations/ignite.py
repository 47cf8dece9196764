"""For PyTorch-Ignite: ``TaskbellHandler("run 7").attach(trainer)``."""

from __future__ import annotations

from typing import Any

from ignite.engine import Engine, Events

from .._bell import Bell
from .._task import Task


class TaskbellHandler:
    """Reports a run of an engine as a task: its iterations, its metrics as curves, its end or exception."""

    def __init__(self, name: str = "training", *, bell: Bell | None = None, **fields: Any) -> None:
        self._name, self._bell, self._fields = name, bell, fields
        self._task: Task | None = None

    def attach(self, trainer: Engine, evaluator: Engine | None = None) -> None:
        """Listens to a trainer, and takes the metrics of an evaluator too."""
        trainer.add_event_handler(Events.STARTED, self._start)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._progress)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._log)
        trainer.add_event_handler(Events.COMPLETED, self._finish)
        trainer.add_event_handler(Events.EXCEPTION_RAISED, self._fail)
        if evaluator is not None:
            evaluator.add_event_handler(Events.COMPLETED, self._log)

    def _start(self, engine: Engine) -> None:
        self._task = Task(self._name, "training", self._bell, self._fields).start()

    def _progress(self, engine: Engine) -> None:
        state = engine.state
        if self._task is not None:
            total = state.max_epochs * state.epoch_length if state.max_epochs and state.epoch_length else None
            self._task.progress(state.iteration, total)

    def _log(self, engine: Engine) -> None:
        if self._task is not None:
            output = engine.state.output
            self._task.log({"loss": output} if isinstance(output, (int, float)) else {})
            self._task.log(engine.state.metrics)

    def _finish(self, engine: Engine, fault: BaseException | None = None) -> None:
        if self._task is not None:
            self._task.finish(fault)
            self._task = None

    def _fail(self, engine: Engine, fault: BaseException) -> None:
        self._finish(engine, fault)
        # Ignite takes an exception that somebody handles as settled, and this handler settles nothing.
        if len(getattr(engine, "_event_handlers", {}).get(Events.EXCEPTION_RAISED, ())) == 1:
            raise fault
