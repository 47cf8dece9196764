#!/usr/bin/env python3
"""For OpenCue, checked by a stub: events made with its protocol (opencue-proto), without a Cuebot.

Set ``monitoring.kafka.enabled=true`` for Cuebot, ``pip install kafka-python lz4``, and keep this running:
``TASKBELL_CONFIG=taskbell.toml python taskbell_opencue.py kafka:9092``. From
https://docs.opencue.io/docs/concepts/monitoring/ and cuebot's KafkaEventPublisher.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

try:
    import taskbell
except ImportError:
    sys.exit(f"taskbell_opencue.py: nothing is sent: {sys.executable} has no package taskbell")

TOPICS = ("opencue.job.events", "opencue.frame.events")
ENDS = {"JOB_FINISHED": None, "JOB_KILLED": "cancelled"}
FRAME_ENDS = ("FRAME_COMPLETED", "FRAME_FAILED", "FRAME_EATEN", "FRAME_KILLED")
COUNTED = ("total", "succeeded", "dead", "eaten")
MAX_JOBS = 10_000


class Farm:
    """The last end of each frame of the jobs that run, until the event of their end."""

    def __init__(self) -> None:
        self.frames: dict[str, dict[str, tuple[str, str]]] = {}

    def take(self, event: dict[str, Any]) -> None:
        """An event of a topic. Some versions have the fields of ``frame`` and ``job`` at the top."""
        kind = event.get("header", {}).get("event_type", "")
        if kind in FRAME_ENDS:
            frame = {**event, **event.get("frame", {})}
            name = frame.get("name") or frame.get("frame_name") or "frame"
            reason = f"exit status {frame.get('exit_status')} on {event.get('host_name')}"
            self.frames.setdefault(event["job_id"], {})[name] = kind, reason
            if len(self.frames) > MAX_JOBS:
                del self.frames[next(iter(self.frames))]
        elif kind in ENDS:
            self.end(ENDS[kind], {**event, **event.get("job", {})})

    def end(self, status: str | None, about: dict[str, Any]) -> None:
        """Reports a job with what Cuebot has counted, else with what its frames were."""
        counted = about.get("job_stats", {})
        total, succeeded, dead, eaten = (int(counted.get(f"{kind}_frames", 0)) for kind in COUNTED)
        job = taskbell.Job(about.get("name") or about["job_name"], total, show=about.get("show"))
        for name, (kind, reason) in self.frames.pop(about.get("id") or about["job_id"], {}).items():
            job.succeeded += kind == "FRAME_COMPLETED"
            if kind == "FRAME_FAILED":
                job.fail(name, reason)
        job.succeeded, job.failed = succeeded or job.succeeded, max(dead + eaten, job.failed)
        times = [int(about.get(name) or 0) for name in ("start_time", "stop_time")]
        took = {"duration_s": times[1] - times[0]} if all(times) else {}
        job.finish(status=status or ("error" if job.failed else None), users=[about.get("user")], **took)


def main(servers: str) -> None:
    """Reads on from where it was, also after a restart."""
    from kafka import KafkaConsumer

    taskbell.default.sync()
    options = {"bootstrap_servers": servers.split(","), "group_id": "taskbell", "enable_auto_commit": False}
    farm, consumer = Farm(), KafkaConsumer(*TOPICS, **options)
    for record in consumer:
        try:
            farm.take(json.loads(record.value))
        except (ValueError, KeyError, TypeError) as fault:
            logging.warning("an event of OpenCue cannot be read: %r", fault)
        taskbell.default.sync()
        consumer.commit()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(sys.argv[1])
