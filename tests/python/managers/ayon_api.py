"""A stub of ayon-python-api 1.2: a queue of events that ``enroll_event_job`` hands out one by one."""

from __future__ import annotations

import json
import sys

EVENTS = [
    {"id": "e1", "topic": "entity.task.status_changed", "payload": {"newValue": "In progress"}},
    {"id": "e2", "topic": "entity.task.status_changed", "payload": {"newValue": "Approved"}},
    {"id": "e3", "topic": "entity.version.status_changed", "payload": {"newValue": "Approved"}},
    {"id": "e4", "topic": "entity.task.status_changed", "payload": {"newValue": "Approved"}, "gone": True},
]


def enroll_event_job(source_topic, target_topic, sender, description=None, sequential=None):
    assert source_topic == ["entity.task.status_changed", "entity.version.status_changed"]
    if not EVENTS:
        # Nothing is left: a service would ask again and again.
        sys.exit(0)
    return {"id": f"target-{EVENTS[0]['id']}", "dependsOn": EVENTS[0]["id"], "hash": "", "status": "pending"}


def get_event(event_id):
    event = EVENTS.pop(0)
    assert event["id"] == event_id
    about = {"project": "film", "user": "ada", "summary": {"entityId": "x1", "parentId": "f1"}}
    if event.pop("gone", False):
        about["summary"]["entityId"] = "gone"
    return {**about, **event}


def update_event(event_id, sender=None, status=None, description=None):
    print(json.dumps([event_id, status]))


def get_task_by_id(project_name, task_id, fields=None):
    if task_id == "gone":
        raise ValueError("the entity is gone")
    return {"name": "animation", "folderId": "f1"}


def get_version_by_id(project_name, version_id, fields=None):
    return {"name": "v003"}


def get_folder_by_id(project_name, folder_id, fields=None):
    return {"path": "/shots/sh042"}
