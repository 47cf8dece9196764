"""The database of a farm is away for a minute: nodes keep what is reported, and all of it counts once."""

from __future__ import annotations

import sys
import time

import pytest

from bells import eventually
from hosts import Host
from postgres import Cluster
from relays import SECRET, RelayProcess, arrived, relay_settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")

OUTAGE_S = 60
NODES = 3


def test_a_database_that_is_away_for_a_minute_costs_nothing_but_the_wait(tmp_path, receive):
    cluster, receiver = Cluster(), receive()
    started: list[RelayProcess | Host] = []
    try:
        config = relay_settings(
            tmp_path,
            receiver.url(),
            farm={"store": cluster.url(), "lease": "2s"},
            queue={"end_delay": "2s"},
        )
        relays = [RelayProcess(tmp_path, {**config, "farm": {**config["farm"]}}, name) for name in "ab"]
        started += relays
        farm = {"relays": [relay.url for relay in relays], "secret": SECRET}
        nodes = [
            Host(
                {
                    "host": {"name": f"{name}.studio"},
                    "spool": {"path": str(tmp_path / f"{name}.db")},
                    "queue": {"end_delay": "0s"},
                    "farm": {**farm, "node": name},
                }
            )
            for name in (f"node-{number}" for number in range(NODES))
        ]
        started += nodes
        reported = 0

        def report() -> None:
            nonlocal reported
            nodes[reported % NODES].call("emit", "task.complete", {"id": reported, "queue": "film"})
            reported += 1

        for _ in range(100):
            report()
        eventually("a message", lambda: arrived(receiver, "task.complete"))
        cluster.down()
        end = time.monotonic() + OUTAGE_S
        while time.monotonic() < end:
            report()
            time.sleep(0.02)
        cluster.up()
        for node in nodes:
            node.call("emit", "queue.end", {"queue": "film"})
            assert node.call("flush", 120)
        (told,) = eventually("the end", lambda: arrived(receiver, "queue.end"))
        assert told["queue"]["total"] == reported
        tasks = [task["task"]["id"] for task in arrived(receiver, "task.complete")]
        assert sorted(tasks) == list(range(reported))
    finally:
        for one in started:
            one.kill()
        cluster.close()
