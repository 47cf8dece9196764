"""For Lightning: ``Trainer(..., callbacks=[TaskbellCallback()])``."""

from __future__ import annotations

from typing import Any

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:  # the package under its former name
    from pytorch_lightning.callbacks import Callback  # type: ignore[assignment,unused-ignore]

from .._bell import Bell
from .._task import Task


class TaskbellCallback(Callback):
    """Reports a fit as a task: its steps, its metrics as curves, and its end or its exception."""

    def __init__(self, name: str | None = None, *, bell: Bell | None = None, **fields: Any) -> None:
        self._name, self._bell, self._fields = name, bell, fields
        self._task: Task | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Starts the task, on the first process."""
        if trainer.is_global_zero:
            name = self._name or type(pl_module).__name__
            self._task = Task(name, "training", self._bell, self._fields).start()

    def on_train_batch_end(self, trainer: Any, *_arguments: Any, **_more: Any) -> None:
        """How far it is."""
        if self._task is not None:
            steps = trainer.estimated_stepping_batches
            self._task.progress(trainer.global_step, None if steps == float("inf") else int(steps))

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """The metrics that the module has logged."""
        if self._task is not None:
            self._task.log(trainer.callback_metrics)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """The end, also an early one."""
        best = getattr(trainer.checkpoint_callback, "best_model_path", "")
        if self._task is not None and best:
            self._task.output(best)
        self._finish(None)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """What ended it."""
        self._finish(exception)

    def _finish(self, fault: BaseException | None) -> None:
        if self._task is not None:
            self._task.finish(fault)
            self._task = None
