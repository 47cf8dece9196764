"""A real worker of RQ, with a real Redis."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from examples import batches, need_host, surroundings, tasks
from tools import need, run

need_host("rq")

WORK = """
import os, signal
def render(frame):
    if frame == 13:
        raise ValueError("no light")
    if frame == 14:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"frame": frame}
"""

SEND = """
import sys
from redis import Redis
from rq import Queue
from rq.group import Group
queue = Queue(connection=Redis(unix_socket_path="redis.sock"))
frames = [int(word) for word in sys.argv[2:]]
if sys.argv[1]:
    jobs = [Queue.prepare_data("work.render", args=(frame,)) for frame in frames]
    Group.create(connection=queue.connection, name=sys.argv[1]).enqueue_many(queue, jobs)
else:
    for frame in frames:
        queue.enqueue("work.render", frame)
"""


@pytest.fixture
def farm(tmp_path, receive):
    """Puts frames into a queue, one by one or as a group, and works them off."""
    (tmp_path / "work.py").write_text(WORK)
    receiver = receive()
    socket = tmp_path / "redis.sock"
    words = [need("redis-server"), "--port", "0", "--unixsocket", socket, "--save", "", "--dir", tmp_path]
    with (tmp_path / "redis.log").open("w") as log:
        redis = subprocess.Popen([str(word) for word in words], stdout=log, stderr=log)
    end = time.monotonic() + 30
    while not socket.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    env = surroundings(receiver, tmp_path, TASKBELL_CONFIG=receiver.url())

    def work(group, *frames):
        run(sys.executable, "-c", SEND, group, *frames, cwd=tmp_path, env=env)
        worker = ["--worker-class", "taskbell.integrations.rq.TaskbellWorker", "--burst"]
        url = f"unix://{socket}"
        run(sys.executable, "-m", "rq.cli", "worker", "-u", url, *worker, cwd=tmp_path, env=env)
        return receiver

    yield work
    redis.terminate()
    redis.wait(30)


def test_a_worker_reports_what_its_jobs_came_to_a_lost_one_too(farm):
    ends = tasks(farm("", 12, 13, 14), 3)
    found = {task.get("metrics", {}).get("frame") or task["error"].get("type"): task for task in ends}
    assert {task["name"] for task in ends} == {"work.render"}
    assert (found[12]["status"], found[12]["duration_s"] >= 0) == ("success", True)
    assert found["ValueError"]["error"]["message"] == "no light"
    assert "in render" in found["ValueError"]["error"]["traceback"]
    assert found[None]["status"] == "error"
    assert "terminated unexpectedly" in found[None]["error"]["message"]


def test_a_group_is_a_batch_with_one_message(farm):
    receiver = farm("shot 042", 11, 12, 13)
    (batch,) = batches(receiver)
    assert (batch["id"], batch["total"], batch["succeeded"], batch["failed"]) == ("shot 042", 3, 2, 1)
    (failed,) = batch["failures"]
    assert (failed["name"], failed["error"]["message"]) == ("work.render", "no light")
    assert [request.json()["type"] for request in receiver.requests] == ["batch.end"]
