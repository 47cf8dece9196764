"""A real Zou, the server of Kitsu, with PostgreSQL and Redis of its own, and its real client."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest

if importlib.util.find_spec("zou") is None:
    pytest.skip("needs zou: cargo xtask test --hosts", allow_module_level=True)

from bells import eventually, settings
from examples import surroundings, tasks
from tools import ROOT, need, run

LOGIN = {"KITSU_LOGIN": "admin@example.com", "KITSU_PASSWORD": "secret-of-kitsu"}

PRODUCTION = """
import os, sys, gazu
gazu.set_host(os.environ["KITSU_HOST"])
gazu.log_in(os.environ["KITSU_LOGIN"], os.environ["KITSU_PASSWORD"])
film = gazu.project.new_project("Film")
shot = gazu.shot.new_shot(film, gazu.shot.new_sequence(film, "SQ01"), "SH042")
animation = gazu.task.get_task_type_by_name("Animation")
gazu.project.add_task_type(film, animation, 1)
task = gazu.task.new_task(shot, animation)
for name in ("Work In Progress", "Waiting For Approval", "Retake", "Done"):
    gazu.task.add_comment(task, gazu.task.get_task_status_by_name(name), "a comment")
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def postgres_folder():
    """Where Debian keeps the programs of the newest PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else Path(need("initdb")).parent


class Studio:
    """The processes of a Zou, each of which ends with the test."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        # PostgreSQL refuses to run as root.
        self.user = {"user": "postgres"} if os.geteuid() == 0 else {}
        self.data = Path(tempfile.mkdtemp(prefix="zou"))
        if self.user:
            shutil.chown(self.data, "postgres")
        database, store, api, events = free_ports(4)
        self.urls = {"KITSU_HOST": f"http://127.0.0.1:{api}", "KITSU_EVENTS": f"http://127.0.0.1:{events}"}
        zou = {
            "DB_HOST": "127.0.0.1",
            "DB_PORT": database,
            "DB_USERNAME": "postgres",
            "KV_HOST": "127.0.0.1",
            "KV_PORT": store,
            "PREVIEW_FOLDER": str(folder / "previews"),
            "TMP_DIR": str(folder / "tmp"),
            "ENABLE_JOB_QUEUE": "false",
            "SECRET_KEY": "a-key-of-this-test",
        }
        self.env = {**os.environ, "HOME": str(folder), **zou}
        self.ports = {"database": database, "store": store, "api": api, "events": events}

    def __enter__(self):
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def open(self):
        self.start_database(self.ports["database"])
        self.start(
            "redis", need("redis-server"), "--port", self.ports["store"], "--save", "", "--dir", self.folder
        )
        for words in (["init-db"], ["init-data"], ["create-admin", LOGIN["KITSU_LOGIN"], "--password"]):
            more = [LOGIN["KITSU_PASSWORD"]] if words[0] == "create-admin" else []
            run(Path(sys.executable).with_name("zou"), *words, *more, env=self.env, cwd=self.folder)
        gunicorn = [Path(sys.executable).with_name("gunicorn"), "-w", "1", "-b"]
        self.start("api", *gunicorn, f"127.0.0.1:{self.ports['api']}", "zou.app:app")
        worker = ["-k", "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"]
        self.start("events", *gunicorn, f"127.0.0.1:{self.ports['events']}", *worker, "zou.event_stream:app")
        eventually("an answer of Zou", lambda: answers(self.urls["KITSU_HOST"]), timeout=120)
        eventually("its events", lambda: answers(self.urls["KITSU_EVENTS"]), timeout=120)

    def start_database(self, port):
        programs, data = postgres_folder(), self.data / "data"
        run(programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", cwd=self.data, **self.user)
        line = ["-D", data, "-p", port, "-k", self.data, "-c", "fsync=off"]
        self.start("postgres", programs / "postgres", *line, **self.user, cwd=self.data)
        create = [programs / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "zoudb"]
        made = lambda: subprocess.run(create, capture_output=True, check=False).returncode == 0  # noqa: E731
        eventually("a database", made)

    def start(self, name, *line, **options):
        log = (self.folder / f"{name}.log").open("w")
        options = {"cwd": self.folder, "env": self.env, "stdout": log, "stderr": log, **options}
        self.processes.append(subprocess.Popen([str(word) for word in line], **options))

    def __exit__(self, *_fault):
        self.close()

    def close(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGINT)
        for process in self.processes:
            process.wait(60)
        shutil.rmtree(self.data, ignore_errors=True)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def test_a_production_reports_what_is_done_to_be_redone_or_to_be_reviewed(tmp_path, receive):
    receiver = receive()
    hooks = [{"on": ["task.complete", "message"], "to": ["e0"]}]
    config = tmp_path / "taskbell.json"
    config.write_text(json.dumps(settings(tmp_path, receiver.url(), hooks=hooks)))
    script, log = ROOT / "bindings" / "hosts" / "kitsu" / "taskbell_kitsu.py", tmp_path / "adapter.log"
    with Studio(tmp_path) as studio:
        env = {**surroundings(receiver, tmp_path, TASKBELL_CONFIG=str(config)), **studio.urls, **LOGIN}
        studio.start("adapter", sys.executable, script, env=env)
        eventually("a listener", lambda: "Listening" in log.read_text(), timeout=120)
        run(sys.executable, "-c", PRODUCTION, env=env, cwd=tmp_path)
        ends = {task["status"]: task for task in tasks(receiver, 2)}
    assert {task["name"] for task in ends.values()} == {"Film / SQ01 / SH042 / Animation"}
    assert ends["error"]["error"] == {"type": "Retake", "message": "Retake"}
    assert ends["success"]["url"].startswith(studio.urls["KITSU_HOST"])
    bodies = [request.json() for request in receiver.requests]
    (review,) = (body["data"] for body in bodies if body["type"] == "message")
    assert review["title"] == "Film / SQ01 / SH042 / Animation: Waiting For Approval"
    assert LOGIN["KITSU_PASSWORD"] not in log.read_text()


def test_a_login_that_is_refused_is_one_sentence(tmp_path):
    known = {"KITSU_HOST": "http://127.0.0.1:9", **LOGIN, "TASKBELL_CONFIG": "http://127.0.0.1:9/x"}
    script = ROOT / "bindings" / "hosts" / "kitsu" / "taskbell_kitsu.py"
    text = run(sys.executable, script, env={**os.environ, **known}, cwd=tmp_path, expect=1)
    assert "taskbell_kitsu.py: Kitsu lets nobody in: " in text
    assert "Traceback" not in text
