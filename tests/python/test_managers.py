"""The adapters of farm managers that cannot be had here.

Each runs against a stub of its manager's API in ``managers``, written from the manager's documentation.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bells import eventually, settings
from documents import rows
from fake_platform import command
from steps import Reply
from tools import ROOT, attempt, compile_native, run

HOSTS = ROOT / "bindings" / "hosts"
STUBS = ROOT / "tests" / "python" / "managers"
EVERY = ["batch.end", "task.complete", "message"]


@pytest.fixture
def manager(tmp_path, receive):
    """Runs code, or the script of an adapter, and gives what arrived by then and what was printed."""
    receiver = receive()
    config = tmp_path / "taskbell.json"
    described = settings(tmp_path, receiver.url(), hooks=[{"on": EVERY, "to": ["e0"]}])
    described["endpoints"]["e0"]["concurrency"] = 1
    config.write_text(json.dumps(described))

    def work(folder, code, *words, package=True, expect=0, **env):
        paths = [HOSTS / folder, STUBS, *([os.environ["PYTHONPATH"]] if package else [])]
        path = os.pathsep.join(map(str, paths))
        surroundings = {**os.environ, "TASKBELL_CONFIG": str(config), "ENTRY_Config": str(config)}
        line = [HOSTS / folder / code] if code.endswith(".py") else ["-c", code]
        done = attempt(
            sys.executable, *line, *words, env={**surroundings, "PYTHONPATH": path, **env}, cwd=tmp_path
        )
        assert done.returncode == expect, done.stdout
        return Arrived(receiver), done.stdout

    return work


class Arrived:
    """The messages of a receiver."""

    def __init__(self, receiver):
        self.receiver = receiver

    def of(self, kind, count):
        def found():
            bodies = [request.json() for request in list(self.receiver.requests)]
            data = [body["data"] for body in bodies if body["type"] == kind]
            return [one.get(kind.partition(".")[0], one) for one in data]

        return eventually(f"{count} of {kind}", lambda: len(found()) >= count and found())


def counts(batch):
    return batch["total"], batch["succeeded"], batch["failed"], batch["cancelled"]


DEADLINE = """
import Taskbell
from Deadline.Scripting import JOB
listener = Taskbell.GetDeadlineEventListener()
for name in {names}:
    getattr(listener, name + "Callback")(JOB)
Taskbell.CleanupDeadlineEventListener(listener)
assert not [name for name in vars(listener) if name.endswith("Callback")]
"""


def test_deadline_reports_the_ends_of_a_job_with_its_failed_tasks(manager):
    names = ["OnJobFailed", "OnJobSuspended", "OnJobFinished"]
    arrived, text = manager("deadline", DEADLINE.format(names=names))
    batches = arrived.of("batch.end", 3)
    assert [batch["status"] for batch in batches] == ["error", "cancelled", "success"], text
    batch = batches[0]
    assert (batch["id"], *counts(batch)) == ("shot 042", 10, 7, 2, 1)
    assert batch["failures"] == [
        {"name": "frames 17", "error": {"message": "Error: no light"}},
        {"name": "frames 18", "error": {"message": "the error reports of the task say why"}},
    ]
    assert (batch["duration_s"], batch["users"]) == (60.5, ["ada"])
    assert "WARNING" not in text


@pytest.mark.parametrize(
    "broken", [{"package": False}, {"TASKBELL_LIBRARY": "/none"}, {"ENTRY_Config": "/none.toml"}]
)
def test_deadline_ends_jobs_without_the_package_the_library_or_a_configuration(manager, broken):
    _arrived, text = manager("deadline", DEADLINE.format(names=["OnJobFinished"]), **broken)
    assert text.startswith("WARNING: Taskbell has not reported shot 042: ")
    assert text.count("\n") == 1


def test_afanasy_reports_a_job_with_its_blocks(manager):
    words = ("-jobname", "shot 042", "-jobserial", "17")
    arrived, _text = manager("afanasy", "taskbell_afanasy.py", *words)
    (batch,) = arrived.of("batch.end", 1)
    assert (batch["id"], batch["status"], *counts(batch)) == ("shot 042", "error", 11, 7, 2, 2)
    assert batch["failures"] == [{"name": "render", "error": {"message": "2 of 10 tasks have failed"}}]
    arrived, _text = manager("afanasy", "taskbell_afanasy.py", "-jobname", "gone", "-jobserial", "99")
    (message,) = arrived.of("message", 1)
    assert message["title"] == "gone has ended"


def test_tractor_reports_a_job_with_its_failed_tasks(manager):
    arrived, _text = manager("tractor", "taskbell_tractor.py", "12")
    (batch,) = arrived.of("batch.end", 1)
    assert (batch["id"], batch["status"], *counts(batch)) == ("shot 042", "error", 10, 8, 1, 1)
    assert batch["failures"] == [{"name": "5 frame 17", "error": {"message": "exit code 1"}}]
    assert (batch["users"], batch["duration_s"]) == (["ada"], 61.5)


def test_a_report_that_its_receiver_refuses_is_sent_by_the_next_process_on_the_spool(tmp_path, receive):
    receiver = receive([Reply(503)])
    config = tmp_path / "taskbell.json"
    described = settings(tmp_path, receiver.url(), hooks=[{"on": EVERY, "to": ["e0"]}])
    described["endpoints"]["e0"]["retry"] = {"schedule": ["3s"]}
    config.write_text(json.dumps(described))
    path = os.pathsep.join(map(str, [STUBS, os.environ["PYTHONPATH"]]))
    env = {**os.environ, "TASKBELL_CONFIG": str(config), "PYTHONPATH": path}
    run(sys.executable, HOSTS / "tractor" / "taskbell_tractor.py", "12", env=env, cwd=tmp_path)
    assert len(receiver.requests) == 1
    assert "delivered" in run(command(), "deliver", config, env=env)
    first, second = receiver.requests
    assert first.header("webhook-id") == second.header("webhook-id")
    assert second.json()["data"]["batch"]["id"] == "shot 042"


def test_kitsu_reports_what_is_done_to_be_redone_or_to_be_reviewed(manager):
    known = {
        "KITSU_HOST": "https://kitsu.example/api",
        "KITSU_LOGIN": "bot",
        "KITSU_PASSWORD": "secret-of-kitsu",
    }
    arrived, text = manager("kitsu", "taskbell_kitsu.py", "wip", "done", "away", "retake", "wfa", **known)
    done, retake = arrived.of("task.complete", 2)
    assert (done["name"], done["status"]) == ("Film / SQ01 / SH042 / Animation", "success")
    assert (retake["status"], retake["error"]["message"]) == ("error", "Retake")
    (review,) = arrived.of("message", 1)
    assert review["title"] == "Film / SQ01 / SH042 / Animation: Waiting for approval"
    assert "do not answer: One or more namespaces failed to connect" in text
    assert "cannot be reported: the server is away" in text
    assert "secret-of-kitsu" not in text + str(arrived.receiver.requests)


def test_ayon_reports_the_wanted_statuses_and_goes_on_after_an_entity_that_is_gone(manager):
    arrived, text = manager("ayon", "taskbell_ayon.py", "Approved")
    task, version = arrived.of("message", 2)
    assert (task["title"], task["user"]) == ("film / shots/sh042 / animation: Approved", "ada")
    assert version["title"] == "film / v003: Approved"
    states = [json.loads(line)[1] for line in text.splitlines() if line.startswith("[")]
    assert states == ["finished", "finished", "finished", "failed"]
    assert "cannot be reported: the entity is gone" in text


OPENCUE = """
import json, sys
sys.modules["kafka"] = type(sys)("kafka")
import taskbell_opencue
class Consumer(list):
    def commit(self):
        pass
def consumer(*topics, **options):
    assert topics == ("opencue.job.events", "opencue.frame.events")
    assert options["bootstrap_servers"] == ["kafka:9092"]
    return Consumer(type("Record", (), {"value": line.encode()}) for line in sys.argv[1:])
sys.modules["kafka"].KafkaConsumer = consumer
taskbell_opencue.main("kafka:9092")
"""


def frame(kind, name, status=0):
    head = {"event_id": "e", "event_type": kind, "timestamp": "1", "source_cuebot": "c"}
    told = {"id": name, "name": name, "exit_status": status}
    return {"header": head, "frame": told, "job_id": "j1", "job_name": "film-042", "host_name": "node7"}


def test_opencue_reports_a_job_by_the_ends_of_its_frames_or_by_its_counts(manager):
    ended = {"header": {"event_type": "JOB_FINISHED"}, "job": {"id": "j1", "name": "film-042", "user": "ada"}}
    counted = {"total_frames": 100, "succeeded_frames": 90, "dead_frames": 10}
    killed = {
        "header": {"event_type": "JOB_KILLED"},
        "job": {"id": "j2", "name": "film-043", "job_stats": counted},
    }
    events = [
        frame("FRAME_FAILED", "0017-render", 1),
        frame("FRAME_FAILED", "0018-render", 139),
        frame("FRAME_COMPLETED", "0017-render"),
        frame("FRAME_COMPLETED", "0019-render"),
        {**ended, "job": {**ended["job"], "start_time": 100, "stop_time": 160}},
        killed,
    ]
    arrived, text = manager("opencue", OPENCUE, *map(json.dumps, events), "not json")
    first, second = arrived.of("batch.end", 2)
    assert (first["id"], first["status"], *counts(first)) == ("film-042", "error", 3, 2, 1, 0)
    assert first["failures"] == [{"name": "0018-render", "error": {"message": "exit status 139 on node7"}}]
    assert (first["duration_s"], first["users"]) == (60, ["ada"])
    assert (second["id"], second["status"], *counts(second)) == ("film-043", "cancelled", 100, 90, 10, 0)
    assert "cannot be read" in text


class Flamenco(BaseHTTPRequestHandler):
    """Flamenco Manager as its OpenAPI describes it, with one job of three tasks."""

    def do_GET(self):
        tasks = [("render-1-10", "completed"), ("render-11-20", "failed"), ("preview", "canceled")]
        answers = {
            "/api/v3/jobs/u1": {
                "id": "u1",
                "name": "shot 042",
                "created": "2026-11-30T10:00:00.5+01:00",
                "updated": "2026-11-30T10:01:00.123456789+01:00",
                "activity": "Manager set this job to failed",
                "metadata": {"user.name": "ada"},
            },
            "/api/v3/jobs/u1/tasks": {
                "tasks": [{"id": name, "name": name, "status": status} for name, status in tasks]
            },
        }
        text = "line 1\nno light\n" if self.path.endswith("/logtail") else json.dumps(answers[self.path])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_words):
        pass


FLAMENCO = """
import json, sys, taskbell_flamenco
for status, before in (("active", "queued"), ("failed", "active"), ("failed", "failed")):
    update = {"id": "u1", "name": "shot 042", "status": status, "previous_status": before}
    taskbell_flamenco.report(sys.argv[1], update)
taskbell_flamenco.report(sys.argv[1], {"id": "u1", "was_deleted": True})
"""


def test_flamenco_reports_a_job_with_its_failed_tasks_once(manager):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Flamenco)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    arrived, _text = manager("flamenco", FLAMENCO, f"http://127.0.0.1:{server.server_port}/")
    server.shutdown()
    (batch,) = arrived.of("batch.end", 1)
    assert (batch["id"], batch["status"], *counts(batch)) == ("shot 042", "error", 3, 1, 1, 1)
    assert batch["failures"] == [{"name": "render-11-20", "error": {"message": "no light"}}]
    assert (batch["duration_s"], batch["users"]) == (60, ["ada"])


HOUDINI = """
import hou, taskbell_houdini
taskbell_houdini.watch_all()
hou.NODE.render()
hou.NODE.render(bad=(2,))
"""


def test_houdini_reports_a_render_with_its_frames(manager):
    arrived, _text = manager("houdini", HOUDINI)
    first, second = arrived.of("batch.end", 2)
    assert (first["id"], first["status"], *counts(first)) == ("film.hip /out/mantra1", "success", 3, 3, 0, 0)
    assert (second["status"], *counts(second)) == ("error", 3, 2, 1, 0)
    assert second["failures"] == [{"name": "frame 2", "error": {"message": "no light"}}]


NUKE = """
import nuke, taskbell_nuke
taskbell_nuke.install()
nuke.execute(5)
nuke.execute(4)
nuke.execute(3, fault=True)
"""


def test_nuke_reports_a_render_that_was_stopped_or_has_failed(manager):
    arrived, _text = manager("nuke", NUKE)
    done, stopped, failed = arrived.of("batch.end", 3)
    assert (done["id"], done["status"], *counts(done)) == ("film.nk Write1", "success", 3, 3, 0, 0)
    assert (stopped["status"], *counts(stopped)) == ("cancelled", 3, 2, 0, 1)
    assert (failed["status"], *counts(failed)) == ("error", 3, 1, 1, 1)
    assert failed["failures"][0]["name"] == "frame 3"


UNREAL = """
import unreal, taskbell_unreal
for successes, fatal in (((True, True), ""), ((True, False), ""), ((True,), "no disk")):
    executor = unreal.MoviePipelinePIEExecutor()
    kept = taskbell_unreal.watch(executor, "trailer")
    executor.render(*successes, fatal=fatal)
"""


def test_unreal_reports_a_queue_with_its_jobs(manager):
    arrived, _text = manager("unreal", UNREAL)
    done, failed, fatal = arrived.of("batch.end", 3)
    assert (done["id"], done["status"], *counts(done)) == ("trailer", "success", 2, 2, 0, 0)
    assert (failed["status"], *counts(failed)) == ("error", 2, 1, 1, 0)
    assert failed["failures"][0]["name"] == "b"
    assert (fatal["status"], fatal["error"]["message"]) == ("error", "no disk")


def test_unreal_reports_a_queue_from_cpp(tmp_path, library_path, receive):
    receiver = receive()
    config = tmp_path / "taskbell.json"
    described = settings(tmp_path, receiver.url(), hooks=[{"on": EVERY, "to": ["e0"]}])
    described["endpoints"]["e0"]["concurrency"] = 1
    config.write_text(json.dumps(described))
    source = ROOT / "tests" / "c" / "unreal" / "renders.cpp"
    includes = [part for folder in (HOSTS / "unreal", source.parent) for part in ("-I", folder)]
    program = compile_native(library_path, tmp_path / "renders", source, flags=includes)
    run(program, config)
    done, failed, fatal = Arrived(receiver).of("batch.end", 3)
    assert (done["id"], done["status"], *counts(done)) == ("trailer", "success", 2, 2, 0, 0)
    assert (failed["status"], *counts(failed)) == ("error", 2, 1, 1, 0)
    assert failed["failures"][0]["name"] == "b"
    assert (fatal["status"], *counts(fatal)) == ("error", 2, 1, 1, 0)
    assert fatal["failures"] == [{"name": "trailer", "error": {"message": "no disk"}}]
    text = run(program, "/none.toml")
    assert text.count("renders are not reported: ") == text.count("\n") == 3


@pytest.mark.parametrize(("folder", "code"), [("houdini", HOUDINI), ("nuke", NUKE), ("unreal", UNREAL)])
@pytest.mark.parametrize("broken", [{"package": False}, {"TASKBELL_LIBRARY": "/none"}])
def test_a_render_ends_as_before_without_the_package_or_its_library(manager, folder, code, broken):
    _arrived, text = manager(folder, code, **broken)
    assert "Traceback" not in text
    assert ("taskbell" in text.lower()) or broken.get("TASKBELL_LIBRARY")


@pytest.mark.parametrize(
    "script", ["ayon", "kitsu", "opencue", "flamenco", "afanasy", "tractor"], ids=lambda name: name
)
def test_a_script_without_the_package_says_so_in_one_sentence(manager, script):
    _arrived, text = manager(script, f"taskbell_{script}.py", package=False, expect=1, PYTHONSAFEPATH="")
    assert text.strip().endswith("has no package taskbell")
    assert text.count("\n") == 1


def test_an_adapter_that_no_real_manager_runs_says_so_in_its_first_line_and_in_the_table():
    for row in rows("docs/hosts.md", "## Farm managers"):
        folder = row[2].split("bindings/hosts/")[1].split("/")[0]
        files = [path for path in (HOSTS / folder).iterdir() if path.suffix in (".py", ".config", ".h")]
        firsts = [text for path in files for text in path.read_text(encoding="utf-8").splitlines()[:2]]
        is_stub = any("checked" in line for line in firsts)
        assert is_stub == ("stub" in row[1]), row
