#!/usr/bin/env python3
"""For Flamenco 3.5 or later, checked by a stub of its manager, written from its OpenAPI, and a real broker.

Set ``mqtt: client: broker`` in ``flamenco-manager.yaml``, ``pip install paho-mqtt``, and keep this running:
``TASKBELL_CONFIG=taskbell.toml python taskbell_flamenco.py http://manager:8080 broker:1883``. From
https://flamenco.blender.org/usage/manager-configuration/mqtt/ and pkg/api/flamenco-openapi.yaml.
"""

from __future__ import annotations

import json
import logging
import sys
import urllib.request
from datetime import datetime
from typing import Any

try:
    import taskbell
except ImportError:
    sys.exit(f"taskbell_flamenco.py: nothing is sent: {sys.executable} has no package taskbell")

ENDS = {"completed": None, "failed": "error", "canceled": "cancelled"}
TOPIC = "flamenco/jobs"


def seconds(instant: str) -> float:
    """A date and time of the manager, to the second."""
    return datetime.strptime(instant[:19], "%Y-%m-%dT%H:%M:%S").timestamp()


def get(manager: str, path: str) -> str:
    """An answer of the manager's API, as text."""
    with urllib.request.urlopen(f"{manager.rstrip('/')}/api/v3/{path}", timeout=20) as answer:
        return str(answer.read().decode("utf-8", "replace"))


def report(manager: str, update: dict[str, Any]) -> None:
    """An ``EventJobUpdate``: reports a job that has just ended, as one batch."""
    status = update.get("status", "")
    if status not in ENDS or status == update.get("previous_status") or update.get("was_deleted"):
        return
    about = json.loads(get(manager, f"jobs/{update['id']}"))
    tasks = json.loads(get(manager, f"jobs/{update['id']}/tasks")).get("tasks") or []
    job = taskbell.Job(about.get("name") or update["id"], len(tasks), job_id=update["id"])
    for task in tasks:
        if task["status"] == "completed":
            job.done()
        elif task["status"] in ("failed", "soft-failed"):
            log = get(manager, f"tasks/{task['id']}/logtail") if job.failed < 20 else ""
            job.fail(task["name"], log.strip().rpartition("\n")[2] or None)
    took = seconds(about["updated"]) - seconds(about["created"])
    users = [about.get("metadata", {}).get("user.name", "")]
    error = about.get("activity") if status == "failed" else None
    job.finish(error, status=ENDS[status], users=users, duration_s=took)


def main(manager: str, broker: str) -> None:
    """Listens until it is stopped."""
    import paho.mqtt.client as mqtt

    def received(_client: Any, _userdata: Any, message: Any) -> None:
        try:
            report(manager, json.loads(message.payload))
        except (OSError, ValueError, KeyError) as fault:
            logging.warning("a job of Flamenco cannot be reported: %s", fault)

    taskbell.default.sync()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="taskbell", clean_session=False)
    client.on_message = received
    client.on_connect = lambda client, *_more: client.subscribe(TOPIC, qos=1)
    host, _, port = broker.partition(":")
    client.connect(host, int(port or 1883))
    client.loop_forever(retry_first_connection=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(sys.argv[1], sys.argv[2])
