"""For the Trainer of Transformers: ``Trainer(..., callbacks=[TaskbellCallback()])``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from .._bell import Bell
from .._task import Task


class TaskbellCallback(TrainerCallback):
    """Reports a training as a task: its steps, its losses as a curve, and its end.

    The Trainer tells no callback of an exception: it is reported when it ends the program.
    """

    def __init__(self, name: str | None = None, *, bell: Bell | None = None, **fields: Any) -> None:
        self._name, self._bell, self._fields = name, bell, fields
        self._task: Task | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_more: Any) -> None:
        """Starts the task, on the first process."""
        if state.is_world_process_zero:
            name = self._name or args.run_name or args.output_dir or "training"
            self._task = Task(str(name), "training", self._bell, self._fields).start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_more: Any) -> None:
        """How far it is."""
        if self._task is not None:
            self._task.progress(state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_more: Any) -> None:
        """Losses, rates, and at the end the summary."""
        if self._task is not None and isinstance(logs, Mapping):
            self._task.log(logs)

    def on_train_end(self, args: Any, state: Any, control: Any, **_more: Any) -> None:
        """The end, also an early one."""
        if self._task is not None:
            if state.best_model_checkpoint:
                self._task.output(state.best_model_checkpoint)
            self._task.finish()
            self._task = None
