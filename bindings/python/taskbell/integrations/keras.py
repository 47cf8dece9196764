"""For Keras: ``model.fit(..., callbacks=[TaskbellCallback()])``."""

from __future__ import annotations

from typing import Any

from keras.callbacks import Callback

from .._bell import Bell
from .._task import Task


class TaskbellCallback(Callback):
    """Reports a fit as a task: its epochs, its metrics as curves, and its end.

    Keras tells no callback of an exception: it is reported when it ends the program.
    """

    def __init__(self, name: str | None = None, *, bell: Bell | None = None, **fields: Any) -> None:
        super().__init__()
        self._name, self._bell, self._fields = name, bell, fields
        self._task: Task | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the task."""
        name = self._name or str(getattr(self.model, "name", "training"))
        self._task = Task(name, "training", self._bell, self._fields).start()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """The metrics, and how far it is."""
        if self._task is not None:
            self._task.log(logs or {})
            self._task.progress(epoch + 1, self.params.get("epochs"))

    def on_train_end(self, logs: Any = None) -> None:
        """The end, also an early one."""
        if self._task is not None:
            self._task.finish()
            self._task = None
