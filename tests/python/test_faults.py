"""Receivers that misbehave: an attempt with its reason, the retry due, and bounded memory and time."""

from __future__ import annotations

import resource
import time

import pytest

import taskbell
from bells import attempts, endpoint, reports, settings
from steps import Drip, GzipBomb, Hang, Huge, HugeHead, Nonsense, Reset

MIB = 1 << 20

BROKEN = {
    "a reset before the answer": Reset(),
    "a reset within the head": Reset(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "a close within the head": Nonsense(b"HTTP/1.1 200 OK\r\nx: y"),
    "no answer at all": Nonsense(b""),
    "bytes that are not HTTP": Nonsense(),
    "a status that is no number": Nonsense(b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n"),
    "endless headers": HugeHead(),
}

SLOW = {"a hang": Hang(), "a dripping body": Drip(size=10_000, interval=0.02)}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_logged_and_retried(tmp_path, receive, ring, name):
    receiver = receive([BROKEN[name]])
    bell = ring(settings(tmp_path, receiver.url()))
    bell.emit("test.event")
    (report,) = reports(bell, 1)
    assert (report["state"], report["status"]) == ("delivered", 204)
    first, *_, last = attempts(tmp_path)
    assert first["error"], name
    assert last["outcome"] == "delivered"
    assert len({request.header("webhook-id") for request in receiver.requests}) == 1


@pytest.mark.parametrize("name", SLOW)
def test_one_deadline_covers_the_whole_attempt(tmp_path, receive, ring, name):
    receiver = receive([SLOW[name]])
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), timeout="400ms")}))
    bell.emit("test.event")
    first, second = receiver.wait_for(2)
    assert second.monotonic - first.monotonic + 0.01 >= 0.4
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"]) == ("delivered", 2)
    row = attempts(tmp_path)[0]
    assert row["error"]
    assert 390_000 <= row["total_us"] <= 5_000_000


@pytest.mark.parametrize("status", [200, 500])
def test_a_body_of_a_gibibyte_is_not_read(tmp_path, receive, ring, status):
    receiver = receive([Huge(size=1 << 30, status=status)])
    bell = ring(settings(tmp_path, receiver.url()))
    bell.emit("test.event")
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    receiver.wait_answered(1)
    assert receiver.sent[0] < 64 * MIB
    assert all(len(row["response"] or "") <= 4096 for row in attempts(tmp_path))


@pytest.mark.parametrize("status", [200, 500])
def test_a_gzip_bomb_is_not_unpacked(tmp_path, receive, ring, status):
    receiver = receive([GzipBomb(size=512 * MIB, status=status)])
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), timeout="60s")}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bell.emit("test.event")
    (report,) = reports(bell, 1, timeout=120)
    assert report["state"] == "delivered"
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 128 * 1024


def test_close_keeps_its_time_while_every_endpoint_hangs(tmp_path, receive, ring):
    receivers = [receive(default=Hang()) for _ in range(3)]
    endpoints = {f"e{n}": endpoint(r.url(), timeout="60s") for n, r in enumerate(receivers)}
    bell = ring(settings(tmp_path, endpoints=endpoints))
    for _ in range(10):
        bell.emit("test.event")
    for receiver in receivers:
        receiver.wait_for(1)
    start = time.monotonic()
    left = bell.close(0.5)
    took = time.monotonic() - start
    assert left == 30
    # The promise is 250 ms over the timeout; the rest is for a crowded test machine.
    assert took < 0.5 + 0.25 + 1.0


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


def test_a_spool_that_cannot_be_opened_says_so(tmp_path, receive):
    config = settings(tmp_path, receive().url())
    config["spool"]["path"] = str(tmp_path)
    with pytest.raises(taskbell.TaskbellError) as refusal:
        taskbell.Bell(config)
    assert refusal.value.name == "SPOOL"
    assert str(tmp_path) in refusal.value.message
