"""What of farm managers can be had: their clients, protocols and types, a broker, and Groovy.

The stubs of ``test_managers`` have the functions and the fields of these.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

if importlib.util.find_spec("opencue_proto") is None:
    pytest.skip("needs opencue-proto and others: cargo xtask test --hosts", allow_module_level=True)

from bells import eventually, settings
from examples import batches, surroundings
from test_managers import Flamenco
from tools import ROOT, attempt, need, run

HOSTS = ROOT / "bindings" / "hosts"


def stub(name):
    """A stub of ``test_managers``, next to the module that it is one of."""
    spec = importlib.util.spec_from_file_location(
        f"stub_{name}", ROOT / "tests/python/managers" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def same_parameters(real, made):
    known = inspect.signature(real).parameters
    asked = [name.lstrip("_") for name in inspect.signature(made).parameters]
    assert set(asked) <= set(known), (real, asked)
    assert [name for name in known if name in asked] == asked


def test_the_stubs_of_kitsu_and_ayon_have_the_functions_of_their_clients():
    import ayon_api
    import gazu

    made = stub("gazu")
    for name in ("set_host", "set_event_host", "log_in"):
        same_parameters(getattr(gazu, name), getattr(made, name))
    for name in ("get_task_status", "get_task", "get_task_url"):
        same_parameters(getattr(gazu.task, name), getattr(made.task, name))
    assert list(inspect.signature(gazu.events.add_listener).parameters)[:3] == [
        "event_client", "event_name", "event_handler",
    ]  # fmt: skip
    assert callable(gazu.events.init)
    assert callable(gazu.events.run_client)
    made = stub("ayon_api")
    for name, function in inspect.getmembers(made, inspect.isfunction):
        same_parameters(getattr(ayon_api, name), function)


class Ayon(BaseHTTPRequestHandler):
    """A server with one event, which it hands out until somebody has finished it."""

    protocol_version = "HTTP/1.1"
    finished: ClassVar[list[str]] = []

    def do_GET(self):
        event = {"id": "e1", "topic": "entity.task.status_changed", "project": "film", "user": "ada"}
        self.say({
            "/api/info": {"version": "1.10.0", "user": {"name": "bot"}},
            "/api/users/me": {"name": "bot"},
            "/api/events/e1": {**event, "payload": {"newValue": "Approved"}, "summary": {"entityId": "x1"}},
        }.get(self.path, {}))  # fmt: skip

    def do_POST(self):
        text = self.body()
        if self.path == "/api/enroll":
            is_left = not Ayon.finished
            self.say({"id": "r1", "dependsOn": "e1", "hash": "h", "status": "pending"} if is_left else None)
            return
        kind, node = ("tasks", {"name": "animation", "folderId": "f1"})
        if "folders(ids" in text:
            kind, node = ("folders", {"path": "/shots/sh042"})
        page = {"edges": [{"node": node}], "pageInfo": {"endCursor": "", "hasNextPage": False}}
        self.say({"data": {"project": {kind: page}}})

    def do_PATCH(self):
        Ayon.finished.append(f"{self.path} {json.loads(self.body())['status']}")
        self.say(None)

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"])).decode()

    def say(self, answer):
        text = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(204 if answer is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_words):
        pass


def test_ayon_is_asked_by_its_real_client(tmp_path, receive):
    receiver, server = receive(), ThreadingHTTPServer(("127.0.0.1", 0), Ayon)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known = {"AYON_SERVER_URL": f"http://127.0.0.1:{server.server_port}", "AYON_API_KEY": "secret-of-ayon"}
    env = {**in_host(receiver, tmp_path, "ayon", "message"), **known}
    with (tmp_path / "log").open("w") as log:
        line = [sys.executable, HOSTS / "ayon" / "taskbell_ayon.py", "Approved"]
        adapter = subprocess.Popen(line, env=env, cwd=tmp_path, stdout=log, stderr=log)
        try:
            eventually("the end of an event", lambda: Ayon.finished and receiver.requests)
        finally:
            adapter.terminate()
            adapter.wait(30)
            server.shutdown()
    assert Ayon.finished == ["/api/events/r1 finished"]
    (message,) = (request.json()["data"] for request in receiver.requests)
    assert message["title"] == "film / shots/sh042 / animation: Approved"
    assert "secret-of-ayon" not in (tmp_path / "log").read_text()


OPENCUE = """
import sys
from google.protobuf.json_format import MessageToJson
from opencue_proto import job_pb2, monitoring_pb2
import json, taskbell_opencue
def event(made):
    text = MessageToJson(made, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    farm.take(json.loads(text))
farm = taskbell_opencue.Farm()
head = lambda kind: monitoring_pb2.EventHeader(event_id="e", event_type=kind, timestamp=1)
for number, kind, status in ((17, "FRAME_COMPLETED", 0), (18, "FRAME_FAILED", 139)):
    frame = job_pb2.Frame(id=str(number), name=f"{number:04}-render", number=number, exit_status=status)
    about = {"job_id": "j1", "job_name": "film", "host_name": "node7"}
    event(monitoring_pb2.FrameEvent(header=head(kind), frame=frame, **about))
stats = job_pb2.JobStats(total_frames=2, succeeded_frames=1, dead_frames=1)
job = job_pb2.Job(id="j1", name="film", user="ada", show="f", start_time=100, stop_time=160, job_stats=stats)
event(monitoring_pb2.JobEvent(header=head("JOB_FINISHED"), job=job))
"""


def in_host(receiver, folder, name, on="batch.end"):
    paths = os.pathsep.join([str(HOSTS / name), os.environ["PYTHONPATH"]])
    config = folder / "taskbell.json"
    config.write_text(json.dumps(settings(folder, receiver.url(), hooks=[{"on": [on], "to": ["e0"]}])))
    return surroundings(receiver, folder, TASKBELL_CONFIG=str(config), PYTHONPATH=paths)


def test_opencue_reports_a_job_by_events_of_its_protocol(tmp_path, receive):
    receiver = receive()
    run(sys.executable, "-c", OPENCUE, cwd=tmp_path, env=in_host(receiver, tmp_path, "opencue"))
    (batch,) = batches(receiver)
    assert (batch["id"], batch["total"], batch["succeeded"], batch["failed"]) == ("film", 2, 1, 1)
    assert batch["failures"] == [{"name": "0018-render", "error": {"message": "exit status 139 on node7"}}]
    assert (batch["duration_s"], batch["users"]) == (60, ["ada"])


def test_the_options_of_the_consumer_exist():
    from kafka import KafkaConsumer

    assert {"bootstrap_servers", "group_id", "enable_auto_commit"} <= set(KafkaConsumer.DEFAULT_CONFIG)
    assert callable(KafkaConsumer.commit)


def test_flamenco_is_heard_over_a_real_broker(tmp_path, receive):
    import paho.mqtt.publish

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    receiver = receive()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Flamenco)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    manager = f"http://127.0.0.1:{server.server_port}"
    script = [sys.executable, HOSTS / "flamenco" / "taskbell_flamenco.py", manager, f"127.0.0.1:{port}"]
    update = {"id": "u1", "name": "shot 042", "status": "failed", "previous_status": "active"}
    with (tmp_path / "log").open("w") as log:
        options = {"stdout": log, "stderr": log, "cwd": tmp_path}
        broker = subprocess.Popen([need("mosquitto"), "-v", "-c", tmp_path / "mosquitto.conf"], **options)
        adapter = subprocess.Popen(script, env=in_host(receiver, tmp_path, "flamenco"), **options)
        try:
            eventually("a subscriber", lambda: "SUBACK" in (tmp_path / "log").read_text())
            payload = json.dumps(update)
            paho.mqtt.publish.single("flamenco/jobs", payload, qos=1, hostname="127.0.0.1", port=port)
            (batch,) = batches(receiver)
        finally:
            adapter.terminate()
            broker.terminate()
            adapter.wait(30)
            broker.wait(30)
            server.shutdown()
    assert (batch["id"], batch["status"], batch["failed"]) == ("shot 042", "error", 1)


@pytest.mark.parametrize("name", ["houdini", "nuke"])
def test_a_recipe_uses_what_the_types_of_its_program_have(name, tmp_path):
    line = [
        "--strict",
        "--allow-untyped-calls",
        "--disable-error-code",
        "assignment",
        "--cache-dir",
        tmp_path,
    ]
    env = {**os.environ, "MYPYPATH": os.environ["PYTHONPATH"]}
    run(sys.executable, "-m", "mypy", *line, HOSTS / name / f"taskbell_{name}.py", env=env, cwd=tmp_path)


NEXTFLOW = """
class Stats { int succeedCount = 7, cachedCount = 1, ignoredCount = 0, failedCount = 2, abortedCount = 0 }
class Took { long toMillis() { 61500 } }
class Workflow {
    Map manifest = [name: 'film']
    String scriptName = 'main.nf', runName = 'happy_curie', userName = 'ada'
    boolean success
    String errorMessage, errorReport
    Stats stats = new Stats()
    Took duration = new Took()
    Closure onComplete
}
def workflow = new Workflow(success: args[1] == 'good')
if (!workflow.success) {
    workflow.errorMessage = "line 1\\nno light\\n"
    workflow.errorReport = "Error executing process > 'render (17)'\\n\\nCaused by: …"
} else {
    workflow.stats.failedCount = 0
}
new GroovyShell(new Binding([workflow: workflow])).evaluate(new File(args[0]))
workflow.onComplete.call()
"""


def test_nextflow_reports_the_end_of_a_run_and_ends_without_the_command(tmp_path, receive):
    receiver = receive()
    (tmp_path / "run.groovy").write_text(NEXTFLOW)
    java = Path(need("java")).resolve().parents[1]
    command = Path(os.environ["TASKBELL_LIBRARY"]).parent
    path = os.pathsep.join([str(command), os.environ["PATH"]])
    env = {**in_host(receiver, tmp_path, "nextflow"), "JAVA_HOME": str(java), "PATH": path}
    line = [need("groovy"), tmp_path / "run.groovy", HOSTS / "nextflow" / "taskbell.config"]
    for how in ("good", "bad"):
        run(*line, how, env=env, cwd=tmp_path)
    good, bad = batches(receiver, 2)
    assert (good["id"], good["status"], good["total"], good["succeeded"]) == (
        "film happy_curie",
        "success",
        8,
        8,
    )
    assert (good["duration_s"], good["users"]) == (61.5, ["ada"])
    assert (bad["status"], bad["total"], bad["failed"]) == ("error", 10, 2)
    assert bad["failures"] == [{"name": "render (17)", "error": {"message": "no light"}}]
    without = attempt(*line, "good", env={**env, "PATH": os.environ["PATH"]}, cwd=tmp_path)
    assert without.returncode == 0
    assert shutil.which("taskbell") or "Taskbell has not reported the run: " in without.stdout
