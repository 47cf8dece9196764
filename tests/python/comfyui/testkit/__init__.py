"""Nodes for a real ComfyUI that need no model: one that takes its time, and one that fails. And a restart, as
ComfyUI-Manager does it."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import comfy.model_management
from aiohttp import web
from server import PromptServer


class Slow:
    """Passes an image on after a while, or when it is interrupted."""

    CATEGORY = "test"
    FUNCTION = "work"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The image and the time."""
        return {"required": {"images": ("IMAGE",), "seconds": ("FLOAT", {"default": 1.0})}}

    def work(self, images: Any, seconds: float) -> tuple[Any]:
        """Waits."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            comfy.model_management.throw_exception_if_processing_interrupted()
            time.sleep(0.02)
        return (images,)


class Fails:
    """Raises."""

    CATEGORY = "test"
    FUNCTION = "work"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The image."""
        return {"required": {"images": ("IMAGE",)}}

    def work(self, images: Any) -> tuple[Any]:
        """Raises."""
        raise RuntimeError("no room")


@PromptServer.instance.routes.post("/testkit/restart")
async def restart(_request: Any) -> Any:
    """Replaces the process by a new one."""
    os.execv(sys.executable, [sys.executable, *sys.argv])
    return web.Response()


NODE_CLASS_MAPPINGS = {"TestSlow": Slow, "TestFails": Fails}
