"""A node of a farm: what its hosts report goes to the relay, signed, in order, in batches, and for ever."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import taskbell
from authority import Authority, server_context
from bells import endpoint, eventually, query, reports
from farm_relay import MAX_BYTES, MAX_EVENTS, SECRET, Post, Relay, emit, node, numbers
from hosts import Host
from steps import Hang, Reply, Reset
from tools import ROOT, compile_native, run

LOCAL = ("localhost", "127.0.0.1")


@contextlib.contextmanager
def opened(config: dict[str, Any]) -> Iterator[tuple[taskbell.Bell, list[str]]]:
    """A bell, and what it logs."""
    lines: list[str] = []
    bell = taskbell.Bell(config, strict=True)
    bell.set_log(lambda _level, line: lines.append(line))
    try:
        yield bell, lines
    finally:
        bell.close(0.5)


@pytest.mark.parametrize("over_tls", [False, True], ids=["http", "https"])
def test_events_arrive_signed_in_order_and_in_batches_of_one_post_at_a_time(tmp_path, receive, over_tls):
    goes_on = threading.Event()

    def wait_first(post: Post) -> None:
        # What is accepted meanwhile goes in batches.
        goes_on.wait(30)

    authority = Authority(tmp_path)
    tls = server_context(*authority.issue("relay", LOCAL)) if over_tls else None
    relay = Relay(receive, wait_first, tls=tls)
    more = {"ca_file": str(authority.ca_file)} if over_tls else {}
    with opened(node(tmp_path, relay, speaks_for="queue", **more)) as (bell, _):
        emit(bell, 1)
        relay.wait_posts(1)
        emit(bell, 1199, start=1)
        params = {"url": "https://chat.example.com/x", "vars": {"shot": "a"}}
        bell.emit("task.complete", {"id": 1200, "webhook_params": params})
        goes_on.set()
        arrived = relay.wait_taken(1201)
        assert bell.flush(30)
    assert numbers(arrived) == list(range(1201))
    assert arrived[-1]["data"]["webhook_params"] == params, "the payload is as the host gave it"
    assert len({event["id"] for event in arrived}) == 1201
    assert all(event["type"] == "task.complete" for event in arrived)
    assert relay.receiver.peak == 1, "one post at a time"
    assert max(len(post.events) for post in relay.posts) <= MAX_EVENTS
    with_events = [post for post in relay.posts if post.events]
    assert 3 <= len(with_events) <= 60, "many events share a post"
    head = with_events[0].head
    assert head["node"] == "render-07"
    assert head["host"] == "render-07.test"
    assert head["speaks_for"] == "queue"
    assert head["waiting"] >= 1
    assert head["version"]


def test_a_post_has_at_most_a_mebibyte_or_one_event(tmp_path, receive):
    goes_on = threading.Event()
    relay = Relay(receive, lambda _post: goes_on.wait(30) and None)
    config = node(tmp_path, relay)
    config["queue"] = {"max_bytes": "16MiB"}
    with opened(config) as (bell, _):
        for number in range(12):
            bell.emit("render.saved", {"id": number, "filler": "x" * 200_000})
        relay.wait_posts(1)
        goes_on.set()
        assert numbers(relay.wait_taken(12)) == list(range(12))
    sizes = [(len(post.request.body), len(post.events)) for post in relay.posts]
    assert all(size <= MAX_BYTES or events == 1 for size, events in sizes), sizes
    assert any(events > 1 for _, events in sizes), sizes


def test_wait_and_flush_and_poll_mean_that_the_relay_has_it(tmp_path, receive):
    goes_on = threading.Event()
    relay = Relay(receive, lambda _post: goes_on.wait(30) and None)
    with opened(node(tmp_path, relay)) as (bell, _):
        ticket = bell.emit("render.saved", {"id": 1})
        relay.wait_posts(1)
        assert not bell.wait(ticket, 0.05), "the relay has not answered"
        assert not bell.flush(0.05)
        assert bell.sync(10), "it is durable here"
        assert bell.poll() is None
        lane = bell.stats()["lanes"]["farm"]
        assert (lane["in_flight"], lane["state"]) == (1, "open")
        goes_on.set()
        assert bell.wait(ticket, 30)
        assert bell.flush(30)
        (report,) = reports(bell, 1)
        assert (report["endpoint"], report["state"], report["ticket"]) == ("farm", "delivered", ticket)


def test_a_failed_first_post_is_not_taken_for_a_flush(tmp_path, receive):
    relay = Relay(receive, lambda _post: Reply(503))
    with opened(node(tmp_path, relay)) as (bell, _):
        bell.emit("render.saved", {"id": 1})
        relay.wait_posts(2)
        assert not bell.flush(0.05), "it was tried, but the relay does not have it"
        relay.answer = lambda _post: None
        assert bell.flush(30)


@pytest.mark.parametrize("fault", ["421", "503", "500", "302", "404", "reset", "nothing listens"])
def test_the_next_relay_gets_what_one_does_not_take_at_once(tmp_path, receive, fault):
    second = Relay(receive)
    if fault == "nothing listens":
        with socket.create_server(("127.0.0.1", 0)) as free:
            first = f"http://127.0.0.1:{free.getsockname()[1]}"
    else:
        answer = Reset() if fault == "reset" else Reply(int(fault), headers={"location": "/"})
        first = Relay(receive, lambda _post: answer).address
    with opened(node(tmp_path, first, second)) as (bell, _):
        emit(bell, 20)
        assert bell.flush(30)
        assert numbers(second.wait_taken(20)) == list(range(20))
        emit(bell, 5, start=20)
        assert numbers(second.wait_taken(25)) == list(range(25)), "it stays with the relay that answers"
    states = query(tmp_path / "bell.db", "SELECT DISTINCT state FROM all_deliveries")
    assert states == [{"state": "delivered"}]


def test_posts_that_are_too_large_are_halved_and_one_that_cannot_be_is_a_dead_letter(tmp_path, receive):
    goes_on = threading.Event()

    def few(post: Post) -> Any:
        goes_on.wait(30)
        is_large = any("filler" in event["data"] for event in post.events)
        return Reply(413) if len(post.events) > 40 or is_large else None

    relay = Relay(receive, few)
    with opened(node(tmp_path, relay)) as (bell, lines):
        emit(bell, 1)
        relay.wait_posts(1)
        emit(bell, 199, start=1)
        bell.emit("task.complete", {"id": 200, "filler": "x"})
        emit(bell, 50, start=201)
        goes_on.set()
        assert bell.flush(30)
        wanted = [number for number in range(251) if number != 200]
        assert numbers(relay.wait_taken(250)) == wanted, "the order is kept"
        eventually("a line", lambda: [line for line in lines if "is a dead letter" in line and "413" in line])
    (dead,) = query(tmp_path / "bell.db", "SELECT * FROM all_deliveries WHERE state = 'dead'")
    assert "answered 413: the post is too large for it" in dead["reason"]


def test_events_that_the_relay_refuses_are_dead_letters_with_its_reason(tmp_path, receive):
    goes_on = threading.Event()

    def refuse(post: Post) -> Any:
        goes_on.wait(30)
        refused = [
            {"place": place, "id": event["id"], "reason": f"the number {event['data']['id']} is odd"}
            for place, event in enumerate(post.events, 1)
            if event["data"]["id"] % 2
        ]
        return Reply(422, json.dumps({"refused": refused}).encode()) if refused else None

    relay = Relay(receive, refuse)
    with opened(node(tmp_path, relay)) as (bell, lines):
        emit(bell, 40)
        relay.wait_posts(1)
        goes_on.set()
        assert bell.flush(30)
        assert numbers(relay.wait_taken(20)) == list(range(0, 40, 2))
        found = reports(bell, 40)
        assert [report["state"] for report in found].count("dead") == 20
        eventually("a line for each", lambda: len([line for line in lines if "dead letter" in line]) == 20)
    dead = query(tmp_path / "bell.db", "SELECT * FROM all_deliveries WHERE state = 'dead' ORDER BY seq")
    assert len(dead) == 20
    for number, row in zip(range(1, 40, 2), dead):
        assert f"the number {number} is odd" in row["reason"]


def test_a_wait_that_the_relay_asks_for_is_kept(tmp_path, receive):
    answers = iter([Reply(429, headers={"retry-after": "1"})])
    relay = Relay(receive, lambda _post: next(answers, None))
    other = Relay(receive)
    with opened(node(tmp_path, relay, other)) as (bell, _):
        emit(bell, 3)
        relay.wait_posts(1)
        eventually("a quiet lane", lambda: bell.stats()["lanes"]["farm"]["state"] == "quiet")
        emit(bell, 3, start=3)
        assert numbers(relay.wait_taken(6)) == list(range(6))
    first, second = relay.posts[0].request, relay.posts[1].request
    assert second.monotonic - first.monotonic >= 0.9, "not before the second is over"
    assert not other.posts, "no other relay is asked"


def test_with_a_wrong_secret_nothing_is_dropped_and_the_log_says_so_once_in_a_while(tmp_path, receive):
    relay = Relay(receive)
    wrong = SECRET[:-6] + "AAAAA="
    config = node(tmp_path, relay, relay.address.replace("127.0.0.1", "localhost"), secret=wrong)
    with opened(config) as (bell, lines):
        emit(bell, 10)
        relay.wait_posts(4)
        assert not relay.taken
        eventually("a line about it", lambda: [line for line in lines if "401" in line])
        relay.wait_posts(6)
        said = [line for line in lines if "401" in line]
        assert len(said) == len(set(said)), "once for each relay, and then once a minute"
        assert "`[farm] secret` of this node is none of the relay's `secrets`" in said[0]
        assert wrong not in "\n".join(lines)
        assert bell.stats()["lanes"]["farm"]["state"] == "breaker"
        bell.reload(node(tmp_path, relay))
        assert bell.flush(30)
        assert numbers(relay.wait_taken(10)) == list(range(10))


@pytest.mark.parametrize("status", [404, 415])
def test_a_node_goes_on_alone_and_says_so_where_its_relay_is_of_another_version(tmp_path, receive, status):
    other = Relay(receive, lambda _post: Reply(status))
    with opened(node(tmp_path, other)) as (bell, lines):
        emit(bell, 10)
        eventually("a line about it", lambda: [line for line in lines if "or one of another version" in line])
        emit(bell, 10, start=10)
        assert bell.stats()["lanes"]["farm"]["state"] == "breaker"
        other.answer = lambda _post: None
        assert bell.flush(30)
        assert numbers(other.wait_taken(20)) == list(range(20))


def test_a_certificate_that_does_not_verify_is_named_and_events_wait_for_a_better_one(tmp_path, receive):
    authority = Authority(tmp_path)
    relay = Relay(receive, tls=server_context(*authority.issue("relay", LOCAL)))
    with opened(node(tmp_path, relay)) as (bell, lines):
        emit(bell, 5)
        said = eventually("a line about it", lambda: [line for line in lines if "certificate" in line])
        assert "farm" in said[0]
        assert "ca_file" in said[0], said[0]
    assert not relay.posts
    with opened(node(tmp_path, relay, ca_file=str(authority.ca_file))) as (bell, _):
        assert numbers(relay.wait_taken(5)) == list(range(5))
        assert bell.flush(30)


@pytest.mark.parametrize("relay_does", ["away", "frozen", "refusing"])
def test_calls_return_and_hooks_of_the_node_go_on_while_the_relay_is(tmp_path, receive, relay_does):
    if relay_does == "away":
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"http://127.0.0.1:{free.getsockname()[1]}"
        relay = None
    else:
        relay = Relay(receive, lambda _post: Hang() if relay_does == "frozen" else Reply(503))
        address = relay.address
    own = receive()
    config = node(tmp_path, address)
    config["endpoints"] = {"admin": endpoint(own.url())}
    config["hooks"] = [{"at": "node", "on": ["queue.end", "render.broken"], "to": ["admin"]}]
    with opened(config) as (bell, _):
        emit(bell, 1)
        if relay is not None:
            relay.wait_posts(1)
        # The post is not answered yet, or was refused: none of these calls knows.
        emit(bell, 2000, start=1)
        bell.queue_end()
        (first,) = own.wait_for(1)
        body = first.json()
        assert (body["type"], body["data"]["queue"]["total"]) == ("queue.end", 2001)
        assert bell.sync(30)
        assert bell.stats()["lanes"]["farm"]["waiting"] + bell.stats()["lanes"]["farm"]["in_flight"] > 0
        bell.close(0)
    log = query(tmp_path / "bell.db", "SELECT count(*) AS n FROM logged_attempts")[0]["n"]
    assert log <= 3, "an outage does not fill the outbox with its attempts"


@pytest.mark.skipif(sys.platform != "linux", reason="counts by a filter of Linux")
@pytest.mark.parametrize("relay_does", ["answer", "freeze", "refuse"])
def test_a_call_makes_no_system_call_whatever_the_relay_does(tmp_path, receive, library_path, relay_does):
    program = compile_native(library_path, tmp_path / "program", ROOT / "tests" / "c" / "system_calls.c")
    answers = {"answer": None, "freeze": Hang(), "refuse": Reply(503)}
    config = node(tmp_path, Relay(receive, lambda _post: answers[relay_does]))
    # Room for all: a refusal may allocate its reason.
    config["queue"] = {"max_bytes": "16MiB"}
    counted = re.fullmatch(r"calls (\d+) refused 0 system calls (\d+)\n", run(program, json.dumps(config)))
    assert counted is not None
    assert int(counted[2]) <= int(counted[1]) / 1000


def fill(bell: taskbell.Bell, accepted: list[int]) -> None:
    """Reports until the bell refuses for another reason than a full ring."""
    for number in range(2000):
        try:
            bell.emit("render.saved", {"id": number, "filler": "x" * 10_000})
        except taskbell.TaskbellError as fault:
            if fault.name != "QUEUE_FULL":
                raise
        else:
            accepted.append(number)
        if number % 10 == 9:
            bell.sync(10)


def test_a_full_outbox_refuses_loudly_and_keeps_what_it_accepted(tmp_path, receive):
    relay = Relay(receive, lambda _post: Reply(503))
    config = node(tmp_path, relay)
    config["spool"]["max_bytes"] = "1MiB"
    accepted: list[int] = []
    with opened(config) as (bell, _):
        with pytest.raises(taskbell.TaskbellError, match=r"spool\.max_bytes"):
            fill(bell, accepted)
        assert bell.stats()["spool_full"]
        relay.answer = lambda _post: None
        assert numbers(relay.wait_taken(len(accepted))) == accepted
        eventually("room again", lambda: not bell.stats()["spool_full"])


def test_another_process_sends_what_a_killed_one_left(tmp_path, receive):
    relay = Relay(receive, lambda _post: Reply(503))
    config = node(tmp_path, relay)
    killed = Host(config)
    for number in range(50):
        killed.call("emit", "render.saved", {"id": number})
    killed.call("sync", 10)
    killed.call("task_complete", {"id": 50})
    relay.wait_posts(1)
    killed.kill()
    relay.answer = lambda _post: None
    with opened(config) as (bell, _):
        arrived = relay.wait_taken(52)
        assert numbers(arrived[:51]) == list(range(51))
        assert bell.flush(30)
    # Nobody else knows that the process which worked on the queue is dead.
    assert (arrived[51]["type"], arrived[51]["data"]["interrupted"]) == ("queue.end", True)
    events = query(tmp_path / "bell.db", "SELECT id FROM all_events")
    assert {event["id"] for event in arrived} == {event["id"] for event in events}


def test_a_node_with_an_open_queue_is_heard_of_after_a_restart_without_events(tmp_path, receive):
    relay = Relay(receive)
    config = node(tmp_path, relay)
    with opened(config) as (bell, _):
        bell.task_complete({"id": 1})
        assert bell.flush(30)
    before = len(relay.posts)
    with opened(config) as (bell, _):
        post = relay.wait_posts(before + 1)[before]
        assert not post.events
        assert post.head["node"] == "render-07"
        bell.queue_end()
        assert bell.flush(30)
    assert [event["type"] for event in relay.taken] == ["task.complete", "queue.end"]


def test_what_the_node_derives_stays_on_the_node(tmp_path, receive):
    relay, own = Relay(receive), receive()
    config = node(tmp_path, relay)
    config["endpoints"] = {"admin": endpoint(own.url())}
    config["hooks"] = [{"at": "node", "on": ["batch.end"], "to": ["admin"]}]
    with opened(config) as (bell, _):
        for number in range(3):
            bell.task_complete({"id": number, "batch": {"id": "b", "total": 3}})
        (end,) = own.wait_for(1)
        assert end.json()["type"] == "batch.end"
        bell.emit("server.start", {"id": 3})
        assert bell.flush(30)
    assert [event["type"] for event in relay.taken] == ["task.complete"] * 3 + ["server.start"]


def test_the_environment_and_files_give_the_secret_and_nothing_shows_it(tmp_path, receive):
    relay = Relay(receive)
    (tmp_path / "secret").write_text(SECRET + "\n")
    with opened(node(tmp_path, relay, secret=f"file:{tmp_path / 'secret'}")) as (bell, lines):
        emit(bell, 1)
        assert bell.flush(30)
    raw = b"".join(path.read_bytes() for path in Path(tmp_path).glob("bell.db*"))
    assert SECRET.encode() not in raw
    assert SECRET not in "\n".join(lines)
    assert os.environ.get("TASKBELL_FARM_SECRET") is None
