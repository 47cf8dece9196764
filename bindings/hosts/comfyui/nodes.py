"""The nodes: a message from the middle of a workflow, and one for when the queue is empty.

A message that cannot be sent is no reason to fail a prompt: the node says why below itself, and the log does.
"""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from .guard import guarded, log

AS_CONFIGURED = "(as configured)"
FOLDER = "taskbell"
"""Where pictures of messages are kept, below ComfyUI's output folder."""

KEPT = 200
"""How many of them."""


def _choices() -> list[str]:
    from .service import SERVICE

    return [AS_CONFIGURED, *(guarded(SERVICE.endpoints) or [])]


def _endpoint(choice: str) -> str | None:
    return None if choice == AS_CONFIGURED else choice


def _said(fault: str | None, text: str) -> dict[str, Any]:
    if fault:
        log.warning("a node's message is not sent: %s", fault)
    return {"text": [f"not sent: {fault}" if fault else text]}


class TaskbellNotify:
    """Sends a message, with the picture that passes through it."""

    CATEGORY = "taskbell"
    DESCRIPTION = "Sends a message to one of Taskbell's endpoints whenever the workflow comes by."
    FUNCTION = "notify"
    OUTPUT_NODE = True
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("images",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The endpoints are those in force when the page asks."""
        message = ("STRING", {"default": "A picture is ready", "multiline": True})
        return {
            "required": {"endpoint": (_choices(),), "message": message},
            "optional": {"images": ("IMAGE",)},
        }

    @classmethod
    def IS_CHANGED(cls, **_inputs: Any) -> float:
        """Never the same as before: ComfyUI must not skip it."""
        return float("nan")

    def notify(self, endpoint: str, message: str, images: Any = None) -> dict[str, Any]:
        """Sends the message."""
        from .service import SERVICE

        outputs = guarded(_save_first, images) if images is not None else None
        fault = guarded(SERVICE.note, _endpoint(endpoint), message, outputs, fallback="the log says why")
        return {"ui": _said(fault, f"sent to {endpoint}"), "result": (images,)}


class TaskbellOnQueueEmpty:
    """Sends a message once no prompt is left."""

    CATEGORY = "taskbell"
    DESCRIPTION = "Sends a message to one of Taskbell's endpoints once the queue is empty."
    FUNCTION = "keep"
    OUTPUT_NODE = True
    RETURN_TYPES = ()

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The endpoints are those in force when the page asks."""
        message = ("STRING", {"default": "The queue is empty", "multiline": True})
        return {"required": {"endpoint": (_choices(),), "message": message}}

    @classmethod
    def IS_CHANGED(cls, **_inputs: Any) -> float:
        """Never the same as before: ComfyUI must not skip it."""
        return float("nan")

    def keep(self, endpoint: str, message: str) -> dict[str, Any]:
        """Has the message sent at the end."""
        from .reporter import WAITING

        WAITING.keep(_endpoint(endpoint), message)
        return {"ui": _said(None, "will be sent when the queue is empty")}


def _save_first(images: Any) -> list[dict[str, Any]]:
    """Writes the first of a batch as a PNG; the oldest pictures give way."""
    import folder_paths
    import numpy
    from PIL import Image

    from .reporter import output_of

    folder = os.path.join(folder_paths.get_output_directory(), FOLDER)
    os.makedirs(folder, exist_ok=True)
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}.png"
    pixels = numpy.clip(images[0].cpu().numpy() * 255.0, 0, 255).astype(numpy.uint8)
    Image.fromarray(pixels).save(os.path.join(folder, name), compress_level=4)
    for old in sorted(os.listdir(folder))[:-KEPT]:
        os.remove(os.path.join(folder, old))
    return [{**output_of(name, FOLDER, "output"), "mime": "image/png"}]


NODES = {"TaskbellNotify": TaskbellNotify, "TaskbellOnQueueEmpty": TaskbellOnQueueEmpty}
TITLES = {"TaskbellNotify": "Taskbell: notify", "TaskbellOnQueueEmpty": "Taskbell: on queue empty"}
