"""Runs the example of a host in a process of its own, and reads what arrives."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from bells import eventually
from documents import rows
from tools import ROOT, attempt

EXAMPLES = ROOT / "bindings" / "python" / "examples"

CTRL_C = "signal.raise_signal(signal.SIGINT)"
"""What the terminal sends, in the middle of a program that imports ``signal``."""

MODULES = {"ipython": "IPython", "pytorch-ignite": "ignite", "apache-airflow": "airflow"}
"""Where a package is imported by another name."""


def need_host(package: str) -> None:
    """Skips the tests of a file where its host is not installed. Where it is, it has the version of the
    table."""
    module = MODULES.get(package, package)
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {package}: cargo xtask test --hosts", allow_module_level=True)
    tried = {row[0].strip("`"): row[1] for row in rows("docs/hosts.md", "## Python")}
    assert importlib.metadata.version(package) == tried[package], "the version of docs/hosts.md"


def run_example(name: str, receiver: Any, folder: Path, *changes: tuple[str, str], expect: int = 0) -> str:
    """Runs an example whose text has these changes, by default one that makes a crash of it."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    script = folder / name
    script.write_text(text, encoding="utf-8")
    done = attempt(sys.executable, script, cwd=folder, env=surroundings(receiver, folder), timeout=280)
    assert done.returncode == expect, done.stdout
    return str(done.stdout)


def run_interrupted(
    name: str, receiver: Any, folder: Path, *changes: tuple[str, str], expect: int = -signal.SIGINT
) -> dict[str, Any]:
    """Runs an example whose changes raise ``CTRL_C``; the task that has ended by it."""
    first = "import taskbell\n"
    run_example(name, receiver, folder, (first, f"import signal\n{first}"), *changes, expect=expect)
    (task,) = tasks(receiver)
    assert "error" not in task
    return task


def surroundings(receiver: Any, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a host that sends to this receiver and keeps its files in a folder."""
    offline = {"HF_HUB_OFFLINE": "1", "KERAS_BACKEND": "jax", "RAY_AIR_NEW_OUTPUT": "0"}
    return {**os.environ, **offline, "HOME": str(folder), "TEAM_URL": receiver.url(), **more}


def tasks(receiver: Any, count: int = 1) -> list[dict[str, Any]]:
    """The tasks whose end has arrived, once there are so many."""
    return _arrived(receiver, "task.complete", count)


def batches(receiver: Any, count: int = 1) -> list[dict[str, Any]]:
    """The same of batches."""
    return _arrived(receiver, "batch.end", count)


def _arrived(receiver: Any, end: str, count: int) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]]:
        bodies = [request.json() for request in list(receiver.requests)]
        return [body["data"][end.partition(".")[0]] for body in bodies if body["type"] == end]

    return list(eventually(f"{count} of {end}", lambda: len(found()) >= count and found()))
