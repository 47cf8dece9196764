"""The add-on in a real Blender without a window; skipped without Blender (Debian's package)."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from bells import settings
from tools import ROOT, run

BLENDER = shutil.which("blender")
EVERY = ["task.complete", "queue.start", "queue.end", "batch.end"]

pytestmark = pytest.mark.skipif(not BLENDER, reason="Blender is not installed")

SCENE = """
import bpy
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising = 1, False
scene.render.resolution_x = scene.render.resolution_y = 16
scene.render.resolution_percentage = 100
scene.frame_start, scene.frame_end = 1, 3
scene.render.filepath = {output!r}
scene["webhook_params"] = '{{"vars": {{"x": 1}}}}'
"""


@pytest.fixture
def blender(tmp_path, library_path, receive):
    """Runs Python in Blender with the add-on as it is installed, and gives what arrived."""
    addon = tmp_path / "scripts" / "addons" / "taskbell_blender"
    shutil.copytree(ROOT / "bindings" / "hosts" / "blender", addon)
    shutil.copytree(ROOT / "bindings" / "python" / "taskbell", addon / "taskbell")
    shutil.copy(library_path, addon / "taskbell" / library_path.name)
    receiver = receive()
    described = settings(tmp_path, receiver.url(), hooks=[{"on": EVERY, "to": ["e0"]}])
    described["endpoints"]["e0"]["concurrency"] = 1
    config = tmp_path / "blender.json"
    config.write_text(json.dumps(described))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TASKBELL", "PYTHON"))}
    env = {**kept, "BLENDER_USER_SCRIPTS": str(tmp_path / "scripts"), "TASKBELL_CONFIG": str(config)}

    def work(code, expect=0):
        scene = SCENE.format(output=str(tmp_path / "frames") + "/")
        command = [
            BLENDER,
            "-b",
            "--factory-startup",
            "--addons",
            "taskbell_blender",
            "--python-exit-code",
            "3",
        ]
        text = run(*command, "--python-expr", scene + code, env=env, timeout=120, expect=expect)
        return text, receiver

    return work


def test_an_animation_is_a_batch_of_frames(blender, tmp_path):
    _text, receiver = blender("bpy.ops.render.render(animation=True)")
    bodies = [request.json() for request in receiver.wait_for(6)]
    assert sorted(body["type"] for body in bodies) == [
        "batch.end", "queue.end", "queue.start", "task.complete", "task.complete", "task.complete",
    ]  # fmt: skip
    tasks = [body["data"]["task"] for body in bodies if body["type"] == "task.complete"]
    assert [task["params"]["frame"] for task in tasks] == [1, 2, 3]
    assert [task["queue_remaining"] for task in tasks] == [2, 1, 0]
    assert {task["batch"]["total"] for task in tasks} == {3}
    assert len({task["batch"]["id"] for task in tasks}) == 1
    assert [task["outputs"][0]["path"] for task in tasks] == [
        str(tmp_path / "frames" / f"000{number}.png") for number in (1, 2, 3)
    ]
    assert all(task["status"] == "success" and task["duration_s"] >= 0 for task in tasks)
    (end,) = (body["data"]["queue"] for body in bodies if body["type"] == "queue.end")
    assert (end["total"], end["succeeded"]) == (3, 3)
    assert all(b"webhook_params" not in request.body for request in receiver.requests)


def test_one_image_is_a_task_without_a_batch_also_when_another_file_was_loaded(blender):
    # Loading a file empties Blender's lists of handlers, but for those that are marked as persistent.
    code = "bpy.ops.wm.read_homefile(use_factory_startup=True)\n"
    _text, receiver = blender(code + SCENE.format(output="//") + "bpy.ops.render.render()")
    bodies = [request.json() for request in receiver.wait_for(3)]
    (task,) = (body["data"]["task"] for body in bodies if body["type"] == "task.complete")
    assert task["status"] == "success"
    assert "batch" not in task
    assert task["params"]["width"] == 16


def test_a_render_that_fails_is_cancelled_and_ends_the_queue(blender):
    # No frame can be written there.
    code = """
scene.render.filepath = "/proc/none/"
try:
    bpy.ops.render.render(animation=True)
except RuntimeError as fault:
    print("refused:", fault)
"""
    text, receiver = blender(code, expect=1)
    assert "refused:" in text
    bodies = [request.json() for request in receiver.wait_for(3)]
    (task,) = (body["data"]["task"] for body in bodies if body["type"] == "task.complete")
    assert task["status"] == "cancelled"
    assert [body["type"] for body in bodies if body["type"].startswith("queue")] == [
        "queue.start",
        "queue.end",
    ]


def test_without_a_configuration_blender_renders_and_nothing_is_loaded(blender, tmp_path):
    (tmp_path / "blender.json").unlink()
    text, receiver = blender("bpy.ops.render.render()")
    assert "nothing is sent" in text
    assert receiver.requests == []
