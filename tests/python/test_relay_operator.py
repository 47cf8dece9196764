"""What an operator of a farm uses: the command, the console, its metrics, over the file of a relay."""

from __future__ import annotations

import json
import sys
import time
import urllib.parse
from typing import Any

import pytest

from bells import endpoint, eventually
from console import console
from fake_platform import command
from postgres import Cluster
from relays import RelayProcess, arrived, event, post, relay_settings
from steps import Reply
from tools import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")


@pytest.fixture
def relay(tmp_path, receive):
    """A relay that leads; ``relay.answer`` is what its receiver answers."""
    state = {"status": 200}
    receiver = receive(lambda _request, _number: Reply(state["status"]))
    one = RelayProcess(tmp_path, relay_settings(tmp_path, receiver.url())).leads()
    one.receiver, one.state = receiver, state
    yield one
    if one.process.poll() is None:
        one.kill()


def told(one: RelayProcess, *words: object) -> str:
    name, *rest = words
    return run(command(), name, one.path, *rest)


def told_json(one: RelayProcess, *words: object) -> dict:
    return json.loads(told(one, *words, "--json"))


def listed(one: RelayProcess, *options: object) -> list[dict]:
    return told_json(one, "list", *options)["deliveries"]


def test_list_and_show_name_the_node_of_an_event_and_list_narrows_by_it(relay):
    for number in [1, 2]:
        task = event("task.complete", {"id": number, "batch": {"id": "shot", "total": 2}})
        assert post(relay, f"node-{number}", task).status == 204
    eventually("both messages", lambda: len(listed(relay, "--delivered", "--type", "task.complete")) == 2)
    (of_second,) = listed(relay, "--node", "node-2", "--type", "task.complete")
    assert of_second["node"] == "node-2"
    shown = told_json(relay, "show", of_second["delivery"])
    assert (shown["node"], json.loads(shown["payload"])["id"]) == ("node-2", 2)
    assert "by node node-2" in told(relay, "show", of_second["delivery"])
    table = told(relay, "list", "--type", "task.complete").splitlines()
    assert table[0].split()[:5] == ["no", "accepted", "(UTC)", "type", "node"]
    assert sorted(line.split()[4] for line in table[1:3]) == ["node-1", "node-2"]
    assert listed(relay, "--node", "node-3") == []
    # What the relay derives is of no node.
    (end,) = eventually("the end", lambda: listed(relay, "--type", "batch.end", "--delivered"))
    assert "node" not in end


def test_explain_replay_and_drop_take_the_configuration_of_the_relay(relay):
    assert "e0" in told(relay, "explain", "task.complete", '{"status": "error"}')
    relay.state["status"] = 400
    post(relay, "node-1", event("task.complete", {"id": 1}), event("task.complete", {"id": 2}))
    dead = eventually(
        "two dead letters", lambda: (found := listed(relay, "--dead")) and len(found) == 2 and found
    )
    relay.state["status"] = 200
    told(relay, "drop", dead[0]["delivery"])
    told(relay, "replay", "--dead")
    eventually("the other one", lambda: len(listed(relay, "--delivered", "--type", "task.complete")) == 1)
    assert listed(relay, "--dead") == []


def test_the_console_of_a_relay_shows_the_nodes_and_narrows_deliveries_by_them(relay):
    hostile = "<b>node"
    post(relay, "node-1", event("task.complete", {"queue": "film"}), waiting=12)
    post(relay, hostile, event("test.event"))
    with console(relay.path) as page:
        now = page.ask("/").text
        assert "node-1.studio" in now
        assert "film" in now
        assert hostile not in now
        assert "&lt;b&gt;node" in now
        found = eventually(
            "the delivery",
            lambda: (text := page.ask("/deliveries?node=node-1").text) and "task.complete" in text and text,
        )
        assert "test.event" not in found
        (row,) = listed(relay, "--node", "node-1")
        assert "node-1" in page.ask(f"/deliveries/{row['delivery']}").text


def test_the_metrics_of_a_relay_have_its_nodes_and_whether_a_relay_leads(relay):
    def samples() -> dict[str, str]:
        answer = page.ask("/metrics")
        assert answer.text.endswith("# EOF\n")
        lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
        return dict(line.rsplit(" ", 1) for line in lines)

    with console(relay.path, "--read-only") as page:
        before = time.time()
        post(relay, 'node "1"', event("test.event"), waiting=12)
        found = eventually("the node", lambda: (now := samples()).get("taskbell_nodes_heard") == "2" and now)
        assert found["taskbell_relay_leads"] == "1"
        assert found['taskbell_node_waiting{node="node \\"1\\""}'] == "12"
        heard = float(found['taskbell_node_last_post_timestamp_seconds{node="node \\"1\\""}'])
        assert before - 1 <= heard <= time.time() + 1
        relay.kill()
        eventually("nobody leads", lambda: samples()["taskbell_relay_leads"] == "0")


def test_two_machines_with_one_name_and_a_node_of_another_version_are_named_in_the_log(relay):
    for host in ["a.studio", "b.studio", "a.studio"]:
        assert post(relay, "node-1", event("test.event"), host=host).status == 204
    eventually("both remarks", lambda: "both post as node `node-1`" in relay.log.read_text())
    log = relay.log.read_text()
    assert "node `node-1` has version 1 of the library and this relay" in log
    assert log.count("both post as node") == 1
    assert len(arrived(relay.receiver, "test.event")) <= 3


def test_the_console_its_metrics_and_lists_show_a_farm_that_is_in_a_database(tmp_path, receive):
    cluster = Cluster()
    try:
        config = relay_settings(tmp_path, receive().url(), farm={"store": cluster.url()})
        one = RelayProcess(tmp_path, config).leads()
        try:
            assert post(one, "node-1", event("task.complete", {"queue": "film"})).status == 204
            with console(one.path) as page:
                eventually("the node", lambda: "node-1.studio" in page.ask("/").text)
                metrics = page.ask("/metrics").text
                assert "\ntaskbell_relay_leads 1\n" in metrics
                assert "\ntaskbell_relay_epoch 1\n" in metrics
                eventually("the row", lambda: "task.complete" in page.ask("/deliveries?node=node-1").text)
            (row,) = eventually("the delivery", lambda: listed(one, "--node", "node-1", "--delivered"))
            assert "by node node-1" in told(one, "show", row["delivery"])
        finally:
            one.kill()
    finally:
        cluster.close()


def test_each_button_of_the_console_works_on_a_farm_that_is_in_a_database(tmp_path, receive):
    answers = {
        "/dead": Reply(400),
        "/waits": Reply(500),
        "/quiet": Reply(429, headers={"retry-after": "900"}),
    }
    receiver = receive(lambda request, _number: answers.get(request.target, Reply(200)))
    cluster = Cluster()
    try:
        kinds = {"dead": "render.failed", "waits": "render.saved", "quiet": "render.started"}
        config = relay_settings(
            tmp_path,
            receiver.url(),
            farm={"store": cluster.url()},
            endpoints={
                name: endpoint(
                    receiver.url(f"/{name}"), retry={"schedule": ["10ms" if name == "dead" else "30m"]}
                )
                for name in kinds
            },
            hooks=[{"on": [kind], "to": [name]} for name, kind in kinds.items()],
        )
        one = RelayProcess(tmp_path, config).leads()
        try:
            events = [event(kind) for kind in kinds.values() for _ in range(2)]
            assert post(one, "node-1", *events).status == 204
            press_each_button(one, receiver, answers)
        finally:
            one.kill()
    finally:
        cluster.close()


def press_each_button(one: RelayProcess, receiver: Any, answers: dict[str, Reply]) -> None:
    def rows(name: str, *options: str, count: int = 2) -> list[dict]:
        wanted = ["--endpoint", name, *options]
        return eventually(
            f"{count} of {wanted}",
            lambda: (found := listed(one, *wanted)) is not None and len(found) == count and found,
        )

    def was_tried(name: str, count: int) -> bool:
        return sum(request.target == f"/{name}" for request in receiver.requests) >= count

    with console(one.path) as page:
        dead = rows("dead", "--dead")
        eventually("the others were tried", lambda: was_tried("waits", 2) and was_tried("quiet", 1))
        waits = rows("waits", "--pending")
        answers.clear()
        # Again: one dead letter.
        assert page.post("/do/replay", f"delivery={dead[0]['delivery']}").status == 200
        (arrives,) = rows("dead", "--delivered", count=1)
        assert arrives["delivery"] == dead[0]["delivery"]
        # Again: all of one reason.
        reason = urllib.parse.urlencode({"reason": dead[1]["reason"]})
        assert page.post("/do/replay", reason).status == 200
        rows("dead", "--delivered")
        # Send now what waits for its next attempt, and give the other one up.
        assert page.post("/do/replay", f"delivery={waits[0]['delivery']}").status == 200
        assert rows("waits", "--delivered", count=1)[0]["delivery"] == waits[0]["delivery"]
        assert page.post("/do/drop", f"delivery={waits[1]['delivery']}").status == 200
        (given_up,) = rows("waits", "--dead", count=1)
        assert (given_up["delivery"], given_up["reason"]) == (waits[1]["delivery"], "dropped by hand")
        assert page.post("/do/drop", f"delivery={waits[1]['delivery']}").status == 200
        eventually("it is removed", lambda: not listed(one, "--endpoint", "waits", "--dead"))
        # The pause that the receiver asked for ends before its time.
        eventually("the pause is shown", lambda: "/do/lift" in page.ask("/").text)
        assert page.post("/do/lift", "endpoint=quiet").status == 200
        rows("quiet", "--delivered")
        # Neither of these leaves anything behind.
        before = len(listed(one))
        assert "has it" in page.post("/do/test", "endpoint=dead").text
        form = urllib.parse.urlencode({"type": "render.saved", "payload": "", "config": one.path.read_text()})
        assert "fires" in page.post("/try", form, **{"hx-request": "true"}).text
        assert len(listed(one)) == before
