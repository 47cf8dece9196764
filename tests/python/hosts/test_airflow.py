"""Real runs of DAGs of Airflow, with a database in a folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bells import eventually
from examples import batches, need_host, surroundings, tasks
from tools import attempt, run

need_host("apache-airflow")

DAG = """
from datetime import datetime
from airflow.sdk import DAG, task
from taskbell.integrations.airflow import TaskbellNotifier

told = TaskbellNotifier("env:TEAM_URL")

@task(on_failure_callback={on_task})
def render(frame):
    if frame == 13:
        raise ValueError("no light")

with DAG("shot_042", schedule={schedule}, start_date=datetime(2026, 1, 1), is_paused_upon_creation=False,
         on_success_callback=told, on_failure_callback=told) as dag:
    render.override(task_id="first")({first}) >> render.override(task_id="second")(12)

if __name__ == "__main__":
    dag.test()
"""


@pytest.fixture
def airflow(tmp_path, receive):
    """Runs a DAG whose first task renders this frame."""
    receiver = receive()
    (tmp_path / "dags").mkdir()
    home = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    env = surroundings(receiver, tmp_path, **home)
    run(sys.executable, "-m", "airflow", "db", "migrate", env=env, cwd=tmp_path)

    def work(first, on_task="None"):
        script = tmp_path / "dags" / "shot.py"
        script.write_text(DAG.format(first=first, on_task=on_task, schedule="None"))
        done = attempt(sys.executable, script, env=env, cwd=tmp_path)
        return done.stdout, receiver

    return work


def test_a_run_is_a_batch_and_a_task_that_fails_has_its_exception(airflow):
    text, receiver = airflow(12)
    (batch,) = batches(receiver)
    assert (batch["id"], batch["status"], batch["total"]) == ("shot_042", "success", 2), text
    assert batch["succeeded"] == 2
    text, receiver = airflow(13, "told")
    batch = batches(receiver, 2)[1]
    assert (batch["id"], batch["status"], batch["failed"]) == ("shot_042", "error", 1), text
    # Without a scheduler nobody says which task it was.
    assert batch["failures"] == [{"name": "shot_042", "error": {"message": "task_failure"}}]
    (task,) = tasks(receiver)
    assert (task["name"], task["error"]["message"]) == ("shot_042.first", "no light")


def test_a_real_scheduler_knows_which_tasks_of_a_run_failed(tmp_path, receive):
    receiver = receive()
    (tmp_path / "dags").mkdir()
    text = DAG.format(first=13, on_task="None", schedule='"@once"')
    (tmp_path / "dags" / "shot.py").write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    home = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    with (tmp_path / "airflow.log").open("w") as log:
        line = [sys.executable, "-m", "airflow", "standalone"]
        options = {"stdout": log, "stderr": log, "cwd": tmp_path, "start_new_session": True}
        airflow = subprocess.Popen(line, env=surroundings(receiver, tmp_path, **home), **options)
        try:
            eventually("a run", lambda: receiver.requests, timeout=400)
        finally:
            os.killpg(airflow.pid, signal.SIGKILL)
            airflow.wait(30)
    (batch,) = batches(receiver)
    assert (batch["id"], batch["status"], batch["total"]) == ("shot_042", "error", 2)
    assert (batch["succeeded"], batch["failed"], batch["cancelled"]) == (0, 1, 1)
    assert batch["failures"] == [{"name": "first", "error": {"message": "the log of the task says why"}}]
