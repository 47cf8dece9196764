"""The custom node package for ComfyUI, in a process that has ComfyUI's queue and nothing else of it."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest

from bells import settings
from steps import Hang
from tools import ROOT, adapter, run

RUN = ROOT / "tests" / "python" / "comfyui" / "run.py"
EVERY = ["task.complete", "queue.start", "queue.end", "server.start", "server.stop"]


@pytest.fixture
def package(tmp_path):
    """The package as it stands in ``custom_nodes`` once it is installed."""
    if released := adapter("comfyui", tmp_path / "custom_nodes"):
        return released
    folder = tmp_path / "custom_nodes" / "taskbell"
    shutil.copytree(ROOT / "bindings" / "hosts" / "comfyui", folder)
    shutil.copytree(ROOT / "bindings" / "python" / "taskbell", folder / "taskbell")
    return folder


def work_off(package, **env):
    # A released package has the library inside.
    own = {"PYTHONPATH", "TASKBELL_LIBRARY"} if "TASKBELL_DIST" in os.environ else {"PYTHONPATH"}
    surroundings = {key: value for key, value in os.environ.items() if key not in own}
    text = run(sys.executable, RUN, package, env={**surroundings, **env}, timeout=60)
    assert "\nok\n" in f"\n{text}", text
    return text


def configured(tmp_path, package, receiver):
    described = settings(tmp_path, receiver.url(), hooks=[{"on": EVERY, "to": ["e0"]}])
    described["endpoints"]["e0"]["concurrency"] = 1
    path = tmp_path / "comfy.json"
    path.write_text(json.dumps(described))
    return {"TASKBELL_CONFIG": str(path)}


def test_a_receiver_hears_what_happens_in_comfyui(tmp_path, package, receive):
    receiver = receive()
    text = work_off(package, **configured(tmp_path, package, receiver))
    requests = receiver.wait_for(8)
    bodies = [request.json() for request in requests]
    kinds = [body["type"] for body in bodies]
    assert kinds[:6] == ["server.start", "queue.start", *["task.complete"] * 4]
    assert sorted(kinds[6:]) == ["queue.end", "server.stop"]
    tasks = {body["data"]["task"]["id"]: body["data"]["task"] for body in bodies[2:6]}
    assert list(tasks) == ["prompt-0", "prompt-1", "prompt-3", "prompt-4"]
    first = tasks["prompt-0"]
    assert first["status"] == "success"
    assert first["user"] == "mira"
    assert first["outputs"] == [
        {
            "name": "a b.png",
            "url": "/view?filename=a+b.png&subfolder=x&type=output",
            "path": "/comfy/output/x/a b.png",
        }
    ]
    assert first["params"] == {
        "seed": 7, "steps": 20, "cfg_scale": 7.5, "model": "sdxl.safetensors", "prompt": "ein Hund",
        "negative_prompt": "blurry",
    }  # fmt: skip
    assert [task["name"] for task in tasks.values()] == ["ein Hund", "A series", "hero/front", "ein Hund"]
    assert first["queue_remaining"] == 4
    assert first["duration_s"] >= 0
    assert tasks["prompt-1"]["error"] == {"type": "OutOfMemory", "message": "KSampler (3): no room"}
    assert tasks["prompt-3"]["status"] == "cancelled"
    # What this does not understand is left out, and the prompt is told of all the same.
    assert "ERROR taskbell: taskbell: something was left out" in text
    # What an operator should know is in the log.
    assert "INFO taskbell: taskbell: 1 endpoint, 1 hook" in text
    assert tasks["prompt-4"]["queue_remaining"] == 0
    queue = bodies[kinds.index("queue.end")]["data"]["queue"]
    assert (queue["total"], queue["failed"], queue["cancelled"]) == (5, 1, 1)
    assert all(b"webhook_params" not in request.body for request in requests)


def test_without_a_configuration_comfyui_runs_on_and_nothing_is_loaded(package):
    text = work_off(package, TASKBELL_CONFIG="", TASKBELL_LIBRARY="/nonexistent")
    assert "so nothing is sent" in text


def test_a_bad_configuration_is_one_sentence_in_the_log(tmp_path, package):
    (tmp_path / "comfy.toml").write_text("[endpoint.team]\n")
    text = work_off(package, TASKBELL_CONFIG=str(tmp_path / "comfy.toml"))
    (line,) = (line for line in text.splitlines() if "nothing is sent" in line)
    assert line.startswith("ERROR taskbell: ")
    assert "comfy.toml:1:2: " in line
    assert "TaskbellError" not in text


def test_without_the_library_comfyui_runs_on_and_says_why(tmp_path, package, receive):
    env = configured(tmp_path, package, receive())
    text = work_off(package, **{**env, "TASKBELL_LIBRARY": "/nonexistent"})
    assert "ERROR taskbell:" in text
    assert "cannot load the Taskbell library" in text


def test_a_receiver_that_hangs_holds_neither_prompts_nor_the_end_for_long(tmp_path, package, receive):
    receiver = receive(default=Hang())
    text = work_off(package, **configured(tmp_path, package, receiver))
    receiver.wait_for(1)
    assert text.count("did not arrive") == 1, text
    assert "did not answer" in text, text
