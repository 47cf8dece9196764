"""The source, built as on a system that no package is for: the crates, and the source distribution.

They compile everything, so a release and CI in its turn run them: ``TASKBELL_SOURCE`` names the folder
that has the packages of the crates, and takes what is compiled.
"""

from __future__ import annotations

import os
import sys
import tarfile
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


def test_cargo_installs_the_command_from_the_crates_as_they_are_published(tmp_path, cargo):
    crates = {}
    for name in CRATES:
        with tarfile.open(Path(FOLDER or "") / "package" / f"{name}-{version()}.crate") as crate:
            crate.extractall(tmp_path, filter="data")
        crates[name] = tmp_path / f"{name}-{version()}"
    words = [
        "install",
        "--quiet",
        "--debug",
        "--root",
        tmp_path / "installed",
        "--path",
        crates["taskbell"],
    ]
    for name, place in crates.items():
        # Before they are published, the index has none of them.
        words += ["--config", f"patch.crates-io.{name}.path='{place}'"]
    run(need("cargo"), *words, env=cargo, cwd=tmp_path, timeout=LIMIT)
    said = run(tmp_path / "installed" / "bin" / "taskbell", "--version", env=user(tmp_path / "home"))
    assert said.strip() == f"taskbell {version()}"


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
