"""The wheel for Windows in Python for Windows, under Wine: a first message, several processes on a spool."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from packages import ROOT, package, user, version
from systems import place
from windows import build

from bells import query, settings
from tools import run

SEND = """
import sys, taskbell
taskbell.notify(sys.argv[1], "first message", timeout=60)
print(sys.platform, taskbell.version())
"""

EMIT = """
import sys, taskbell
bell = taskbell.Bell(sys.argv[1])
print("open", flush=True)
for number in range(200):
    bell.emit("test.event", {"id": f"{sys.argv[2]}-{number}"})
assert bell.flush(120) and bell.close(60) == 0
"""

WATCH = """
import sys, taskbell, time
with taskbell.Bell(sys.argv[1]) as bell:
    end = time.monotonic() + 60
    while bell.stats()["delivered"] < 3 and time.monotonic() < end:
        time.sleep(0.05)
    print("delivered", bell.stats()["delivered"])
"""

SEVERAL = """
import subprocess, sys
hosts = [subprocess.Popen([sys.executable, *sys.argv[1:], name]) for name in ("a", "b", "c")]
assert [host.wait() for host in hosts] == [0, 0, 0]
"""


@pytest.fixture(scope="module")
def python(wine, tree, tmp_path_factory):
    """Python for Windows with the installed wheel: ``python(*words, cwd=folder)``."""
    folder = tmp_path_factory.mktemp("packages")
    words = ["--no-index", "--no-deps", "--only-binary", ":all:", "--platform", "win_amd64"]
    wheel = package("taskbell-*-win_amd64.whl")
    run(sys.executable, "-m", "pip", "install", "--quiet", *words, "--target", folder, wheel)
    (folder / "bcryptprimitives.dll").write_bytes((tree / "bin/bcryptprimitives.dll").read_bytes())
    own = place("windows")
    # Wine 8 lacks this DLL of every Windows 10; programs find it next to themselves.
    (own / "root/bcryptprimitives.dll").write_bytes((tree / "bin/bcryptprimitives.dll").read_bytes())

    def call(*words, cwd, path=(), **variables):
        places = ";".join(str(place) for place in (folder, *path))
        env = {**user(cwd / "home"), **wine.variables, "PYTHONPATH": places, **variables}
        return run(own / "python", *words, cwd=cwd, env=env)

    call.folder = folder
    return call


def test_the_installed_package_sends_its_first_message(python, tmp_path, receive):
    receiver = receive()
    said = python("-c", SEND, receiver.url(), cwd=tmp_path)
    assert said.split() == ["win32", version()]
    assert receiver.wait_for(1)[0].json()["type"] == "message"


def test_the_module_is_the_command(python, tmp_path):
    # Where pip puts programs; with `--target` they are in `bin`.
    scripts = place("windows") / "root" / "Scripts"
    scripts.mkdir(exist_ok=True)
    for file in ("bin/taskbell.exe", "bcryptprimitives.dll"):
        shutil.copy(python.folder / file, scripts)
    try:
        assert python("-m", "taskbell", "--version", cwd=tmp_path).strip() == f"taskbell {version()}"
    finally:
        shutil.rmtree(scripts)


SUITES = [
    "batches",
    "binding",
    "calls",
    "channels",
    "crash",
    "delivery",
    "escalated_alerts",
    "followups",
    "lanes",
    "live",
    "shaping",
    "silent",
    "triggers",
]
"""Tests from outside that need pytest alone, which serves every system, and neither signals nor ``fork``."""


def test_the_suites_of_the_library_pass(python, tree, tmp_path):
    """With the DLL of the archive, which has the command next to it."""
    files = [ROOT / "tests" / "python" / f"test_{suite}.py" for suite in SUITES]
    library = str(tree / "bin" / "taskbell.dll")
    path = [Path(pytest.__file__).parents[1]]
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    said = python(*words, cwd=tmp_path, path=path, TASKBELL_LIBRARY=library)
    assert re.search(r"\d\d\d passed", said), said


def test_three_processes_share_a_spool_and_each_event_arrives_once(python, tmp_path, receive):
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    config["spool"]["path"] = "bell.db"
    (tmp_path / "taskbell.json").write_text(json.dumps(config))
    (tmp_path / "emit.py").write_text(EMIT)
    python("-c", SEVERAL, "emit.py", "taskbell.json", cwd=tmp_path)
    sent = [request.json()["data"]["id"] for request in receiver.wait_for(600)]
    assert sorted(sent) == sorted(f"{name}-{number}" for name in "abc" for number in range(200))
    (row,) = query(tmp_path / "bell.db", "SELECT count(*) AS n FROM all_deliveries WHERE state = 'delivered'")
    assert row["n"] == 600


def test_graphics_cards_are_measured_by_the_dll_of_the_driver(python, wine, tmp_path, receive):
    # Where the driver puts it: no other folder counts.
    driver = wine.prefix / "drive_c" / "windows" / "system32" / "nvml.dll"
    build("gcc", driver, "-shared", ROOT / "tests" / "c" / "nvml.c")
    receiver = receive()
    watched = {
        "hot": ("0.temperature_c", 60),
        "memory": ("1.memory_percent", 24.5),
        "busy": ("0.percent", 36),
    }
    config = settings(
        tmp_path,
        receiver.url(),
        hooks=[{"on": ["alert.firing"], "to": ["e0"]}],
        alerts=[
            {"name": name, "metric": f"gpu.{of}", "above": above} for name, (of, above) in watched.items()
        ],
    )
    config["spool"]["path"] = "bell.db"
    (tmp_path / "taskbell.json").write_text(json.dumps(config))
    try:
        assert "delivered 3" in python("-c", WATCH, "taskbell.json", cwd=tmp_path)
    finally:
        driver.unlink()
    told = [request.json()["data"]["alert"] for request in receiver.wait_for(3)]
    assert {alert["name"]: alert["value"] for alert in told} == {"hot": 66, "memory": 25, "busy": 37}
