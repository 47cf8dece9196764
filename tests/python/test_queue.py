"""The queue's own tally, its debounced end, and hooks that decide by it."""

from __future__ import annotations

import pytest

from bells import endpoint, reports, settings
from steps import Reply

TASKS = [
    {"id": "1", "status": "success", "duration_s": 1.0, "user": "ada"},
    {"id": "2", "duration_s": 2.0, "user": "ada"},
    {"id": "3", "status": "success", "duration_s": 6.0, "user": "bob"},
    {"id": "4", "status": "error", "duration_s": 3.0, "error": {"type": "OOM", "message": "out of memory"}},
    {"id": "5", "status": "cancelled"},
]


def queue_ends(receiver):
    bodies = [request.json() for request in list(receiver.requests)]
    return [body["data"]["queue"] for body in bodies if body["type"] == "queue.end"]


def with_hooks(tmp_path, receiver, *hooks, end_delay="50ms"):
    """A configuration whose hooks all ring at one receiver, in order."""
    return settings(
        tmp_path,
        endpoints={"e0": endpoint(receiver.url(), concurrency=1)},
        queue={"end_delay": end_delay},
        hooks=[{"to": ["e0"], **hook} for hook in hooks],
    )


def test_the_summary_has_the_numbers_of_the_queue(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(with_hooks(tmp_path, receiver, {"on": ["queue.end"]}))
    for task in TASKS:
        bell.task_complete(task)
    bell.queue_end({"floor": 3})
    receiver.wait_for(1)
    (queue,) = queue_ends(receiver)
    counts = {key: queue[key] for key in ("name", "total", "succeeded", "failed", "cancelled")}
    assert counts == {"name": "default", "total": 5, "succeeded": 3, "failed": 1, "cancelled": 1}
    assert queue["task_seconds"]["min"] == pytest.approx(1.0)
    assert queue["task_seconds"]["max"] == pytest.approx(6.0)
    assert queue["task_seconds"]["sum"] == pytest.approx(12.0)
    assert queue["task_seconds"]["mean"] == pytest.approx(3.0)
    assert sorted(queue["users"]) == ["ada", "bob"]
    assert len(queue["failures"]) == 1
    assert "out of memory" in str(queue["failures"][0])
    assert queue["floor"] == 3
    assert queue["duration_s"] >= 0
    assert queue["started_at"]
    assert queue["finished_at"]


def test_a_task_within_the_delay_keeps_the_queue_open(tmp_path, receive, ring):
    receiver = receive()
    hooks = [{"on": ["queue.end", "test.event"]}]
    bell = ring(with_hooks(tmp_path, receiver, *hooks, end_delay="2s"))
    bell.task_complete({"id": "1"})
    bell.queue_end()
    bell.task_complete({"id": "2"})
    bell.queue_end()
    receiver.wait_for(1)
    bell.task_complete({"id": "3"})
    bell.queue_end()
    receiver.wait_for(2)
    assert [queue["total"] for queue in queue_ends(receiver)] == [2, 1]


def test_queues_are_counted_by_name(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(with_hooks(tmp_path, receiver, {"on": ["queue.end"]}))
    for number in range(6):
        bell.task_complete({"queue": "night" if number % 3 else "day"})
    bell.queue_end({"queue": "night"})
    receiver.wait_for(1)
    bell.queue_end({"queue": "day"})
    receiver.wait_for(2)
    assert [(queue["name"], queue["total"]) for queue in queue_ends(receiver)] == [("night", 4), ("day", 2)]


def test_a_template_makes_the_body(tmp_path, receive, ring):
    receiver = receive()
    template = {
        "text": "{{ task.name }} took {{ task.duration_s }} s",
        "seconds": "{{ task.duration_s }}",
        "whole": "{{ task.params }}",
        "host": "{{ host.name }}",
    }
    hook = {"on": ["task.complete"], "template": template, "when": "task.status == 'success'"}
    bell = ring(with_hooks(tmp_path, receiver, hook))
    bell.task_complete({"name": "no", "status": "error"})
    bell.task_complete({"name": 'a "quoted" \\ name\n', "duration_s": 2.5, "params": {"steps": 20}})
    (request,) = receiver.wait_for(1)
    assert request.json() == {
        "text": 'a "quoted" \\ name\n took 2.5 s',
        "seconds": 2.5,
        "whole": {"steps": 20},
        "host": "test-host",
    }


def test_a_template_that_fails_is_a_dead_letter_with_its_reason(tmp_path, receive, ring):
    receiver = receive()
    hook = {"on": ["task.complete"], "template": {"text": "{{ task.params.seed }}"}}
    bell = ring(with_hooks(tmp_path, receiver, hook))
    bell.task_complete({"name": "no parameters", "params": {}})
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"]) == ("dead", 0)
    assert "seed" in report["reason"] or "undefined" in report["reason"]
    assert receiver.requests == []


def test_webhook_params_do_not_travel(tmp_path, receive, ring):
    receiver = receive(default=Reply(200, b"ok"))
    bell = ring(with_hooks(tmp_path, receiver, {"on": ["task.complete"]}))
    bell.task_complete({"name": "a", "webhook_params": {"notify": "normal", "vars": {"x": "1"}}})
    bell.task_complete({"name": "b", "webhook_params": "nonsense"})
    requests = receiver.wait_for(2)
    assert {request.json()["data"]["task"]["name"] for request in requests} == {"a", "b"}
    assert all(b"webhook_params" not in request.body for request in requests)
