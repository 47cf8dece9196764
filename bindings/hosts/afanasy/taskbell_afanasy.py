#!/usr/bin/env python3
"""For Afanasy of CGRU 3.4 or later, checked by a stub written from its source, without a real afserver.

Put this on the renders that run system jobs, and name it in the custom data of a job, a user or a branch:
``{"events": {"JOB_DONE": {"methods": ["/opt/taskbell/taskbell_afanasy.py"]}}}``, and so for ``JOB_ERROR``.
Afanasy calls it with ``-jobname "shot 042" -jobserial 17``. TASKBELL_CONFIG, or /etc/taskbell/taskbell.toml,
is the configuration. From https://cgru.readthedocs.io/ and afanasy/python/services/events.py.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

import af

try:
    import taskbell
except ImportError:
    sys.exit(f"taskbell_afanasy.py: nothing is sent: {sys.executable} has no package taskbell")

CONFIG = os.environ.get("TASKBELL_CONFIG", "/etc/taskbell/taskbell.toml")


def job_of(serial: int) -> dict[str, Any] | None:
    """The job with its blocks, as afserver has it: it writes a count only where it is not zero."""
    commands = af.Cmd()
    found = [job for job in commands.getJobList() or [] if job.get("serial") == serial]
    full = commands.getJobInfo(found[0]["id"]) if found else None
    return full[0] if full else None


def report(name: str, job: dict[str, Any]) -> None:
    """One batch for the job; its failures are the blocks with failed tasks."""
    blocks = job.get("blocks", [])
    one = taskbell.Job(name, sum(block.get("tasks_num", 0) for block in blocks), project=job.get("project"))
    for block in blocks:
        one.succeeded += block.get("p_tasks_done", 0)
        one.cancelled += block.get("p_tasks_skipped", 0)
        if failed := block.get("p_tasks_error", 0):
            one.failed += failed
            one.name_failure(block["name"], f"{failed} of {block.get('tasks_num')} tasks have failed")
    took = job.get("time_done", 0) - job.get("time_started", 0)
    more = {"duration_s": took} if took > 0 else {}
    one.finish(status="error" if one.failed else None, users=[job.get("user_name")], **more)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description="Reports the end of a job of Afanasy.")
    words.add_argument("-jobname", required=True)
    words.add_argument("-jobserial", type=int, required=True)
    given = words.parse_args()
    taskbell.init(CONFIG)
    about = job_of(given.jobserial)
    if about is None:
        taskbell.default.emit("message", {"title": f"{given.jobname} has ended"})
    else:
        report(given.jobname, about)
