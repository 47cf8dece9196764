"""A stub of gazu 1.3: what Zou's event ``task:status-changed`` and its models have."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace as Thing

FLAGS = {"is_done": False, "is_retake": False, "is_feedback_request": False}
STATUSES = {
    "done": {**FLAGS, "name": "Done", "is_done": True},
    "retake": {**FLAGS, "name": "Retake", "is_retake": True},
    "wfa": {**FLAGS, "name": "Waiting for approval", "is_feedback_request": True},
    "wip": {**FLAGS, "name": "Work in progress"},
}
TASK = {
    "id": "t1",
    "project": {"name": "Film"},
    "sequence": {"name": "SQ01"},
    "entity": {"name": "SH042"},
    "task_type": {"name": "Animation"},
}
_listeners = {}
_refusals = ["One or more namespaces failed to connect"]


def set_host(url):
    assert url == "https://kitsu.example/api"


def set_event_host(url):
    assert url == "https://kitsu.example"


def log_in(email, password):
    assert (email, password) == ("bot", "secret-of-kitsu")


def _get_status(task_status_id):
    if task_status_id == "away":
        raise ConnectionError("the server is away")
    return STATUSES[task_status_id]


def _init():
    """Refuses its first caller, as a server that is not up yet does."""
    if _refusals:
        raise ConnectionError(_refusals.pop())
    return Thing()


def _run(client):
    """Sends the events that its host's arguments name."""
    for status in sys.argv[1:]:
        event = {
            "task_id": "t1",
            "new_task_status_id": status,
            "previous_task_status_id": "wip",
            "person_id": "p",
        }
        _listeners["task:status-changed"](json.loads(json.dumps(event)))


task = Thing(
    get_task_status=_get_status,
    get_task=lambda task_id: {**TASK, "id": task_id},
    get_task_url=lambda task: f"https://kitsu.example/tasks/{task['id']}",
)
events = Thing(
    init=_init,
    add_listener=lambda client, name, handler: _listeners.__setitem__(name, handler),
    run_client=_run,
)
