"""What shapes the messages of a hook, through the library."""

from __future__ import annotations

import json
import time

import taskbell
from bells import endpoint, eventually, invariant, query, reports, settings
from documents import blocks
from steps import Reply
from test_crash import HOST, KILLED
from tools import python


def shaped(tmp_path, endpoints, *hooks):
    hooks = [{"on": ["test.event"], "to": ["e0"], **hook} for hook in hooks]
    return settings(tmp_path, endpoints=endpoints, hooks=hooks)


def bodies(receiver):
    return [request.json() for request in list(receiver.requests)]


def numbers(receiver):
    return [body["data"]["number"] for body in bodies(receiver)]


def test_a_digest_of_killed_hosts_loses_no_item_and_says_none_twice(tmp_path, receive, ring):
    receiver = receive()
    config = shaped(tmp_path, {"e0": endpoint(receiver.url())}, {"digest": "2s"})
    for turn in range(4):
        python(HOST, json.dumps(config), turn * 20, 20, expect=KILLED)
    ring(config)

    def items():
        digests = {request.header("webhook-id"): request.json() for request in list(receiver.requests)}
        found = [body["data"]["digest"]["items"] for body in digests.values()]
        return sorted(item["event"]["data"]["n"] for digest in found for item in digest)

    eventually("every item", lambda: len(items()) >= 80)
    assert items() == list(range(80))


def test_a_memory_spool_sends_its_digests_when_it_closes(tmp_path, receive, ring):
    receiver = receive()
    config = shaped(tmp_path, {"e0": endpoint(receiver.url())}, {"digest": "1h"})
    bell = ring({**config, "spool": {"path": ":memory:"}})
    bell.emit("test.event", {"number": 1})
    assert bell.close() == 0
    assert bodies(receiver)[0]["data"]["digest"]["count"] == 1


def test_a_dead_delivery_falls_back_along_the_chain(tmp_path, receive, ring):
    gone, failing, last = receive(default=Reply(410)), receive(default=Reply(503)), receive()
    endpoints = {
        "e0": endpoint(gone.url(), fallback="e1"),
        "e1": endpoint(failing.url(), fallback="e2"),
        "e2": endpoint(last.url()),
    }
    bell = ring(shaped(tmp_path, endpoints, {}))
    ticket = bell.emit("test.event", {"number": 1})
    assert bell.wait(ticket), "the fallback is waited for, too"
    (request,) = last.wait_for(1)
    assert request.json()["data"] == {"number": 1}
    assert request.header("webhook-id") == gone.requests[0].header("webhook-id")
    states = {report["endpoint"]: report["state"] for report in reports(bell, 3)}
    assert states == {"e0": "dead", "e1": "dead", "e2": "delivered"}
    bell.wait(bell.emit("test.event", {"number": 2}))
    assert numbers(last) == [1, 2]
    assert len(gone.requests) == 1, "an endpoint that is gone is not tried again"
    stats = bell.stats()
    assert stats["fallbacks"] == 4
    invariant(stats, 6)
    assert query(tmp_path / "bell.db", "SELECT seq FROM fallbacks") == []


def test_a_message_that_does_not_arrive_in_time_is_escalated_once(tmp_path, receive, ring):
    failing, ops = receive(default=Reply(503)), receive()
    endpoints = {
        "e0": endpoint(failing.url(), retry={"schedule": ["200ms"] * 30}),
        "e1": endpoint(ops.url()),
    }
    bell = ring(shaped(tmp_path, endpoints, {"escalate": {"after": "1s", "to": ["e1"]}}))
    bell.emit("test.event", {"number": 1})
    failing.wait_for(2)
    assert ops.requests == []
    (request,) = ops.wait_for(1)
    assert request.header("webhook-id") == failing.requests[0].header("webhook-id")
    eventually("the escalation is counted", lambda: bell.stats()["escalated"] == 1)
    failing.wait_for(len(failing.requests) + 2)
    assert len(ops.requests) == 1


def test_only_the_newest_untried_message_of_a_thing_waits(tmp_path, receive, ring):
    receiver = receive()
    endpoints = {"e0": endpoint(receiver.url(), rate="1/2s", concurrency=1)}
    bell = ring(shaped(tmp_path, endpoints, {"supersede": "event.data.key"}))
    bell.wait(bell.emit("test.event", {"key": "x", "number": 0}))
    tickets = []
    for number, key in enumerate(["a", "a", "b", "a"], start=1):
        tickets.append(bell.emit("test.event", {"key": key, "number": number}))
        assert bell.sync()
    receiver.wait_for(3)
    assert numbers(receiver) == [0, 3, 4]
    assert all(bell.wait(ticket) for ticket in tickets)
    ended = reports(bell, 5)
    dead = [report for report in ended if report["state"] == "dead"]
    newer = [report["event"] for report in ended if report["ticket"] in (tickets[1], tickets[3])]
    assert sorted(report["reason"] for report in dead) == sorted(f"superseded by {event}" for event in newer)
    stats = bell.stats()
    assert (stats["superseded"], stats["dead"], stats["delivered"], stats["pending"]) == (2, 0, 3, 0)


def test_a_message_older_than_its_ttl_is_stale_even_after_a_restart(tmp_path, receive, ring):
    receiver = receive(default=Reply(503))
    endpoints = {
        "e0": endpoint(receiver.url(), retry={"schedule": ["5s"]}, fallback="e1"),
        "e1": endpoint(receiver.url("/other")),
    }
    config = shaped(tmp_path, endpoints, {"ttl": "1s"})
    first = ring(config)
    first.emit("test.event", {"number": 1})
    receiver.wait_for(1)
    eventually("the attempt is noted", lambda: first.stats()["retries"] == 1)
    assert first.close(0) == 1
    time.sleep(1.1)
    second = ring(config)
    (report,) = reports(second, 1)
    assert report["state"] == "dead"
    assert report["reason"].startswith("stale")
    assert report["attempts"] == 1
    assert len(receiver.requests) == 1, "nobody is called for what is stale"


def test_the_configurations_of_the_document_are_sound():
    found = [block for block in blocks("docs/shaping.md") if block.language == "toml"]
    assert len(found) == 5
    for block in found:
        report = taskbell.check(block.text)
        shown = [warning for warning in report["warnings"] if "own event types" not in warning["message"]]
        assert (report["ok"], report["errors"], shown) == (True, [], []), block.words


def test_a_dry_run_tries_the_key_expressions():
    base = "[endpoints.a]\nurl = 'https://example.com/'\n[[hooks]]\non = ['task.complete']\nto = ['a']\n"
    for lines, key in [
        ("cooldown = '5m'\ncooldown_by = 'tsak.name'", "cooldown_by"),
        ("supersede = 'task.outputs'", "supersede"),
        ("quiet_hours = '22:00-07:00'\nquiet_zone = 'UTC'\nquiet_except = 'tsak.name'", "quiet_except"),
    ]:
        report = taskbell.check(base + lines)
        assert [error["key"] for error in report["errors"]] == [f"hooks[0].{key}"], report


def test_a_digest_of_a_queue_for_what_belongs_to_none_is_warned_of():
    base = "[endpoints.a]\nurl = 'https://example.com/'\n[[hooks]]\nto = ['a']\ndigest = 'queue'\n"
    (warning,) = taskbell.check(base + "on = ['alert.firing', 'server.stop']")["warnings"]
    assert warning["key"] == "hooks[0].digest"
    assert "belongs to a queue" in warning["message"]
    assert taskbell.check(base + "on = ['alert.firing', 'task.complete']")["warnings"] == []


def test_what_cannot_be_read_rings_is_counted_and_the_log_says_where(tmp_path, receive, ring):
    receiver = receive()
    faulty = {
        "when": {"when": "task.name > 5"},
        "cooldown": {"cooldown": "1d", "cooldown_by": "task.params.list"},
        "supersede": {"supersede": "task.params.list"},
        "quiet": {"quiet_hours": "00:00-23:59", "quiet_zone": zone(), "quiet_except": "task.name > 5"},
    }
    hooks = [{"name": name, "on": ["task.complete"], "to": [name], **keys} for name, keys in faulty.items()]
    endpoints = {name: endpoint(receiver.url(f"/{name}")) for name in faulty}
    bell = ring(settings(tmp_path, endpoints=endpoints, hooks=hooks))
    lines: list[str] = []
    bell.set_log(lambda _level, text: lines.append(text))
    task = {"id": "t", "name": "MARKER", "params": {"list": ["MARKER"]}}
    bell.task_complete({**task, "webhook_params": ["MARKER"]})
    receiver.wait_for(4)
    assert sorted(request.target for request in receiver.requests) == sorted(f"/{name}" for name in faulty)
    said = (
        "when",
        "`cooldown_by` of cooldown",
        "`supersede` of supersede",
        "`quiet_except` of quiet",
        "webhook_params",
    )
    eventually("a line for each", lambda: all(any(part in line for line in lines) for part in said))
    stats = bell.stats()
    assert (stats["conditions_broken"], stats["params_ignored"]) == (4, 1)
    assert not any("MARKER" in line for line in lines), lines


def zone() -> str:
    """An offset from UTC at which it is about noon now."""
    hour = time.gmtime().tm_hour
    return f"{'+' if hour <= 12 else '-'}{abs(12 - hour):02}:00"
