"""A C# host, compiled with mcs, under Mono and under CoreCLR."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest

from bells import settings
from tools import ROOT, need, run

RUNTIME_CONFIG = {
    "runtimeOptions": {
        "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"},
        "configProperties": {"System.Globalization.Invariant": True},
    }
}


@pytest.fixture
def sample(tmp_path):
    """The compiled sample host."""
    program = tmp_path / "Sample.exe"
    sources = sorted((ROOT / "bindings" / "csharp").glob("*.cs"))
    # 7.2 is the newest language version this compiler knows.
    run(need("mcs"), "-langversion:7.2", "-warn:4", "-warnaserror", f"-out:{program}", *sources)
    return program


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


def test_the_sample_runs_under_coreclr(tmp_path, sample, library_path, receive):
    found = importlib.util.find_spec("dotnetcore2")
    if found is None or found.origin is None:
        pytest.fail("the package dotnetcore2 is missing; `cargo xtask test` installs it")
    dotnet = Path(found.origin).parent / "bin" / "dotnet"
    runtime = sample.with_suffix(".runtimeconfig.json")
    runtime.write_text(json.dumps(RUNTIME_CONFIG))
    command = [dotnet, "exec", "--runtimeconfig", runtime, sample]
    check_run(command, tmp_path, library_path, receive())
