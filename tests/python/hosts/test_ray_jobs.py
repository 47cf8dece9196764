"""A job of a real Ray cluster, of one node, under ``taskbell run``."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

if importlib.util.find_spec("ray") is None or importlib.util.find_spec("aiohttp_cors") is None:
    pytest.skip("needs ray[default]: cargo xtask test --hosts", allow_module_level=True)

from bells import eventually
from examples import surroundings, tasks
from fake_platform import command
from tools import attempt

RAY = Path(sys.executable).with_name("ray")
PORTS = {"--port": 26379, "--dashboard-port": 28265}


@pytest.fixture
def cluster(tmp_path):
    """The address of a cluster that ends with the test."""
    words = [f"{name}={number}" for name, number in PORTS.items()]
    # The names of its sockets are long, and may have 107 characters.
    folder = tempfile.mkdtemp(prefix="ray")
    more = ["--head", "--block", "--num-cpus=1", "--dashboard-host=127.0.0.1", f"--temp-dir={folder}"]
    env = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    with (tmp_path / "ray.log").open("w") as log:
        ray = subprocess.Popen([RAY, "start", *more, *words], env=env, stdout=log, stderr=log)
        try:
            yield f"http://127.0.0.1:{PORTS['--dashboard-port']}"
        finally:
            ray.terminate()
            ray.wait(60)
            shutil.rmtree(folder, ignore_errors=True)


def test_a_job_reports_its_exit_code_and_its_last_lines(tmp_path, receive, cluster):
    receiver = receive()
    (tmp_path / "work.py").write_text('print("frame 17")\nraise SystemExit("no light")\n')
    job = [command(), "run", "--name", "shot 042", receiver.url(), "--", sys.executable, tmp_path / "work.py"]
    submit = [RAY, "job", "submit", "--address", cluster, "--no-wait", "--", *job]
    eventually(
        "a cluster that takes the job",
        lambda: attempt(*submit, env=surroundings(receiver, tmp_path)).returncode == 0,
        timeout=180,
    )
    (task,) = tasks(receiver)
    assert (task["name"], task["status"], task["exit_code"]) == ("shot 042", "error", 1)
    assert task["error"]["message"] == "exit code 1: no light"
