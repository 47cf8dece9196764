"""The README does what it says: every snippet is compiled or run, against the library and a receiver."""

from __future__ import annotations

import os
import shutil
import sys

import pytest
from standardwebhooks.webhooks import Webhook

import taskbell
from documents import blocks, one
from steps import Reply
from tools import ROOT, compile_csharp, linkable, need, run

README = "README.md"
SLACK = "https://hooks.slack.com/services/T000/B000/abcdefghijklmnopqrstuvwx"
CI_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def team(receive):
    """A receiver that answers as Slack does."""
    return receive(default=Reply(200, b"ok"))


@pytest.fixture
def place(tmp_path, library_path):
    """A host's folder, with the library in it and nothing else."""
    folder = tmp_path / "host"
    folder.mkdir()
    shutil.copy(library_path, folder / library_path.name)
    return folder


def bare() -> dict[str, str]:
    """The environment without what the tests give their hosts."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TASKBELL_", "PYTHON"))}


@pytest.fixture
def host(tmp_path, place):
    """Runs a host in its folder, and returns its output: ``host(config, *command, NAME=value)``."""

    def start(config: str, *command: object, **variables: str) -> str:
        (place / "taskbell.toml").write_text(config, encoding="utf-8")
        env = bare()
        env.update(variables, XDG_STATE_HOME=str(tmp_path / "state"))
        return run(*command, cwd=place, env=env, timeout=120)

    return start


def python_host(place, code: str, before: str = "") -> list[object]:
    """The command for a Python host with the binding and the library copied beside it."""
    package = place / "taskbell"
    if not package.exists():
        shutil.copytree(ROOT / "bindings" / "python" / "taskbell", package)
        for library in (path for path in place.iterdir() if path.suffix in {".so", ".dylib", ".dll"}):
            shutil.move(library, package / library.name)
    (place / "host.py").write_text(before + code, encoding="utf-8")
    return [sys.executable, "host.py"]


def readme_python_host(place) -> list[object]:
    """The command for the Python host."""
    return python_host(place, one(README, "python"))


def batch_arrived(team) -> None:
    """One message, and it tells of all twelve frames."""
    (request,) = team.wait_for(1)
    assert "all 12" in request.json()["text"], request.json()
    assert request.header("content-type") == "application/json"


def test_every_configuration_is_sound(monkeypatch):
    for name in ("SLACK_WEBHOOK_URL", "PRODUCTION_WEBHOOK_URL", "OPERATIONS_WEBHOOK_URL"):
        monkeypatch.setenv(name, SLACK)
    monkeypatch.setenv("CI_WEBHOOK_URL", "https://ci.example.com/hooks/training")
    monkeypatch.setenv("CI_TOKEN", "Bearer of a token")
    monkeypatch.setenv("CI_SECRET", CI_SECRET)
    configurations = [block.text for block in blocks(README) if block.language == "toml"]
    assert len(configurations) >= 4
    for configuration in configurations:
        report = taskbell.check(configuration)
        assert (report["ok"], report["errors"], report["warnings"]) == (True, [], []), configuration


def test_the_first_configuration_rings_only_for_what_matters(monkeypatch):
    monkeypatch.setenv("SLACK_WEBHOOK_URL", SLACK)
    config = one(README, "toml")
    for numbers, rings in [
        ({"total": 9}, 0),
        ({"total": 10}, 1),
        ({"total": 1, "duration_s": 300}, 1),
        ({"total": 1, "failed": 1}, 1),
    ]:
        requests = taskbell.preview(config, "queue.end", numbers)["requests"]
        assert len(requests) == rings, numbers
        assert SLACK not in str(requests)


def c_host(place) -> list[object]:
    """The command for the C host."""
    (place / "host.c").write_text(one(README, "c"), encoding="utf-8")
    strict = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
    linkable(place / "libtaskbell.so")
    link = ["-I", ROOT / "include", "-L", place, "-ltaskbell", "-Wl,-rpath,$ORIGIN"]
    run(need("cc"), *strict, place / "host.c", *link, "-o", place / "host")
    return [place / "host"]


def csharp_host(place) -> list[object]:
    """The command for the C# host."""
    (place / "Host.cs").write_text(one(README, "csharp"), encoding="utf-8")
    compile_csharp(place / "Host.exe", place / "Host.cs")
    return [need("mono"), "Host.exe"]


def test_the_c_host_with_a_wrong_webhook_learns_of_it_at_its_end(place, host, receive):
    gone = receive(default=Reply(404, b"no_service"))
    text = host(one(README, "toml"), *c_host(place), SLACK_WEBHOOK_URL=gone.url())
    assert "1 message did not arrive: answered 404, `no_service`" in text, text
    assert len(text.splitlines()) == 1, text


def test_the_c_host(place, host, team):
    assert host(one(README, "toml"), *c_host(place), SLACK_WEBHOOK_URL=team.url()) == ""
    batch_arrived(team)


def test_the_c_host_says_why_it_cannot_send(place):
    c_host(place)
    env = bare()
    text = run(place / "host", cwd=place, env=env, expect=5)
    assert "taskbell.toml" in text


def test_the_csharp_host(place, host, team):
    host(one(README, "toml"), *csharp_host(place), SLACK_WEBHOOK_URL=team.url())
    batch_arrived(team)


def test_the_python_host(place, host, team):
    host(one(README, "toml"), *readme_python_host(place), SLACK_WEBHOOK_URL=team.url())
    batch_arrived(team)


def test_the_python_host_with_the_library_elsewhere(place, host, team, library_path):
    (place / "host.py").write_text(one(README, "python"), encoding="utf-8")
    host(
        one(README, "toml"),
        sys.executable,
        "host.py",
        PYTHONPATH=str(ROOT / "bindings" / "python"),
        TASKBELL_LIBRARY=str(library_path),
        SLACK_WEBHOOK_URL=team.url(),
    )
    batch_arrived(team)


def test_a_render_farm_tells_the_production_team(place, host, team):
    config, code = (one(README, language, "scene=render") for language in ("toml", "python"))
    command = python_host(place, code)
    host(config, *command, PRODUCTION_WEBHOOK_URL=team.url())
    (request,) = team.wait_for(1)
    assert "599 of 600" in request.json()["text"]
    assert "frame 17: out of memory" in request.body.decode()
    assert "farm-01" in request.body.decode()


def test_a_finished_training_starts_the_pipeline(place, host, receive):
    config, code = (one(README, language, "scene=training") for language in ("toml", "python"))
    ci = receive()
    command = python_host(place, code)
    variables = {"CI_WEBHOOK_URL": ci.url(), "CI_TOKEN": "Bearer of a token", "CI_SECRET": CI_SECRET}
    host(config, *command, **variables)
    (request,) = ci.wait_for(1)
    assert request.json() == {"ref": "main", "run": "run-7", "loss": 0.031}
    assert request.header("authorization") == "Bearer of a token"
    headers = {name.lower(): value for name, value in request.headers}
    Webhook(CI_SECRET).verify(request.body, headers)


def test_a_threshold_tells_operations(place, host, receive):
    config, code = (one(README, language, "scene=alert") for language in ("toml", "python"))
    operations = receive()
    free = "import shutil, types\nshutil.disk_usage = lambda path: types.SimpleNamespace(free={})\n"
    for amount in (10e9, 2.5e9, 2.4e9, 15e9, 30e9):
        command = python_host(place, code, before=free.format(amount))
        host(config, *command, OPERATIONS_WEBHOOK_URL=operations.url())
    firing, resolved = operations.wait_for(2)
    assert [firing.json()["type"], resolved.json()["type"]] == ["alert.firing", "alert.resolved"]
    alert = firing.json()["data"]["alert"]
    assert (alert["name"], alert["value"], alert["threshold"]) == ("scratch disk nearly full", 2.5, 10)
    assert resolved.json()["data"]["alert"]["value"] == 30
    assert len(operations.requests) == 2


def test_the_commands_of_the_readme_exist():
    commands = [
        line.split("#")[0].removeprefix("$ ").strip()
        for block in blocks(README)
        if block.language == "console"
        for line in block.text.splitlines()
    ]
    assert commands == [
        "cargo run --release -- demo",
        "cargo run --release -- demo --farm",
        "cargo xtask test",
    ]
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    assert 'default-members = [".", "crates/core", "crates/cli", "crates/taskbell"]' in manifest
    assert "xtask" in (ROOT / ".cargo" / "config.toml").read_text(encoding="utf-8")
