"""A program that has run for hours does not end by its notifications: what fails is told once and counted."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from datetime import timedelta
from pathlib import Path

import pytest

import taskbell
from bells import eventually, settings
from taskbell._encode import payload_bytes
from tools import python

POOL = """
import json, multiprocessing, sys, taskbell

def work(number):
    taskbell.on_task_complete({"name": f"job {number}"})
    if number == 2:
        raise taskbell.TaskbellError(6, "CONFIG", "no such file")
    return number

if __name__ == "__main__":
    taskbell.init(sys.argv[1])
    taskbell.on_task_complete({"name": "parent"})
    with multiprocessing.get_context("fork").Pool(2) as pool:
        jobs = [pool.apply_async(work, [number]) for number in range(4)]
        pool.close()
        for number, job in enumerate(jobs):
            try:
                assert job.get(60) == number
            except taskbell.TaskbellError as fault:
                print(number, fault.code, fault.name, fault.message)
        pool.join()
"""


def test_an_error_leaves_a_worker_of_a_pool_and_its_events_arrive(tmp_path, receive):
    receiver = receive()
    assert python(POOL, json.dumps(settings(tmp_path, receiver.url()))) == "2 6 CONFIG no such file\n"
    names = {request.json()["data"]["task"]["name"] for request in receiver.wait_for(5)}
    assert names == {"parent", "job 0", "job 1", "job 2", "job 3"}


def test_a_bell_is_not_pickled_or_copied_but_the_default_one_is_named(tmp_path, receive, ring):
    bell = ring(settings(tmp_path, receive().url()))
    for refused in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="belongs to its process"):
            refused(bell)
    assert pickle.loads(pickle.dumps(taskbell.default)) is taskbell.default


AGAIN = """
import json, sys, taskbell
config = json.loads(sys.argv[1])
assert taskbell.shutdown() == 0
assert taskbell.init(config) and taskbell.init(config)
taskbell.on_task_complete({"name": "a"})
assert taskbell.default.flush(20)
config["hooks"][0]["on"] = ["other.event"]
assert taskbell.init(config)
taskbell.on_task_complete({"name": "nobody asks for it"})
taskbell.default.emit("other.event", {"name": "b"})
assert taskbell.shutdown(20) == taskbell.shutdown() == 0
assert taskbell.init(config)
taskbell.default.emit("other.event", {"name": "c"})
assert taskbell.shutdown(20) == 0
print(taskbell.failures())
"""


def test_opening_and_closing_twice_is_no_fault(tmp_path, receive):
    receiver = receive()
    assert python(AGAIN, json.dumps(settings(tmp_path, receiver.url()))) == "{}\n"
    data = [request.json()["data"] for request in receiver.wait_for(3)]
    assert [one.get("name") or one["task"]["name"] for one in data] == ["a", "b", "c"]


NEVER_RAISES = """
import sys, taskbell
assert taskbell.init(sys.argv[1]) is False
for _ in range(3):
    taskbell.on_task_complete({"name": "a"})
    taskbell.on_queue_end()
    taskbell.default.metric("loss", 1)
    assert taskbell.default.emit("a.b") == 0
assert not taskbell.default.flush(1)
assert taskbell.shutdown() == 0
print(taskbell.failures())
"""


@pytest.mark.parametrize("config", ["missing.toml", "endpoints = 3\nhooks = 4\n", "{"])
def test_a_configuration_that_is_missing_or_bad_is_one_sentence(tmp_path, config):
    warned, counted = python(NEVER_RAISES, config, cwd=tmp_path).splitlines()
    assert warned.startswith("a call to Taskbell failed: ")
    assert "only counted" in warned
    assert counted == "{'CONFIG': 14}"


def test_a_bell_raises_only_when_it_is_strict(tmp_path, receive, caplog):
    config = settings(tmp_path, receive().url())
    before = sum(taskbell.failures().values())
    with taskbell.Bell(config) as bell:
        assert bell.emit("Bad Type") == 0
        assert bell.emit(7) == 0  # type: ignore[arg-type]
        assert bell.task_complete("[]") == 0
        bell.metric("a b", 1)
        bell.metric("loss", "much")  # type: ignore[arg-type]
        assert not bell.wait(99)
        bell.strict = True
        with pytest.raises(taskbell.TaskbellError):
            bell.emit("Bad Type")
    assert sum(taskbell.failures().values()) == before + 6
    assert all(record.exc_info is None for record in caplog.records)


def raised() -> ValueError:
    try:
        raise ValueError("out of memory")
    except ValueError as fault:
        return fault


def sent(payload):
    return json.loads(payload_bytes(payload))


def test_the_types_of_python_keep_their_meaning(monkeypatch, tmp_path):
    assert sent({"status": False}) == {"status": "error"}
    assert sent({"status": True}) == {"status": "success"}
    assert sent({"duration": timedelta(hours=2)})["duration_s"] == 7200
    told = sent({"error": raised()})
    assert (told["status"], told["error"]["type"]) == ("error", "ValueError")
    assert told["error"]["message"] == "out of memory"
    assert "in raised" in told["error"]["traceback"]
    assert sent({"status": "success", "error": raised()})["status"] == "success"
    assert sent({"error": KeyboardInterrupt()})["status"] == "cancelled"
    assert sent({"error": SystemExit(3)})["error"] == {"type": "SystemExit", "message": "exit code 3"}
    assert sent({"error": SystemExit(0)}) == {"error": None, "status": "success"}
    assert "traceback" not in sent({"error": ValueError("never raised")})["error"]
    monkeypatch.chdir(tmp_path)
    files = [Path("a.png"), "https://example.com/b.png", {"path": "/c.png"}]
    assert sent({"outputs": files})["outputs"] == [
        {"path": str(tmp_path / "a.png")}, {"url": "https://example.com/b.png"}, {"path": "/c.png"},
    ]  # fmt: skip
    assert sent({"outputs": "a.png"})["outputs"] == [{"path": str(tmp_path / "a.png")}]


def test_what_an_operator_must_know_goes_to_logging(tmp_path, receive, caplog):
    caplog.set_level(logging.INFO, "taskbell")
    receiver = receive(lambda request, number: None)
    gone = receive()
    gone.close()
    config = settings(tmp_path, receiver.url(), gone.url())
    config["endpoints"]["e1"]["retry"] = {"schedule": []}
    with taskbell.Bell(config) as bell:
        bell.wait(bell.task_complete({"name": "a", "webhook_params": {"notify": 7}}))

        def lines(level):
            return [record.getMessage() for record in caplog.records if record.levelno == level]

        eventually("the dead letter", lambda: any("dead letter" in line for line in lines(logging.ERROR)))
        assert "2 endpoints, 1 hook" in lines(logging.INFO)
        eventually("webhook_params", lambda: any("webhook_params" in line for line in lines(logging.WARNING)))
    missing = [line for line in lines(logging.WARNING) if "did not arrive" in line]
    assert len(missing) == 1, missing


def test_a_host_with_a_log_of_its_own_has_it_alone(tmp_path, receive, caplog):
    dead = receive()
    dead.close()
    heard = []
    with taskbell.Bell(settings(tmp_path, dead.url())) as bell:
        bell.set_log(lambda level, line: heard.append(line))
        caplog.clear()
        bell.wait(bell.task_complete({"name": "a"}))
        eventually("the dead letter", lambda: any("dead letter" in line for line in heard))
        assert heard[0] == "1 endpoint, 1 hook"
    assert not caplog.records
