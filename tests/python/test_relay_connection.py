"""The way of a relay to its database: TLS that is verified, and poolers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authority import Authority
from bells import eventually
from fake_platform import command
from postgres import Cluster, free_port
from relays import RelayProcess, arrived, event, post, relay_settings
from tools import attempt, need

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")

# An address of this machine that does not look like one: what is on it counts as another machine.
ELSEWHERE = "0.0.0.0"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = Cluster()
    yield started
    started.close()


def settle(folder: Path, url: str, store: str, **farm: Any) -> Path:
    path = folder / "relay.json"
    path.write_text(json.dumps(relay_settings(folder, url, farm={"store": store, **farm})))
    return path


def refused(folder: Path, store: str, **farm: Any) -> str:
    """What a relay says that ends at once."""
    done = attempt(command(), "relay", settle(folder, "http://127.0.0.1:1/", store, **farm), timeout=120)
    assert done.returncode == 1, done.stdout
    assert "hunter2" not in done.stdout
    return done.stdout


def serve_tls(cluster: Cluster, certificate: Path, key: Path) -> None:
    """From now on the cluster has this certificate."""
    for source, name in [(certificate, "server.crt"), (key, "server.key")]:
        target = cluster.data / name
        shutil.copy(source, target)
        if os.geteuid() == 0:
            shutil.chown(target, "nobody")
        target.chmod(0o600)
    cluster.sql("ALTER SYSTEM SET ssl = on", "postgres")
    cluster.sql("SELECT pg_reload_conf()", "postgres")
    eventually("it speaks TLS", lambda: cluster.sql("SHOW ssl", "postgres") == [["on"]])


def test_a_database_on_another_machine_is_reached_by_tls_that_is_verified(cluster, tmp_path, receive):
    authority, other = Authority(tmp_path), Authority(tmp_path, "Another authority")
    store = f"postgres://taskbell:hunter2@{ELSEWHERE}:{cluster.port}/taskbell"
    said = refused(tmp_path, store)
    assert "server does not support TLS" in said
    assert "a farm needs TLS to a database on another machine" in said

    serve_tls(cluster, *authority.issue("database", (ELSEWHERE,)))
    unknown = "the certificate has an unknown issuer, `Taskbell test authority`"
    assert unknown in refused(tmp_path, store)
    assert unknown in refused(tmp_path, store, ca_file=str(other.ca_file))

    receiver = receive()
    config = relay_settings(
        tmp_path, receiver.url(), farm={"store": store, "ca_file": str(authority.ca_file)}
    )
    one = RelayProcess(tmp_path, config)
    try:
        one.leads()
        assert post(one, "node-1", event("test.event")).status == 204
        eventually("the message", lambda: arrived(receiver, "test.event"))
        # The sessions of the relay, and none in plain text.
        ((encrypted, all_of_them),) = cluster.sql(
            "SELECT count(*) FILTER (WHERE s.ssl), count(*) FROM pg_stat_activity a "
            "JOIN pg_stat_ssl s USING (pid) WHERE a.datname = 'taskbell' AND a.pid <> pg_backend_pid()"
        )
        assert encrypted == all_of_them != "0"
    finally:
        one.kill()

    serve_tls(cluster, *authority.issue("elsewhere", ("db.studio.test",)))
    eventually(
        "the other certificate",
        lambda: "not valid for name" in refused(tmp_path, store, ca_file=str(authority.ca_file)),
    )
    serve_tls(cluster, *authority.issue("expired", (ELSEWHERE,), expired=True))
    eventually(
        "the expired certificate",
        lambda: "expired" in refused(tmp_path, store, ca_file=str(authority.ca_file)).lower(),
    )


class Pooler:
    """PgBouncer before a cluster."""

    def __init__(self, cluster: Cluster, mode: str) -> None:
        program = need("pgbouncer")
        self.port = free_port()
        # It refuses to be root, and the folder of the test is root's then.
        self.folder = Path(tempfile.mkdtemp(prefix="tb-pool", dir="/tmp"))
        settings = self.folder / "pgbouncer.ini"
        settings.write_text(
            f"""[databases]
taskbell = host=127.0.0.1 port={cluster.port} user=taskbell
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
"""
        )
        line: list[object] = [program, settings]
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            line = ["runuser", "-u", "nobody", "--", *line]
        self.process = subprocess.Popen(
            [str(word) for word in line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually("it listens", self._listens)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False

    def url(self) -> str:
        return f"postgres://taskbell@127.0.0.1:{self.port}/taskbell"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


def test_a_pooler_that_gives_each_transaction_another_session_is_refused_and_one_of_sessions_is_not(
    cluster, tmp_path, receive
):
    pooler = Pooler(cluster, "transaction")
    try:
        said = refused(tmp_path, pooler.url())
        assert "gives each transaction another session" in said
        assert "a pooler in session mode" in said
    finally:
        pooler.close()
    pooler = Pooler(cluster, "session")
    receiver = receive()
    try:
        one = RelayProcess(tmp_path, relay_settings(tmp_path, receiver.url(), farm={"store": pooler.url()}))
        try:
            one.leads()
            assert post(one, "node-1", event("test.event")).status == 204
            eventually("the message", lambda: arrived(receiver, "test.event"))
        finally:
            one.kill()
    finally:
        pooler.close()
