"""Reports the events of ComfyUI's queue.

It wraps two methods of the prompt queue: ``get`` marks the start of a prompt, ``task_done`` its end. Both
pass all arguments and results through unchanged.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterator
from typing import Any, Callable
from urllib.parse import urlencode

from . import graph
from .guard import guarded

MEDIA = ("images", "gifs", "video", "audio", "files")


class Reporter:
    """Reports the events of the queue to the service."""

    def __init__(self, service: Any) -> None:
        self.service = service
        self.busy = False
        self.started: dict[Any, float] = {}

    def start(self, item_id: Any) -> None:
        """A prompt begins."""
        if not self.busy:
            self.busy = True
            self.service.emit("queue.start")
        self.started[item_id] = time.time()

    def finish(self, item_id: Any, item: Any, outputs: Any, status: Any, remaining: int) -> None:
        """A prompt has ended; ``remaining`` are left."""
        now = time.time()
        prompt, extra = _at(item, 2, {}), _at(item, 3, {})
        task: dict[str, Any] = {
            "id": _at(item, 1, None),
            "kind": "prompt",
            "name": guarded(graph.name_of, prompt, extra),
            "started_at": self.started.pop(item_id, now),
            "finished_at": now,
            "outputs": guarded(lambda: list(_files(outputs))),
            "params": guarded(graph.params_of, prompt),
            "queue_remaining": remaining,
            **(guarded(_outcome, status) or {}),
        }
        if isinstance(extra, dict):
            task["user"] = extra.get("client_id")
            task["webhook_params"] = extra.get("webhook_params")
        self.service.emit("task.complete", {key: value for key, value in task.items() if value is not None})
        if remaining == 0:
            self.busy = False
            for endpoint, text in WAITING.take():
                self.service.note(endpoint, text)
            self.service.emit("queue.end")


class NotesForTheEnd:
    """What nodes want said once the queue is empty; the last of each endpoint."""

    def __init__(self) -> None:
        self._notes: dict[str | None, str] = {}

    def keep(self, endpoint: str | None, text: str) -> None:
        """Keeps a note."""
        self._notes[endpoint] = text

    def take(self) -> list[tuple[str | None, str]]:
        """All notes; they are not kept any longer."""
        notes, self._notes = self._notes, {}
        return list(notes.items())


WAITING = NotesForTheEnd()


def take_webhook_url(body: dict[str, Any]) -> dict[str, Any]:
    """A prompt's ``webhook_url``, next to ``prompt`` in the request, becomes its ``webhook_params.url``."""
    url = body.get("webhook_url") if isinstance(body, dict) else None
    if isinstance(url, str):
        wishes = body.setdefault("extra_data", {}).setdefault("webhook_params", {})
        wishes.setdefault("url", url)
    return body


def watch(queue: Any, reporter: Reporter) -> None:
    """Puts the reporter between a prompt queue and the thread that processes it."""

    def after_get(_noted: Any, result: Any, *_arguments: Any, **_named: Any) -> None:
        if result is not None:
            reporter.start(result[1])

    def before_done(item_id: Any, *_arguments: Any, **_named: Any) -> Any:
        return queue.currently_running.get(item_id)

    def after_done(item: Any, _result: Any, item_id: Any, *arguments: Any, **named: Any) -> None:
        outputs = _argument(arguments, named, 0, "history_result")
        status = _argument(arguments, named, 1, "status")
        reporter.finish(item_id, item, outputs, status, queue.get_tasks_remaining())

    queue.get = _wrap(queue.get, after_get)
    queue.task_done = _wrap(queue.task_done, after_done, before_done)


def _wrap(original: Callable[..., Any], after: Callable[..., Any], before: Any = None) -> Callable[..., Any]:
    """Passes all arguments on to the original: newer versions add some."""

    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        noted = guarded(before, *arguments, **named) if before else None
        result = original(*arguments, **named)
        guarded(after, noted, result, *arguments, **named)
        return result

    return wrapped


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


def _files(history_result: Any) -> Iterator[dict[str, Any]]:
    """The outputs of every node. The URL is that of ComfyUI's own page, relative to ``host.base_url``."""
    nodes = history_result.get("outputs") if isinstance(history_result, dict) else None
    for node in (nodes or {}).values():
        for file in (file for kind in MEDIA for file in node.get(kind) or []):
            if isinstance(file, dict) and file.get("filename"):
                yield output_of(file["filename"], file.get("subfolder", ""), file.get("type", "output"))


def output_of(name: str, subfolder: str, kind: str) -> dict[str, Any]:
    """The output that a file of ComfyUI is."""
    import folder_paths

    url = f"/view?{urlencode({'filename': name, 'subfolder': subfolder, 'type': kind})}"
    folder = folder_paths.get_directory_by_type(kind)
    return {"name": name, "url": url, "path": os.path.join(folder, subfolder, name) if folder else None}


def _field(status: Any, name: str) -> Any:
    return status.get(name) if isinstance(status, dict) else getattr(status, name, None)


def _at(item: Any, index: int, default: Any) -> Any:
    return item[index] if isinstance(item, (tuple, list)) and len(item) > index else default


def _argument(arguments: tuple[Any, ...], named: dict[str, Any], index: int, name: str) -> Any:
    return arguments[index] if len(arguments) > index else named.get(name)
