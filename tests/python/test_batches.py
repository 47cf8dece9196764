"""Batches, idle queues and unusual runs, told through the library."""

from __future__ import annotations

import random
import sqlite3

from bells import endpoint, eventually, settings
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


def test_a_batch_ends_once_in_any_order_and_over_restarts(tmp_path, receive, ring):
    receiver = receive()
    setup = config(tmp_path, receiver, {"on": ["batch.end", "test.event"]})
    numbers = [*range(200), *range(0, 200, 7)]
    random.Random(5).shuffle(numbers)
    for start in range(0, len(numbers), 50):
        bell = ring(setup)
        for number in numbers[start : start + 50]:
            bell.task_complete(frame(number, status="error" if number == 3 else "success", duration_s=2))
        bell.close(20)
    bell = ring(setup)
    bell.emit("test.event")
    eventually(
        "the last event", lambda: any(r.json()["type"] == "test.event" for r in list(receiver.requests))
    )
    (batch,) = told(receiver, "batch.end")
    assert (batch["id"], batch["name"], batch["expected"]) == ("shot-12", "film", 200)
    assert (batch["total"], batch["succeeded"], batch["failed"]) == (200, 199, 1)
    assert batch["failures"][0]["id"] == "frame-3"
    assert batch["task_seconds"]["mean"] == 2


def test_a_batch_that_stands_still_is_told_of_once(tmp_path, receive, ring):
    receiver = receive()
    hook = {"on": ["batch.stalled", "batch.end"]}
    bell = ring(config(tmp_path, receiver, hook, batch_stall="1s"))
    bell.task_complete(frame(1, total=2))
    receiver.wait_for(1)
    (stalled,) = told(receiver, "batch.stalled")
    assert (stalled["id"], stalled["total"], stalled["expected"]) == ("shot-12", 1, 2)
    bell.task_complete(frame(2, total=2))
    receiver.wait_for(2)
    assert len(told(receiver, "batch.end")) == len(told(receiver, "batch.stalled")) == 1


def test_a_queue_falls_idle_and_its_start_is_told(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(config(tmp_path, receiver, {"on": ["queue.start", "queue.end"]}, idle_end="1s"))
    bell.task_complete({"queue": "night", "duration_s": 3})
    bell.task_complete({"queue": "night"})
    receiver.wait_for(2)
    (start,), (end,) = told(receiver, "queue.start"), told(receiver, "queue.end")
    assert (start["name"], start["derived"]) == ("night", True)
    assert (end["name"], end["derived"], end["total"]) == ("night", True, 2)
    assert 3 <= end["duration_s"] < 4, "the silence is no part of the work"


def test_an_unusually_long_run_is_told_of_after_restarts_too(tmp_path, receive, ring):
    receiver = receive()
    setup = config(tmp_path, receiver, {"on": ["task.complete"], "relative": 1.5})
    bell = ring(setup)
    for _ in range(5):
        bell.task_complete({"kind": "image", "duration_s": 10})
    bell.close(20)
    bell = ring(setup)
    bell.task_complete({"kind": "video", "duration_s": 1000})
    bell.task_complete({"kind": "image", "duration_s": 14})
    bell.task_complete({"kind": "image", "duration_s": 16})
    (request,) = receiver.wait_for(1)
    task = request.json()["data"]["task"]
    assert (task["kind"], task["duration_s"], task["usual_s"]) == ("image", 16, 10)
    bell.close(20)
    assert len(receiver.requests) == 1
    spool = sqlite3.connect(tmp_path / "bell.db")
    (why,) = spool.execute("SELECT why FROM deliveries").fetchone()
    spool.close()
    assert why == "it took 16 s where 10 s is usual, relative is 1.5"
