"""What is wrong with a configuration, and where; and a reload that is all or nothing."""

from __future__ import annotations

import json

import jsonschema
import pytest
import tomllib

import taskbell
from bells import reports, settings
from tools import ROOT


def test_a_fault_has_its_file_line_and_column(tmp_path):
    file = tmp_path / "bell.toml"
    file.write_text('[endpoints.team]\nurl = "http://127.0.0.1:9/hook"\ntimout = "5s"\n')
    fault, *_ = taskbell.check(file)["errors"]
    assert (fault["file"], fault["line"], fault["column"]) == (str(file), 3, 1)
    assert "`timeout`" in fault["message"]
    with pytest.raises(taskbell.TaskbellError) as refusal:
        taskbell.Bell(file)
    assert refusal.value.name == "CONFIG"
    assert f"{file}:3:1" in refusal.value.message


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
