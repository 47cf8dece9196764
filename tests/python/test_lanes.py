"""Order, concurrency and pace: one lane for each endpoint."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bells import endpoint, eventually, invariant, reports, settings
from steps import Hang, Reply

SENDERS = 256
"""The most threads of a bell that send, as docs/architecture.md says."""

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")


def test_concurrency_1_keeps_the_order(tmp_path, receive, ring):
    receiver = receive(lambda _request, number: Reply(delay=0.002 * (number % 3)))
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), concurrency=1)}))
    for number in range(60):
        bell.emit("test.event", {"n": number})
    requests = receiver.wait_for(60)
    assert [request.json()["data"]["n"] for request in requests] == list(range(60))
    assert receiver.peak == 1


def test_concurrency_is_used_and_never_exceeded(tmp_path, receive, ring):
    receiver = receive(default=Reply(delay=0.2))
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), concurrency=3)}))
    for number in range(15):
        bell.emit("test.event", {"n": number})
    receiver.wait_answered(15)
    assert receiver.peak == 3


def test_a_hung_endpoint_does_not_delay_another_lane(tmp_path, receive, ring):
    hung, quick = receive(default=Hang()), receive()
    endpoints = {
        "hung": endpoint(hung.url(), timeout="60s", concurrency=4),
        "quick": endpoint(quick.url()),
    }
    bell = ring(settings(tmp_path, endpoints=endpoints))
    for number in range(100):
        bell.emit("test.event", {"n": number})
    requests = quick.wait_for(100)
    assert {request.json()["data"]["n"] for request in requests} == set(range(100))
    # Not one of the hanging requests has come to an end meanwhile.
    assert hung.sent == []
    assert hung.peak <= 4
    stats = eventually("the quick lane's reports", lambda: _when(bell, "delivered", 100))
    assert stats["pending"] == 100
    invariant(stats, 200)


@LINUX
def test_a_thousand_endpoints_share_a_bounded_number_of_threads_and_those_that_hang_hold_up_no_other(
    tmp_path, receive, ring
):
    receiver = receive(lambda request, _number: Hang() if request.target.startswith("/hung") else Reply())
    endpoints = {
        f"{kind}{number}": endpoint(
            receiver.url(f"/{kind}/{number}"), timeout="2s", retry={"schedule": ["1h"]}
        )
        for number in range(500)
        for kind in ("hung", "well")
    }
    bell = ring(settings(tmp_path, endpoints=endpoints))
    most = 0

    def delivered(count):
        nonlocal most
        most = max(most, senders())
        stats = bell.stats()
        return stats if stats["delivered"] >= count else None

    bell.emit("test.event")
    eventually("the others have theirs", lambda: delivered(500), timeout=120)
    eventually("each that hangs was tried", lambda: bell.stats()["attempts"] == 1000, timeout=120)
    # Now it is known which ones hang: the others have a quarter of the senders for themselves.
    bell.emit("test.event")
    stats = eventually("the others again", lambda: delivered(1000), timeout=60)
    assert most <= SENDERS, most
    assert stats["dead"] == 0
    well = [request.target for request in receiver.requests if request.target.startswith("/well")]
    assert len(well) == 1000
    assert len(set(well)) == 500


@LINUX
def test_a_bell_without_work_has_no_sender(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(settings(tmp_path, receiver.url()))
    assert senders() == 0
    bell.wait(bell.emit("test.event"), 20)
    assert senders() >= 1
    eventually("the senders end", lambda: senders() == 0, timeout=60)


def senders():
    names = []
    for task in Path("/proc/self/task").iterdir():
        try:
            names.append((task / "comm").read_text().strip())
        except OSError:
            continue
    return names.count("taskbell-sender")


def test_wait_and_flush_keep_their_time(tmp_path, receive, ring):
    receiver = receive([Reply(503)], default=Hang())
    retry = {"schedule": ["100ms"]}
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), timeout="60s", retry=retry)}))
    ticket = bell.emit("test.event")
    assert bell.flush(20), "the first attempt has been made"
    receiver.wait_for(2)
    assert not bell.wait(ticket, 0.05), "the second attempt hangs"
    assert bell.sync(20)


def test_a_rate_is_kept_and_waiting_costs_no_attempt(tmp_path, receive, ring):
    receiver = receive()
    endpoints = {"e0": endpoint(receiver.url(), rate="2/1s", concurrency=4)}
    # Two hooks of one endpoint share its rate.
    hooks = [{"on": ["test.event"], "to": ["e0"]}, {"on": ["test.other"], "to": ["e0"]}]
    bell = ring(settings(tmp_path, endpoints=endpoints, hooks=hooks))
    for number in range(3):
        bell.emit("test.event", {"n": number})
        bell.emit("test.other", {"n": number})
    requests = receiver.wait_for(6)
    # Two at once, two a second later, and two another second later.
    assert requests[5].monotonic - requests[0].monotonic >= 1.5
    assert {request.header("taskbell-attempt") for request in requests} == {"1"}
    assert {report["attempts"] for report in reports(bell, 6)} == {1}


def test_one_event_rings_at_every_endpoint_of_its_hooks(tmp_path, receive, ring):
    one, two, three = receive(), receive(), receive()
    endpoints = {"a": endpoint(one.url()), "b": endpoint(two.url()), "c": endpoint(three.url())}
    hooks = [{"on": ["test.event"], "to": ["a", "b"]}, {"on": ["test.other"], "to": ["c"]}]
    bell = ring(settings(tmp_path, endpoints=endpoints, hooks=hooks))
    bell.emit("test.event")
    assert {report["endpoint"] for report in reports(bell, 2)} == {"a", "b"}
    bell.emit("test.nobody.listens")
    bell.emit("test.other")
    (report,) = reports(bell, 1)
    assert report["endpoint"] == "c"
    assert (len(one.requests), len(two.requests), len(three.requests)) == (1, 1, 1)


def _when(bell, key, count):
    stats = bell.stats()
    return stats if stats[key] >= count else None
