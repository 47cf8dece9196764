"""Nodes, relays and the database on machines of their own, between which a link goes down.

Packets vanish, and no connection is refused or reset. Once the link is up again nothing is lost, and nothing
has counted twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authority import Authority
from bells import eventually
from hosts import Host
from networks import Network
from postgres import Cluster
from relays import SECRET, RelayProcess, arrived, relay_settings

LEASE_S = 2.0
PATIENCE_S = 120.0
TASKS = 60
BELLS = ("bell-a", "bell-b")


class Machines:
    """A node, two relays, of which the first one leads, a database, and the test as the receiver."""

    def __init__(self, folder: Path, receiver: Any) -> None:
        self.receiver = receiver
        self.network = Network("node", *BELLS, "db")
        self.cluster: Cluster | None = None
        self.relays: list[RelayProcess] = []
        self.host: Host | None = None
        try:
            self._start(folder)
        except BaseException:
            self.close()
            raise

    def _start(self, folder: Path) -> None:
        authority = Authority(folder)
        to_node = {bell: self.network.join("node", bell)[1] for bell in BELLS}
        to_database = {bell: self.network.join(bell, "db")[1] for bell in BELLS}
        to_receiver = {bell: self.network.join(bell, None)[1] for bell in BELLS}
        certificate = authority.issue("db", tuple(to_database.values()))
        self.cluster = Cluster(tls=certificate, within=self.network.within("db"))
        urls = []
        for number, bell in enumerate(BELLS):
            cert, key = authority.issue(bell, (to_node[bell],))
            config = relay_settings(
                folder,
                self.receiver.url(host=to_receiver[bell]),
                farm={
                    "listen": "0.0.0.0:0",
                    "cert": str(cert),
                    "key": str(key),
                    "store": f"postgres://taskbell@{to_database[bell]}:{self.cluster.port}/taskbell",
                    "ca_file": str(authority.ca_file),
                    "lease": f"{int(LEASE_S)}s",
                },
            )
            relay = RelayProcess(folder, config, bell, self.network.within(bell))
            self.relays.append(relay)
            urls.append(f"https://{to_node[bell]}:{relay.url.rpartition(':')[2]}")
            if number == 0:
                eventually("the first relay leads", lambda: self.epoch() == 1, PATIENCE_S)
        node = {
            "host": {"name": "node.studio"},
            "spool": {"path": str(folder / "node.db")},
            "queue": {"end_delay": "0s"},
            "farm": {
                "relays": urls,
                "secret": SECRET,
                "node": "node",
                "timeout": "2s",
                "ca_file": str(authority.ca_file),
            },
        }
        self.host = Host(node, self.network.within("node"))

    def epoch(self) -> int:
        """How many leaders there have been."""
        assert self.cluster is not None
        rows = self.cluster.sql("SELECT coalesce(to_regclass('taskbell.leader')::text, '')")
        if rows in ([[""]], []):
            return 0
        return int(self.cluster.sql("SELECT epoch FROM taskbell.leader")[0][0])

    def work(self, first: int, count: int) -> float:
        """Tasks of one batch; how long the slowest call took."""
        assert self.host is not None
        slowest = 0.0
        for number in range(first, first + count):
            began = time.monotonic()
            batch = {"id": "shot", "total": 2 * TASKS}
            self.host.call("emit", "task.complete", {"id": number, "queue": "film", "batch": batch})
            slowest = max(slowest, time.monotonic() - began)
        return slowest

    def reconcile(self) -> None:
        assert self.host is not None
        assert self.host.call("flush", PATIENCE_S)
        (batch,) = eventually("the end of the batch", lambda: arrived(self.receiver, "batch.end"), PATIENCE_S)
        assert batch["batch"]["total"] == 2 * TASKS
        tasks = eventually(
            "all tasks",
            lambda: len(found := arrived(self.receiver, "task.complete")) >= 2 * TASKS and found,
            PATIENCE_S,
        )
        assert Counter(task["task"]["id"] for task in tasks) == Counter(range(2 * TASKS))
        assert len(arrived(self.receiver, "batch.end")) == 1

    def close(self) -> None:
        if self.host is not None and self.host.process.poll() is None:
            self.host.kill()
        for relay in self.relays:
            if relay.process.poll() is None:
                relay.kill()
        if self.cluster is not None:
            self.cluster.close()
        self.network.close()


@pytest.fixture
def machines(tmp_path: Path, receive: Any) -> Iterator[Machines]:
    made = Machines(tmp_path, receive(interface="0.0.0.0"))
    yield made
    made.close()


def test_another_relay_leads_when_the_link_between_the_leader_and_the_database_is_down(machines):
    machines.work(0, TASKS)
    eventually("they arrive", lambda: len(arrived(machines.receiver, "task.complete")) == TASKS, PATIENCE_S)
    machines.network.set("bell-a", "db", "down")
    began = time.monotonic()
    machines.work(TASKS, TASKS)
    eventually("the other relay leads", lambda: machines.epoch() == 2, PATIENCE_S)
    took = time.monotonic() - began
    machines.reconcile()
    sent = len(machines.receiver.requests)
    machines.network.set("bell-a", "db", "up")
    log = machines.relays[0].log
    eventually("who was cut off knows", lambda: "does not lead any more" in log.read_text(), PATIENCE_S)
    machines.reconcile()
    assert len(machines.receiver.requests) == sent, "it sends nothing any more"
    print(f"the other relay led after {took:.1f} s of a lease of {LEASE_S} s")


def test_a_node_whose_link_to_the_leader_is_down_keeps_its_events_until_it_is_up(machines):
    machines.work(0, TASKS)
    eventually("they arrive", lambda: len(arrived(machines.receiver, "task.complete")) == TASKS, PATIENCE_S)
    machines.network.set("node", "bell-a", "down")
    slowest = machines.work(TASKS, TASKS)
    assert slowest < 1.0, "a call knows nothing of the network"
    assert not machines.host.call("flush", LEASE_S * 2), "the relay that it reaches is on standby"
    assert (machines.epoch(), len(arrived(machines.receiver, "task.complete"))) == (1, TASKS)
    machines.network.set("node", "bell-a", "up")
    machines.reconcile()
    assert machines.epoch() == 1
