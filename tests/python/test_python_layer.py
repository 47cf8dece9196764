"""The layer of Python: a message, a task, a function, a loop and a log, each with every way to end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time

import pytest

import taskbell
from bells import eventually, settings
from steps import Reply
from taskbell import _task
from tools import python

TYPES = [
    "task.start",
    "task.progress",
    "task.complete",
    "batch.progress",
    "batch.end",
    "log.record",
    "message",
]


@pytest.fixture
def told(tmp_path, receive):
    """A bell, and a function that gives the events of a type that arrived, once there are so many."""
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    config["hooks"][0]["on"] = TYPES
    config["endpoints"]["e0"]["concurrency"] = 1

    def events(type, count=1):
        def found():
            bodies = [request.json() for request in list(receiver.requests)]
            data = [body["data"] for body in bodies if body["type"] == type]
            return [one.get("task") or one.get("batch") or one for one in data]

        return eventually(f"{count} of {type}", lambda: found() if len(found()) >= count else None)

    with taskbell.Bell(config, strict=True) as bell:
        events.config, events.bell = config, bell
        yield events


def test_a_bare_url_is_a_configuration(receive, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    receiver = receive()
    assert taskbell.notify(receiver.url(), "training done")
    assert taskbell.notify(receiver.url(), "training done\nloss 0.1", url="https://example.com/run")
    bodies = [request.json() for request in receiver.wait_for(2)]
    assert [body["type"] for body in bodies] == ["message", "message"]
    assert bodies[0]["data"] == {"title": "training done"}
    assert bodies[1]["data"] == {
        "title": "training done",
        "text": "loss 0.1",
        "url": "https://example.com/run",
    }
    with taskbell.Bell(receiver.url()) as bell, taskbell.task("run", bell=bell) as running:
        running.progress(1, 2)
    assert receiver.wait_for(3)[2].json()["type"] == "task.complete", "its end alone"
    monkeypatch.setenv("TEAM_URL", receiver.url())
    assert taskbell.check("env:TEAM_URL")["ok"]


def test_a_message_that_does_not_arrive_is_no_exception(receive, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert not taskbell.notify(receive(default=Reply(410)).url(), "training done")
    assert not taskbell.notify("ftp://example.com/", "training done")
    with pytest.raises(taskbell.TaskbellError):
        taskbell.notify("ftp://example.com/", "training done", strict=True)


def test_a_task_reports_its_metrics_files_and_duration(told, tmp_path):
    with taskbell.task("run 7", kind="training", bell=told.bell, user="ada") as running:
        running.metrics["loss"] = 0.25
        running.output(tmp_path / "a.png", name="sample")
        running.output("https://example.com/b.png")
        running.progress(1, 10)
        running.progress(2, 10)
    (task,) = told("task.complete")
    assert (task["name"], task["kind"], task["status"], task["user"]) == (
        "run 7",
        "training",
        "success",
        "ada",
    )
    assert task["metrics"] == {"loss": 0.25}
    assert task["outputs"][0] == {"path": str(tmp_path / "a.png"), "name": "sample"}
    assert task["outputs"][1] == {"url": "https://example.com/b.png"}
    assert task["duration_s"] >= 0
    (start,), (progress,) = told("task.start"), told("task.progress")
    assert start["id"] == progress["id"] == task["id"]
    assert (progress["done"], progress["total"], progress["title"]) == (1, 10, "run 7: 1 of 10")


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        (ValueError("out of memory"), "error", ("ValueError", "out of memory")),
        (KeyboardInterrupt(), "cancelled", None),
        (asyncio.CancelledError(), "cancelled", None),
        (SystemExit(0), "success", None),
        (SystemExit(3), "error", ("SystemExit", "exit code 3")),
        (SystemExit("no data"), "error", ("SystemExit", "no data")),
    ],
    ids=str,
)
def test_every_way_to_end_has_its_status(told, fault, status, error):
    with pytest.raises(type(fault)), taskbell.task("run", bell=told.bell):
        raise fault
    (task,) = told("task.complete")
    assert task["status"] == status
    assert (task["error"]["type"], task["error"]["message"]) == error if error else "error" not in task
    if isinstance(fault, ValueError):
        assert "raise fault" in task["error"]["traceback"]


def test_a_watched_function_reports_what_it_returns(told):
    @taskbell.watch(bell=told.bell)
    def train(steps):
        """Trains."""
        return {"loss": 0.5, "steps": steps, "model": "m.pt"}

    @taskbell.watch(name="paint", kind="image", bell=told.bell)
    async def draw():
        return "a.png"

    @taskbell.watch(bell=told.bell)
    def count():
        yield from range(3)

    assert train(7)["steps"] == 7
    assert train.__doc__ == "Trains."
    assert asyncio.run(draw()) == "a.png"
    assert list(count()) == [0, 1, 2]
    tasks = {task["name"]: task for task in told("task.complete", 3)}
    assert tasks["train"]["metrics"] == {"loss": 0.5, "steps": 7}
    assert (tasks["paint"]["kind"], tasks["paint"]["metrics"]) == ("image", {"result": "a.png"})
    assert tasks["count"]["status"] == "success"


def test_a_batch_reports_how_far_it_is_and_how_it_ended(told, monkeypatch):
    monkeypatch.setattr(_task, "PROGRESS_S", 0.0)
    batch = taskbell.batch(range(4), "shot 042", bell=told.bell)
    for frame in batch:
        if frame == 2:
            batch.failed(frame, ValueError("black"))
    (end,) = told("batch.end")
    counts = [end[key] for key in ("id", "status", "total", "succeeded", "failed", "cancelled")]
    assert counts == ["shot 042", "success", 4, 3, 1, 0]
    assert end["failures"] == [{"name": "2", "error": {"type": "ValueError", "message": "black"}}]
    progress = told("batch.progress", 5)
    assert [one["done"] for one in progress] == [0, 1, 2, 3, 4]
    assert {one["total"] for one in progress} == {4}
    assert progress[-1]["eta_s"] == 0


def test_a_batch_in_with_knows_what_ended_it(told):
    def loop():
        with taskbell.batch("abc", "letters", bell=told.bell) as letters:
            for letter in letters:
                if letter == "b":
                    raise ValueError("black")

    with pytest.raises(ValueError, match="black"):
        loop()
    (end,) = told("batch.end")
    counts = [end[key] for key in ("status", "total", "succeeded", "failed", "cancelled")]
    assert counts == ["error", 3, 1, 1, 1]
    assert end["failures"][0]["name"] == "b"
    assert "in loop" in end["error"]["traceback"]


def test_a_loop_that_is_left_is_a_cancelled_batch(told):
    for letter in taskbell.batch(iter("abc"), "letters", total=3, bell=told.bell):
        if letter == "b":
            break
    (end,) = told("batch.end")
    assert (end["status"], end["succeeded"], end["cancelled"]) == ("cancelled", 2, 1)


LOOP = """
import sys, time, taskbell
taskbell.init(sys.argv[1])
for number in taskbell.batch(range(4), "loop"):
    if number == 2:
        if sys.argv[2] == "wait":
            print("waits", flush=True)
            time.sleep(60)
        raise ValueError("black")
"""


def test_a_loop_that_ends_the_program_is_a_crash(told):
    done = subprocess.run(
        [sys.executable, "-c", LOOP, json.dumps(told.config), "raise"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (end,) = told("batch.end")
    assert (end["status"], end["succeeded"], end["failed"], end["error"]["message"]) == (
        "error",
        2,
        1,
        "black",
    )


def test_ctrl_c_in_a_loop_is_cancelled(told):
    host = subprocess.Popen(
        [sys.executable, "-c", LOOP, json.dumps(told.config), "wait"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert host.stdout is not None
    host.stdout.readline()
    os.kill(host.pid, signal.SIGINT)
    host.communicate(timeout=60)
    (end,) = told("batch.end")
    assert (end["status"], end["succeeded"], end["cancelled"]) == ("cancelled", 2, 2)


def test_a_job_reports_what_others_worked_off_once(told):
    job = taskbell.Job("shot 042", total=5, bell=told.bell, users=["ada"])
    job.done()
    job.done()
    job.progress()
    job.fail("frame 3", "no light")
    job.fail("frame 4", ValueError("no camera"))
    job.finish(url="https://farm.example/42")
    job.finish()
    (progress,), (end,) = told("batch.progress"), told("batch.end")
    assert (progress["done"], progress["total"]) == (2, 5)
    assert (end["id"], end["status"], end["total"]) == ("shot 042", "success", 5)
    assert (end["succeeded"], end["failed"], end["cancelled"]) == (2, 2, 1)
    assert end["failures"] == [
        {"name": "frame 3", "error": {"message": "no light"}},
        {"name": "frame 4", "error": {"type": "ValueError", "message": "no camera"}},
    ]
    assert (end["users"], end["url"]) == (["ada"], "https://farm.example/42")


def test_a_job_that_its_manager_has_counted_is_reported_as_counted(told):
    job = taskbell.Job("shot 042", total=240, bell=told.bell)
    job.succeeded, job.failed = 238, 2
    job.name_failure("frame 17")
    job.finish(status="error", duration_s=60)
    refused = taskbell.Job("shot 043", bell=told.bell)
    refused.finish("no licence")
    first, second = told("batch.end", 2)
    assert (first["succeeded"], first["failed"], first["cancelled"], first["status"]) == (238, 2, 0, "error")
    assert (first["failures"], first["duration_s"]) == ([{"name": "frame 17"}], 60)
    assert (second["status"], second["failed"]) == ("error", 1)
    assert second["failures"] == [{"name": "shot 043", "error": {"message": "no licence"}}]


def test_records_of_a_log_arrive_once_a_minute_for_each_line(told):
    log = logging.getLogger("farm.render")
    handler = taskbell.LogHandler(bell=told.bell)
    log.addHandler(handler)
    try:
        log.warning("slow")
        for number in range(6):
            handler.every = 0.0 if number == 5 else 60.0
            log.error("frame %s is black", number)
        try:
            raise ValueError("no light")
        except ValueError:
            log.exception("render failed")
        logging.getLogger("taskbell").error("not about itself")
    finally:
        log.removeHandler(handler)
    records = told("log.record", 3)
    assert [one["title"] for one in records][:2] == ["frame 0 is black", "frame 5 is black"]
    assert all(one["status"] == "error" and one["logger"] == "farm.render" for one in records)
    assert records[1]["repeated"] == 4
    assert records[2]["text"].rstrip().endswith("ValueError: no light")


def test_the_layer_costs_the_program_nothing_without_a_configuration(tmp_path):
    code = """
import time, taskbell
start = time.monotonic()
with taskbell.task("run") as running:
    for number in taskbell.batch(range(1000)):
        running.progress(number, 1000)
        running.output(object())
    running.metrics["odd"] = object()
assert time.monotonic() - start < 5
print(sorted(taskbell.failures()))
"""
    warned, said = python(code, cwd=tmp_path, env={"TASKBELL_CONFIG": None}).splitlines()
    assert "nothing is configured: call taskbell.init" in warned
    assert said == "['CONFIG']"


def test_another_rank_reports_nothing(told, monkeypatch, receive):
    monkeypatch.setenv("RANK", "1")
    assert not taskbell.notify(receive().url(), "done")
    with taskbell.task("run", bell=told.bell) as running:
        running.progress(1, 2)
    assert list(taskbell.batch([1, 2], bell=told.bell)) == [1, 2]
    monkeypatch.setenv("RANK", "0")
    with taskbell.task("first rank", bell=told.bell):
        time.sleep(0.01)
    assert [task["name"] for task in told("task.complete")] == ["first rank"]


FORKS = """
import os, sys, taskbell
taskbell.init(sys.argv[1])
with taskbell.task("parent"):
    for number in taskbell.batch([1], "loop"):
        child = os.fork()
        if child == 0:
            taskbell.on_task_complete({"name": "child"})
            sys.exit(0)
        os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_leaves_the_end_to_its_parent(told):
    python(FORKS, json.dumps(told.config))
    assert sorted(task["name"] for task in told("task.complete", 2)) == ["child", "parent"]
    assert [end["status"] for end in told("batch.end")] == ["success"]
