"""Relays and nodes whose clocks are minutes apart: the time of a farm is that of its database."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bells import endpoint, eventually
from hosts import Host
from postgres import Cluster
from relays import SECRET, RelayProcess, arrived, relay_settings
from steps import Reply
from tools import lacking

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux")

RATE, WINDOW_S = 10, 10.0


@pytest.fixture
def off(monkeypatch):
    """Processes that start within have a clock that is so many seconds ahead."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        lacking("libfaketime is not installed")

    @contextlib.contextmanager
    def start_off(seconds: int) -> Iterator[None]:
        with monkeypatch.context() as changed:
            changed.setenv("LD_PRELOAD", str(found[0]))
            changed.setenv("FAKETIME", f"{seconds:+d}s")
            changed.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            changed.setenv("DONT_FAKE_MONOTONIC", "1")
            yield

    return start_off


class Farm:
    """Of two relays one is four minutes behind and one ahead, of two nodes by two minutes."""

    def __init__(self, folder: Path, receiver: Any, store: str, off: Any) -> None:
        self.off, self.receiver = off, receiver
        config = relay_settings(
            folder,
            receiver.url("/all"),
            farm={"store": store, "lease": "2s"},
            endpoints={
                "e0": endpoint(receiver.url("/all"), concurrency=4),
                "rated": endpoint(receiver.url("/rated"), rate=f"{RATE}/{WINDOW_S:.0f}s"),
                "flaky": endpoint(receiver.url("/flaky"), retry={"schedule": ["6s"]}),
            },
            hooks=[
                {"on": ["queue.end", "task.complete"], "to": ["e0"]},
                {"on": ["render.saved"], "to": ["rated"]},
                {"on": ["render.failed"], "to": ["flaky"]},
            ],
        )
        self.relays = []
        for name, seconds in [("behind", -240), ("ahead", 240)]:
            with off(seconds):
                one = RelayProcess(folder, dict(config, farm=dict(config["farm"])), name)
            self.relays.append(one.leads() if not self.relays else one)
        self.nodes = []
        for name, seconds in [("node-0", -120), ("node-1", 120)]:
            node = {
                "host": {"name": name},
                "spool": {"path": str(folder / f"{name}.db")},
                "queue": {"end_delay": "0s"},
                "farm": {"relays": [relay.url for relay in self.relays], "secret": SECRET, "node": name},
            }
            with off(seconds):
                self.nodes.append(Host(node))

    def report(self, kind: str, count: int, **data: Any) -> None:
        """So many events, by the nodes in turn, which a relay has answered for in the end."""
        for number in range(count):
            self.nodes[number % 2].call("emit", kind, {"id": number, **data})
        for node in self.nodes:
            assert node.call("flush", 30)

    def work_and_end(self, ends: int) -> None:
        """Both nodes work on a queue and end it, once more."""
        self.report("task.complete", 6, queue="film")
        self.report("queue.end", 2, name="film")
        found = eventually("the end", lambda: self._ends(ends), 60)
        assert [end["queue"]["total"] for end in found] == [6] * ends
        assert [end["queue"].get("interrupted", False) for end in found] == [False] * ends

    def _ends(self, count: int) -> list[dict[str, Any]] | None:
        found = arrived(self.receiver, "queue.end")
        return found if len(found) >= count else None

    def change_leader(self, former: int) -> None:
        self.relays[former].kill()
        self.relays[1 - former].leads()

    def times(self, target: str) -> list[float]:
        return [request.at for request in list(self.receiver.requests) if request.target == target]

    def close(self) -> None:
        for node in self.nodes:
            node.kill()
        for relay in self.relays:
            if relay.process.poll() is None:
                relay.kill()


def test_due_times_ends_and_rates_hold_over_leaders_and_nodes_whose_clocks_are_minutes_apart(
    tmp_path, receive, off
):
    fails = {"/flaky": True}
    receiver = receive(lambda request, _number: Reply(500) if fails.get(request.target) else Reply(204))
    cluster = Cluster()
    farm = None
    try:
        farm = Farm(tmp_path, receiver, cluster.url(), off)
        farm.work_and_end(1)
        farm.report("render.saved", RATE)
        eventually("what the rate allows", lambda: len(farm.times("/rated")) == RATE)
        farm.change_leader(0)
        farm.report("render.saved", RATE)
        farm.work_and_end(2)
        farm.report("render.failed", 1)
        failed = eventually("the failed attempt", lambda: farm.times("/flaky"))[0]
        fails.clear()
        with off(-240):
            farm.relays[0].start()
        farm.change_leader(1)
        farm.work_and_end(3)
        again = eventually("the next attempt", lambda: len(farm.times("/flaky")) > 1 and farm.times("/flaky"))
        # Not before its time, and not minutes later.
        assert 5.0 <= again[1] - failed < 40.0
        times = eventually("all that waited for the rate", lambda: _all(farm.times("/rated"), 2 * RATE), 60)
        # What was sent in time may arrive a moment later on a busy machine.
        assert times[RATE] - times[0] >= WINDOW_S - 1.5
        said = "".join(relay.log.read_text() for relay in farm.relays)
        assert " 401" not in said
        (drift,) = cluster.sql("SELECT max(accepted_at) / 1000 FROM taskbell.events")
        assert abs(int(drift[0]) - time.time()) < 60
    finally:
        if farm is not None:
            farm.close()
        cluster.close()


def _all(times: list[float], count: int) -> list[float] | None:
    return sorted(times) if len(times) >= count else None
