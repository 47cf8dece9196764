"""A study with Optuna. TEAM_URL is a webhook of Slack, Discord, Teams, or any other receiver."""

import optuna

import taskbell
from taskbell.integrations.optuna import TaskbellCallback


def distance(trial: optuna.Trial) -> float:
    """How far x is from 2."""
    x: float = trial.suggest_float("x", -10, 10)
    return (x - 2) ** 2


taskbell.init("env:TEAM_URL")
study = optuna.create_study(study_name="distance")
with TaskbellCallback(study, trials=20) as told:
    study.optimize(distance, n_trials=20, callbacks=[told])
