#!/usr/bin/env python3
"""For Slurm: put this file on the controller, next to a ``taskbell.toml``, and into ``slurm.conf``

    MailProg=/opt/taskbell/taskbell_slurm.py            # jobs with --mail-type=END,FAIL
    EpilogSlurmctld=/opt/taskbell/taskbell_slurm.py     # or every job, as the hooks of taskbell.toml say

A job is a task, an array one batch. slurmctld waits for neither program. What its receiver does not take
within seconds waits for the next job or ``taskbell deliver``. From https://slurm.schedmd.com/slurm.conf.html.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    import taskbell
except ImportError:
    sys.exit(f"taskbell_slurm.py: nothing is sent: {sys.executable} has no package taskbell")


def said(name: str) -> str:
    """A variable that slurmctld sets."""
    return os.environ.get(f"SLURM_{name}", "").replace("(null)", "")


def outcome(state: str, code: str) -> dict[str, Any]:
    """How a job ended, from its state, which the epilog lacks, and its ``code:signal``."""
    state = state or ("COMPLETED" if code == "0:0" else "FAILED")
    if state in ("COMPLETED", "CANCELLED", "PREEMPTED", "REVOKED"):
        return {"status": "success" if state == "COMPLETED" else "cancelled"}
    exit_code, _, signal = code.partition(":")
    reason = f"signal {signal}" if signal.strip("0") else f"exit code {exit_code}"
    return {"status": "error", "error": {"type": state, "message": f"{state.lower()}, {reason}"}}


def took() -> dict[str, int]:
    """The time that a job ran, ``1-02:03:04``, in seconds."""
    found = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", said("JOB_RUN_TIME"))
    weights = (86400, 3600, 60, 1)
    return {"duration_s": sum(int(n or 0) * w for n, w in zip(found.groups(), weights))} if found else {}


def report_array(array: str, count: int) -> None:
    """The end of an array, which slurmctld mails once: the controller still knows its tasks."""
    job = taskbell.Job(said("JOB_NAME") or f"array {array}", count)
    line = ["scontrol", "--oneliner", "show", "job", array]
    shown = subprocess.run(line, capture_output=True, text=True, timeout=20, check=False).stdout
    for task in (dict(re.findall(r"(\w+)=(\S*)", text)) for text in shown.splitlines()):
        end = outcome(task.get("JobState", ""), task.get("ExitCode", ""))
        if end["status"] == "error":
            job.fail(f"task {task.get('ArrayTaskId')}", end["error"]["message"])
        elif end["status"] == "success":
            job.done()
    job.finish(status="error" if job.failed else None, users=[said("JOB_USER")], **took())


def report(words: list[str]) -> None:
    """Reports a mail, of which Slurm gives ``-s SUBJECT USER``, or without arguments the end of a job."""
    params = {name: said(f"JOB_{name.upper()}") for name in ("partition", "nodelist", "account")}
    task = {"kind": "slurm", **{name: said(f"JOB_{name.upper()}") for name in ("id", "name", "user")}}
    task |= {**outcome(said("JOB_STATE"), said("JOB_EXIT_CODE2")), **took(), "params": params}
    array, count = said("ARRAY_JOB_ID"), int(said("ARRAY_TASK_COUNT") or 0)
    if words and said("JOB_MAIL_TYPE") not in ("Ended", "Failed"):
        taskbell.default.emit("message", {"title": words[1]})
    elif array and words:
        report_array(array, count)
    elif array:
        taskbell.on_task_complete({**task, "batch": {"id": f"{said('JOB_NAME')} {array}", "total": count}})
    else:
        taskbell.on_task_complete({**task, "webhook_params": {"notify": "manual" if words else "normal"}})


if __name__ == "__main__":
    taskbell.init(Path(__file__).resolve().with_name("taskbell.toml"))
    report(sys.argv[1:])
