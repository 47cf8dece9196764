"""A relay of a farm in a process of its own, and posts as a node signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import itertools
import json
import re
import secrets
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bells import DEADLINE_S, endpoint, eventually
from fake_platform import command

SECRET = "whsec_" + base64.b64encode(b"the secret of a farm, 32 bytes..").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of the same size.").decode()


def relay_settings(folder: Path, url: str, **sections: Any) -> dict[str, Any]:
    """The configuration of a relay whose hooks notify this receiver of everything."""
    config: dict[str, Any] = {
        "host": {"name": "relay"},
        "spool": {"path": str(folder / "relay.db")},
        "queue": {"end_delay": "500ms"},
        "farm": {"listen": "127.0.0.1:0", "secrets": [SECRET]},
        "endpoints": {"e0": endpoint(url, concurrency=4)},
        "hooks": [{"on": ["*"], "to": ["e0"]}],
    }
    for name, section in sections.items():
        config[name] = {**config[name], **section} if isinstance(section, dict) else section
    return config


class RelayProcess:
    """`taskbell relay`. The port stays the same when it starts again."""

    def __init__(
        self,
        folder: Path,
        config: dict[str, Any] | Path,
        name: str = "relay",
        within: Sequence[str] = (),
    ) -> None:
        """``config`` may be a file; ``within`` are words before the command."""
        self.within = within
        self.config = config if isinstance(config, dict) else None
        self.path = folder / f"{name}.json" if isinstance(config, dict) else config
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[str]
        self.url = ""
        self.start()

    def start(self) -> None:
        if self.config is not None:
            self.path.write_text(json.dumps(self.config))
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*self.within, command(), "--json", "relay", self.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        patience = threading.Timer(DEADLINE_S, self.process.kill)
        patience.start()
        line = self.process.stdout.readline()
        patience.cancel()
        assert line, self.log.read_text()
        self.url = json.loads(line)["listening"]
        if self.config is not None:
            self.config["farm"]["listen"] = self.url.partition("://")[2]

    def leads(self) -> RelayProcess:
        """Waits until it leads."""
        eventually("the relay leads", lambda: post(self, "probe").status != 421)
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)

    def restart(self) -> None:
        self.kill()
        self.start()

    def end(self) -> dict[str, Any]:
        """Asks it to end; what it says then."""
        self.process.terminate()
        said, _ = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, self.log.read_text()
        return json.loads(said)

    def status(self) -> dict[str, Any]:
        done = subprocess.run(
            [*self.within, command(), "--json", "relay", self.path, "--status"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()


def event(kind: str, data: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A line of a post."""
    now = int(time.time() * 1000)
    return {"id": event_id(), "type": kind, "accepted_at": now, "data": data or {}, **fields}


def event_id() -> str:
    """A UUID of version 7."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76 | 3 << 62) | 7 << 76 | 2 << 62
    return f"evt_{number:032x}"


def lines(node: str, *events: dict[str, Any], **head: Any) -> bytes:
    """The body of a post."""
    first = {"node": node, "host": f"{node}.studio", "version": "1", "waiting": len(events), **head}
    return b"".join(json.dumps(line).encode() + b"\n" for line in itertools.chain([first], events))


def signed(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    number, stamp = f"msg_{secrets.token_hex(8)}", str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{number}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": number, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def send(relay: RelayProcess, body: bytes, headers: dict[str, str], path: str = "/v1/events") -> Answer:
    """One request, and its answer."""
    host, _, port = re.sub("^https?://", "", relay.url).rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE_S)
    try:
        connection.request("POST", path, body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def post(
    relay: RelayProcess, node: str, *events: dict[str, Any], secret: str = SECRET, **head: Any
) -> Answer:
    """Posts these events of a node."""
    body = lines(node, *events, **head)
    return send(relay, body, signed(body, secret))


def arrived(receiver: Any, kind: str) -> list[dict[str, Any]]:
    """The messages about events of a type, each id once, in the order of their arrival."""
    found = {}
    for request in list(receiver.requests):
        body = request.json()
        if body["type"] == kind:
            found.setdefault(request.header("webhook-id"), body["data"])
    return list(found.values())
