"""Batches, idle queues and unusual runs, told through the library."""

from __future__ import annotations

import random

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
        hosts[at % 2].call("task_complete", task)
        if at % 50 == 0:
            hosts[1 - at % 2].call("task_complete", task)
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
        hosts[number % 2].call("task_complete", frame(number, status="error" if number < 2 else "success"))
    hosts[0].kill()
    hosts[0] = host(setup)
    for number in range(120, 200):
        hosts[number % 2].call("task_complete", frame(number))
    receiver.wait_for(1)
    batch = ended_once(receiver, 200, 2)
    assert {failure["id"] for failure in batch["failures"]} == {"frame-0", "frame-1"}
    for one in hosts:
        one.close()
    ended_once(receiver, 200, 2)
