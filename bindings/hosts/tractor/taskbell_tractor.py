#!/usr/bin/env python3
"""For Tractor 2, checked by a stub written from its documentation, not with a real engine.

Give each job a postscript, as ``job.newPostscript(argv=["taskbell_tractor.py", "%j"], when="always")`` of
``tractor.api.author``, and put this on the blades that run it; TASKBELL_CONFIG, or
/etc/taskbell/taskbell.toml, is the configuration. From https://rmanwiki.pixar.com/display/TRA/Scripting
(postscripts, ``tractor.api.query``).
"""

from __future__ import annotations

import os
import sys
from typing import Any

import tractor.api.query as tq

try:
    import taskbell
except ImportError:
    sys.exit(f"taskbell_tractor.py: nothing is sent: {sys.executable} has no package taskbell")

CONFIG = os.environ.get("TASKBELL_CONFIG", "/etc/taskbell/taskbell.toml")
COLUMNS = ["jid", "title", "owner", "numtasks", "numdone", "numerror", "elapsedsecs"]


def report(job: dict[str, Any], failed: list[dict[str, Any]]) -> None:
    """One batch for the job, with the titles of its failed tasks."""
    one = taskbell.Job(job["title"] or f"job {job['jid']}", job["numtasks"], jid=job["jid"])
    one.succeeded, one.failed = job["numdone"], job["numerror"]
    for task in failed:
        one.name_failure(f"{task['tid']} {task['title']}", f"exit code {task.get('Invocation.rcode')}")
    status = "error" if one.failed else None
    one.finish(status=status, users=[job["owner"]], duration_s=max(float(job["elapsedsecs"] or 0), 0.0))


def main(jid: int) -> None:
    """Asks the engine, which counts."""
    jobs = tq.jobs(f"jid={jid}", columns=COLUMNS)
    if not jobs:
        taskbell.default.emit("message", {"title": f"job {jid} of Tractor has ended"})
        return
    columns = ["jid", "tid", "title", "Invocation.rcode"]
    report(jobs[0], tq.tasks(f"jid={jid} and error", columns=columns, limit=20))


if __name__ == "__main__":
    taskbell.init(CONFIG)
    main(int(sys.argv[1]))
