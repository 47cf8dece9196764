"""Nodes that are killed at random instants while their relay is in trouble: it gets all that was accepted.

``TASKBELL_TEST_SEED`` repeats a run; ``TASKBELL_TEST_KILLS`` makes it longer or shorter.
"""

from __future__ import annotations

import array
import json
import os
import random
import select
import signal
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import taskbell
from bells import eventually, query
from farm_relay import Post, Relay, node
from steps import Reply, Reset
from tools import ROOT, compile_native

SEED = int(os.environ.get("TASKBELL_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
KILLS = int(os.environ.get("TASKBELL_TEST_KILLS") or 30)
THREADS = 2


class Trouble:
    """What becomes of each post: most are taken, some of them without an answer."""

    def __init__(self, moment: random.Random) -> None:
        self.moment = moment
        self.relays: list[Relay] = []
        self.is_over = False

    def __call__(self, post: Post) -> Any:
        chance = 1.0 if self.is_over else self.moment.random()
        if chance < 0.1:
            return Reply(self.moment.choice([503, 421, 500]))
        if chance < 0.15:
            return Reset()
        if chance < 0.2:
            # The relay has it, and the node does not know.
            self.relays[0].take(post.events)
            return Reset()
        if chance < 0.25:
            return Reply(413) if len(post.events) > 3 else None
        return None


def kill_one(program: Path, config: dict[str, Any], log: Path, number: int, moment: random.Random) -> None:
    """Starts a host, and kills it somewhere between its first instruction and some way into its load."""
    words = [json.dumps(config), str(log), str(number), str(THREADS)]
    host = subprocess.Popen([program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert host.stdout is not None
    try:
        if moment.random() < 0.85:
            assert select.select([host.stdout], [], [], 60)[0], "the host opens"
            assert host.stdout.readline() == b"open\n"
        if not select.select([host.stdout], [], [], moment.random() * 0.2)[0]:
            assert host.poll() is None, "it lives until it is killed"
    finally:
        host.send_signal(signal.SIGKILL)
        host.wait(60)
        host.stdout.close()
    assert host.returncode == -signal.SIGKILL


def accepted(directory: Path) -> set[int]:
    """Every number of an event whose call had returned before the kill."""
    numbers: set[int] = set()
    for log in directory.glob("accepted.*"):
        whole = array.array("Q")
        data = log.read_bytes()
        whole.frombytes(data[: len(data) // 8 * 8])
        numbers.update(whole)
    return numbers


def test_the_relay_gets_all_that_killed_nodes_accepted_each_under_one_id_and_in_order(
    tmp_path, receive, library_path
):
    program = compile_native(library_path, tmp_path / "crash_host", ROOT / "tests" / "c" / "crash_host.c")
    moment = random.Random(SEED)
    trouble = Trouble(moment)
    relay = Relay(receive, trouble)
    # Both are the same relay under two names, so that it sees the posts of a node that goes on to the next.
    second = Relay(receive, lambda post: relay.take(post.events))
    trouble.relays = [relay]
    config = node(tmp_path, relay, second)
    config["queue"] = {"end_delay": "0s", "max_bytes": "64KiB", "max_event_bytes": "16KiB"}
    for number in range(KILLS):
        kill_one(program, config, tmp_path / "accepted", number, moment)
    trouble.is_over = True
    bell = taskbell.Bell(config)
    try:
        assert bell.flush(240)
        eventually("everything is forwarded", lambda: bell.stats()["pending"] == 0, timeout=240)
    finally:
        assert bell.close(60) == 0

    wanted = accepted(tmp_path)
    arrived: dict[int, str] = {}
    order: dict[int, list[int]] = defaultdict(list)
    for event in relay.taken:
        if event["type"] == "queue.end":
            assert event["data"]["interrupted"], "of a process that was killed"
            continue
        number = int(event["data"]["id"])
        assert arrived.setdefault(number, event["id"]) == event["id"], f"{number} came under two ids"
        order[number >> 32].append(number)
    lost = wanted - arrived.keys()
    assert not lost, f"seed {SEED}: {len(lost)} of {len(wanted)} accepted events are lost"
    # A call that had not returned when its process was killed may have been taken all the same.
    assert len(arrived) - len(wanted) <= KILLS * THREADS
    assert all(numbers == sorted(numbers) for numbers in order.values()), (
        f"seed {SEED}: the order of a thread"
    )
    states = query(tmp_path / "bell.db", "SELECT DISTINCT state FROM all_deliveries")
    assert states == [{"state": "delivered"}]
    repeated = sum(len(post.events) for post in [*relay.posts, *second.posts]) - len(arrived)
    print(f"seed {SEED}: {KILLS} kills, {len(wanted)} accepted, 0 lost, {repeated} sent again")
