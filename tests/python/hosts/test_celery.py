"""A real worker of Celery, with a broker in a folder."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from examples import EXAMPLES, need_host, surroundings, tasks
from tools import run

need_host("celery")

CONFIGURED = """
import os
broker_transport_options = {name: os.environ["QUEUE"] for name in ("data_folder_in", "data_folder_out")}
broker_transport_options["control_folder"] = os.environ["QUEUE"] + "/control"
"""

SEND = """
from celery_app import app, render
app.config_from_object("celeryconfig")
for frame in (12, 13):
    render.delay(frame)
"""


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_worker_reports_what_its_tasks_came_to(tmp_path, receive, pool):
    receiver = receive()
    (tmp_path / "celery_app.py").write_text(
        (EXAMPLES / "celery_app.py").read_text() + '\n\napp.config_from_object("celeryconfig")\n'
    )
    (tmp_path / "celeryconfig.py").write_text(CONFIGURED)
    (tmp_path / "queue").mkdir()
    env = surroundings(receiver, tmp_path, BROKER="filesystem://", QUEUE=str(tmp_path / "queue"))
    run(sys.executable, "-c", SEND, cwd=tmp_path, env=env)
    worker = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "celery_app",
        "worker",
        "--pool",
        pool,
        "--concurrency",
        "2",
    ]
    with (tmp_path / "worker.log").open("w") as log:
        process = subprocess.Popen(worker, cwd=tmp_path, env=env, stdout=log, stderr=log)
        try:
            found = {task["status"]: task for task in tasks(receiver, 2)}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert set(found) == {"success", "error"}
    assert {task["name"] for task in found.values()} == {"celery_app.render"}
    assert found["success"]["metrics"] == {"seconds": 0.5, "frame": 12}
    assert (found["error"]["error"]["type"], found["error"]["error"]["message"]) == ("ValueError", "no light")
    assert "in render" in found["error"]["error"]["traceback"]
