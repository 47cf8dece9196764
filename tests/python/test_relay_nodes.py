"""A farm of real hosts and a relay, any of which is killed at random: what was accepted counts once.

``TASKBELL_TEST_SEED`` repeats a run.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
from collections import Counter

import pytest

from authority import Authority
from bells import eventually
from documents import blocks
from hosts import Host
from relays import SECRET, RelayProcess, arrived, relay_settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")

SEED = int(os.environ.get("TASKBELL_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
NODES = 4
TASKS = 160


class Node:
    """A machine of the farm: its spool stays, its host comes and goes."""

    def __init__(self, folder, relay, name):
        self.name = name
        self.config = {
            "host": {"name": f"{name}.studio"},
            "spool": {"path": str(folder / f"{name}.db")},
            "queue": {"end_delay": "0s"},
            "farm": {"relays": [relay.url], "secret": SECRET, "node": name},
        }
        self.host = Host(self.config)

    def emit(self, kind, data):
        return self.host.call("emit", kind, data)

    def restart(self):
        self.host.kill()
        self.host = Host(self.config)


@pytest.fixture
def farm(tmp_path, receive):
    """A relay and some nodes, which end with the test."""
    receiver = receive()
    # Longer than it takes some hosts to start: all may be down at once.
    config = relay_settings(tmp_path, receiver.url(), queue={"end_delay": "20s"})
    relay = RelayProcess(tmp_path, config).leads()
    nodes = [Node(tmp_path, relay, f"node-{number}") for number in range(NODES)]
    yield relay, nodes, receiver
    for node in nodes:
        if node.host.process.poll() is None:
            node.host.kill()
    if relay.process.poll() is None:
        relay.kill()


def test_nodes_and_the_relay_are_killed_at_random_and_all_that_was_accepted_counts_once(farm):
    relay, nodes, receiver = farm
    print(f"seed {SEED}")
    moment = random.Random(SEED)
    kills = Counter()
    for number in range(TASKS):
        node = moment.choice(nodes)
        batch = {"id": "shot-7", "total": TASKS}
        node.emit("task.complete", {"id": number, "queue": "film", "batch": batch, "user": node.name})
        if moment.random() < 0.06:
            one = moment.choice(nodes)
            one.restart()
            kills["nodes"] += 1
        if moment.random() < 0.03:
            relay.restart()
            kills["relay"] += 1
    for node in nodes:
        node.emit("queue.end", {"name": "film"})
    (batch,) = eventually("the end of the batch", lambda: arrived(receiver, "batch.end"), 120)
    (queue,) = eventually("the end of the queue", lambda: arrived(receiver, "queue.end"), 120)
    assert batch["batch"]["total"] == TASKS, kills
    assert queue["queue"]["total"] == TASKS, kills
    assert "lost_nodes" not in queue["queue"], kills
    tasks = arrived(receiver, "task.complete")
    assert sorted(task["task"]["id"] for task in tasks) == list(range(TASKS)), kills
    hosts = {task["task"]["user"]: task["host"]["name"] for task in tasks}
    assert hosts == {name: f"{name}.studio" for name in hosts}
    # Nothing more comes of what nodes post again.
    relay.restart()
    relay.leads()
    for node in nodes:
        node.restart()
        node.host.call("flush", 30)
    status = relay.status()
    assert (status["waiting"], [node for node in status["nodes"] if node["queues"]]) == (0, [])
    for kind in ["batch.end", "queue.end"]:
        assert len(arrived(receiver, kind)) == 1, (kind, kills)
    bodies = Counter(json.dumps(request.json(), sort_keys=True) for request in receiver.requests)
    assert sum(bodies.values()) - len(bodies) <= 4 * (kills["relay"] + 2) * 8, (
        "only what was in flight came again"
    )


def test_the_howto_works_as_it_is_written(tmp_path, receive, monkeypatch):
    """The configurations of docs/farm.md, with other addresses and files."""
    relay_toml, node_toml = (
        next(block.text for block in blocks("docs/farm.md") if block.language == "toml" and key in block.text)
        for key in ["listen =", "relays ="]
    )
    receiver, authority = receive(), Authority(tmp_path)
    cert, key = authority.issue("relay", ("127.0.0.1",))
    monkeypatch.setenv("TASKBELL_FARM_SECRET", SECRET)
    monkeypatch.setenv("SLACK_URL", receiver.url())
    for old, new in {
        "/var/lib/taskbell/relay.db": tmp_path / "relay.db",
        "0.0.0.0:8790": "127.0.0.1:0",
        "/etc/taskbell/relay.pem": cert,
        "/etc/taskbell/relay.key": key,
    }.items():
        assert old in relay_toml
        relay_toml = relay_toml.replace(old, str(new))
    path = tmp_path / "relay.toml"
    path.write_text(relay_toml)
    relay = RelayProcess(tmp_path, path)
    try:
        relays = re.compile("^relays = .*$", re.MULTILINE)
        ours = f'relays = ["{relay.url}"]\nca_file = "{authority.ca_file}"'
        assert relays.search(node_toml)
        (tmp_path / "node.toml").write_text(relays.sub(ours, node_toml))
        host = Host(str(tmp_path / "node.toml"))
        host.call("emit", "task.complete", {"queue": "film"})
        host.call("emit", "queue.end", {"name": "film"})
        (message,) = eventually("the message", lambda: arrived(receiver, "queue.end"), 60)
        assert message["queue"]["total"] == 1
        host.close()
    finally:
        relay.kill()
