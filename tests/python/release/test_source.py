"""The source, built as on a system that no package is for: the crates, and the source distribution.

They compile everything, so a release and CI in its turn run them: ``TASKBELL_SOURCE`` names the folder
that has the packages of the crates, and takes what is compiled.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from packages import package, user, version

from tools import need, run

FOLDER = os.environ.get("TASKBELL_SOURCE")
CRATES = ["taskbell-ring", "taskbell-core", "taskbell-relay", "taskbell-cli", "taskbell"]
LIMIT = 3000

SEND = """
import sys, taskbell
taskbell.notify(sys.argv[1], "first message", timeout=60)
print(taskbell.version())
"""

HOST_MANIFEST = """
[package]
name = "host"
edition = "2024"

[workspace]

[dependencies]
serde_json = "1"
taskbell = {{ version = "{}", default-features = false }}
"""

HOST = """
use serde_json::json;
use std::time::Duration;

fn main() -> Result<(), taskbell::Error> {
    let bell = taskbell::Bell::open(&std::env::args().nth(1).unwrap())?;
    bell.on_task_complete(&json!({ "name": "frame 1", "duration_s": 41.5 }))?;
    bell.on_queue_end(&json!({}))?;
    assert_eq!(bell.close(Duration::from_secs(60))?, 0);
    Ok(())
}
"""

pytestmark = pytest.mark.skipif(FOLDER is None, reason="a release, and CI in its turn, compile the source")


@pytest.fixture
def cargo():
    """The environment of a user with Rust, whose compiler optimizes nothing: it saves time."""
    profile = {"OPT_LEVEL": "0", "LTO": "off", "CODEGEN_UNITS": "16", "STRIP": "symbols"}
    variables = {
        f"CARGO_PROFILE_{of}_{name}": value for name, value in profile.items() for of in ("RELEASE", "DIST")
    }
    variables["CARGO_PROFILE_DEV_DEBUG"] = "0"
    env = {name: value for name, value in os.environ.items() if not name.startswith("CARGO_ENCODED")}
    return {**env, **variables, "CARGO_TARGET_DIR": str(FOLDER), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def crates(tmp_path):
    """Where each crate is, as cargo has unpacked its package, and the words that let cargo take it from
    there: before they are published, the index has none of them."""
    places, words = {}, []
    for name in CRATES:
        # Below the workspace, cargo would take it for a member.
        places[name] = tmp_path / name
        shutil.copytree(Path(FOLDER or "") / "package" / f"{name}-{version()}", places[name])
        words += ["--config", f"patch.crates-io.{name}.path='{places[name]}'"]
    return places, words


def test_cargo_installs_the_command_from_the_crates_as_they_are_published(tmp_path, cargo, crates):
    places, words = crates
    root = tmp_path / "installed"
    install = ["install", "--quiet", "--debug", "--root", root, "--path", places["taskbell"]]
    run(need("cargo"), *install, *words, env=cargo, cwd=tmp_path, timeout=LIMIT)
    said = run(root / "bin" / "taskbell", "--version", env=user(tmp_path / "home"))
    assert said.strip() == f"taskbell {version()}"


def test_a_rust_program_delivers_with_the_crates_as_they_are_published(tmp_path, cargo, crates, receive):
    """And compiles nothing of the command."""
    host = tmp_path / "host"
    (host / "src").mkdir(parents=True)
    (host / "Cargo.toml").write_text(HOST_MANIFEST.format(version()), encoding="utf-8")
    (host / "src" / "main.rs").write_text(HOST, encoding="utf-8")
    _, words = crates
    run(need("cargo"), "build", "--quiet", *words, env=cargo, cwd=host, timeout=LIMIT)
    receiver = receive()
    run(Path(cargo["CARGO_TARGET_DIR"]) / "debug" / "host", receiver.url(), env=user(tmp_path / "home"))
    assert receiver.wait_for(1)[0].json()["type"] == "queue.end"
    tree = run(need("cargo"), "tree", "--prefix", "none", *words, env=cargo, cwd=host)
    names = {line.split()[0] for line in tree.splitlines() if line}
    assert "taskbell-core" in names
    assert names & {"axum", "clap", "hyper", "taskbell-cli", "taskbell-relay", "tokio"} == set()


def test_pip_builds_the_wheel_from_the_source_distribution(tmp_path, cargo, receive):
    environment = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    source = package("taskbell-[0-9]*[0-9].tar.gz")
    run(*pip, "install", "--quiet", "--no-index", source, env=cargo, cwd=tmp_path, timeout=LIMIT)
    receiver = receive()
    env = user(tmp_path / "home")
    assert run(python, "-c", SEND, receiver.url(), env=env, cwd=tmp_path).strip() == version()
    assert receiver.wait_for(1)[0].json()["type"] == "message"
    assert run(environment / "bin" / "taskbell", "--version", env=env).strip() == f"taskbell {version()}"
