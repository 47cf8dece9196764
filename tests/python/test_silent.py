"""Successes without a sound, off the wire."""

from __future__ import annotations

import json
from typing import Any

import taskbell
from bells import endpoint, reports, settings
from steps import Reply

SUCCESS = {"name": "portrait-07"}
FAILURE = {"name": "portrait-08", "status": "error", "error": "CUDA out of memory"}


def test_a_failure_and_a_mention_make_a_sound_and_a_success_makes_none(
    tmp_path: Any, receive: Any, ring: Any
) -> None:
    message = {"ok": True, "id": "1", "result": {"message_id": 1}}
    receiver = receive(default=Reply(200, json.dumps(message).encode()))
    endpoints = {
        "ntfy": endpoint(receiver.url("/ntfy"), platform="ntfy", topic="t", silent="success"),
        "chat": endpoint(receiver.url("/"), platform="telegram", token="1:a", chat_id="5", silent="success"),
        "server": endpoint(receiver.url("/api/webhooks/1/T"), platform="discord", silent="success"),
        "ping": endpoint(
            receiver.url("/api/webhooks/2/T"), platform="discord", silent="success", mentions=["@here"]
        ),
    }
    hooks = [{"on": ["task.complete"], "to": list(endpoints)}]
    bell = ring(settings(tmp_path, endpoints=endpoints, hooks=hooks))
    assert taskbell.check(settings(tmp_path, endpoints=endpoints, hooks=hooks))["warnings"] == []
    for task in (SUCCESS, FAILURE):
        bell.task_complete(task)
        assert {report["state"] for report in reports(bell, 4)} == {"delivered"}
    sounds: dict[str, list[Any]] = {}
    for request in receiver.wait_for(8):
        body = request.json()
        sound = [body.get(name) for name in ("priority", "disable_notification", "flags")]
        sounds.setdefault(request.target.split("?")[0], []).append(sound)
    assert sounds == {
        "/ntfy": [[2, None, None], [4, None, None]],
        "/bot1:a/sendMessage": [[None, True, None], [None, None, None]],
        "/api/webhooks/1/T": [[None, None, 4096], [None, None, None]],
        "/api/webhooks/2/T": [[None, None, None], [None, None, None]],
    }
