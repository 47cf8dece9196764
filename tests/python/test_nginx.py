"""The same against a server that nobody here wrote."""

from __future__ import annotations

import pytest

from authority import Authority
from bells import endpoint, eventually, reports, settings
from nginx import Nginx
from tools import need


@pytest.fixture
def nginx(tmp_path):
    need("nginx")
    authority = Authority(tmp_path)
    with Nginx(tmp_path / "nginx", tls=authority.issue("server", ("localhost", "127.0.0.1"))) as server:
        server.ca_file = authority.ca_file
        yield server


def test_many_events_arrive_over_few_connections(tmp_path, ring, nginx):
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(nginx.url(), concurrency=4)}))
    for number in range(500):
        bell.emit("test.event", {"n": number})
    found = reports(bell, 500)
    assert {report["state"] for report in found} == {"delivered"}
    log = eventually("500 lines", lambda: nginx.log() if len(nginx.log()) >= 500 else None)
    assert len(log) == 500
    assert {entry["id"] for entry in log} == {report["event"] for report in found}
    assert {(entry["method"], entry["type"]) for entry in log} == {("POST", "application/json")}
    # Connections are kept: four lanes' worth, with room for one that broke.
    assert len({entry["connection"] for entry in log}) <= 8


def test_tls_to_nginx(tmp_path, ring, nginx):
    more = {"ca_file": str(nginx.ca_file), "concurrency": 1}
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(nginx.url(tls=True), **more)}))
    for number in range(20):
        bell.emit("test.event", {"n": number})
    assert {report["state"] for report in reports(bell, 20)} == {"delivered"}
    log = eventually("20 lines", lambda: nginx.log() if len(nginx.log()) >= 20 else None)
    assert {entry["tls"] for entry in log} == {"TLSv1.3"}
    assert len({entry["connection"] for entry in log}) <= 2
