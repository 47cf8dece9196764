"""A PostgreSQL of a test's own on a loopback port, and a proxy that cuts a relay off from it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bells import eventually
from receiver import stop_listening

MISSING = "PostgreSQL is missing; on Debian or Ubuntu: sudo apt-get install postgresql"
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
shared_buffers = '32MB'
max_connections = 40
"""


def programs() -> Path | None:
    """Where the programs of a server are; Debian keeps them apart from ``PATH``."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin")]
    folders += [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    wanted = ("initdb", "pg_ctl", "psql")
    whole = (folder for folder in folders if all((folder / name).is_file() for name in wanted))
    return max(whole, default=None)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Cluster:
    """A server that runs until ``close``. The data may lie in a folder of another file system.

    With ``tls``, a certificate and its key, other machines reach it, too. ``within`` are words before each
    command.
    """

    def __init__(
        self,
        data: Path | None = None,
        fsync: bool = False,
        tls: tuple[Path, Path] | None = None,
        within: Sequence[str] = (),
    ) -> None:
        found = programs() if sys.platform != "win32" else None
        if found is None:
            assert os.environ.get("CI") != "true", MISSING
            pytest.skip(MISSING)
        self.programs = found
        self.within = within
        # The server runs as another user where the test is root.
        self.folder = Path(tempfile.mkdtemp(prefix="tb-pg", dir="/tmp"))
        self.data = (data or self.folder) / "data"
        self.port = free_port()
        if os.geteuid() == 0:
            for folder in {self.folder, data or self.folder}:
                shutil.chown(folder, "nobody")
        self._run("initdb", "-D", self.data, "-U", "taskbell", "--auth=trust", "--no-sync", "-E", "UTF8")
        settings = SETTINGS.format(port=self.port)
        settings += f"fsync = {'on' if fsync else 'off'}\n"
        if tls is not None:
            settings += self._reachable(*tls)
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(settings)
        self.up()
        self.create("taskbell")

    def _reachable(self, certificate: Path, key: Path) -> str:
        """What the server's settings say, so that others reach it by TLS alone."""
        for source, name in ((certificate, "server.crt"), (key, "server.key")):
            target = self.data / name
            shutil.copyfile(source, target)
            target.chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(target, "nobody")
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("hostssl all all all trust\n")
        return "listen_addresses = '*'\nssl = on\n"

    def url(self, database: str = "taskbell", port: int | None = None) -> str:
        return f"postgres://taskbell@127.0.0.1:{port or self.port}/{database}"

    def up(self) -> None:
        self._run("pg_ctl", "start", "-w", "-D", self.data, "-l", self.folder / "log")

    def down(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", self.data)

    def kill(self) -> None:
        """`kill -9` of every process of the server."""

        def are_gone() -> bool:
            # Those that began meanwhile, too: the next server does not start while one of them lives.
            left = self.processes()
            self._signal(left, signal.SIGKILL)
            return not left

        eventually("the server is gone", are_gone)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether it takes statements, those that write among them."""
        try:
            self.sql("CREATE TEMPORARY TABLE any_row (n int)")
        except AssertionError:
            return False
        return True

    def freeze(self) -> None:
        self._signal(self.processes(), signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(self.processes(), signal.SIGCONT)

    def processes(self) -> list[int]:
        """The processes of the server: they work in the folder of its data."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink() == self.data:
                    found.append(int(entry.name))
        return sorted(found)

    def _signal(self, processes: list[int], number: int) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def create(self, database: str) -> None:
        self.sql(f"CREATE DATABASE {database}", "postgres")

    def sql(self, statement: str, database: str = "taskbell") -> list[list[str]]:
        words = ["-XAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database)]
        said = self._run("psql", *words)
        return [line.split("\t") for line in said.splitlines()]

    def _run(self, program: str, *arguments: Any) -> str:
        command = [str(self.programs / program), *map(str, arguments)]
        if os.geteuid() == 0:
            # The server refuses to be root.
            command = ["runuser", "-u", "nobody", "--", *command]
        command = [*self.within, *command]
        with tempfile.TemporaryFile("w+") as said:
            # A server that is started keeps what it is given open.
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, cwd="/", timeout=120
            )
            said.seek(0)
            text = said.read()
        assert done.returncode == 0, f"{command}: {text}"
        return text

    def close(self) -> None:
        with contextlib.suppress(AssertionError):
            self.thaw()
            self.down()
        shutil.rmtree(self.folder, ignore_errors=True)


class Replica(Cluster):
    """An asynchronous replica of a cluster, which may take its place."""

    def __init__(self, of: Cluster) -> None:
        self.programs, self.within, self.of = of.programs, of.within, of
        self.folder = Path(tempfile.mkdtemp(prefix="tb-pg", dir="/tmp"))
        self.data = self.folder / "data"
        self.port = free_port()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
        self._run("pg_basebackup", "-D", self.data, "-R", "-c", "fast", "--no-sync", "-d", of.url("postgres"))
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {self.port}\n")
        self.up()

    def catch_up(self) -> None:
        """Waits until it has all that the cluster has committed so far."""
        ((end,),) = self.of.sql("SELECT pg_current_wal_flush_lsn()")
        reached = f"SELECT pg_last_wal_replay_lsn() >= '{end}'"
        eventually("the replica has caught up", lambda: self.sql(reached) == [["t"]])

    def lag(self) -> None:
        """From now on it gets nothing more."""
        self.sql("ALTER SYSTEM SET primary_conninfo = ''")
        self.sql("SELECT pg_reload_conf()")
        count = "SELECT count(*) FROM pg_stat_wal_receiver"
        eventually("it receives nothing", lambda: self.sql(count) == [["0"]])

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-w", "-D", self.data)


class CuttingProxy:
    """Stands between one relay and the server, and loses what passes as it is told to."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._is_cut = threading.Event()
        self._swallows = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def cut(self) -> None:
        """As a network that is gone: connections stay, nothing passes, and none is refused."""
        self._is_cut.set()

    def join(self) -> None:
        self._is_cut.clear()

    def swallow_commits(self, count: int) -> None:
        """The next answers to a COMMIT are lost, and their connections with them."""
        self._swallows = count

    @property
    def swallows(self) -> int:
        """How many are still to be swallowed."""
        return self._swallows

    def close(self) -> None:
        stop_listening(self._listener, self._accepting)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._hold()
        try:
            server = socket.create_connection(("127.0.0.1", self._to), 30)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._pass, args=(server, client, True), daemon=True)
        back.start()
        self._pass(client, server, False)

    def _hold(self) -> None:
        while self._is_cut.is_set():
            time.sleep(0.01)

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self._is_cut.is_set():
                    # What is lost by a network is sent again by TCP when it is back.
                    self._hold()
                if is_answer and self._swallows and b"COMMIT\0" in data:
                    self._swallows -= 1
                    break
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
