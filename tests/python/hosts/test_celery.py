"""A real worker of Celery, with a broker in a folder."""

from __future__ import annotations

import contextlib
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
for frame in (12, 13):
    render.delay(frame)
"""

ENDED = """

import signal, time
@app.task
def ended(how):
    if how == "lost":
        os.kill(os.getpid(), signal.SIGKILL)
    open(os.environ["QUEUE"] + "/runs", "w").close()
    time.sleep(240)
"""

SEND_ENDED = """
import os, time
from celery_app import app, ended
ended.apply_async(("late",), expires=-5, task_id="late")
ended.apply_async(("lost",), task_id="lost")
ended.apply_async(("long",), task_id="long")
while not os.path.exists(os.environ["QUEUE"] + "/runs"):
    time.sleep(0.05)
app.control.revoke("long", terminate=True)
"""


class Farm:
    """The application of the example with a broker in a folder, and a worker of it."""

    def __init__(self, folder, receiver, more=""):
        self.folder = folder
        configured = '\n\napp.config_from_object("celeryconfig")\n'
        (folder / "celery_app.py").write_text((EXAMPLES / "celery_app.py").read_text() + more + configured)
        (folder / "celeryconfig.py").write_text(CONFIGURED)
        (folder / "queue").mkdir()
        queue = {"BROKER": "filesystem://", "QUEUE": str(folder / "queue")}
        self.env = surroundings(receiver, folder, **queue)

    def send(self, code):
        run(sys.executable, "-c", code, cwd=self.folder, env=self.env)

    @contextlib.contextmanager
    def worker(self, pool):
        line = ["-m", "celery", "-A", "celery_app", "worker", "--pool", pool, "--concurrency", "2"]
        with (self.folder / "worker.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *line], cwd=self.folder, env=self.env, stdout=log, stderr=log
            )
            try:
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_worker_reports_what_its_tasks_came_to(tmp_path, receive, pool):
    receiver = receive()
    farm = Farm(tmp_path, receiver)
    farm.send(SEND)
    with farm.worker(pool):
        found = {task["status"]: task for task in tasks(receiver, 2)}
    assert set(found) == {"success", "error"}
    assert {task["name"] for task in found.values()} == {"celery_app.render"}
    assert found["success"]["metrics"] == {"seconds": 0.5, "frame": 12}
    assert (found["error"]["error"]["type"], found["error"]["error"]["message"]) == ("ValueError", "no light")
    assert "in render" in found["error"]["error"]["traceback"]


def test_a_worker_that_is_lost_and_tasks_that_are_revoked_or_too_late_are_reported(tmp_path, receive):
    receiver = receive()
    farm = Farm(tmp_path, receiver, ENDED)
    with farm.worker("prefork"):
        farm.send(SEND_ENDED)
        found = {task["id"]: task for task in tasks(receiver, 3)}
    assert {name: task["status"] for name, task in found.items()} == {
        "late": "cancelled",
        "lost": "error",
        "long": "cancelled",
    }
    assert {task["name"] for task in found.values()} == {"celery_app.ended"}
    assert found["lost"]["error"]["type"] == "WorkerLostError"
