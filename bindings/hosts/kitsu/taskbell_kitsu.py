#!/usr/bin/env python3
"""For Kitsu: reports tasks of a production that are done, to be redone or to be reviewed.

``pip install gazu``, and keep this running: ``KITSU_HOST=https://kitsu.studio/api KITSU_LOGIN=bot@studio
KITSU_PASSWORD=… TASKBELL_CONFIG=taskbell.toml python taskbell_kitsu.py``. From
https://gazu.cg-wire.com/events/ and Zou's event ``task:status-changed``.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any

import gazu

try:
    import taskbell
except ImportError:
    sys.exit(f"taskbell_kitsu.py: nothing is sent: {sys.executable} has no package taskbell")

FLAGS = {"is_done": "success", "is_retake": "error", "is_feedback_request": None}
"""The statuses that people wait for: the others are steps on the way."""


def report(event: dict[str, Any]) -> None:
    """A task of a production has a new status: done or to be redone is its end, a review is a message."""
    try:
        status = gazu.task.get_task_status(event["new_task_status_id"])
        flag = next((flag for flag in FLAGS if status.get(flag)), None)
        if flag is None:
            return
        task = gazu.task.get_task(event["task_id"])
        words = (
            (task.get(part) or {}).get("name") for part in ("project", "sequence", "entity", "task_type")
        )
        about = {
            "id": task["id"],
            "name": " / ".join(filter(None, words)),
            "url": gazu.task.get_task_url(task),
        }
        if FLAGS[flag] is None:
            taskbell.default.emit("message", {**about, "title": f"{about['name']}: {status['name']}"})
            return
        end = {"status": FLAGS[flag], "kind": "kitsu", "webhook_params": {"notify": "manual"}}
        error = {"error": {"type": "Retake", "message": status["name"]}} if flag == "is_retake" else {}
        taskbell.on_task_complete({**about, **end, **error})
    except Exception as fault:  # gazu's own, of any kind: the next event may be read
        logging.warning("a task of Kitsu cannot be reported: %s", fault)


def connected() -> Any:
    """The client of the events, once the server takes it; gazu connects again by itself."""
    while True:
        try:
            return gazu.events.init()
        except Exception as fault:  # of socketio's own kinds
            logging.warning("the events of Kitsu do not answer: %s", fault)
            time.sleep(2)


def main() -> None:
    """Listens until it is stopped."""
    taskbell.default.sync()
    gazu.set_host(os.environ["KITSU_HOST"])
    gazu.set_event_host(os.environ.get("KITSU_EVENTS", os.environ["KITSU_HOST"].removesuffix("/api")))
    try:
        gazu.log_in(os.environ["KITSU_LOGIN"], os.environ["KITSU_PASSWORD"])
    except Exception as fault:  # gazu's own, of any kind
        sys.exit(f"taskbell_kitsu.py: Kitsu lets nobody in: {fault}")
    events = connected()
    gazu.events.add_listener(events, "task:status-changed", report)
    gazu.events.run_client(events)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
