"""For Optuna: ``with TaskbellCallback(study) as told: study.optimize(..., callbacks=[told])``."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import optuna
from optuna.trial import TrialState

from .._bell import Bell
from .._faults import noted
from .._task import Task


class TaskbellCallback:
    """Reports a study as a task: its trials as progress, its best value and parameters, and its end.

    ``trials`` is the number of trials that there will be, where it is known.
    """

    def __init__(
        self, study: optuna.Study, trials: int | None = None, *, bell: Bell | None = None, **fields: Any
    ) -> None:
        self._study, self._trials = study, trials
        self._task = Task(study.study_name, "study", bell, fields)
        self._done = 0

    def __call__(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        """A trial has ended."""
        self._done += 1
        if trial.state == TrialState.COMPLETE and len(trial.values) == 1:
            self._task.log({"value": trial.value})
        self._task.progress(self._done, self._trials)

    def __enter__(self) -> TaskbellCallback:
        self._task.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        states = [trial.state for trial in self._study.get_trials(deepcopy=False)]
        self._task.metrics["trials"] = len(states)
        self._task.metrics["failed"] = states.count(TrialState.FAIL)
        with noted(False):
            if TrialState.COMPLETE in states and len(self._study.directions) == 1:
                self._task.metrics["best"] = self._study.best_value
                self._task.fields["params"] = self._study.best_params
        self._task.finish(fault)
