"""What starts a workflow, off the wire, before GitHub's published description of its API."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

import taskbell
from bells import endpoint, reports, settings
from corpus import LANGUAGES, OWN_KEYS, TEXTS, events
from judges import JUDGES
from npm_packages import github_operation
from steps import Reply
from test_cards import config

PATH = "/repos/{owner}/{repo}/dispatches"
TYPES = sorted({kind for kind, _ in events("")})


@pytest.fixture(scope="module")
def operation() -> dict[str, Any]:
    return github_operation(PATH, "post")


@pytest.fixture(scope="module")
def schema(operation: dict[str, Any]) -> jsonschema.Draft202012Validator:
    described = operation["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator.check_schema(described)
    return jsonschema.Draft202012Validator(described)


def test_githubs_description_refuses_what_our_own_schema_does(operation: Any, schema: Any) -> None:
    assert "204" in operation["responses"]
    for wrong in (
        {},
        {"event_type": ""},
        {"event_type": "x" * 101},
        {"event_type": "x", "client_payload": {str(number): 1 for number in range(11)}},
        {"event_type": "x", "client_payload": []},
    ):
        assert not schema.is_valid(wrong), wrong
        with pytest.raises(jsonschema.ValidationError):
            JUDGES["github"](wrong)


@pytest.mark.parametrize("name", TEXTS)
def test_githubs_description_accepts_what_is_sent(
    tmp_path: Any, receive: Any, ring: Any, schema: Any, name: str
) -> None:
    receiver = receive(default=Reply(204))
    hook = endpoint(receiver.url("/repos/example/models/dispatches"), platform="github", **OWN_KEYS["github"])
    sections = {"endpoints": {"ci": {**hook, "rate": []}}, "hooks": [{"on": TYPES, "to": ["ci"]}]}
    language = LANGUAGES[len(name) % 2]
    host = {"name": TEXTS[name][:60].strip() or "render-07", "language": language}
    bell = ring(settings(tmp_path, host=host, **sections))
    made = events(TEXTS[name])
    for kind, payload in made:
        bell.emit(kind, payload)
        # One after another: a queue that starts takes back the end before it.
        assert reports(bell, 1)[0]["state"] == "delivered"
    for request in receiver.wait_for(len(made)):
        schema.validate(request.json())
        JUDGES["github"](request.json())
        assert request.method == "POST"
        assert request.header("authorization") == f"Bearer {OWN_KEYS['github']['token']}"
        assert request.header("accept") == "application/vnd.github+json"
        assert request.header("user-agent")


def test_an_event_type_is_as_long_as_github_takes_it(schema: Any) -> None:
    for length in (1, 100, 101):
        asked = config(["github"], "queue.end", "en")
        asked["endpoints"]["github"]["event_type"] = "汉" * length
        assert taskbell.check(asked)["ok"] == schema.is_valid({"event_type": "汉" * length}), length


MEMBERS = {f"m{number}": number for number in range(11)}


@pytest.mark.parametrize(
    ("template", "payload"),
    [
        ({"a": 1}, {"a": 1}),
        (MEMBERS, {"taskbell": MEMBERS}),
        ({"client_payload": {"a": 1}}, {"a": 1}),
        ({"client_payload": MEMBERS}, {"taskbell": MEMBERS}),
        ({"client_payload": ["a"], "event_type": ""}, {"taskbell": ["a"]}),
        ({"client_payload": {}, "event_type": 7}, {}),
        ({"client_payload": {}, "event_type": "x" * 101}, {}),
    ],
)
def test_githubs_description_accepts_what_a_template_makes(
    tmp_path: Any, receive: Any, ring: Any, schema: Any, template: Any, payload: Any
) -> None:
    receiver = receive(default=Reply(204))
    hook = endpoint(receiver.url("/repos/example/models/dispatches"), platform="github", **OWN_KEYS["github"])
    hooks = [{"on": ["task.complete"], "to": ["ci"], "template": template}]
    bell = ring(settings(tmp_path, endpoints={"ci": hook}, hooks=hooks))
    bell.task_complete({"name": "run-7"})
    assert reports(bell, 1)[0]["state"] == "delivered"
    (request,) = receiver.wait_for(1)
    schema.validate(request.json())
    assert request.json()["client_payload"] == payload


@pytest.fixture(scope="module")
def workflow() -> jsonschema.Draft202012Validator:
    path = "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches"
    described = github_operation(path, "post")["requestBody"]["content"]["application/json"]["schema"]
    assert described["properties"]["inputs"]["maxProperties"] == 25
    return jsonschema.Draft202012Validator(described)


@pytest.mark.parametrize("name", TEXTS)
def test_githubs_description_accepts_what_starts_one_workflow(
    tmp_path: Any, receive: Any, ring: Any, workflow: Any, name: str
) -> None:
    run = {"workflow_run_id": 17, "run_url": "https://api.github.com/repos/example/models/actions/runs/17"}
    receiver = receive(default=Reply(200, json.dumps(run).encode()))
    url = receiver.url("/repos/example/models/actions/workflows/train.yml/dispatches")
    hook = {**endpoint(url, platform="github", token="github_pat_1", ref="main"), "rate": []}
    endpoints = {"whole": hook, "own": hook, "named": {**hook, "inputs": "id, title, outcome, data"}}
    hooks = [
        {"on": TYPES, "to": ["whole", "named"]},
        {"on": TYPES, "to": ["own"], "template": {f"m{number}": number for number in range(26)}},
    ]
    bell = ring(settings(tmp_path, endpoints=endpoints, hooks=hooks))
    made = events(TEXTS[name])
    for kind, payload in made:
        bell.emit(kind, payload)
        assert {report["state"] for report in reports(bell, 3)} == {"delivered"}
    forms = set()
    for request in receiver.wait_for(3 * len(made)):
        body = request.json()
        workflow.validate(body)
        inputs = body["inputs"]
        forms.add(tuple(inputs))
        assert body["ref"] == "main"
        assert all(isinstance(value, str) for value in inputs.values()), inputs
        assert len(json.dumps(inputs, ensure_ascii=False)) <= 65_535
        assert isinstance(json.loads(inputs.get("taskbell", "{}")), dict)
        assert request.header("authorization") == "Bearer github_pat_1"
    assert forms == {("taskbell",), ("id", "title", "outcome", "data")}


@pytest.mark.parametrize(
    ("own", "fault"),
    [
        ({}, "ref: this key is missing"),
        ({"ref": "main", "inputs": "title, titel"}, "inputs: expected names of"),
        ({"ref": "main", "inputs": "title"}, None),
    ],
)
def test_a_workflow_needs_its_ref_and_inputs_that_exist(own: dict[str, str], fault: str | None) -> None:
    asked = config(["github"], "queue.end", "en")
    url = "https://api.github.com/repos/example/models/actions/workflows/train.yml/dispatches"
    asked["endpoints"]["github"] = endpoint(url, platform="github", token="github_pat_1", **own)
    report = taskbell.check(asked)
    assert report["ok"] == (fault is None)
    assert all(
        fault in f"{error['key'].rsplit('.', 1)[-1]}: {error['message']}" for error in report["errors"]
    )
