"""For Ray Tune: ``RunConfig(callbacks=[TaskbellCallback()])``."""

from __future__ import annotations

from typing import Any

from ray.tune import Callback

from .._bell import Bell
from .._task import Task


class TaskbellCallback(Callback):
    """Reports an experiment as a task: its trials as progress, those that failed, and its end.

    A remote function of Ray is watched by ``@taskbell.watch`` below ``@ray.remote``; its worker needs
    ``TASKBELL_CONFIG``.
    """

    def __init__(self, name: str = "experiment", *, bell: Bell | None = None, **fields: Any) -> None:
        self._task = Task(name, "experiment", bell, fields)
        self._done = 0
        self._failed: list[str] = []

    def setup(self, *_arguments: Any, **_info: Any) -> None:
        """Starts the task."""
        self._task.start()

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_info: Any) -> None:
        """A trial has ended."""
        self._end_trial(trials)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **_info: Any) -> None:
        """A trial has failed."""
        self._failed.append(str(trial))
        self._end_trial(trials)

    def on_experiment_end(self, trials: Any, **_info: Any) -> None:
        """The end. It has failed if all of its trials have."""
        self._task.metrics.update(trials=len(trials), failed=len(self._failed))
        if self._failed and len(self._failed) == len(trials):
            self._task.error = f"all trials failed: {', '.join(self._failed[:5])}"
        self._task.finish()

    def _end_trial(self, trials: Any) -> None:
        self._done += 1
        self._task.progress(self._done, len(trials))
