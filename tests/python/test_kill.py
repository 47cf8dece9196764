"""Hosts that are killed at random instants, hundreds of times: nothing accepted is ever lost.

``TASKBELL_TEST_SEED`` repeats a run; ``TASKBELL_TEST_KILLS`` makes it longer or shorter.
"""

from __future__ import annotations

import array
import json
import os
import random
import re
import select
import signal
import subprocess
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

import taskbell
from bells import endpoint, eventually, query, settings
from receiver import Receiver
from tools import ROOT, compile_native

SEED = int(os.environ.get("TASKBELL_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
KILLS = int(os.environ.get("TASKBELL_TEST_KILLS") or 200)
THREADS = 3
CONCURRENCY = 4
# What lanes may have sent and the spool has not yet recorded: they pause beyond (MAX_LANE_REPORTS).
UNRECORDED = 4096
NUMBER = re.compile(rb'"id":\s*"(\d+)"')


class Crashes:
    """One spool, the hosts that were killed on it, and what they had been told was accepted."""

    def __init__(self, directory: Path, receiver: Receiver, ring: str) -> None:
        self.directory = directory
        self.receiver = receiver
        self.place = ring
        self.kills = 0
        self.recorded: dict[str, int] = {}
        """The kill after which the spool first held an event as delivered."""

    def config(self, run: int) -> dict[str, Any]:
        endpoint = {
            "platform": "json",
            "url": self.receiver.url(),
            "headers": {"x-run": str(run)},
            "concurrency": CONCURRENCY,
            "timeout": "60s",
            "retry": {"schedule": ["50ms", "100ms"]},
        }
        return {
            "spool": {"path": str(self.directory / "bell.db")},
            "queue": {
                "end_delay": "0s",
                "max_bytes": "64KiB",
                "max_event_bytes": "16KiB",
                "ring": self.place,
            },
            "endpoints": {"e0": endpoint},
            "hooks": [{"on": ["task.complete", "queue.end"], "to": ["e0"]}],
        }

    def kill_one(self, program: Path, moment: random.Random) -> None:
        """Starts a host, and kills it somewhere between its first instruction and some way into its load."""
        number = self.kills
        words = [json.dumps(self.config(number)), str(self.directory / "accepted"), str(number), str(THREADS)]
        host = subprocess.Popen(
            [program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert host.stdout is not None
        try:
            # Most are killed under load, some while they still open and adopt what the last one left.
            if moment.random() < 0.85:
                assert select.select([host.stdout], [], [], 60)[0], "the host opens"
                assert host.stdout.readline() == b"open\n"
            if not select.select([host.stdout], [], [], moment.random() * 0.3)[0]:
                assert host.poll() is None, "it lives until it is killed"
        finally:
            host.send_signal(signal.SIGKILL)
            host.wait(60)
            host.stdout.close()
        assert host.returncode == -signal.SIGKILL
        for event in self.ids("delivered"):
            self.recorded.setdefault(event, number)
        self.kills += 1

    def ids(self, state: str) -> list[str]:
        if not (self.directory / "bell.db").exists():
            return []
        sql = (
            "SELECT e.id FROM all_deliveries d JOIN all_events e ON e.seq = d.event "
            f"WHERE d.state = '{state}'"
        )
        return [row["id"] for row in query(self.directory / "bell.db", sql)]

    def accepted(self) -> set[int]:
        """Every number of an event whose call had returned before the kill."""
        numbers: set[int] = set()
        for log in self.directory.glob("accepted.*"):
            whole = array.array("Q")
            data = log.read_bytes()
            whole.frombytes(data[: len(data) // 8 * 8])
            assert len(set(whole)) == len(whole)
            numbers.update(whole)
        return numbers

    def spooled(self) -> tuple[dict[int, str], set[int]]:
        """The number and id of each event in the spool, and which are tasks."""
        found: dict[int, str] = {}
        tasks: set[int] = set()
        for event in query(self.directory / "bell.db", "SELECT id, type, payload FROM all_events"):
            match = NUMBER.search(event["payload"].encode())
            if match is None:
                continue
            number = int(match[1])
            assert number not in found, f"event {number} is there under two ids"
            found[number] = event["id"]
            if event["type"] == "task.complete":
                tasks.add(number)
        return found, tasks

    def drain(self) -> None:
        """Opens the spool once more, and delivers what is left."""
        bell = taskbell.Bell(self.config(self.kills))
        try:
            bell.queue_end()
            assert bell.flush(120)
            eventually("everything is delivered", lambda: bell.stats()["pending"] == 0, timeout=120)
        finally:
            assert bell.close(60) == 0

    def reconcile(self) -> str:
        """Delivers what is left, and compares."""
        self.drain()
        accepted = self.accepted()
        spooled, tasks = self.spooled()
        lost = accepted - spooled.keys()
        assert not lost, (
            f"{len(lost)} of {len(accepted)} accepted events are lost, such as {sorted(lost)[:3]}"
        )
        # A call that had not returned when its process was killed may have been taken all the same.
        assert len(spooled) - len(accepted) <= self.kills * THREADS

        arrivals: dict[str, list[int]] = defaultdict(list)
        totals: dict[str, int] = {}
        for request in list(self.receiver.requests):
            data = request.json()["data"]
            if "task" in data:
                assert request.header("webhook-id") == spooled[int(data["task"]["id"])]
                arrivals[str(request.header("webhook-id"))].append(int(str(request.header("x-run"))))
            else:
                totals[str(request.header("webhook-id"))] = data["queue"]["total"]
        assert set(arrivals) == {spooled[number] for number in tasks}
        assert not self.ids("dead")
        assert not self.ids("pending")
        assert sum(totals.values()) == len(tasks), "each task counts once, in one queue, over all crashes"
        return self.judge_duplicates(accepted, len(tasks), arrivals)

    def judge_duplicates(self, accepted: set[int], tasks: int, arrivals: dict[str, list[int]]) -> str:
        """A delivery is repeated only if its process was killed between sending and recording it."""
        repeated: Counter[int] = Counter()
        for event, runs in arrivals.items():
            assert len(set(runs)) == len(runs), f"{event} was sent twice by one process"
            recorded = self.recorded.get(event, self.kills)
            assert max(runs) <= recorded, f"{event} was recorded as delivered and sent again"
            for run_before in sorted(runs)[:-1]:
                repeated[run_before] += 1
        assert all(count <= CONCURRENCY + UNRECORDED for count in repeated.values()), repeated
        return (
            f"{self.kills} kills, {len(accepted)} accepted, 0 lost, {tasks} delivered, "
            f"{sum(repeated.values())} sent again, {max(repeated.values(), default=0)} at most after one kill"
        )


@pytest.fixture(scope="module")
def c_host(tmp_path_factory, library_path):
    program = tmp_path_factory.mktemp("crash") / "crash_host"
    return compile_native(library_path, program, ROOT / "tests" / "c" / "crash_host.c")


@pytest.mark.parametrize("ring", ["auto", "beside"])
def test_nothing_accepted_is_lost_when_a_c_host_is_killed_over_and_over(tmp_path, receive, c_host, ring):
    moment = random.Random(f"{SEED} {ring}")
    crashes = Crashes(tmp_path, receive(), ring)
    for _ in range(KILLS // 2):
        crashes.kill_one(c_host, moment)
    print(f"seed {SEED}: {crashes.reconcile()}")


def test_a_rate_holds_over_kills_and_starts(tmp_path: Path, receive: Any, host: Any) -> None:
    count, per_s, slack_s = 6, 2.0, 0.5
    receiver = receive()
    rated = endpoint(receiver.url(), rate=f"{count}/{per_s:.0f}s", concurrency=2)
    config = settings(tmp_path, endpoints={"e0": rated})
    for _ in range(4):
        one = host(config)
        for number in range(20):
            one.call("emit", "test.event", {"n": number})
        # Three are sent with each start: without what is kept, four starts would send twelve at once.
        receiver.wait_for(len(receiver.requests) + 3)
        one.kill()
    last = host(config)
    receiver.wait_for(len(receiver.requests) + count)
    last.kill()
    arrived = sorted(request.monotonic for request in receiver.requests)
    # A busy machine may hand the first of a window over late: the window is a little shorter than the rate's.
    most = max(sum(at <= other < at + per_s - slack_s for other in arrived) for at in arrived)
    assert most <= count, [round(at - arrived[0], 2) for at in arrived]
