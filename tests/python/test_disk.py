"""Disks that fill up, are read-only, or lose the spool under a running host.

The disks are small file systems in memory, mounted in a name space of the host's own, so no rights are
needed. Where the system forbids that, the tests are skipped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bells import eventually, query, settings
from farm_relay import Relay, node
from steps import Reply
from tools import need, run

COMMON = """
import json, os, sys, time, taskbell
config, folder = json.loads(sys.argv[1]), sys.argv[2]

def fill():
    with open(folder + "/filler", "wb", buffering=0) as filler:
        for size in (65536, 4096, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                pass

def make_room():
    os.unlink(folder + "/filler")

def emit(number):
    started = time.monotonic()
    try:
        bell.emit("test.event", {"n": number, "text": "x" * 4000})
        return "OK"
    except taskbell.TaskbellError as refusal:
        return refusal.name
    finally:
        calls.append(time.monotonic() - started)

calls = []
bell = taskbell.Bell(config, strict=True)
assert emit(0) == "OK" and bell.sync(30)
"""

FULL = (
    COMMON
    + """
fill()
taken, refusals = [0], set()
end = time.monotonic() + 30
while "SPOOL" not in refusals:
    assert time.monotonic() < end, refusals
    name = emit(len(taken))
    if name == "OK":
        taken.append(len(taken))
    else:
        refusals.add(name)
        time.sleep(0.001)
assert refusals <= {"SPOOL", "QUEUE_FULL"}, refusals
assert len(taken) > 10, "what fits before the spool is taken all the same"
assert bell.stats()["spool_failing"] is True
try:
    bell.sync(0.2)
    raise SystemExit("a sync that is not one")
except taskbell.TaskbellError as refusal:
    assert refusal.name == "SPOOL", refusal
make_room()
assert bell.sync(30) and bell.stats()["spool_failing"] is False
assert emit(len(taken)) == "OK"
taken.append(len(taken))
assert bell.close(30) == 0
# No call waited for the disk: the rest is for a crowded machine.
assert sorted(calls)[len(calls) * 9 // 10] < 0.005, calls
print(json.dumps(taken))
"""
)

CLOSE_FULL = (
    COMMON
    + """
fill()
taken = [0] + [number for number in range(1, 30) if emit(number) == "OK"]
started = time.monotonic()
bell.close(0.5)
took = time.monotonic() - started
assert took < 0.5 + 0.25 + 1.0, took
make_room()
assert any(name.endswith(".ring") for name in os.listdir(folder)), "what is not spooled stays in the ring"
bell = taskbell.Bell(config)
assert bell.flush(30)
assert bell.close(30) == 0
print(json.dumps(taken))
"""
)

READ_ONLY = """
import json, subprocess, sys, taskbell
config, folder = json.loads(sys.argv[1]), sys.argv[2]
subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
try:
    taskbell.Bell(config)
    raise SystemExit("it opened")
except taskbell.TaskbellError as refusal:
    assert refusal.name == "SPOOL" and folder in refusal.message, refusal
print("refused")
"""


def test_an_event_is_spooled_without_being_asked(tmp_path, receive, ring):
    bell = ring(settings(tmp_path, receive().url()))
    for number in range(15):
        time.sleep(0.25 if number % 2 else 0.02)  # out of the dispatcher's deep sleep, and out of its doze
        bell.emit("test.event", {"n": number})
        eventually("it is there", lambda: bell.stats()["spooled"] == number + 1)  # noqa: B023
    assert query(tmp_path / "bell.db", "SELECT count(*) AS events FROM all_events") == [{"events": 15}]


@pytest.fixture
def on_a_disk_of_its_own(tmp_path):
    """Runs a host with the configuration's folder on a file system of a few MiB."""

    def run_host(code: str, config: dict, size: str = "4m") -> str:
        unshare = need("unshare")
        folder = tmp_path / "disk"
        folder.mkdir()
        namespace = [unshare, "--user", "--map-root-user", "--mount"]
        mount = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
        allowed = subprocess.run([*namespace, "sh", "-c", mount, str(folder), "true"], capture_output=True)
        if allowed.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {allowed.stderr.decode()}")
        host = [sys.executable, "-c", code, json.dumps(config), str(folder)]
        return run(*namespace, "sh", "-c", mount, folder, *host, timeout=120)

    return run_host


def on_disk(tmp_path: Path, receiver, ring: str) -> dict:
    config = settings(tmp_path / "disk", receiver.url())
    config["queue"].update({"max_bytes": "128KiB", "max_event_bytes": "16KiB", "ring": ring})
    return config


def arrived(receiver) -> set[int]:
    return {request.json()["data"]["n"] for request in list(receiver.requests)}


@pytest.mark.parametrize("ring", ["auto", "beside"])
def test_a_full_disk_refuses_by_name_and_loses_nothing(tmp_path, receive, on_a_disk_of_its_own, ring):
    receiver = receive()
    text = on_a_disk_of_its_own(FULL, on_disk(tmp_path, receiver, ring))
    assert arrived(receiver) == set(json.loads(text.splitlines()[-1]))


def test_a_full_disk_of_a_node_whose_relay_is_away_loses_nothing(tmp_path, receive, on_a_disk_of_its_own):
    back = tmp_path / "back"
    relay = Relay(receive, lambda _: None if back.exists() else Reply(503))
    config = node(tmp_path / "disk", relay)
    config["queue"].update({"max_bytes": "128KiB", "max_event_bytes": "16KiB"})
    code = FULL.replace("make_room()\n", f"make_room()\nopen({str(back)!r}, 'w').close()\n", 1)
    text = on_a_disk_of_its_own(code, config)
    taken = {event["data"]["n"] for event in relay.taken if event["type"] == "test.event"}
    assert taken == set(json.loads(text.splitlines()[-1]))


@pytest.mark.parametrize("ring", ["auto", "beside"])
def test_close_keeps_its_time_on_a_full_disk(tmp_path, receive, on_a_disk_of_its_own, ring):
    receiver = receive()
    text = on_a_disk_of_its_own(CLOSE_FULL, on_disk(tmp_path, receiver, ring))
    assert arrived(receiver) == set(json.loads(text.splitlines()[-1]))


def test_a_read_only_folder_is_refused_by_name(tmp_path, receive, on_a_disk_of_its_own):
    assert "refused" in on_a_disk_of_its_own(READ_ONLY, on_disk(tmp_path, receive(), "auto"))
