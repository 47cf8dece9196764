"""A console in a process of its own, and a spool that has something of everything to show."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bells import eventually
from fake_platform import command
from steps import Reply

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>\u202e</td>"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


class Console:
    """``taskbell console`` at a free port."""

    def __init__(self, source: Path, *options: object) -> None:
        arguments = [command(), "--json", "console", source, "--listen", "127.0.0.1:0", *options]
        self.process = subprocess.Popen(
            [str(word) for word in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.said = json.loads(line) if line else {}
        assert "listening" in self.said, self.said
        self.url = self.said["listening"].rstrip("/")
        self.port = int(self.url.rsplit(":", 1)[1])
        self.is_closed = False

    def ask(
        self, path: str, method: str = "GET", body: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        """One request as it is written here, and its whole answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        own = {"content-type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body or None, {**own, **(headers or {})})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        text = answer.read().decode("utf-8")
        connection.close()
        return Answer(answer.status, found, text)

    def post(self, path: str, body: str, **headers: str) -> Answer:
        """A form as the page sends it."""
        return self.ask(path, "POST", body, {"origin": self.url, **headers})

    def close(self) -> None:
        self.is_closed = True
        self.process.kill()
        self.process.communicate(timeout=30)


@contextlib.contextmanager
def console(source: Path, *options: object) -> Iterator[Console]:
    opened = Console(source, *options)
    try:
        yield opened
    finally:
        opened.close()


def refused(source: object, *options: object) -> dict[str, Any]:
    """Why a console does not start."""
    arguments = [str(word) for word in (command(), "--json", "console", source, *options)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done
    return dict(json.loads(done.stdout))


class Scene:
    """A living host whose deliveries arrive, wait, fail and are told to wait."""

    def __init__(self, folder: Path, receive: Any, host: Any) -> None:
        self.team = receive(default=Reply(200, b'{"id": "1"}', {"content-type": "application/json"}))
        self.ci = receive(default=Reply(200, b"ok"))
        self.ops = receive(default=Reply(500, b"the disk of the receiver is full"))
        self.sms = receive(default=Reply(429, b"slow down", {"retry-after": "900"}))
        self.config = folder / "taskbell.toml"
        self.spool = folder / "bell.db"
        self.config.write_text(self._text())
        self.host = host(str(self.config))
        started = time.time() - 340
        for number in range(1, 13):
            task: dict[str, Any] = {
                "id": f"f-{number}",
                "name": f"Frame {number:03}",
                "queue": "night render",
                "status": "error" if number == 7 else "success",
                "duration_s": 27.5,
                "queue_remaining": 40 - number,
                "started_at": started,
                "prompt": "a lighthouse at dusk" if number % 2 else HOSTILE,
            }
            if number == 7:
                task["error"] = {"type": "CUDA error", "message": f"out of memory {HOSTILE}"}
            self.host.call("emit", "task.complete", task)
        for number in range(1, 4):
            batch = {"id": "sweep-42", "total": 8}
            trial = {"id": f"t-{number}", "name": f"Trial {number}", "batch": batch, "duration_s": 61}
            self.host.call("emit", "task.complete", {**trial, "status": "success", "queue": "sweep"})
        self.host.call("metric", "gpu_temperature", 91.5)
        self.host.call("emit", "server.note", {"message": "maintenance at 04:00"})
        self.ops.wait_for(3)
        self.sms.wait_for(1)
        self.team.wait_for(2)
        self.host.call("sync")
        eventually("a dead letter", lambda: self.counts()["dead"] > 0)

    def _text(self) -> str:
        return f"""[host]
name = "render-07"

[spool]
path = "{self.spool}"

[endpoints.team]
platform = "discord"
url = "{self.team.url("/api/webhooks/1234567890/marker-of-the-secret")}"

[endpoints.ci]
platform = "json"
url = "{self.ci.url("/hook")}"
headers = {{ authorization = "Bearer marker-of-the-header" }}

[endpoints.ops]
platform = "json"
url = "{self.ops.url("/hook")}"
retry = {{ schedule = ["50ms", "50ms"] }}

[endpoints.sms]
platform = "json"
url = "{self.sms.url("/hook")}"

[[hooks]]
name = "failures"
on = ["task.complete"]
to = ["team"]
only_failures = true

[[hooks]]
name = "every task"
on = ["task.complete"]
to = ["ci"]

[[hooks]]
name = "operators"
on = ["task.complete"]
to = ["ops"]
only_failures = true

[[hooks]]
name = "at night"
on = ["server.note", "alert.firing"]
to = ["sms", "team"]

[[alerts]]
name = "gpu too hot"
metric = "gpu_temperature"
above = 85
"""

    def counts(self) -> dict[str, Any]:
        done = subprocess.run(
            [str(command()), "--json", "list", str(self.spool)], capture_output=True, text=True, check=True
        )
        return dict(json.loads(done.stdout)["counts"])
