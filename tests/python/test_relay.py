"""`taskbell relay`: it takes what nodes sign, answers 204 for what is durable, and each event counts once."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from authority import Authority
from bells import eventually, query
from fake_platform import command
from relays import OTHER, SECRET, RelayProcess, arrived, event, lines, post, relay_settings, send, signed
from tools import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")

MIB = 1 << 20


@pytest.fixture
def relay(tmp_path, receive):
    """Starts relays that end with the test; the receiver is ``relay.receiver``."""
    started = []

    def start(name="relay", **sections):
        receiver = started[0].receiver if started else receive()
        config = relay_settings(tmp_path, receiver.url(), **sections)
        started.append(RelayProcess(tmp_path, config, name))
        started[-1].receiver = receiver
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def stored(relay) -> int:
    return query(relay.path.with_name("relay.db"), "SELECT count(*) AS n FROM all_events")[0]["n"]


def test_a_post_that_is_answered_204_is_in_the_spool_and_its_message_arrives(relay):
    one = relay().leads()
    answer = post(one, "node-1", event("task.complete", {"id": 7, "status": "error"}))
    assert (answer.status, answer.body) == (204, b"")
    assert stored(one) == 1
    (told,) = eventually("the message", lambda: arrived(one.receiver, "task.complete"))
    assert (told["task"]["id"], told["host"]["name"]) == (7, "node-1.studio")


def test_an_event_that_is_posted_again_counts_and_arrives_once(relay):
    one = relay().leads()
    first, second = event("task.complete", {"id": 1}), event("task.complete", {"id": 2})
    for events in [[first], [first, second], [second, second], [first]]:
        assert post(one, "a", *events).status == 204
    one.restart()
    one.leads()
    assert post(one, "a", first, event("queue.end")).status == 204
    (end,) = eventually("the end", lambda: arrived(one.receiver, "queue.end"))
    assert end["queue"]["total"] == 2
    assert len(arrived(one.receiver, "task.complete")) == 2


def test_nobody_is_in_without_a_secret_of_the_farm(relay):
    one = relay(farm={"secrets": [SECRET, OTHER]}).leads()
    good = event("test.event")
    body = lines("a", good)
    assert post(one, "a", event("test.event"), secret=OTHER).status == 204
    now = time.time()
    wrong = "whsec_" + "A" * 43 + "="
    for headers, reason in [
        ({}, "has no header"),
        (signed(body, wrong), "no signature of the request matches"),
        (signed(body + b" "), "no signature of the request matches"),
        (signed(body, at=now - 310), "signed 31"),
        (signed(body, at=now + 310), "in the future"),
        ({**signed(body), "webhook-id": "x"}, "no signature of the request matches"),
    ]:
        answer = send(one, body, headers)
        assert (answer.status, reason in answer.body.decode()) == (401, True), answer.body
    assert stored(one) == 1
    log = one.log.read_text()
    assert "was answered 401" in log
    assert "whsec_" not in log


def test_what_is_too_much_or_too_slow_is_refused_and_the_relay_goes_on(relay):
    one = relay().leads()
    for body in [
        lines("a", *[event("test.event", {"text": "x" * 3000}) for _ in range(400)]),
        lines("a", *[event("test.event") for _ in range(501)]),
        lines("a", event("test.event", {"text": "x" * 3 * MIB})),
    ]:
        assert send(one, body, signed(body)).status == 413
    # A body that stops in its middle holds up nobody.
    host, port = one.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 60) as slow:
        slow.sendall(b"POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nx")
        assert post(one, "a", event("test.event")).status == 204
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
    assert stored(one) == 1


def test_a_compressed_post_is_refused_with_a_sentence_and_never_unpacked(relay):
    one = relay().leads()
    bomb = gzip.compress(lines("a", event("test.event")) + b" " * (64 * MIB))
    for body, encoding in [(bomb, "gzip"), (lines("a", event("test.event")), "br")]:
        answer = send(one, body, {**signed(body), "content-encoding": encoding})
        assert (answer.status, "send the lines as they are" in answer.body.decode()) == (415, True)
    plain = lines("a", event("test.event"))
    assert send(one, plain, {**signed(plain), "content-encoding": "identity"}).status == 204
    assert stored(one) == 1


def test_what_cannot_be_read_is_named_event_by_event_and_nothing_of_the_post_is_taken(relay):
    one = relay().leads()
    good, bad = event("test.event"), event("Not A Type")
    answer = post(one, "a", good, bad)
    (refused,) = json.loads(answer.body)["refused"]
    assert (answer.status, refused["place"], refused["id"]) == (422, 2, bad["id"])
    assert "is not an event type" in refused["reason"]
    for body, status in [
        (b"", 400),
        (b"nonsense\n", 400),
        (b'{"node": ""}\n', 400),
        (lines("a") + b"x\n", 422),
    ]:
        assert send(one, body, signed(body)).status == status, body
    assert stored(one) == 0
    assert send(one, b"", {}, path="/").status == 404


def test_as_much_waits_as_may_and_then_nodes_wait(relay):
    """While the spool takes nothing, posts wait for it, and the next are asked to come later."""
    one = relay(farm={"max_waiting": "1MiB"}).leads()
    spool = one.path.with_name("relay.db")
    lock = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
            "c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()",
            spool,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert lock.stdout is not None
        assert lock.stdout.readline() == "locked\n"
        large = {"text": "x" * 700_000}
        waiting = lines("a", event("test.event", large))
        host, port = one.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 60) as first:
            head = "".join(f"{name}: {value}\r\n" for name, value in signed(waiting).items())
            start = f"POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-length: {len(waiting)}\r\n{head}\r\n"
            first.sendall(start.encode() + waiting)
            refused = eventually(
                "a post is refused",
                lambda: (answer := post(one, "b", event("test.event", large))).status == 429 and answer,
            )
            assert refused.headers["retry-after"] == "1"
    finally:
        lock.communicate(timeout=30)
    eventually("posts are taken again", lambda: post(one, "b", event("test.event", large)).status == 204, 60)


def test_of_two_relays_on_one_spool_one_leads_and_the_other_follows_it(relay):
    first = relay("first").leads()
    second = relay("second")
    answer = post(second, "a", event("test.event"))
    assert (answer.status, answer.body) == (421, b"another relay leads")
    task = event("task.complete", {"id": 1})
    assert post(first, "a", task).status == 204
    first.kill()
    second.leads()
    assert post(second, "a", task, event("queue.end")).status == 204
    (end,) = eventually("the end", lambda: arrived(second.receiver, "queue.end"))
    assert end["queue"]["total"] == 1


def test_a_relay_that_is_asked_to_end_answers_every_post_and_leaves_the_rest_for_the_next_start(relay):
    one = relay(queue={"end_delay": "1h"}).leads()
    assert post(one, "a", event("task.complete"), event("queue.end")).status == 204
    began = time.monotonic()
    assert one.end() == {"ended": True, "left": 0}
    assert time.monotonic() - began < 6
    assert one.status() == {**one.status(), "leads": False}
    assert arrived(one.receiver, "queue.end") == [], "the nodes go on when their relay ends"
    one.config["queue"]["end_delay"] = "0s"
    one.start()
    eventually("the end that was held", lambda: arrived(one.receiver, "queue.end"))


def test_the_status_shows_who_leads_which_nodes_post_and_what_they_work_on(relay):
    one = relay().leads()
    post(one, "node-1", event("task.complete", {"queue": "film"}), waiting=12)
    post(one, "node-2", event("test.event"))
    status = one.status()
    assert status["leads"] is True
    nodes = {node.pop("node"): node for node in status["nodes"]}
    first = nodes["node-1"]
    assert (first["host"], first["version"], first["waiting"]) == ("node-1.studio", "1", 12)
    assert (first["queues"], nodes["node-2"]["queues"], first["silent"]) == (["film"], [], False)
    shown = run(command(), "relay", one.path, "--status")
    assert "A relay leads on" in shown
    assert "works on film" in shown


def test_a_relay_speaks_tls_with_its_certificate(relay, tmp_path):
    authority = Authority(tmp_path)
    cert, key = authority.issue("relay", ("127.0.0.1",))
    config = relay_settings(tmp_path, "http://127.0.0.1:1/", farm={"cert": str(cert), "key": str(key)})
    one = RelayProcess(tmp_path, config, "tls")
    try:
        assert one.url.startswith("https://")
        trusted = ssl.create_default_context(cafile=str(authority.ca_file))

        def take() -> int:
            body = lines("a", event("test.event"))
            request = urllib.request.Request(f"{one.url}/v1/events", body, signed(body))
            try:
                with urllib.request.urlopen(request, timeout=30, context=trusted) as answer:
                    return answer.status
            except urllib.error.HTTPError as answer:
                return answer.code

        eventually("it takes a post", lambda: take() == 204)
        with pytest.raises(urllib.error.URLError, match=r"(?i)certificate"):
            urllib.request.urlopen(f"{one.url}/v1/events", timeout=30)
    finally:
        one.kill()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"listen": "0.0.0.0:0"}, "listens on a loopback address only"),
        ({"secrets": []}, "at least one secret is required"),
        ({"lease": "1s"}, "farm.lease"),
        ({"ca_file": "-----BEGIN "}, "farm.ca_file"),
    ],
)
def test_a_relay_that_cannot_run_says_why_and_what_to_do(tmp_path, change, reason):
    config = relay_settings(tmp_path, "http://127.0.0.1:1/", farm=change)
    path = tmp_path / "relay.json"
    path.write_text(json.dumps(config))
    done = subprocess.run([command(), "relay", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert reason in done.stderr


def test_a_hangup_reloads_endpoints_and_hooks_and_a_bad_file_leaves_the_old_ones_in_force(relay):
    one = relay(hooks=[{"on": ["first"], "to": ["e0"]}]).leads()
    one.config["hooks"] = [{"on": ["second"], "to": ["e0"]}]
    for text, said in [
        ("{", "the configuration stays as it was"),
        (json.dumps(one.config), "a new configuration is in force"),
    ]:
        one.path.write_text(text)
        one.process.send_signal(signal.SIGHUP)
        eventually(said, lambda said=said: said in one.log.read_text())
        for kind in ["first", "second"]:
            assert post(one, "a", event(kind)).status == 204
    eventually("the message", lambda: arrived(one.receiver, "second"))
    assert len(arrived(one.receiver, "first")) == len(arrived(one.receiver, "second")) == 1
