"""The wheel for Windows in Python for Windows, under Wine: a first message, several processes on a spool."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
from packages import package, user, version
from systems import place

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

    def call(*words, cwd):
        env = {**user(cwd / "home"), **wine.variables, "PYTHONPATH": str(folder)}
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
