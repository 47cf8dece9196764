"""An experiment with Ray Tune. TEAM_URL is a webhook of Slack, Discord, Teams, or any other receiver."""

from typing import Any

from ray import tune

import taskbell
from taskbell.integrations.ray import TaskbellCallback


def distance(config: dict[str, Any]) -> None:
    """How far x is from 2."""
    tune.report({"distance": (config["x"] - 2) ** 2})


taskbell.init("env:TEAM_URL")
tuner = tune.Tuner(
    distance,
    param_space={"x": tune.grid_search([0, 1, 2])},
    run_config=tune.RunConfig(name="distance", callbacks=[TaskbellCallback("distance")]),
)
tuner.fit()
