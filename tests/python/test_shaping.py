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


def test_a_cooldown_fires_once_per_key_and_tells_what_it_silenced(tmp_path, receive, ring):
    receiver = receive()
    hook = {
        "cooldown": "1s",
        "cooldown_by": "event.data.key",
        "template": {"key": "{{ event.data.key }}", "more": "{{ event.suppressed }}"},
    }
    bell = ring(shaped(tmp_path, {"e0": endpoint(receiver.url(), concurrency=1)}, hook))
    for key in ["a", "a", "b", "a"]:
        bell.emit("test.event", {"key": key})
    assert bell.flush()
    assert bodies(receiver) == [{"key": "a", "more": 0}, {"key": "b", "more": 0}]
    assert bell.stats()["silenced"] == 2
    time.sleep(1.1)
    bell.emit("test.event", {"key": "a"})
    receiver.wait_for(3)
    assert bodies(receiver)[2] == {"key": "a", "more": 2}


def test_a_digest_is_one_message_and_has_an_id_of_its_own(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(shaped(tmp_path, {"e0": endpoint(receiver.url())}, {"digest": "1s"}))
    started = time.monotonic()
    tickets = [bell.emit("test.event", {"number": number}) for number in range(5)]
    assert all(bell.wait(ticket) for ticket in tickets), "what is in a digest is not waited for"
    assert receiver.requests == []
    (request,) = receiver.wait_for(1)
    assert time.monotonic() - started >= 0.9
    digest = request.json()["data"]["digest"]
    assert [item["event"]["data"]["number"] for item in digest["items"]] == list(range(5))
    assert digest["count"] == 5
    ids = {item["event"]["id"] for item in digest["items"]}
    assert len(ids) == 5
    assert request.header("webhook-id") not in ids
    stats = bell.stats()
    assert (stats["gathered"], stats["digests"], stats["deliveries"]) == (5, 1, 1)


def test_a_digest_survives_the_end_of_the_host(tmp_path, receive, ring):
    receiver = receive()
    config = shaped(tmp_path, {"e0": endpoint(receiver.url())}, {"digest": "2s"})
    first = ring(config)
    for number in range(3):
        first.emit("test.event", {"number": number})
    assert first.close() == 0
    assert receiver.requests == []
    second = ring(config)
    second.emit("test.event", {"number": 3})
    (request,) = receiver.wait_for(1)
    items = request.json()["data"]["digest"]["items"]
    assert [item["event"]["data"]["number"] for item in items] == [0, 1, 2, 3]
    (report,) = reports(second, 1)
    assert report["event"] == request.header("webhook-id")
    assert query(tmp_path / "bell.db", "SELECT name FROM state WHERE kind = 'shaping'") == []


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


def test_a_digest_of_a_queue_comes_with_its_end(tmp_path, receive, ring):
    receiver = receive()
    hook = {"on": ["task.complete"], "digest": "queue"}
    bell = ring(shaped(tmp_path, {"e0": endpoint(receiver.url())}, hook))
    for number in range(3):
        bell.task_complete({"name": f"t{number}", "status": "error" if number == 1 else "success"})
    assert bell.flush()
    assert receiver.requests == []
    bell.queue_end()
    (request,) = receiver.wait_for(1)
    digest = request.json()["data"]["digest"]
    assert (digest["count"], digest["failed"]) == (3, 1)
    assert [item["task"]["name"] for item in digest["items"]] == ["t0", "t1", "t2"]


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


def test_an_alert_is_escalated_unless_it_is_resolved(tmp_path, receive, ring):
    team, ops = receive(), receive()
    hook = {"on": ["alert.firing"], "escalate": {"after": "1s", "to": ["e1"]}}
    bell = ring(shaped(tmp_path, {"e0": endpoint(team.url()), "e1": endpoint(ops.url())}, hook))
    for name in ["disk", "memory"]:
        bell.emit("alert.firing", {"name": name})
    assert bell.flush()
    bell.emit("alert.resolved", {"name": "memory"})
    (request,) = ops.wait_for(1)
    assert request.json()["data"]["alert"]["name"] == "disk"
    eventually("the escalation is over", lambda: bell.stats()["pending"] == 0)
    assert query(tmp_path / "bell.db", "SELECT seq FROM fallbacks") == []
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


def test_a_burst_of_one_thing_is_its_last_message(tmp_path, receive, ring):
    receiver = receive()
    endpoints = {"e0": endpoint(receiver.url(), rate="1/2s", concurrency=1)}
    bell = ring(shaped(tmp_path, endpoints, {"supersede": "event.data.key"}))
    bell.wait(bell.emit("test.event", {"number": 0}))
    tickets = [bell.emit("test.event", {"key": "a", "number": number}) for number in range(1, 31)]
    receiver.wait_for(2)
    assert all(bell.wait(ticket) for ticket in tickets)
    assert numbers(receiver) == [0, 30]
    ended = {report["ticket"]: report for report in reports(bell, 31)}
    ids = [ended[ticket]["event"] for ticket in tickets]
    for number, ticket in enumerate(tickets[:-1]):
        assert ended[ticket]["reason"].removeprefix("superseded by ") in ids[number + 1 :]
    assert bell.stats()["superseded"] == 29


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


def test_quiet_hours_hold_and_a_preview_says_what_comes(tmp_path, receive, ring):
    receiver = receive()
    hour = time.gmtime().tm_hour
    quiet = f"{(hour - 1) % 24:02}:00-{(hour + 2) % 24:02}:00"
    hook = {"quiet_hours": quiet, "quiet_zone": "+00:00", "quiet_except": "event.data.urgent"}
    config = shaped(tmp_path, {"e0": endpoint(receiver.url())}, hook)
    bell = ring(config)
    bell.emit("test.event", {"number": 1})
    bell.emit("test.event", {"number": 2, "urgent": True})
    receiver.wait_for(1)
    assert bell.flush()
    assert numbers(receiver) == [2]
    assert bell.stats()["gathered"] == 1
    (request,) = taskbell.preview(config, "test.event", {"number": 3})["requests"]
    assert request["body"]["data"] == {"number": 3}


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
