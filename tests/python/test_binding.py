"""The Python binding itself: what it makes of values, and how it leaves."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import taskbell
from bells import eventually, settings
from receiver import Reply
from taskbell._encode import config_bytes, dump, milliseconds, payload_bytes
from tools import python


class Scalar:
    """Like a NumPy number."""

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


def test_odd_values_never_refuse_an_event():
    task = {
        "path": Path("/out/a.png"),
        "when": datetime(2026, 1, 2, tzinfo=timezone.utc),
        "loss": float("nan"),
        "best": Scalar(0.25),
        "worst": Scalar(float("inf")),
        "tags": {"b", "a"},
        "name": "half a \ud83d surrogate",
        7: "a number as a key",
        ("a", 1): "a tuple as a key",
        "nested": [(1, float("-inf"))],
    }
    value = json.loads(payload_bytes(task).decode("utf-8"))
    assert value["path"] == "/out/a.png"
    assert value["when"].startswith("2026-01-02")
    assert (value["loss"], value["best"], value["worst"]) == (None, 0.25, None)
    assert value["tags"] == ["a", "b"]
    assert value["name"] == "half a ? surrogate"
    assert value["7"] == "a number as a key"
    assert value["nested"] == [[1, None]]


def test_a_file_name_that_is_not_utf8_is_still_json():
    name = os.fsdecode(b"caf\xe9.png")
    assert json.loads(payload_bytes({"name": name})) == {"name": "caf?.png"}


def test_text_bytes_and_nothing_pass_as_they_are():
    assert payload_bytes(None) is None
    assert payload_bytes("{}") == b"{}"
    assert payload_bytes(b"{}") == b"{}"
    assert config_bytes({"a": 1}) == b'{"a": 1}'
    assert config_bytes(Path("bell.toml")) == b"bell.toml"
    assert dump({"a": "é"}) == '{"a": "é"}'


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 0), (-1, 0), (0.0001, 1), (1.5, 1500), (timedelta(minutes=1), 60_000), (1e12, 2**32 - 1)],
)
def test_timeouts_are_whole_milliseconds(seconds, expected):
    assert milliseconds(seconds) == expected


def test_not_a_number_is_no_timeout():
    assert milliseconds(float("nan")) == 0


def test_the_log_is_told_and_stops(tmp_path, receive, ring):
    receiver = receive()
    receiver.close()
    lines: list[tuple[int, str]] = []
    bell = ring(settings(tmp_path, receiver.url()))
    bell.set_log(lambda level, message: lines.append((level, message)))
    bell.wait(bell.emit("test.event"))
    eventually("a line about the endpoint that is away", lambda: any("e0" in text for _, text in lines))
    bell.set_log(None)
    before = len(lines)
    bell.wait(bell.emit("test.event"))
    assert len(lines) == before


def test_an_error_has_code_name_and_words():
    with pytest.raises(taskbell.TaskbellError) as refusal:
        taskbell.Bell("/nowhere/at/all.toml")
    assert (refusal.value.code, refusal.value.name) == (6, "CONFIG")
    assert "/nowhere/at/all.toml" in refusal.value.message
    assert str(refusal.value) == f"CONFIG: {refusal.value.message}"


def test_a_bell_is_a_context_manager(tmp_path, receive):
    receiver = receive()
    with taskbell.Bell.open(settings(tmp_path, receiver.url())) as bell:
        bell.queue_end()
        assert bell.sync(20)
    with pytest.raises(taskbell.TaskbellError):
        bell.stats()


WRONG_WEBHOOK = """
import logging, sys, taskbell
logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
taskbell.init(sys.argv[1])
taskbell.on_task_complete({"name": "frame 1"})
taskbell.default.flush(20)
"""


def test_a_host_whose_webhook_is_wrong_learns_of_it_at_its_end(tmp_path, receive):
    receiver = receive(default=Reply(410))
    said = python(WRONG_WEBHOOK, json.dumps(settings(tmp_path, receiver.url())))
    assert said.startswith("taskbell WARNING 1 message did not arrive: "), said
    assert said.rstrip().endswith("; see `taskbell list`"), said


LEAVES = """
import sys, threading, taskbell
taskbell.init(sys.argv[1])
bell = taskbell.Bell(sys.argv[2])
bell.set_log(lambda level, message: None)
bell.emit("test.event", {"n": 1})
taskbell.on_task_complete({"name": "at exit"})
threading.Thread(target=lambda bell=bell: [bell.emit("test.event") for _ in range(200)]).start()
del bell
"""


def test_an_interpreter_may_end_with_everything_open(tmp_path, receive, ring):
    receiver = receive()
    (tmp_path / "other").mkdir()
    configs = [settings(tmp_path, receiver.url()), settings(tmp_path / "other", receiver.url())]
    for _ in range(3):
        assert python(LEAVES, *map(json.dumps, configs)) == ""
    # What the exit's short close left in the spools comes with the next start.
    for config in configs:
        ring(config)
    ids = eventually("all events of three runs", lambda: _ids(receiver, 3 * 202))
    assert len(ids) == 3 * 202


def _ids(receiver, count):
    ids = {request.header("webhook-id") for request in list(receiver.requests)}
    return ids if len(ids) >= count else None


UNUSED = """
import taskbell
assert taskbell._native._library is None
"""


def test_importing_loads_nothing():
    python(UNUSED, env={"TASKBELL_LIBRARY": "/nowhere.so"})


MISSING = """
import taskbell
try:
    taskbell.on_queue_end()
except ImportError as fault:
    assert "/nowhere.so" in str(fault) and "TASKBELL_LIBRARY" in str(fault), fault
    print("ok")
"""


def test_a_missing_library_says_where_it_was_looked_for():
    assert "ok" in python(MISSING, env={"TASKBELL_LIBRARY": "/nowhere.so"})
