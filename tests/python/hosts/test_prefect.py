"""Real runs of flows of Prefect, with a server of their own."""

from __future__ import annotations

import sys

from examples import batches, need_host, surroundings
from tools import attempt

need_host("prefect")

FLOW = """
import os
from prefect import flow, task
import taskbell
from taskbell.integrations.prefect import HOOKS

taskbell.init("env:TEAM_URL")

@task
def render(frame):
    if frame == 13:
        raise ValueError("no light")
    return frame

@flow(name="shot 042", **HOOKS)
def shot(*frames):
    wait = [render.submit(frame) for frame in frames]
    return [one.result() for one in wait]

if __name__ == "__main__":
    shot(11, 12)
    shot(12, 13)
"""


def test_a_run_of_a_flow_is_a_batch_that_says_which_tasks_failed(tmp_path, receive):
    receiver = receive()
    (tmp_path / "flows.py").write_text(FLOW)
    quiet = {"PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    slow = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
    done = attempt(
        sys.executable, "flows.py", cwd=tmp_path, env=surroundings(receiver, tmp_path, **quiet, **slow)
    )
    assert "ValueError: no light" in done.stdout
    first, second = batches(receiver, 2)
    assert first["id"].startswith("shot 042 ")
    assert (first["status"], first["total"], first["succeeded"]) == ("success", 2, 2), done.stdout
    assert (second["status"], second["total"], second["failed"]) == ("error", 2, 1), done.stdout
    (failed,) = second["failures"]
    assert failed["name"].startswith("render-")
    assert "no light" in failed["error"]["message"]
    assert second["duration_s"] >= 0
