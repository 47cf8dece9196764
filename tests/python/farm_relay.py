"""A relay of the farm as nodes see it: it checks the signature of each post, and answers as it is told to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import taskbell
from bells import DEADLINE_S
from receiver import Receiver, Request
from steps import Reply

SECRET = "whsec_" + base64.b64encode(b"the secret of this test's farm..").decode()
MAX_EVENTS = 500
MAX_BYTES = 1 << 20


@dataclass
class Post:
    """One request of a node."""

    request: Request
    head: dict[str, Any]
    events: list[dict[str, Any]]

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]


def is_signed(request: Request, secret: str = SECRET) -> bool:
    """Whether the request has a valid signature of Standard Webhooks, made within five minutes."""
    identity, timestamp = request.header("webhook-id"), request.header("webhook-timestamp")
    assert identity is not None
    assert timestamp is not None
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{identity}.{timestamp}.".encode() + request.body
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return (
        wanted in str(request.header("webhook-signature")).split() and abs(time.time() - int(timestamp)) < 300
    )


class Relay:
    """``answer`` decides about each post: ``None`` takes it. It may be replaced at any time."""

    def __init__(
        self,
        receive: Callable[..., Receiver],
        answer: Callable[[Post], Any] = lambda post: None,
        tls: Any = None,
        secret: str = SECRET,
    ) -> None:
        self.answer = answer
        self.secret = secret
        self.posts: list[Post] = []
        """All posts, those without events and those that were not taken among them."""
        self.taken: list[dict[str, Any]] = []
        """The events that it has, in the order of their arrival, each once."""
        self._ids: set[str] = set()
        self._changed = threading.Condition()
        self.receiver = receive(self._step, tls=tls)

    @property
    def address(self) -> str:
        return self.receiver.url("")

    def _step(self, request: Request, _number: int) -> Any:
        assert (request.method, request.target) == ("POST", "/v1/events")
        assert request.header("content-type") == "application/x-ndjson"
        lines = request.body.splitlines()
        post = Post(request, json.loads(lines[0]), [json.loads(line) for line in lines[1:]])
        with self._changed:
            self.posts.append(post)
            self._changed.notify_all()
        if not is_signed(request, self.secret):
            return Reply(401)
        step = self.answer(post)
        if step is None:
            self.take(post.events)
            return Reply(204)
        return step

    def take(self, events: list[dict[str, Any]]) -> None:
        with self._changed:
            fresh = [event for event in events if event["id"] not in self._ids]
            self._ids.update(event["id"] for event in fresh)
            self.taken.extend(fresh)
            self._changed.notify_all()

    def wait_taken(self, count: int, timeout: float = DEADLINE_S) -> list[dict[str, Any]]:
        """The events that it has, once there are so many."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.taken) >= count, timeout)
            assert arrived, f"{len(self.taken)} of {count} events arrived within {timeout} s"
            return list(self.taken)

    def wait_posts(self, count: int, timeout: float = DEADLINE_S) -> list[Post]:
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.posts) >= count, timeout)
            assert arrived, f"{len(self.posts)} of {count} posts arrived within {timeout} s"
            return list(self.posts)


def node(directory: Path, *relays: Relay | str, **farm: Any) -> dict[str, Any]:
    """The configuration of a node without hooks of its own."""
    addresses = [relay if isinstance(relay, str) else relay.address for relay in relays]
    return {
        "host": {"name": "render-07.test"},
        "spool": {"path": str(directory / "bell.db")},
        "queue": {"end_delay": "50ms"},
        "farm": {"relays": addresses, "secret": SECRET, "node": "render-07", "timeout": "5s", **farm},
    }


def emit(bell: taskbell.Bell, count: int, start: int = 0) -> list[int]:
    """Events with the numbers from ``start``; gives their tickets."""
    return [bell.emit("task.complete", {"id": start + number}) for number in range(count)]


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [event["data"]["id"] for event in events]
