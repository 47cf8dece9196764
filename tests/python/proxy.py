"""An HTTP proxy on loopback that records what passes: absolute-form requests and CONNECT tunnels."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from receiver import parse_head, read_head, stop_listening


@dataclass
class Passage:
    """One request to the proxy."""

    method: str
    target: str
    headers: dict[str, str]


class Proxy:
    """With ``login`` (``user:password``) it answers 407 to whoever does not send it.

    ``routes`` maps a host name to the address that is dialled instead, since the proxy looks names up.
    """

    def __init__(self, login: str | None = None, routes: dict[str, tuple[str, int]] | None = None) -> None:
        self.passages: list[Passage] = []
        self._login = login
        self._routes = routes or {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def url(self, login: str | None = None) -> str:
        return f"http://{login + '@' if login else ''}127.0.0.1:{self.port}"

    def close(self) -> None:
        stop_listening(self._listener, self._accepting)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, ValueError):
            reader = client.makefile("rb", buffering=0)
            raw = read_head(reader)
            if raw is None:
                return
            method, target, pairs = parse_head(raw)
            headers = {name.lower(): value for name, value in pairs}
            self.passages.append(Passage(method, target, headers))
            if self._login is not None:
                wanted = "Basic " + base64.b64encode(self._login.encode()).decode()
                if headers.get("proxy-authorization") != wanted:
                    client.sendall(
                        b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                        b"proxy-authenticate: Basic\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    )
                    return
            if method == "CONNECT":
                with self._dial(target) as server:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _pump(client, server)
            else:
                url = urlsplit(target)
                with self._dial(f"{url.hostname}:{url.port or 80}") as server:
                    path = target[target.index(url.netloc) + len(url.netloc) :] or "/"
                    lines = raw.split(b"\r\n")
                    kept = [line for line in lines[1:] if not line.lower().startswith(b"proxy-")]
                    first = f"{method} {path} HTTP/1.1".encode()
                    server.sendall(b"\r\n".join([first, *kept]))
                    _pump(client, server)

    def _dial(self, authority: str) -> socket.socket:
        host, port = authority.rsplit(":", 1)
        address = self._routes.get(host.strip("[]"), (host.strip("[]"), int(port)))
        return socket.create_connection(address, timeout=10)


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until both sides have ended."""
    back = threading.Thread(target=_carry, args=(other, one), daemon=True)
    back.start()
    _carry(one, other)
    back.join(30)


def _carry(source: socket.socket, sink: socket.socket) -> None:
    source.settimeout(30)
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
