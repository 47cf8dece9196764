"""SwarmUI's templates and its wishes for single tasks, through the library."""

from __future__ import annotations

import json

import pytest

from bells import DEADLINE_S, all_text, endpoint, reports, settings

TEMPLATE = '{"text": "%prompt% by %user_name%", "seed": %seed%, "image": "%image%", "left": "%nobody%"}'


def config(tmp_path, receiver, **hook):
    """An ordinary hook for the ends of queues, and the one under test."""
    return settings(
        tmp_path,
        host={"name": "test-host", "base_url": "https://swarm.example.com"},
        endpoints={"end": endpoint(receiver.url("/end")), "gen": endpoint(receiver.url("/gen"))},
        hooks=[
            {"on": ["queue.end"], "to": ["end"]},
            {"on": ["task.complete"], "to": ["gen"], "syntax": "swarmui", **hook},
        ],
    )


def task(**params):
    return {
        "user": "mira",
        "outputs": [{"url": "View/mira/a b%.png"}],
        "params": {"prompt": 'a "cat"', "seed": 7},
        **({"webhook_params": params} if params else {}),
    }


def test_a_pasted_template_is_filled_in(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(config(tmp_path, receiver, template=TEMPLATE))
    bell.task_complete(task())
    (request,) = receiver.wait_for(1)
    assert request.target == "/gen"
    assert request.json() == {
        "text": 'a "cat" by mira',
        "seed": 7,
        "image": "https://swarm.example.com/View/mira/a%20b%25.png",
        "left": "%nobody%",
    }


def test_no_template_sends_an_empty_object(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(config(tmp_path, receiver))
    bell.task_complete(task())
    assert receiver.wait_for(1)[0].json() == {}


def test_what_is_no_object_once_filled_in_is_a_dead_letter_with_the_reason(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(config(tmp_path, receiver, template='{"text": "%prompt%", "seed": %seed%}'))
    bell.task_complete({"params": {"prompt": "x", "seed": "seven, not 7"}})
    (report,) = reports(bell, 1)
    assert report["state"] == "dead"
    assert "this is no JSON" in report["reason"]
    assert "seven" not in report["reason"]


def test_the_wishes_of_a_task_decide_what_a_manual_hook_tells(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(config(tmp_path, receiver, template=TEMPLATE, manual=True))
    for notify in ("normal", "none", "manual", "manual_at_end", "Manual At End"):
        bell.task_complete(task(notify=notify))
    bell.queue_end()
    requests = receiver.wait_for(3)
    assert bell.flush(DEADLINE_S)
    assert sorted(request.target for request in receiver.requests) == ["/end", "/gen", "/gen"]
    manual, at_end = (request.json() for request in requests if request.target == "/gen")
    assert manual["image"] == "https://swarm.example.com/View/mira/a%20b%25.png"
    assert at_end == {"text": 'a "cat" by mira', "seed": 7, "image": "%image%", "left": "%nobody%"}
    # The next busy period owes nothing to this one.
    bell.task_complete(task())
    bell.queue_end()
    assert [request.target for request in receiver.wait_for(4)[3:]] == ["/end"]


def test_the_wish_for_the_end_survives_a_restart(tmp_path, receive, ring):
    receiver = receive()
    described = config(tmp_path, receiver, template=TEMPLATE, manual=True)
    first = ring(described)
    first.task_complete(task(notify="manual_at_end"))
    assert first.sync(DEADLINE_S)
    first.close(5.0)
    second = ring(described)
    second.queue_end()
    targets = sorted(request.target for request in receiver.wait_for(2))
    assert targets == ["/end", "/gen"]


@pytest.mark.parametrize(
    "junk",
    [
        ["MARKER"],
        "MARKER" * 150_000,
        {"notify": "MARKER"},
        {"notify": {"notify": ["MARKER"]}},
        {"to": ["MARKER"]},
        {"to": "MARKER"},
        {"to": [{"MARKER": 1}]},
        {"vars": ["MARKER"]},
        {"vars": {"x": "MARKER" * 15_000}},
        {"url": "http://169.254.169.254/MARKER"},
        {"MARKER": "MARKER"},
        7,
    ],
    ids=lambda junk: json.dumps(junk)[:40],
)
def test_junk_for_wishes_is_ignored_counted_and_never_delivered(tmp_path, receive, ring, junk):
    receiver = receive()
    described = config(tmp_path, receiver)
    described["hooks"][1] = {"on": ["task.complete"], "to": ["gen"]}
    bell = ring(described)
    bell.task_complete({"name": "n", "webhook_params": junk})
    (request,) = receiver.wait_for(1)
    assert b"MARKER" not in request.body
    assert b"webhook_params" not in request.body
    assert bell.stats()["params_ignored"] == 1
    bell.close(5.0)
    assert "MARKER" not in all_text(tmp_path / "bell.db")
