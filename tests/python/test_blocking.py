"""Hooks that a host waits for: the start of its queue and its own end. A dead receiver holds no host."""

from __future__ import annotations

import socket
import time

import pytest

from bells import endpoint, query, settings
from steps import Hang, Reply

LIMIT_S = 0.5
SLACK_S = 2.0
"""What a loaded machine may take for itself."""


def setup(tmp_path, url):
    hooks = [{"on": ["queue.start", "server.stop"], "to": ["e0"]}]
    return settings(tmp_path, endpoints={"e0": endpoint(url, timeout="30s")}, hooks=hooks)


@pytest.mark.parametrize("kind", ["queue.start", "server.stop"])
def test_a_host_goes_on_as_soon_as_the_receiver_has_answered(tmp_path, receive, ring, kind):
    receiver = receive(default=Reply(200, b"done"))
    bell = ring(setup(tmp_path, receiver.url()))
    ticket = bell.emit(kind, {"name": "default"})
    assert bell.wait(ticket, 20)
    assert [request.json()["type"] for request in receiver.requests] == [kind]


@pytest.mark.parametrize("kind", ["queue.start", "server.stop"])
@pytest.mark.parametrize("fault", ["hangs", "refuses", "never accepts", "answers 500"])
def test_bug_7_a_dead_receiver_never_holds_the_host_past_its_deadline(tmp_path, receive, ring, kind, fault):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    if fault == "hangs":
        url = receive(default=Hang()).url()
    elif fault == "answers 500":
        url = receive(default=Reply(500)).url()
    else:
        if fault == "never accepts":
            listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    config = setup(tmp_path, url)
    config["endpoints"]["e0"]["retry"] = {"schedule": ["1h"]}
    bell = ring(config)
    start = time.monotonic()
    ticket = bell.emit(kind, {})
    assert not bell.wait(ticket, LIMIT_S)
    assert LIMIT_S <= time.monotonic() - start < LIMIT_S + SLACK_S
    start = time.monotonic()
    left = bell.close(LIMIT_S)
    assert time.monotonic() - start < LIMIT_S + SLACK_S
    assert left == 1, "it waits in the spool for the next start"
    listener.close()


def test_a_queue_that_nobody_listens_to_costs_no_wait(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(settings(tmp_path, receiver.url(), hooks=[{"on": ["server.stop"], "to": ["e0"]}]))
    start = time.monotonic()
    assert bell.wait(bell.emit("queue.start", {}), 20)
    assert time.monotonic() - start < SLACK_S
    assert receiver.requests == []


def test_a_start_within_the_same_busy_period_costs_no_wait_and_is_kept(tmp_path, receive, ring):
    receiver = receive(default=Reply(200, b"done"))
    bell = ring(setup(tmp_path, receiver.url()) | {"queue": {"end_delay": "1h"}})
    assert bell.wait(bell.emit("queue.start", {}), 20)
    bell.task_complete({})
    bell.queue_end()
    start = time.monotonic()
    assert bell.wait(bell.emit("queue.start", {}), 20)
    assert time.monotonic() - start < SLACK_S
    assert [request.json()["type"] for request in receiver.requests] == ["queue.start"]
    kept = query(tmp_path / "bell.db", "SELECT count(*) AS n FROM all_events WHERE type = 'queue.start'")
    assert kept == [{"n": 2}]


def test_close_keeps_its_time_while_every_endpoint_hangs(tmp_path, receive, ring):
    receivers = [receive(default=Hang()) for _ in range(3)]
    endpoints = {f"e{n}": endpoint(r.url(), timeout="60s") for n, r in enumerate(receivers)}
    bell = ring(settings(tmp_path, endpoints=endpoints))
    for _ in range(10):
        bell.emit("test.event")
    for receiver in receivers:
        receiver.wait_for(1)
    start = time.monotonic()
    left = bell.close(LIMIT_S)
    took = time.monotonic() - start
    assert left == 30
    assert took < LIMIT_S + SLACK_S
