#!/usr/bin/env python3
"""For AYON, checked by a stub: the real ayon-python-api, and a server that answers as its documentation says.

``pip install ayon-python-api``, and keep this running: ``AYON_SERVER_URL=https://ayon.studio
AYON_API_KEY=… TASKBELL_CONFIG=taskbell.toml python taskbell_ayon.py Approved Retake``, with the statuses to
report. The server keeps which events were reported, also over restarts. From
https://docs.ayon.dev/docs/dev_event_system/ (enroll) and https://docs.ayon.dev/ayon-python-api/.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import ayon_api

try:
    import taskbell
except ImportError:
    sys.exit(f"taskbell_ayon.py: nothing is sent: {sys.executable} has no package taskbell")

TOPICS = ["entity.task.status_changed", "entity.version.status_changed"]
PAUSE_S = 2.0


def report(event: dict[str, Any], wanted: set[str]) -> None:
    """An entity has one of the wanted statuses."""
    status = event.get("payload", {}).get("newValue", "")
    if status not in wanted:
        return
    project, entity = event.get("project", ""), event.get("summary", {}).get("entityId", "")
    folder = None
    if event["topic"].startswith("entity.task."):
        found = ayon_api.get_task_by_id(project, entity, fields={"name", "folderId"})
        folder = found and ayon_api.get_folder_by_id(project, found["folderId"], fields={"path"})
    else:
        found = ayon_api.get_version_by_id(project, entity, fields={"name"})
    path = (folder or {}).get("path", "").strip("/")
    name = " / ".join(filter(None, [project, path, (found or {}).get("name")]))
    about = {"status": status, "user": event.get("user"), "entity": entity}
    taskbell.default.emit("message", {"title": f"{name}: {status}", **about})


def take_one(wanted: set[str]) -> bool:
    """Reports the next event that nobody has reported yet, if there is one."""
    target = ayon_api.enroll_event_job(
        TOPICS, "taskbell.report", "taskbell", "Reported by Taskbell", sequential=True
    )
    if target is None:
        return False
    try:
        report(ayon_api.get_event(target["dependsOn"]), wanted)
        taskbell.default.sync()
        ayon_api.update_event(target["id"], sender="taskbell", status="finished")
    except Exception as fault:  # the API's own, of any kind: the server gives the event again
        logging.warning("an event of AYON cannot be reported: %s", fault)
        ayon_api.update_event(target["id"], sender="taskbell", status="failed", description=str(fault))
    return True


def main(wanted: set[str]) -> None:
    """Asks until it is stopped."""
    while True:
        try:
            is_busy = take_one(wanted)
        except Exception as fault:  # a server that is away
            logging.warning("AYON does not answer: %s", fault)
            is_busy = False
        if not is_busy:
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(set(sys.argv[1:]) or {"Approved", "Retake"})
