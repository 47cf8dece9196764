"""A ComfyUI that works off five prompts: run.py CUSTOM_NODE_FOLDER. Prints "ok" at the end."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from server import ExecutionStatus, PromptServer  # noqa: E402

GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 7,
            "steps": 20,
            "cfg": 7.5,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl.safetensors"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "ein Hund", "clip": ["4", 1]}},
}
IMAGE = {"outputs": {"9": {"images": [{"filename": "a b.png", "subfolder": "x", "type": "output"}]}}}
FAILED = {
    "node_id": "3",
    "node_type": "KSampler",
    "exception_type": "OutOfMemory",
    "exception_message": "no room\n",
}


def load(folder: str) -> None:
    """As ComfyUI loads a custom node package."""
    name = folder.replace(".", "_x_")
    found = importlib.util.spec_from_file_location(name, Path(folder) / "__init__.py")
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    for name, node in module.NODE_CLASS_MAPPINGS.items():
        assert name in module.NODE_DISPLAY_NAME_MAPPINGS
        assert node.INPUT_TYPES()["required"]["endpoint"][0][0] == "(as configured)"
    assert (Path(folder) / module.WEB_DIRECTORY / "taskbell.js").is_file()
    (handler,) = PromptServer.instance.on_prompt_handlers
    wished = handler({"prompt": {}, "webhook_url": "https://a.example/"})
    assert wished["extra_data"] == {"webhook_params": {"url": "https://a.example/"}}


def main() -> None:
    logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    load(sys.argv[1])
    queue = PromptServer.instance.prompt_queue
    assert queue.get(timeout=0.01) is None
    wishes = {"client_id": "mira", "webhook_params": {"notify": "none"}}
    titled = {"extra_pnginfo": {"workflow": {"extra": {"info": {"name": "A series"}}}}}
    saved = {**GRAPH, "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "hero/front"}}}
    for number, extra in enumerate([{"client_id": "mira"}, titled, wishes, {}, {}]):
        queue.put((number, f"prompt-{number}", saved if number == 3 else GRAPH, extra, ["9"]))
    endings = [
        (IMAGE, ExecutionStatus("success", True, [("execution_start", {}), ("execution_success", {})])),
        ({}, ExecutionStatus("error", False, [("execution_start", {}), ("execution_error", FAILED)])),
        (IMAGE, ExecutionStatus("success", True, [])),
        ({}, ExecutionStatus("error", False, [("execution_interrupted", {"node_id": "3"})])),
        (None, "what nobody expects"),
    ]
    for result, status in endings:
        _, item_id = queue.get()
        if result is None:
            queue.task_done(item_id, {"outputs": {"9": 7}}, status=status)
        else:
            queue.task_done(item_id, result, status=status, process_item=lambda prompt: prompt)
    assert len(queue.history) == 5
    assert queue.history["prompt-0"]["outputs"] == IMAGE["outputs"]
    print("ok")


main()
