"""Taskbell for ComfyUI: a custom node package without nodes, which reports the events of the queue.

It wraps two methods of the prompt queue: ``get`` marks the start of a prompt, ``task_done`` its end. Both
pass all arguments and results through unchanged; errors of this package are logged and never raised. See
README.md.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

NODE_CLASS_MAPPINGS: dict[str, Any] = {}

EXIT_TIMEOUT_S = 5.0
"""The longest time that the end of ComfyUI waits for pending deliveries."""

HERE = Path(__file__).resolve().parent
MEDIA = ("images", "gifs", "video", "audio", "files")
log = logging.getLogger("taskbell")


class Reporter:
    """Reports the events of the queue to a bell."""

    def __init__(self, bell: Any) -> None:
        self.bell = bell
        self.busy = False
        self.started: dict[Any, float] = {}

    def start(self, item_id: Any) -> None:
        """A prompt begins."""
        if not self.busy:
            self.busy = True
            self.bell.emit("queue.start")
        self.started[item_id] = time.time()

    def finish(self, item_id: Any, item: Any, outputs: Any, status: Any, remaining: int) -> None:
        """A prompt has ended; ``remaining`` are left."""
        now = time.time()
        began = self.started.pop(item_id, now)
        extra = _at(item, 3, {})
        task: dict[str, Any] = {
            "id": _at(item, 1, None),
            "kind": "prompt",
            "started_at": began,
            "finished_at": now,
            "outputs": _guarded(lambda: list(_files(outputs))),
            "params": _guarded(_params, _at(item, 2, {})),
            "queue_remaining": remaining,
            **(_guarded(_outcome, status) or {}),
        }
        if isinstance(extra, dict):
            task["user"] = extra.get("client_id")
            if extra.get("webhook_params") is not None:
                task["webhook_params"] = extra["webhook_params"]
        self.bell.task_complete({key: value for key, value in task.items() if value is not None})
        if remaining == 0:
            self.busy = False
            self.bell.queue_end()


def watch(queue: Any, reporter: Reporter) -> None:
    """Puts the reporter between a prompt queue and the thread that processes it."""

    def after_get(result: Any, *_arguments: Any, **_named: Any) -> None:
        if result is not None:
            reporter.start(result[1])

    def before_done(item_id: Any, *_arguments: Any, **_named: Any) -> Any:
        return queue.currently_running.get(item_id)

    def after_done(item: Any, item_id: Any, *arguments: Any, **named: Any) -> None:
        outputs = _argument(arguments, named, 0, "history_result")
        status = _argument(arguments, named, 1, "status")
        reporter.finish(item_id, item, outputs, status, queue.get_tasks_remaining())

    queue.get = _wrap(queue.get, after=lambda _, result, *a, **k: after_get(result, *a, **k))
    queue.task_done = _wrap(
        queue.task_done, before=before_done, after=lambda item, _, *a, **k: after_done(item, *a, **k)
    )


def _wrap(original: Callable[..., Any], after: Callable[..., Any], before: Any = None) -> Callable[..., Any]:
    """Passes all arguments on to the original: newer versions add some."""

    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        noted = _guarded(before, *arguments, **named) if before else None
        result = original(*arguments, **named)
        _guarded(after, noted, result, *arguments, **named)
        return result

    return wrapped


def _guarded(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return function(*arguments, **named)
    except Exception as fault:
        log.error("something was left out: %s", fault, exc_info=fault)
        return None


def _outcome(status: Any) -> dict[str, Any]:
    """The status of an ``ExecutionStatus``, and its error if there is one."""
    for message in reversed(_field(status, "messages") or []):
        event, data = message[0], message[1] if len(message) > 1 and isinstance(message[1], dict) else {}
        if event == "execution_interrupted":
            return {"status": "cancelled"}
        if event == "execution_error":
            node = f"{data.get('node_type')} ({data.get('node_id')})"
            text = str(data.get("exception_message", "")).strip()
            return {
                "status": "error",
                "error": {"type": data.get("exception_type"), "message": f"{node}: {text}"},
            }
    return {"status": "error" if _field(status, "status_str") == "error" else "success"}


def _files(history_result: Any) -> Any:
    """The outputs of every node. The URL is that of ComfyUI's own page, relative to ``host.base_url``."""
    nodes = history_result.get("outputs") if isinstance(history_result, dict) else None
    for node in (nodes or {}).values():
        for file in (file for kind in MEDIA for file in node.get(kind) or []):
            if not isinstance(file, dict) or not file.get("filename"):
                continue
            asked = {key: file.get(key, "") for key in ("filename", "subfolder", "type")}
            yield {"name": file["filename"], "url": f"/view?{urlencode(asked)}", "path": _path(file)}


def _path(file: dict[str, Any]) -> str | None:
    import folder_paths

    folder = folder_paths.get_directory_by_type(file.get("type", "output"))
    return os.path.join(folder, file.get("subfolder", ""), file["filename"]) if folder else None


def _params(prompt: Any) -> dict[str, Any]:
    """The parameters from the inputs of the nodes: the first of each name that is not a link."""
    wanted = ("text", "seed", "noise_seed", "steps", "cfg", "ckpt_name", "width", "height")
    named = {"text": "prompt", "noise_seed": "seed", "cfg": "cfg_scale", "ckpt_name": "model"}
    found: dict[str, Any] = {}
    for node in prompt.values() if isinstance(prompt, dict) else ():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        for key in wanted:
            value = (inputs or {}).get(key)
            if isinstance(value, (str, int, float)):
                found.setdefault(named.get(key, key), value)
    return found


def _field(status: Any, name: str) -> Any:
    return status.get(name) if isinstance(status, dict) else getattr(status, name, None)


def _at(item: Any, index: int, default: Any) -> Any:
    return item[index] if isinstance(item, (tuple, list)) and len(item) > index else default


def _argument(arguments: tuple[Any, ...], named: dict[str, Any], index: int, name: str) -> Any:
    return arguments[index] if len(arguments) > index else named.get(name)


def _start() -> None:
    config = os.environ.get("TASKBELL_CONFIG") or HERE / "taskbell.toml"
    if not Path(config).is_file():
        log.info("there is no %s, so nothing is sent", config)
        return
    from server import PromptServer

    # This folder may have the same name as the binding, so the search is limited to this folder.
    sys.path.insert(0, str(HERE))
    try:
        import taskbell
    finally:
        sys.path.remove(str(HERE))
    bell = taskbell.Bell(config)
    atexit.register(bell.close, EXIT_TIMEOUT_S)
    watch(PromptServer.instance.prompt_queue, Reporter(bell))
    bell.emit("server.start")
    atexit.register(_guarded, bell.emit, "server.stop")


_guarded(_start)
