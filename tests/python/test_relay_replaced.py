"""The database of a farm is replaced by a replica that lags: what it has forgotten, nodes post again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bells import eventually, query
from hosts import Host
from postgres import Cluster, Replica
from relays import SECRET, RelayProcess, arrived, event, post, relay_settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")

EACH = 20
TOTAL = 3 * 3 * EACH


@pytest.fixture
def servers() -> Iterator[tuple[Cluster, Replica]]:
    cluster = Cluster()
    replica = None
    try:
        replica = Replica(cluster)
        yield cluster, replica
    finally:
        if replica is not None:
            replica.close()
        cluster.close()


def store_of(*servers: Cluster) -> str:
    """A URL with all of them: whichever takes writes is used."""
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return f"postgres://taskbell@{hosts}/taskbell"


class Farm:
    """Two relays and three nodes, which report one queue and one batch."""

    def __init__(self, folder: Path, receiver: Any, store: str) -> None:
        self.receiver = receiver
        config = relay_settings(
            folder, receiver.url(), farm={"store": store, "lease": "2s"}, queue={"end_delay": "2s"}
        )
        self.relays = [RelayProcess(folder, dict(config, farm=dict(config["farm"])), name) for name in "ab"]
        self.configs = [self._node(folder, f"node-{number}") for number in range(3)]
        self.hosts = [Host(config) for config in self.configs]
        self.reported = 0

    def _node(self, folder: Path, name: str) -> dict[str, Any]:
        return {
            "host": {"name": f"{name}.studio"},
            "spool": {"path": str(folder / f"{name}.db")},
            "queue": {"end_delay": "0s"},
            "farm": {"relays": [relay.url for relay in self.relays], "secret": SECRET, "node": name},
        }

    def report(self) -> None:
        """Tasks of each node, which a relay has answered for in the end."""
        for host in self.hosts:
            for _ in range(EACH):
                batch = {"id": "shot", "total": TOTAL}
                host.call("emit", "task.complete", {"id": self.reported, "queue": "film", "batch": batch})
                self.reported += 1
        for host in self.hosts:
            assert host.call("flush", 60)

    def tasks(self) -> list[int]:
        return [task["task"]["id"] for task in arrived(self.receiver, "task.complete")]

    def close(self) -> None:
        for host in self.hosts:
            host.kill()
        for relay in self.relays:
            if relay.process.poll() is None:
                relay.kill()


def test_what_a_replica_has_forgotten_nodes_post_again_and_it_counts_once(tmp_path, receive, servers):
    cluster, replica = servers
    farm = Farm(tmp_path, receive(), store_of(cluster, replica))
    try:
        farm.report()
        replica.catch_up()
        replica.lag()
        farm.report()
        eventually("the messages of what will be forgotten", lambda: len(farm.tasks()) == 2 * 3 * EACH)
        # The host of one node is gone by then, and the next one has nothing to report itself.
        farm.hosts[2].close()
        cluster.kill()
        replica.promote()
        known = "SELECT count(*) FROM taskbell.events WHERE type = 'task.complete'"
        assert replica.sql(known) == [[str(3 * EACH)]], "it has forgotten what it did not get"
        farm.hosts[2] = Host(farm.configs[2])
        forgotten = f"{known} AND node = 'node-2'"
        eventually("the next host posts again", lambda: replica.sql(forgotten) == [[str(2 * EACH)]], 60)
        farm.report()
        for host in farm.hosts:
            host.call("emit", "queue.end", {"name": "film"})
        (queue,) = eventually("the end of the queue", lambda: arrived(farm.receiver, "queue.end"), 60)
        (batch,) = eventually("the end of the batch", lambda: arrived(farm.receiver, "batch.end"), 60)
        eventually("all tasks", lambda: sorted(farm.tasks()) == list(range(TOTAL)), 60)
        assert (queue["queue"]["total"], batch["batch"]["total"]) == (TOTAL, TOTAL)
        assert replica.sql(known) == [[str(TOTAL)]]
        assert len(arrived(farm.receiver, "queue.end")) == 1
        assert len(arrived(farm.receiver, "batch.end")) == 1
        # Again, and under the same id, comes only what was delivered before.
        again = len(farm.receiver.requests) - len({r.header("webhook-id") for r in farm.receiver.requests})
        assert 3 * EACH <= again <= 2 * 3 * EACH
        assert any("took the place of another one" in relay.log.read_text() for relay in farm.relays)
        waits = "SELECT count(*) AS n FROM all_deliveries WHERE state <> 'delivered'"
        assert query(tmp_path / "node-2.db", waits) == [{"n": 0}]
    finally:
        farm.close()


def test_a_relay_waits_for_a_replica_to_take_the_place_of_its_server(tmp_path, receive, servers):
    cluster, replica = servers
    cluster.down()
    config = relay_settings(tmp_path, receive().url(), farm={"store": replica.url()})
    one = RelayProcess(tmp_path, config)
    try:
        eventually("it says so", lambda: "is a replica, which only reads" in one.log.read_text())
        assert post(one, "a", event("test.event")).status == 421
        replica.promote()
        one.leads()
    finally:
        one.kill()
