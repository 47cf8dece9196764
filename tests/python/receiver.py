"""A scripted HTTP receiver on loopback, on raw sockets, so that it can also misbehave exactly."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Callable, Union

from steps import Exchange, Reply

DEADLINE_S = 30.0


@dataclass
class Request:
    """A request as it arrived, byte for byte."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float
    """Unix time of its last byte."""
    monotonic: float
    connection: int
    """Counts the connections of this receiver from 1."""
    raw_head: bytes = field(repr=False, default=b"")

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1, f"{name} was sent {len(found)} times"
        return found[0] if found else None

    def json(self) -> Any:
        return json.loads(self.body.decode("utf-8"))


Script = Union[Iterable[Any], Callable[[Request, int], Any]]


class Receiver:
    """Answers the first request by the first step of the script, and so on, then by ``default``.

    A script may also be a function of the request and its number (from 0).
    """

    def __init__(
        self,
        script: Script = (),
        default: Any = None,
        tls: ssl.SSLContext | None = None,
        interface: str = "127.0.0.1",
    ) -> None:
        self.requests: list[Request] = []
        self.handshake_failures: list[str] = []
        self.sent: list[int] = []
        """Bytes sent in answer, for each request whose step has ended."""
        self.peak = 0
        """The most requests that were being answered at once."""
        self.connections = 0
        self._script = script if callable(script) else list(script)
        self._default = default if default is not None else Reply()
        self._tls = tls
        self._in_flight = 0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((interface, 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def wait_for(self, count: int, timeout: float = DEADLINE_S) -> list[Request]:
        """The requests so far, once there are ``count``."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.requests) >= count, timeout)
            assert arrived, f"{len(self.requests)} of {count} requests arrived within {timeout} s"
            return list(self.requests)

    def wait_answered(self, count: int, timeout: float = DEADLINE_S) -> None:
        """Waits until that many steps have run to their end."""
        with self._changed:
            done = self._changed.wait_for(lambda: len(self.sent) >= count, timeout)
            assert done, f"{len(self.sent)} of {count} answers had ended within {timeout} s"

    def close(self) -> None:
        self._stopping.set()
        stop_listening(self._listener, self._accepting)
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except (OSError, ssl.SSLError) as fault:
                with self._changed:
                    self.handshake_failures.append(str(fault))
                    self._changed.notify_all()
                return
        self._open.add(connection)
        try:
            reader = connection.makefile("rb")
            while not self._stopping.is_set():
                request = read_request(reader, connection, number)
                if request is None or not self._answer(request, connection):
                    break
            reader.close()
        except (OSError, ssl.SSLError, ValueError):
            pass
        finally:
            self._open.discard(connection)
            connection.close()

    def _answer(self, request: Request, connection: socket.socket) -> bool:
        exchange = Exchange(connection, self._stopping)
        with self._changed:
            step = self._step(request, len(self.requests))
            self.requests.append(request)
            self._in_flight += 1
            self.peak = max(self.peak, self._in_flight)
            self._changed.notify_all()
        try:
            return bool(step.run(exchange))
        finally:
            with self._changed:
                self._in_flight -= 1
                self.sent.append(exchange.sent)
                self._changed.notify_all()

    def _step(self, request: Request, number: int) -> Any:
        if callable(self._script):
            return self._script(request, number) or self._default
        return self._script[number] if number < len(self._script) else self._default


def stop_listening(listener: socket.socket, accepting: threading.Thread) -> None:
    """Closes a listener so that nobody can connect any more: on Linux, closing alone would not wake accept(),
    and on Windows nothing else does."""
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    if sys.platform == "win32":
        listener.close()
    accepting.join(10)
    listener.close()


def read_request(reader: Any, connection: socket.socket, number: int) -> Request | None:
    """The next request of a connection; ``None`` at its end."""
    raw = read_head(reader)
    if raw is None:
        return None
    method, target, headers = parse_head(raw)
    names = {key.lower(): value for key, value in headers}
    if names.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if names.get("transfer-encoding", "").lower() == "chunked":
        body = read_chunked(reader)
    else:
        length = int(names.get("content-length", "0"))
        body = reader.read(length)
        if len(body) < length:
            return None
    return Request(method, target, headers, body, time.time(), time.monotonic(), number, raw)


def read_head(reader: Any) -> bytes | None:
    lines = []
    while True:
        line = reader.readline(65536)
        if not line.endswith(b"\n"):
            return None
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)


def parse_head(raw: bytes) -> tuple[str, str, list[tuple[str, str]]]:
    first, *rest = raw.decode("latin-1").split("\r\n")
    method, target, _version = first.split(" ", 2)
    headers = []
    for line in rest:
        if line:
            name, value = line.split(":", 1)
            headers.append((name, value.strip(" \t")))
    return method, target, headers


def read_chunked(reader: Any) -> bytes:
    body = b""
    while True:
        size = int(reader.readline().split(b";")[0], 16)
        body += reader.read(size)
        reader.readline()
        if size == 0:
            return body
