"""Turns Blender's handlers into tasks: a frame is a task, an animation a batch of them."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any


class Renders:
    """What is being rendered. Blender calls its handlers one at a time."""

    def __init__(self, service: Any) -> None:
        self.service = service
        self.run = ""
        self.total = 0
        self.done = 0
        self.began = 0.0
        self.held: dict[str, Any] | None = None
        self.open_frame = False

    def begin(self, scene: Any) -> None:
        """A render begins; Blender does not say whether it is one frame or an animation."""
        self.run, self.done, self.held, self.open_frame = uuid.uuid4().hex[:12], 0, None, False
        self.total = len(range(scene.frame_start, scene.frame_end + 1, max(1, scene.frame_step)))
        self.began = time.time()
        self.service.emit("queue.start", {})

    def frame_begins(self, _scene: Any) -> None:
        """A frame begins. One after another is an animation, so the first can be told of, too."""
        if self.done or self.held:
            self._tell_held(is_animation=True)
        self.began = time.time()
        self.open_frame = True

    def frame_written(self, scene: Any) -> None:
        """A frame is in its file."""
        task = self._task(scene, "success")
        task["outputs"] = [{"path": os.path.abspath(scene.render.frame_path(frame=scene.frame_current))}]
        self.open_frame = False
        self._tell_held(is_animation=True)
        self.held = task

    def end(self, scene: Any, status: str) -> None:
        """The render is over. A cancelled one may have failed: Blender does not say."""
        self._tell_held(is_animation=self.done > 0)
        if self.open_frame:
            # Not written: an image that is only shown, or a frame that was cancelled.
            self.held = self._task(scene, status)
            self._tell_held(is_animation=self.done > 0)
        self.open_frame = False
        self.service.emit("queue.end", {"cancelled": True} if status == "cancelled" else {})

    def _tell_held(self, is_animation: bool) -> None:
        task, self.held = self.held, None
        if task is None:
            return
        if is_animation and self.total > 1:
            task["batch"] = {"id": self.run, "total": self.total}
            task["queue_remaining"] = max(0, self.total - self.done - 1)
        self.done += 1
        self.service.emit("task.complete", task)

    def _task(self, scene: Any, status: str) -> dict[str, Any]:
        import bpy

        render = scene.render
        file = os.path.splitext(os.path.basename(bpy.data.filepath))[0] or "untitled"
        task: dict[str, Any] = {
            "id": f"{self.run}-{scene.frame_current}",
            "name": f"{file} {scene.name} {scene.frame_current}",
            "kind": "frame",
            "status": status,
            "started_at": self.began,
            "finished_at": time.time(),
            "params": {
                "file": file,
                "scene": scene.name,
                "frame": scene.frame_current,
                "engine": render.engine,
                "width": render.resolution_x * render.resolution_percentage // 100,
                "height": render.resolution_y * render.resolution_percentage // 100,
                "blender": bpy.app.version_string,
            },
        }
        wishes = scene.get("webhook_params")
        if isinstance(wishes, str):
            task["webhook_params"] = wishes
        return task
