"""Debian's nginx as an independent receiver: answers 204, keeps connections alive, writes a log."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

DEADLINE_S = 20.0

CONFIG = """
daemon off;
master_process off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log info;
events {{ worker_connections 256; }}
http {{
  log_format seen escape=json '{{"connection":"$connection","nth":"$connection_requests",'
    '"method":"$request_method","uri":"$request_uri","status":"$status","length":"$http_content_length",'
    '"type":"$http_content_type","id":"$http_webhook_id","agent":"$http_user_agent","tls":"$ssl_protocol"}}';
  access_log {dir}/access.log seen;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  keepalive_timeout 60s;
  keepalive_requests 100000;
  client_max_body_size 2m;
  server {{
    listen 127.0.0.1:{port};
    ssl_protocols TLSv1.2 TLSv1.3;
    {tls_listen}
    location /hook {{ return 204; }}
  }}
}}
"""


def find_nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


class Nginx:
    """Runs until ``close``. ``tls`` is a certificate and its key."""

    def __init__(self, directory: Path, tls: tuple[Path, Path] | None = None) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        for _ in range(5):
            self.port, self.tls_port = _free_port(), _free_port()
            if self._start(tls):
                return
        raise AssertionError("nginx did not start:\n" + (directory / "error.log").read_text())

    def url(self, tls: bool = False) -> str:
        return f"https://localhost:{self.tls_port}/hook" if tls else f"http://127.0.0.1:{self.port}/hook"

    def log(self) -> list[dict[str, Any]]:
        """The access log so far, one entry a request."""
        file = self._directory / "access.log"
        text = file.read_text() if file.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def __enter__(self) -> Nginx:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def _start(self, tls: tuple[Path, Path] | None) -> bool:
        lines = ""
        if tls is not None:
            lines = (
                f"listen 127.0.0.1:{self.tls_port} ssl;\n"
                f"    ssl_certificate {tls[0]};\n    ssl_certificate_key {tls[1]};"
            )
        file = self._directory / "nginx.conf"
        file.write_text(CONFIG.format(dir=self._directory, port=self.port, tls_listen=lines))
        nginx = find_nginx()
        assert nginx is not None, "nginx is not installed"
        command = [
            nginx,
            "-p",
            str(self._directory),
            "-c",
            str(file),
            "-e",
            str(self._directory / "error.log"),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.02)
        self._process.kill()
        self._process.wait()
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
