"""What a call has accepted survives SIGKILL at the very next instruction, and any end of its host."""

from __future__ import annotations

import json
import sys

import pytest

from bells import endpoint, eventually, settings
from steps import Hang
from tools import python

HOST = """
import os, sys, taskbell
config, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
bell = taskbell.Bell(config)
for number in range(first, first + count):
    bell.emit("test.event", {"n": number})
os.kill(os.getpid(), 9)  # SIGKILL; on Windows it is TerminateProcess, with this exit code.
"""

KILLED = 9 if sys.platform == "win32" else -9


def numbers(receiver):
    return [request.json()["data"]["n"] for request in list(receiver.requests)]


@pytest.mark.parametrize("count", [1, 50])
def test_events_of_a_killed_host_are_delivered_by_the_next_start(tmp_path, receive, ring, count):
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    python(HOST, json.dumps(config), 0, count, expect=KILLED)
    ring(config)
    eventually("every event", lambda: set(numbers(receiver)) == set(range(count)))


def test_several_crashes_in_a_row_lose_nothing(tmp_path, receive, ring):
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    for turn in range(5):
        python(HOST, json.dumps(config), turn * 20, 20, expect=KILLED)
    ring(config)
    eventually("every event", lambda: set(numbers(receiver)) == set(range(100)))
    # Each event keeps its id however often it is sent.
    ids = {(request.json()["data"]["n"], request.header("webhook-id")) for request in receiver.requests}
    assert len(ids) == 100


def test_a_delivery_in_flight_is_sent_again_with_the_same_id(tmp_path, receive, ring, host):
    receiver = receive([Hang()])
    config = settings(tmp_path, receiver.url())
    config["endpoints"]["e0"]["timeout"] = "60s"
    victim = host(config)
    victim.call("emit", "test.event", {"n": 0})
    (first,) = receiver.wait_for(1)
    victim.kill()
    ring(config)
    second = receiver.wait_for(2)[1]
    assert second.header("webhook-id") == first.header("webhook-id")
    assert second.body == first.body


def test_what_was_left_at_close_is_delivered_by_the_next_start(tmp_path, receive, ring):
    receiver = receive([Hang(), Hang()])
    config = settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), timeout="60s", concurrency=1)})
    bell = ring(config)
    bell.emit("test.event", {"n": 1})
    (first,) = receiver.wait_for(1)
    assert bell.close(0.1) == 1
    ring(config)
    requests = receiver.wait_for(2)
    assert requests[1].header("webhook-id") == first.header("webhook-id")
    assert requests[1].body == first.body
