"""A relay and its database: what it takes, what it refuses in a sentence, and what it shows of it."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bells import eventually
from fake_platform import command
from postgres import Cluster
from receiver import stop_listening
from relays import OTHER, SECRET, RelayProcess, arrived, event, post, relay_settings
from steps import Reply

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = Cluster()
    yield started
    started.close()


@pytest.fixture
def relay(tmp_path, receive, cluster):
    """Starts relays on a database of the test's own; the receiver is ``relay.receiver``."""
    name = f"farm_{abs(hash(tmp_path))}"
    cluster.create(name)
    started: list[Any] = []
    answers: dict[str, Any] = {}

    def start(name_of_relay="relay", **farm):
        receiver = started[0].receiver if started else receive(lambda *_: answers.get("step"))
        config = relay_settings(tmp_path, receiver.url(), farm={"store": cluster.url(name), **farm})
        started.append(RelayProcess(tmp_path, config, name_of_relay))
        started[-1].receiver = receiver
        started[-1].database = name
        return started[-1]

    start.answers = answers
    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def run_relay(tmp_path, store: str, **farm: Any) -> subprocess.CompletedProcess:
    """`taskbell relay` that is expected to end with an error."""
    path = tmp_path / "other.json"
    path.write_text(
        json.dumps(relay_settings(tmp_path, "http://127.0.0.1:1/", farm={"store": store, **farm}))
    )
    return subprocess.run([command(), "relay", path], capture_output=True, text=True, timeout=120)


def check(relay: RelayProcess) -> dict[str, Any]:
    done = subprocess.run(
        [command(), "--json", "check", relay.path], capture_output=True, text=True, timeout=60
    )
    return json.loads(done.stdout)


def test_what_is_posted_is_in_the_database_and_the_next_relay_goes_on_with_it(relay, cluster):
    one = relay().leads()
    task = event("task.complete", {"id": 7, "status": "error"})
    assert post(one, "node-1", task).status == 204
    assert cluster.sql("SELECT count(*) FROM taskbell.events", one.database) == [["1"]]
    (told,) = eventually("the message", lambda: arrived(one.receiver, "task.complete"))
    assert (told["task"]["id"], told["host"]["name"]) == (7, "node-1.studio")
    one.kill()
    two = relay("two").leads()
    assert post(two, "node-1", task, event("queue.end")).status == 204
    (end,) = eventually("the end", lambda: arrived(two.receiver, "queue.end"))
    assert end["queue"]["total"] == 1
    assert len(arrived(two.receiver, "task.complete")) == 1
    assert not one.path.with_name("relay.db").exists(), "there is no spool besides"


def test_the_status_names_the_leader_and_its_epoch_and_check_tries_the_database(relay, cluster):
    one = relay("first")
    one.leads()
    two = relay("second")
    assert post(two, "a", event("test.event")).status == 421
    assert post(one, "node-1", event("task.complete", {"queue": "film"})).status == 204
    for asked in (one, two):
        status = asked.status()
        assert status["leads"] is True
        assert status["leader"].endswith(f"(process {one.process.pid})")
        assert status["epoch"] == 1
        assert [node["queues"] for node in status["nodes"] if node["node"] == "node-1"] == [["film"]]
        assert check(asked)["store"] == {"ok": True, "said": "it has the tables of this farm"}
    shown = subprocess.run(
        [command(), "relay", one.path, "--status"], capture_output=True, text=True, timeout=60
    )
    assert "leads in epoch 1 on its database; 0 deliveries wait." in shown.stdout
    assert one.end()["left"] == 0
    two.leads()
    assert two.status()["epoch"] == 2


def test_list_show_and_replay_take_the_configuration_of_a_relay_on_a_database(relay, cluster):
    one = relay().leads()
    relay.answers["step"] = Reply(400)
    assert post(one, "node-1", event("task.complete", {"id": 7})).status == 204

    def said(*words: str) -> dict[str, Any]:
        done = subprocess.run([command(), "--json", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    (dead,) = eventually("the dead letter", lambda: said("list", str(one.path), "--dead")["deliveries"])
    assert (dead["type"], dead["node"]) == ("task.complete", "node-1")
    shown = said("show", str(one.path), dead["event"])
    assert shown["deliveries"][0]["attempts"][0]["status"] == 400
    relay.answers["step"] = None
    replayed = said("replay", str(one.path), "--dead")
    assert (replayed["replayed"], replayed["hosts"]) == (1, 1)
    eventually("it arrives", lambda: said("list", str(one.path), "--delivered")["deliveries"])


def test_a_relay_goes_on_when_its_database_takes_what_it_refused(relay, cluster):
    one = relay().leads()
    table = "ALTER TABLE taskbell.events"
    cluster.sql(f"{table} ADD CONSTRAINT small CHECK (octet_length(payload) < 1000) NOT VALID", one.database)
    large = event("test.event", {"text": "x" * 2000})
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(post(one, "a", large).status))
    waiting.start()
    eventually("it says so", lambda: "the spool cannot be written" in one.log.read_text())
    cluster.sql(f"{table} DROP CONSTRAINT small", one.database)
    waiting.join(60)
    assert answers in ([204], [503])
    eventually("it takes the post", lambda: post(one, "a", large).status == 204)
    eventually("its message", lambda: arrived(one.receiver, "test.event"))
    assert cluster.sql("SELECT count(*) FROM taskbell.events", one.database) == [["1"]]


def test_a_relay_waits_for_its_database(relay, cluster, tmp_path, receive):
    late = Cluster()
    try:
        late.down()
        config = relay_settings(tmp_path, receive().url(), farm={"store": late.url()})
        one = RelayProcess(tmp_path, config, "early")
        eventually("it says so", lambda: "this relay waits for it" in one.log.read_text())
        assert post(one, "a", event("test.event")).status == 421
        late.up()
        one.leads()
        one.kill()
    finally:
        late.close()


def test_a_database_of_another_farm_and_one_of_a_newer_version_are_refused(relay, cluster, tmp_path):
    one = relay().leads()
    one.kill()
    store = cluster.url(one.database)
    other = run_relay(tmp_path, store, secrets=[OTHER])
    assert other.returncode == 1
    assert "belongs to another farm" in other.stderr
    # While a secret is changed, relays with the old and the new one are of one farm.
    both = relay("both", secrets=[SECRET, OTHER]).leads()
    both.kill()
    relay("new", secrets=[OTHER]).leads().kill()
    assert "belongs to another farm" in run_relay(tmp_path, store).stderr
    cluster.sql("UPDATE taskbell.meta SET version = 99", one.database)
    newer = run_relay(tmp_path, store, secrets=[OTHER])
    assert newer.returncode == 1
    assert "have version 99" in newer.stderr
    said = check(both)["store"]
    assert (said["ok"], "have version 99" in said["said"]) == (False, True)


def test_a_database_on_another_machine_without_tls_is_refused(cluster, tmp_path):
    # An address that leads here, and does not show it.
    store = f"postgres://taskbell:hunter2@0.0.0.0:{cluster.port}/taskbell?sslmode=disable"
    done = run_relay(tmp_path, store)
    assert done.returncode == 1
    assert "needs TLS" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ("mysql://relay@db/taskbell", "expected a URL `postgres://USER@HOST/DATABASE`"),
        ("postgres://relay:hunter2@127.0.0.1:1", "names no database"),
        ("env:TASKBELL_STORE_THAT_IS_NOT_SET", "TASKBELL_STORE_THAT_IS_NOT_SET"),
    ],
)
def test_a_store_that_is_none_is_refused(tmp_path, store, reason):
    done = run_relay(tmp_path, store)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "hunter2" not in done.stderr


def test_a_role_or_database_that_is_missing_is_named(cluster, tmp_path):
    done = run_relay(tmp_path, cluster.url("nowhere"))
    assert done.returncode == 1
    assert 'database "nowhere" does not exist' in done.stderr
    nobody = cluster.url().replace("taskbell@", "nobody:hunter2@")
    done = run_relay(tmp_path, nobody)
    assert done.returncode == 1
    assert 'role "nobody" does not exist' in done.stderr
    assert "hunter2" not in done.stderr


class OldServer:
    """Answers as a PostgreSQL of version 12 does when it is asked for its version."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, client.makefile("rb") as reader:
                self._serve(client, reader)

    def _serve(self, client: socket.socket, reader: Any) -> None:
        def say(*messages: tuple[bytes, bytes]) -> None:
            client.sendall(
                b"".join(kind + struct.pack("!i", len(body) + 4) + body for kind, body in messages)
            )

        def column(name: bytes, kind: int, size: int) -> bytes:
            return name + b"\0" + struct.pack("!ihihih", 0, 0, kind, size, -1, 0)

        ready = (b"Z", b"I")
        for _ in range(2):
            (size,) = struct.unpack("!i", reader.read(4))
            if reader.read(size - 4) == struct.pack("!i", 80877103):
                # It asks for TLS first, and goes on without on this machine.
                client.sendall(b"N")
                continue
            break
        say((b"R", struct.pack("!i", 0)), ready)
        columns = struct.pack("!h", 2) + column(b"number", 23, 4) + column(b"name", 25, -1)
        row = struct.pack("!hii", 2, 4, 120022) + struct.pack("!i", 5) + b"12.22"
        while kind := reader.read(1):
            (size,) = struct.unpack("!i", reader.read(4))
            reader.read(size - 4)
            answers = {
                b"Q": [(b"C", b"SET\0"), ready],
                b"P": [(b"1", b"")],
                b"D": [(b"t", struct.pack("!h", 0)), (b"T", columns)],
                b"B": [(b"2", b"")],
                b"E": [(b"D", row), (b"C", b"SELECT 1\0")],
                b"C": [(b"3", b"")],
                b"S": [ready],
            }
            say(*answers.get(kind, []))

    def close(self) -> None:
        stop_listening(self._listener, self._accepting)


def test_a_server_that_is_too_old_is_named_with_its_version(tmp_path):
    server = OldServer()
    try:
        done = run_relay(tmp_path, f"postgres://taskbell@127.0.0.1:{server.port}/taskbell")
    finally:
        server.close()
    assert done.returncode == 1
    assert "is PostgreSQL 12.22; a farm needs 13 or later" in done.stderr
