"""What goes over the wire, and what each answer leads to."""

from __future__ import annotations

import re
import time
from datetime import datetime

import pytest

import taskbell
from bells import attempts, endpoint, eventually, invariant, query, reports, settings
from fake_platform import command
from steps import Redirect, Reply
from tools import run

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_request_has_the_headers_and_the_body_of_the_contract(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(settings(tmp_path, receiver.url("/hook/x?y=1")))
    ticket = bell.task_complete({"id": "7", "name": "größer ✓", "status": "success", "extra": [1, 2.5]})
    (request,) = receiver.wait_for(1)
    assert (request.method, request.target) == ("POST", "/hook/x?y=1")
    assert request.header("content-type") == "application/json"
    assert request.header("user-agent") == f"taskbell/{taskbell.version()}"
    assert re.fullmatch(r"evt_[0-9a-f]{32}", request.header("webhook-id") or "")
    assert abs(int(request.header("webhook-timestamp") or 0) - request.at) < 5
    assert request.header("taskbell-attempt") == "1"
    assert request.header("webhook-signature") is None
    assert request.header("content-length") == str(len(request.body))
    assert request.header("host") == f"127.0.0.1:{receiver.port}"
    body = request.json()
    assert list(body) == ["type", "timestamp", "data"]
    assert body["type"] == "task.complete"
    assert abs(datetime.fromisoformat(body["timestamp"].replace("Z", "+00:00")).timestamp() - request.at) < 5
    assert body["data"]["task"]["name"] == "größer ✓"
    assert body["data"]["task"]["extra"] == [1, 2.5]
    assert body["data"]["host"]["name"] == "test-host"
    (report,) = reports(bell, 1)
    expected = {
        "event": request.header("webhook-id"),
        "type": "task.complete",
        "endpoint": "e0",
        "state": "delivered",
        "attempts": 1,
        "status": 204,
        "reason": None,
        "ticket": ticket,
    }
    assert {key: report[key] for key in expected} == expected


def test_a_hosts_own_event_travels_as_it_is(tmp_path, receive, ring):
    receiver = receive()
    payload = {"b": {"deep": [None, True, 0.1, "x"]}, "a": 12345678901234567890}
    ring(settings(tmp_path, receiver.url())).emit("test.event", payload)
    (request,) = receiver.wait_for(1)
    assert request.json()["data"] == payload


def test_configured_headers_are_sent_with_secrets_from_the_environment(tmp_path, receive, ring, monkeypatch):
    monkeypatch.setenv("TASKBELL_TEST_TOKEN", "Bearer abc")
    receiver = receive()
    headers = {"authorization": "env:TASKBELL_TEST_TOKEN", "x-team": "render"}
    config = settings(tmp_path, endpoints={"ci": endpoint(receiver.url(), headers=headers)})
    ring(config).emit("test.event")
    (request,) = receiver.wait_for(1)
    assert (request.header("authorization"), request.header("x-team")) == ("Bearer abc", "render")


def test_a_retry_has_the_same_id_and_body_and_a_fresh_timestamp_and_signature(tmp_path, receive, ring):
    receiver = receive([Reply(503, headers={"retry-after": "2"}), Reply(500)])
    sign = [{"scheme": "standard-webhooks", "secrets": [SECRET]}]
    config = settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), sign=sign)})
    bell = ring(config)
    bell.emit("test.event", {"n": 1})
    first, second, third = receiver.wait_for(3)
    assert len({request.header("webhook-id") for request in (first, second, third)}) == 1
    assert first.body == second.body == third.body
    assert [r.header("taskbell-attempt") for r in (first, second, third)] == ["1", "2", "3"]
    assert int(second.header("webhook-timestamp")) >= int(first.header("webhook-timestamp")) + 2
    assert first.header("webhook-signature") != second.header("webhook-signature")
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"], report["status"]) == ("delivered", 3, 204)


def test_a_delivery_is_dead_after_its_last_retry(tmp_path, receive, ring):
    receiver = receive(default=Reply(503, b"not today"))
    bell = ring(settings(tmp_path, receiver.url()))
    ticket = bell.emit("test.event")
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"], report["status"]) == ("dead", 3, 503)
    assert report["reason"]
    assert bell.wait(ticket, 5)
    first, second, third = receiver.requests
    assert second.monotonic - first.monotonic >= 0.05
    assert third.monotonic - second.monotonic >= 0.1
    logged = attempts(tmp_path)
    assert [(row["number"], row["status"]) for row in logged] == [(1, 503), (2, 503), (3, 503)]
    assert all("not today" in row["response"] for row in logged)
    stats = bell.stats()
    assert (stats["attempts"], stats["dead"], stats["retries"]) == (3, 1, 2)
    invariant(stats, 1)


def test_a_template_that_fails_is_a_dead_letter_with_its_reason(tmp_path, receive, ring):
    receiver = receive()
    hook = {"on": ["task.complete"], "template": {"text": "{{ task.params.seed }}"}}
    bell = ring(settings(tmp_path, receiver.url(), hooks=[{**hook, "to": ["e0"]}]))
    bell.task_complete({"name": "no parameters", "params": {}})
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"]) == ("dead", 0)
    assert "seed" in report["reason"] or "undefined" in report["reason"]
    assert receiver.requests == []


@pytest.mark.parametrize(("asked", "at_most"), [("1800", 1800), ("864000", 3600)])
def test_a_quiet_is_bounded_and_seen_everywhere_and_one_call_lifts_it(
    tmp_path, receive, ring, asked, at_most
):
    receiver = receive([Reply(429, headers={"retry-after": asked})])
    retry = {"schedule": ["1h"] * 3, "max_age": "1h"}
    bell = ring(settings(tmp_path, endpoints={"team": endpoint(receiver.url(), retry=retry)}))
    said = []
    bell.set_log(lambda _level, text: said.append(text))
    bell.emit("test.event")
    until = eventually("a quiet", lambda: bell.stats()["lanes"]["team"]["quiet_until"])
    assert 0 < datetime.fromisoformat(until).timestamp() - time.time() <= at_most
    bell.emit("test.event")
    spool, words = tmp_path / "bell.db", "asked for by the receiver"
    eventually("the second one in the spool", lambda: len(query(spool, "SELECT * FROM all_deliveries")) == 2)
    assert words in run(command(), "list", spool)
    assert words in run(command(), "show", spool, "2")
    eventually("a line of the log", lambda: any(words in text for text in said))
    assert len(receiver.requests) == 1
    run(command(), "replay", spool, "--endpoint", "team")
    receiver.wait_for(2)
    eventually("no quiet", lambda: bell.stats()["lanes"]["team"]["quiet_until"] is None)


def test_410_stops_the_endpoint_and_no_other(tmp_path, receive, ring):
    gone, other = receive(default=Reply(410)), receive()
    bell = ring(settings(tmp_path, gone.url(), other.url()))
    bell.emit("test.event")
    found = {report["endpoint"]: report for report in reports(bell, 2)}
    assert (found["e0"]["state"], found["e0"]["attempts"], found["e0"]["status"]) == ("dead", 1, 410)
    assert found["e1"]["state"] == "delivered"
    bell.emit("test.event")
    other.wait_for(2)
    bell.flush(2)
    assert len(gone.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(tmp_path, receive, ring, status):
    elsewhere = receive()
    receiver = receive(default=Redirect(elsewhere.url(), status))
    bell = ring(settings(tmp_path, receiver.url()))
    bell.emit("test.event")
    (report,) = reports(bell, 1)
    assert (report["state"], report["status"]) == ("dead", status)
    assert len(receiver.requests) == 3
    assert elsewhere.requests == []


def test_nobody_listening_is_retried_and_told(tmp_path, receive, ring):
    receiver = receive()
    receiver.close()
    bell = ring(settings(tmp_path, receiver.url()))
    bell.emit("test.event")
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"], report["status"]) == ("dead", 3, None)
    assert all(row["error"] for row in attempts(tmp_path))


def test_when_everything_has_ended_the_numbers_add_up(tmp_path, receive, ring):
    receiver, failing = receive(), receive(default=Reply(500))
    bell = ring(settings(tmp_path, receiver.url(), failing.url()))
    # Fewer than make the breaker of the failing lane open.
    for number in range(4):
        bell.emit("test.event", {"n": number})
    assert bell.flush(20)
    invariant(bell.stats(), 8)
    eventually("all ended", lambda: bell.stats()["pending"] == 0)
    stats = bell.stats()
    invariant(stats, 8)
    assert (stats["accepted"], stats["spooled"]) == (4, 4)
    assert (stats["delivered"], stats["dead"]) == (4, 4)
    assert stats["ring_used_bytes"] == 0
    assert set(stats["lanes"]) == {"e0", "e1"}
