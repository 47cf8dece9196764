"""Relays on one PostgreSQL, whose leader, nodes and database fail at random: what was accepted counts once.

``TASKBELL_TEST_SEED`` repeats a run. ``TASKBELL_TEST_KILLS`` says how many failures there are; by hand:
``TASKBELL_TEST_KILLS=300 cargo xtask python tests/python/test_relay_failover.py -s`` prints what it measured.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Callable

import pytest

from bells import endpoint, eventually
from hosts import Host
from postgres import Cluster, CuttingProxy
from relays import SECRET, RelayProcess, post, relay_settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")

SEED = int(os.environ.get("TASKBELL_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
KILLS = int(os.environ.get("TASKBELL_TEST_KILLS") or 12)
NODES = 3
BATCH = 50
LEASE_S = 2.0
RATE = 200
PATIENCE_S = 180.0


class Node:
    """A machine of the farm: its spool stays, its host comes and goes."""

    def __init__(self, folder: Path, relays: list[RelayProcess], name: str) -> None:
        self.name = name
        self.lock = threading.Lock()
        self.config = {
            "host": {"name": f"{name}.studio"},
            "spool": {"path": str(folder / f"{name}.db")},
            "queue": {"end_delay": "0s"},
            "farm": {"relays": [relay.url for relay in relays], "secret": SECRET, "node": name},
        }
        self.host = Host(self.config)
        self.starts = 1

    def report(self, task: dict[str, Any]) -> None:
        """A task of the process that runs now."""
        with self.lock:
            of_process = {"user": self.name, "name": f"{self.name}/{self.starts}"}
            self.host.call("emit", "task.complete", task | of_process)

    def call(self, name: str, *arguments: Any) -> Any:
        with self.lock:
            return self.host.call(name, *arguments)

    def restart(self) -> None:
        with self.lock:
            self.host.kill()
            self.host = Host(self.config)
            self.starts += 1


class Farm:
    """Two relays, each of which reaches the database through a proxy of its own, and nodes under load."""

    def __init__(self, folder: Path, receiver: Any, cluster: Cluster) -> None:
        self.receiver = receiver
        self.cluster = cluster
        self.proxies = [CuttingProxy(cluster.port) for _ in range(2)]
        self.relays = [self._relay(folder, number) for number in range(2)]
        self.nodes = [Node(folder, self.relays, f"node-{number}") for number in range(NODES)]
        self.accepted = 0
        self.takeovers: dict[str, list[float]] = defaultdict(list)
        self._is_over = threading.Event()
        self._load = threading.Thread(target=self._feed, daemon=True)

    def _relay(self, folder: Path, number: int) -> RelayProcess:
        store = self.cluster.url(port=self.proxies[number].port)
        config = relay_settings(
            folder,
            self.receiver.url("/all"),
            # Longer than it takes some hosts to start: all may be down at once.
            queue={"end_delay": "20s"},
            farm={"store": store, "lease": f"{int(LEASE_S)}s"},
            endpoints={
                "e0": endpoint(self.receiver.url("/all"), concurrency=4, rate=f"{RATE}/s"),
                "e1": endpoint(self.receiver.url("/order"), concurrency=1),
            },
            hooks=[
                {"on": ["*"], "to": ["e0"]},
                {"on": ["task.complete"], "to": ["e1"]},
            ],
        )
        return RelayProcess(folder, config, f"relay-{number}")

    def _feed(self) -> None:
        """Tasks of all nodes, one after the other, whatever fails meanwhile."""
        pick = random.Random(SEED)
        while not self._is_over.is_set() or self.accepted % BATCH:
            number = self.accepted
            node = pick.choice(self.nodes)
            batch = {"id": f"shot-{number // BATCH}", "total": BATCH}
            node.report({"id": number, "queue": "film", "batch": batch})
            self.accepted += 1
            time.sleep(0.01)

    def begin(self) -> None:
        self._load.start()

    def end(self) -> None:
        self._is_over.set()
        self._load.join(PATIENCE_S)
        assert not self._load.is_alive()

    def leader(self) -> int:
        """The number of the relay that takes posts, once there is one."""
        found: list[int] = []

        def look() -> bool:
            found[:] = [number for number in range(2) if leads(self.relays[number])]
            return bool(found)

        eventually("a relay leads", look, PATIENCE_S)
        return found[0]

    def measure(self, what: str, former: int) -> None:
        """How long it takes from now on until the other relay leads."""
        began = time.monotonic()
        other = self.relays[1 - former]
        eventually(f"the other relay leads after {what}", lambda: leads(other), PATIENCE_S)
        self.takeovers[what].append(time.monotonic() - began)

    def close(self) -> None:
        self._is_over.set()
        for node in self.nodes:
            if node.host.process.poll() is None:
                node.host.kill()
        for relay in self.relays:
            if relay.process.poll() is None:
                relay.process.send_signal(signal.SIGCONT)
                relay.kill()
        for proxy in self.proxies:
            proxy.close()


def leads(relay: RelayProcess) -> bool:
    if relay.process.poll() is not None:
        return False
    try:
        return post(relay, "probe").status == 204
    except OSError:
        return False


# What may fail.


def kill_node(farm: Farm, moment: random.Random) -> None:
    moment.choice(farm.nodes).restart()


def kill_leader(farm: Farm, _moment: random.Random) -> None:
    leader = farm.leader()
    farm.relays[leader].kill()
    farm.measure("kill", leader)
    farm.relays[leader].start()


def kill_both(farm: Farm, _moment: random.Random) -> None:
    for relay in farm.relays:
        relay.kill()
    for relay in farm.relays:
        relay.start()
    farm.leader()


def pause_leader(farm: Farm, _moment: random.Random) -> None:
    leader = farm.leader()
    process = farm.relays[leader].process
    process.send_signal(signal.SIGSTOP)
    try:
        farm.measure("pause", leader)
    finally:
        process.send_signal(signal.SIGCONT)
    eventually("who was paused stands by", lambda: post(farm.relays[leader], "probe").status == 421)


def cut_leader(farm: Farm, _moment: random.Random) -> None:
    leader = farm.leader()
    farm.proxies[leader].cut()
    try:
        farm.measure("partition", leader)
        # Until it distrusts its lease, it answers posts without events: they need no database.
        relay = farm.relays[leader]
        eventually("who is cut off takes nothing", lambda: post(relay, "probe").status in (421, 503))
    finally:
        farm.proxies[leader].join()


def stop_database(farm: Farm, moment: random.Random) -> None:
    farm.cluster.down(moment.choice(["immediate", "fast"]))
    time.sleep(moment.random() * 2)
    farm.cluster.up()
    farm.leader()


def kill_database(farm: Farm, _moment: random.Random) -> None:
    farm.cluster.kill()
    farm.cluster.up()
    farm.leader()


def freeze_database(farm: Farm, moment: random.Random) -> None:
    farm.cluster.freeze()
    time.sleep(LEASE_S + moment.random() * 2)
    farm.cluster.thaw()
    farm.leader()


def lose_answers(farm: Farm, moment: random.Random) -> None:
    proxy = farm.proxies[farm.leader()]
    proxy.swallow_commits(moment.randrange(1, 4))
    farm.leader()


FAILURES: dict[Callable[[Farm, random.Random], None], int] = {
    kill_node: 6,
    kill_leader: 6,
    lose_answers: 3,
    pause_leader: 2,
    cut_leader: 2,
    stop_database: 2,
    kill_database: 2,
    freeze_database: 1,
    kill_both: 1,
}


@pytest.fixture
def farm(tmp_path, receive):
    cluster = Cluster()
    farm = None
    try:
        farm = Farm(tmp_path, receive(), cluster)
        yield farm
    finally:
        if farm is not None:
            farm.close()
        cluster.close()


def test_whatever_fails_all_that_was_accepted_counts_once_and_ends_once(farm):
    print(f"seed {SEED}")
    moment = random.Random(SEED)
    failures = [*FAILURES]
    # Each at least once, if there are so many.
    plan = failures + moment.choices(failures, [*FAILURES.values()], k=max(0, KILLS - len(failures)))
    plan = plan[:KILLS]
    moment.shuffle(plan)
    farm.leader()
    farm.begin()
    for fail in plan:
        time.sleep(moment.random() * 0.5)
        fail(farm, moment)
    farm.end()
    failed = Counter(fail.__name__ for fail in plan)
    reconcile(farm, failed)


def reconcile(farm: Farm, failed: Counter) -> None:
    """What the receiver has is what was accepted."""
    farm.leader()
    for node in farm.nodes:
        node.call("emit", "queue.end", {"name": "film"})
    for node in farm.nodes:
        node.call("flush", 60)
    total = farm.accepted
    (queue,) = eventually("the end of the queue", lambda: of(farm, "queue.end"), PATIENCE_S)
    batches = eventually("the ends of all batches", lambda: ends(farm, total // BATCH), PATIENCE_S)
    tasks = eventually("all tasks", lambda: complete(farm, "/all", total), PATIENCE_S)
    in_order = eventually("all tasks in order", lambda: complete(farm, "/order", total), PATIENCE_S)

    assert sorted(task["task"]["id"] for task in tasks) == list(range(total)), failed
    assert queue["queue"]["total"] == total, failed
    assert sorted(batch["batch"]["id"] for batch in batches) == sorted(
        f"shot-{number}" for number in range(total // BATCH)
    ), failed
    assert {batch["batch"]["total"] for batch in batches} == {BATCH}, failed
    hosts = {task["task"]["user"]: task["host"]["name"] for task in tasks}
    assert hosts == {name: f"{name}.studio" for name in hosts}
    # What a process left when it was killed may come after the first tasks of the next one.
    by_process = defaultdict(list)
    for task in in_order:
        by_process[task["task"]["name"]].append(task["task"]["id"])
    assert all(numbers == sorted(numbers) for numbers in by_process.values()), (failed, by_process)

    waits = eventually("nothing waits", lambda: (seen := status(farm))["waiting"] == 0 and seen, PATIENCE_S)
    assert [node["node"] for node in waits["nodes"] if node["queues"]] == []
    assert len(of(farm, "queue.end")) == 1
    assert len(ends(farm, total // BATCH)) == total // BATCH
    again = check_repeated(farm, failed)
    check_rate(farm)
    figures = {
        what: f"{statistics.median(times):.2f} s, {max(times):.2f} s at most ({len(times)})"
        for what, times in farm.takeovers.items()
    }
    print(f"{sum(failed.values())} failures {dict(failed)}: {total} tasks, 0 lost, {again} messages again")
    print(f"until the other relay led: {figures}")


def of(farm: Farm, kind: str, target: str = "/all") -> list[dict[str, Any]]:
    found = {}
    for request in list(farm.receiver.requests):
        if request.target == target and (body := request.json())["type"] == kind:
            found.setdefault(request.header("webhook-id"), body["data"])
    return list(found.values())


def ends(farm: Farm, count: int) -> list[dict[str, Any]] | None:
    found = of(farm, "batch.end")
    return found if len(found) >= count else None


def complete(farm: Farm, target: str, count: int) -> list[dict[str, Any]] | None:
    found = of(farm, "task.complete", target)
    return found if len(found) >= count else None


def status(farm: Farm) -> dict[str, Any]:
    return farm.relays[0].status()


def check_repeated(farm: Farm, failed: Counter) -> int:
    """A message comes again only if it was in flight or unrecorded when a leader was lost."""
    requests = list(farm.receiver.requests)
    known = {(request.target, request.header("webhook-id")) for request in requests}
    again = len(requests) - len(known)
    of_leaders = sum(count for name, count in failed.items() if name != "kill_node")
    assert again <= of_leaders * (RATE + 200), f"{again} messages came again: {failed}"
    return again


def check_rate(farm: Farm) -> None:
    """One rate for all leaders. What was sent in time may arrive a second later on a busy machine."""
    times = sorted(request.at for request in farm.receiver.requests if request.target == "/all")
    window = 5.0
    first = 0
    for last, at in enumerate(times):
        while times[first] < at - window:
            first += 1
        assert last - first + 1 <= RATE * (window + 1)
