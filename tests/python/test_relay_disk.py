"""The disk of a relay's database is full, and has room again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bells import eventually
from postgres import Cluster
from relays import RelayProcess, arrived, event, post, relay_settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="file systems in memory are of Linux")

PATIENCE_S = 60.0
EVENTS = 50


class SmallDisk:
    """A file system of a few MiB, which a filler takes up."""

    def __init__(self, size: str) -> None:
        # Not below the test's folder: the server runs as another user where the test is root.
        self.folder = Path(tempfile.mkdtemp(prefix="tb-disk", dir="/tmp"))
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", str(self.folder)]
        done = subprocess.run(mount, capture_output=True, text=True)
        if done.returncode != 0:
            self.folder.rmdir()
            # Only root gives the server's own user a file system; the disk of a node is tried without.
            assert os.geteuid() != 0 or os.environ.get("CI") != "true", done.stderr
            pytest.skip(f"no file system can be mounted here: {done.stderr}")

    def fill(self) -> None:
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        filler.write(bytes(size))
                except OSError:
                    pass

    def make_room(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)
        self.folder.rmdir()


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    made = SmallDisk("160m")
    yield made
    made.close()


@pytest.fixture
def cluster(disk: SmallDisk) -> Iterator[Cluster]:
    started = Cluster(disk.folder)
    yield started
    disk.make_room()
    started.close()


@pytest.fixture
def relay(tmp_path: Path, receive: Any, cluster: Cluster) -> Iterator[RelayProcess]:
    receiver = receive()
    config = relay_settings(tmp_path, receiver.url(), farm={"store": cluster.url(), "lease": "2s"})
    started = RelayProcess(tmp_path, config).leads()
    started.receiver = receiver
    yield started
    if started.process.poll() is None:
        started.kill()


def task(number: int) -> dict[str, Any]:
    return event("task.complete", {"id": number, "name": os.urandom(2000).hex()})


def test_a_full_disk_of_the_database_is_named_and_what_was_refused_is_taken_later(relay, cluster, disk):
    sent = [task(0)]
    assert post(relay, "node-1", *sent).status == 204
    disk.fill()
    refused: list[dict[str, Any]] = []

    def is_refused() -> bool:
        events = [task(len(sent) + number) for number in range(EVENTS)]
        sent.extend(events)
        answer = post(relay, "node-1", *events)
        if answer.status != 204:
            assert answer.status in (421, 503), answer.status
            refused.extend(events)
        return bool(refused)

    eventually("a post is not taken", is_refused, PATIENCE_S)
    eventually("the log says why", lambda: "No space left on device" in relay.log.read_text(), PATIENCE_S)
    assert relay.process.poll() is None, relay.log.read_text()

    disk.make_room()
    if not cluster.answers():
        # A server that cannot write its log ends, and is started by who made room.
        cluster.kill()
        cluster.up()
    # As a node does.
    eventually("what was refused is taken", lambda: post(relay, "node-1", *refused).status == 204, PATIENCE_S)
    messages = eventually(
        "all messages",
        lambda: len(found := arrived(relay.receiver, "task.complete")) == len(sent) and found,
        PATIENCE_S,
    )
    assert sorted(message["task"]["id"] for message in messages) == list(range(len(sent)))
    assert cluster.sql("SELECT count(*) FROM taskbell.events") == [[str(len(sent))]]
