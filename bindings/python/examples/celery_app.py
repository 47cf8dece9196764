"""An application of Celery: ``celery -A celery_app worker``. TEAM_URL is a webhook of Slack, Discord, Teams,
or any other receiver."""

import os

from celery import Celery

import taskbell
from taskbell.integrations.celery import install

app = Celery(
    "farm", broker=os.environ.get("BROKER", "memory://"), backend=os.environ.get("RESULTS", "cache+memory://")
)
taskbell.init("env:TEAM_URL")
install()


@app.task
def render(frame: int) -> dict[str, float]:
    """Renders a frame, of which the 13th never succeeds."""
    if frame == 13:
        raise ValueError("no light")
    return {"seconds": 0.5, "frame": frame}
