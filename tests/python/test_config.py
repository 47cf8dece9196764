"""What is wrong with a configuration, and where; and a reload that is all or nothing."""

from __future__ import annotations

import json

import jsonschema
import pytest
import tomllib

import taskbell
from bells import reports, settings
from tools import ROOT

GOOD = """\
[endpoints.team]
url = "http://127.0.0.1:9/hook"

[[hooks]]
on = ["queue.end"]
to = ["team"]
when = "queue.total >= 10"
"""

# What is put for what in GOOD, then the line of the fault and words its message must have.
FAULTS = {
    "an unknown key": ("url =", "ulr =", 2, ["ulr", "url"]),
    "an unknown table": ("[endpoints.team]", "[endpoint.team]", 1, ["endpoint", "endpoints"]),
    "a hook for nobody": ('to = ["team"]', 'to = ["taem"]', 6, ["taem", "team"]),
    "a key of the wrong type": ('on = ["queue.end"]', "on = 5", 5, ["on"]),
    "a bad type name": ('"queue.end"', '"Queue End"', 5, ["Queue End"]),
    "a bad duration": ("\n\n", '\ntimeout = "5 parsecs"\n', 3, ["5 parsecs"]),
    "a missing variable": (
        '"http://127.0.0.1:9/hook"',
        '"env:TASKBELL_TEST_NOT_SET"',
        2,
        ["TASKBELL_TEST_NOT_SET"],
    ),
    "an unreadable file": ('"http://127.0.0.1:9/hook"', '"file:/nowhere/url"', 2, ["/nowhere/url"]),
    "broken TOML": ("[[hooks]]", "[[hooks]", 4, []),
    "a condition that is no expression": ("queue.total >= 10", "queue.total >=", 7, []),
    "a bad URL": ("http://127.0.0.1:9/hook", "nowhere", 2, []),
}


def problems(report):
    """Every part of a report that has a place and a message, however it is nested."""
    found = []
    if isinstance(report, dict):
        if "message" in report and "line" in report:
            found.append(report)
        report = list(report.values())
    if isinstance(report, list):
        for part in report:
            found += problems(part)
    return found


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_file_line_and_column(tmp_path, name):
    old, new, line, words = FAULTS[name]
    assert old in GOOD
    file = tmp_path / "bell.toml"
    file.write_text(GOOD.replace(old, new, 1))
    found = problems(taskbell.check(file))
    told = [
        problem
        for problem in found
        if problem["line"] == line and all(word in json.dumps(problem, ensure_ascii=False) for word in words)
    ]
    assert told, found
    assert told[0]["column"] >= 1
    assert str(told[0]["file"]) == str(file)
    assert told[0]["message"]
    with pytest.raises(taskbell.TaskbellError) as refusal:
        taskbell.Bell(file)
    assert refusal.value.name == "CONFIG"
    assert f"{file}:{line}:" in refusal.value.message


def test_a_good_configuration_has_no_problems(tmp_path):
    (tmp_path / "bell.toml").write_text(GOOD)
    assert problems(taskbell.check(tmp_path / "bell.toml")) == []
    assert problems(taskbell.check(GOOD)) == []


def test_a_reload_takes_the_new_configuration(tmp_path, receive, ring):
    old, new = receive(), receive()
    bell = ring(settings(tmp_path, old.url()))
    assert bell.wait(bell.emit("test.event", {"n": 1}))
    bell.reload(settings(tmp_path, new.url()))
    assert bell.wait(bell.emit("test.event", {"n": 2}))
    assert [request.json()["data"]["n"] for request in old.requests] == [1]
    assert [request.json()["data"]["n"] for request in new.requests] == [2]


def test_a_reload_that_fails_changes_nothing(tmp_path, receive, ring):
    old, new = receive(), receive()
    bell = ring(settings(tmp_path, old.url()))
    broken = settings(tmp_path, new.url())
    broken["hooks"].append({"on": ["test.event"], "to": ["nobody"]})
    with pytest.raises(taskbell.TaskbellError) as refusal:
        bell.reload(broken)
    assert refusal.value.name == "CONFIG"
    assert "nobody" in refusal.value.message
    bell.emit("test.event")
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    assert (len(old.requests), len(new.requests)) == (1, 0)


def test_the_json_schema_accepts_the_complete_example_and_rejects_a_misspelt_key() -> None:
    schema = json.loads((ROOT / "docs" / "taskbell.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    reference = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    example = tomllib.loads(reference.split("## A complete example")[1].split("```toml\n")[1].split("```")[0])
    assert list(validator.iter_errors(example)) == []
    example["hooks"][0]["whne"] = example["hooks"][0].pop("when")
    example["endpoints"]["ci"]["timeout"] = "5 parsecs"
    found = {tuple(error.absolute_path) for error in validator.iter_errors(example)}
    assert found == {("hooks", 0), ("endpoints", "ci", "timeout")}
