"""A C# host, compiled with mcs, under Mono and under CoreCLR."""

from __future__ import annotations

import json
import os

import pytest

from bells import settings
from tools import ROOT, compile_csharp, coreclr, need, run


@pytest.fixture
def sample(tmp_path):
    """The compiled sample host."""
    return compile_csharp(tmp_path / "Sample.exe", ROOT / "bindings" / "csharp" / "Sample.cs")


def check_run(command, tmp_path, library_path, receiver):
    """Runs the sample and looks at what arrived."""
    config = json.dumps(settings(tmp_path, receiver.url()))
    env = {**os.environ, "LD_LIBRARY_PATH": str(library_path.parent)}
    text = run(*command, config, env=env, timeout=60)
    assert text.endswith("ok\n"), text
    assert "Not A Type" in text
    # Two tasks and a queue's end on the default instance, two tasks on a bell.
    bodies = [request.json() for request in receiver.wait_for(5)]
    kinds = sorted(body["type"] for body in bodies)
    assert kinds == ["queue.end"] + ["task.complete"] * 4
    names = {body["data"]["task"].get("name") for body in bodies if body["type"] == "task.complete"}
    assert names >= {"Zeichnung 7, größer", "from a bell"}


def test_the_sample_runs_under_mono(tmp_path, sample, library_path, receive):
    check_run([need("mono"), sample], tmp_path, library_path, receive())


def test_the_default_instance_that_opens_itself_is_traced_too(tmp_path, sample, library_path, receive):
    receiver = receive()
    config = tmp_path / "taskbell.json"
    config.write_text(json.dumps(settings(tmp_path, receiver.url())))
    env = {**os.environ, "LD_LIBRARY_PATH": str(library_path.parent), "TASKBELL_CONFIG": str(config)}
    text = run(need("mono"), sample, env=env, timeout=60)
    assert text.endswith("ok\n"), text
    receiver.wait_for(1)


def test_the_sample_runs_under_coreclr(tmp_path, sample, library_path, receive):
    check_run(coreclr(sample), tmp_path, library_path, receive())
