"""The way out through an HTTP proxy."""

from __future__ import annotations

import base64

import pytest

from authority import Authority, server_context
from bells import endpoint, reports, settings
from proxy import Proxy

VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]


@pytest.fixture(autouse=True)
def _no_proxy_from_outside(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def deliver(tmp_path, ring, url, **more):
    """Sends one event there and returns its report."""
    tmp_path.mkdir(exist_ok=True)
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(url, **more)}))
    bell.emit("test.event", {"through": "a proxy"})
    (report,) = reports(bell, 1)
    return report


def test_tls_goes_through_a_tunnel_that_is_kept_and_is_still_verified(tmp_path, receive, ring):
    authority = Authority(tmp_path)
    receiver = receive(tls=server_context(*authority.issue("server", ("127.0.0.1",))))
    with Proxy(login="bell:s3cret") as proxy:
        more = {"proxy": proxy.url("bell:s3cret"), "ca_file": str(authority.ca_file), "concurrency": 1}
        bell = ring(settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), **more)}))
        for _ in range(2):
            bell.emit("test.event")
        assert {report["state"] for report in reports(bell, 2)} == {"delivered"}
        (passage,) = proxy.passages
    assert (passage.method, passage.target) == ("CONNECT", f"127.0.0.1:{receiver.port}")
    assert all(request.header("proxy-authorization") is None for request in receiver.requests)


def test_tls_to_an_unknown_authority_fails_through_a_proxy_too(tmp_path, receive, ring):
    receiver = receive(tls=server_context(*Authority(tmp_path).issue("server", ("127.0.0.1",))))
    with Proxy() as proxy:
        report = deliver(tmp_path, ring, receiver.url(), proxy=proxy.url())
    assert report["state"] == "dead"
    assert receiver.requests == []


def test_a_proxy_gets_its_login_and_the_receiver_does_not(tmp_path, receive, ring):
    receiver = receive()
    with Proxy(login="bell:s3cret") as proxy:
        report = deliver(tmp_path, ring, receiver.url(), proxy=proxy.url("bell:s3cret"))
        assert report["state"] == "delivered", report
        login = base64.b64encode(b"bell:s3cret").decode()
        assert proxy.passages[0].headers["proxy-authorization"] == f"Basic {login}"
    assert receiver.requests[0].header("proxy-authorization") is None


def test_the_environment_counts_only_when_asked_for(tmp_path, receive, ring, monkeypatch):
    receiver = receive()
    with Proxy(routes={"bell.example": ("127.0.0.1", receiver.port)}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        assert deliver(tmp_path / "a", ring, receiver.url())["state"] == "delivered"
        assert proxy.passages == []
        named = "http://bell.example/hook"
        assert deliver(tmp_path / "b", ring, named, proxy="env")["state"] == "delivered"
        assert len(proxy.passages) == 1
        # Loopback is never behind a proxy that the environment names, nor is what NO_PROXY names.
        monkeypatch.setenv("NO_PROXY", ".example")
        assert deliver(tmp_path / "c", ring, receiver.url(), proxy="env")["state"] == "delivered"
        assert deliver(tmp_path / "d", ring, named, proxy="env")["state"] == "dead"
        assert len(proxy.passages) == 1
