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
from collections import OrderedDict
from typing import Any

try:
    import taskbell
except ImportError:
    sys.exit(f"taskbell_opencue.py: nothing is sent: {sys.executable} has no package taskbell")


TOPICS = ("opencue.job.events", "opencue.frame.events")
ENDS = {"JOB_FINISHED": None, "JOB_KILLED": "cancelled"}
FRAME_ENDS = {
    "FRAME_COMPLETED": "done",
    "FRAME_FAILED": "failed",
    "FRAME_EATEN": "eaten",
    "FRAME_KILLED": "killed",
}
MAX_JOBS = 10_000


class Farm:
    """The last end of each frame of the jobs that run, until the event of their end."""

    def __init__(self) -> None:
        self.frames: OrderedDict[str, dict[str, tuple[str, str]]] = OrderedDict()

    def take(self, event: dict[str, Any]) -> None:
        """An event of a topic. Some versions have the fields of ``frame`` and ``job`` at the top."""
        kind = event.get("header", {}).get("event_type", "")
        if kind in FRAME_ENDS:
            frame = {**event, **event.get("frame", {})}
            name = frame.get("name") or frame.get("frame_name") or "frame"
            ended = self.frames.setdefault(event["job_id"], {})
            ended[name] = (
                FRAME_ENDS[kind],
                f"exit status {frame.get('exit_status')} on {event.get('host_name')}",
            )
            while len(self.frames) > MAX_JOBS:
                self.frames.popitem(last=False)
        elif kind in ENDS:
            self.end(ENDS[kind], event, {**event, **event.get("job", {})})

    def end(self, status: str | None, event: dict[str, Any], about: dict[str, Any]) -> None:
        """Reports a job with what Cuebot has counted, else with what its frames were."""
        ends = self.frames.pop(about.get("id") or about["job_id"], {})
        counted = {
            name: int(number) for name, number in about.get("job_stats", {}).items() if "frames" in name
        }
        job = taskbell.Job(
            about.get("name") or about["job_name"], counted.get("total_frames"), show=about.get("show")
        )
        for name, (how, why) in ends.items():
            if how == "failed":
                job.fail(name, why)
        done = sum(how == "done" for how, _why in ends.values())
        job.succeeded = counted.get("succeeded_frames") or done
        job.failed = max(counted.get("dead_frames", 0) + counted.get("eaten_frames", 0), job.failed)
        took = int(about.get("stop_time") or 0) - int(about.get("start_time") or 0)
        more = {"duration_s": took} if took > 0 else {}
        job.finish(status=status or ("error" if job.failed else None), users=[about.get("user")], **more)


def main(servers: str) -> None:
    """Reads on from where it was, also after a restart."""
    from kafka import KafkaConsumer

    taskbell.default.sync()
    farm = Farm()
    consumer = KafkaConsumer(
        *TOPICS, bootstrap_servers=servers.split(","), group_id="taskbell", enable_auto_commit=False
    )
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
