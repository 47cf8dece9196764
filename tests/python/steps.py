"""What a scripted receiver does with a request: answer, stall, break off, or misbehave.

Each step has ``run(exchange)`` and returns whether the connection stays open.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

TICK_S = 0.02

REASONS = {200: "OK", 204: "No Content", 302: "Found", 307: "Temporary Redirect", 410: "Gone"}


@dataclass
class Exchange:
    """One request on its connection, as a step sees it."""

    socket: socket.socket
    stopping: threading.Event
    sent: int = 0

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)
        self.sent += len(data)

    def wait(self, seconds: float | None) -> bool:
        """Waits; false as soon as the peer closes or the receiver stops."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            left = TICK_S if end is None else min(TICK_S, max(0.0, end - time.monotonic()))
            if self.stopping.wait(left) or self.peer_closed():
                return False
        return True

    def peer_closed(self) -> bool:
        """Whether the peer has closed. Over TLS this reads, so only while no request can come."""
        try:
            if not select.select([self.socket], [], [], 0)[0]:
                return False
            if not isinstance(self.socket, ssl.SSLSocket):
                return self.socket.recv(1, socket.MSG_PEEK) == b""
            self.socket.setblocking(False)
            try:
                return self.socket.recv(1) == b""
            finally:
                self.socket.setblocking(True)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except (OSError, ValueError):
            return True


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass
class Reply:
    """An ordinary answer, after ``delay`` seconds."""

    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    chunked: bool = False
    close: bool = False

    def run(self, exchange: Exchange) -> bool:
        if self.delay and not exchange.wait(self.delay):
            return False
        headers = dict(self.headers)
        if self.close:
            headers["connection"] = "close"
        if self.chunked:
            headers["transfer-encoding"] = "chunked"
            exchange.send(head(self.status, headers))
            for at in range(0, len(self.body), 7):
                part = self.body[at : at + 7]
                exchange.send(b"%x\r\n%s\r\n" % (len(part), part))
            exchange.send(b"0\r\n\r\n")
        else:
            if self.status != 204:
                headers.setdefault("content-length", str(len(self.body)))
            exchange.send(head(self.status, headers) + self.body)
        return not self.close


@dataclass
class Redirect:
    """Points elsewhere."""

    url: str
    status: int = 302

    def run(self, exchange: Exchange) -> bool:
        return Reply(self.status, headers={"location": self.url}).run(exchange)


@dataclass
class Reset:
    """Breaks the connection with RST, after ``sending`` these bytes."""

    sending: bytes = b""

    def run(self, exchange: Exchange) -> bool:
        if self.sending:
            exchange.send(self.sending)
        exchange.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


@dataclass
class Hang:
    """Never answers."""

    def run(self, exchange: Exchange) -> bool:
        exchange.wait(None)
        return False
