"""Batches, idle queues and unusual runs, told through the library."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

from bells import endpoint, settings
from receiver import Receiver


def config(tmp_path, receiver: Receiver, *hooks, **queue):
    """A configuration whose hooks all ring at one receiver."""
    return settings(
        tmp_path,
        endpoints={"e0": endpoint(receiver.url(), concurrency=1)},
        queue={"end_delay": "50ms", **queue},
        hooks=[{"to": ["e0"], **hook} for hook in hooks],
    )


def told(receiver: Receiver, kind: str) -> list[dict]:
    about = kind.split(".")[0]
    bodies = [request.json() for request in list(receiver.requests)]
    return [body["data"][about] for body in bodies if body["type"] == kind]


def frame(number: int, total: int = 200, **more):
    return {"id": f"frame-{number}", "queue": "film", "batch": {"id": "shot-12", "total": total}, **more}


HOST = """
import json, sys, taskbell
bell = taskbell.Bell(sys.argv[1])
for line in sys.stdin:
    task = json.loads(line)
    bell.task_complete(task)
    print(task["id"], flush=True)
bell.close(20)
"""


class Host:
    """A host in a process of its own, which reports the tasks it is given."""

    def __init__(self, setup: dict) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOST, json.dumps(setup)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def report(self, task: dict) -> None:
        """Returns once the library has accepted the task."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == task["id"]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)

    def close(self) -> None:
        _, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0


@pytest.fixture
def host():
    """Starts hosts that end with the test: ``host(setup)``."""
    started: list[Host] = []

    def start(setup: dict) -> Host:
        started.append(Host(setup))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def ended_once(receiver: Receiver, total: int, failed: int) -> dict:
    """The summary of the one batch that ended."""
    (batch,) = told(receiver, "batch.end")
    assert (batch["id"], batch["total"], batch["expected"]) == ("shot-12", total, total)
    assert (batch["succeeded"], batch["failed"]) == (total - failed, failed)
    return batch


def test_two_living_hosts_make_one_batch_and_it_ends_once(tmp_path, receive, host, ring):
    receiver = receive()
    setup = config(tmp_path, receiver, {"on": ["batch.end", "test.event"]})
    hosts = [host(setup), host(setup)]
    numbers = list(range(200))
    random.Random(7).shuffle(numbers)
    for at, number in enumerate(numbers):
        status = "error" if number % 10 == 0 else "success"
        task = frame(number, status=status, user=f"user-{at % 2}", duration_s=2)
        hosts[at % 2].report(task)
        if at % 50 == 0:
            hosts[1 - at % 2].report(task)
    receiver.wait_for(1)
    batch = ended_once(receiver, 200, 20)
    assert sorted(batch["users"]) == ["user-0", "user-1"]
    assert len(batch["failures"]) == 20
    for one in hosts:
        one.close()
    bell = ring(setup)
    bell.task_complete(frame(numbers[0]))
    bell.emit("test.event")
    receiver.wait_for(2)
    ended_once(receiver, 200, 20)


def test_a_host_that_is_killed_half_way_leaves_its_part_to_the_other(tmp_path, receive, host):
    receiver = receive()
    setup = config(tmp_path, receiver, {"on": ["batch.end"]})
    hosts = [host(setup), host(setup)]
    for number in range(120):
        hosts[number % 2].report(frame(number, status="error" if number < 2 else "success"))
    hosts[0].kill()
    hosts[0] = host(setup)
    for number in range(120, 200):
        hosts[number % 2].report(frame(number))
    receiver.wait_for(1)
    batch = ended_once(receiver, 200, 2)
    assert {failure["id"] for failure in batch["failures"]} == {"frame-0", "frame-1"}
    for one in hosts:
        one.close()
    ended_once(receiver, 200, 2)
