"""TLS: whom the library trusts, and what it shows of itself."""

from __future__ import annotations

import pytest

from authority import Authority, server_context
from bells import endpoint, reports, settings

LOCAL = ("127.0.0.1", "localhost")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def deliver(tmp_path, ring, url, **more):
    """Sends one event there and returns its report."""
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(url, **more)}))
    bell.emit("test.event")
    (report,) = reports(bell, 1)
    return report


def test_a_client_certificate_is_shown(tmp_path, receive, ring, authority):
    receiver = receive(tls=server_context(*authority.issue("server", LOCAL), client_ca=authority.ca_file))
    more = {"ca_file": str(authority.ca_file)}
    assert "client_cert" in deliver(tmp_path, ring, receiver.url(), **more)["reason"]
    certificate, key = authority.issue("a-host", client=True)
    more |= {"client_cert": str(certificate), "client_key": str(key)}
    report = deliver(tmp_path, ring, receiver.url(), **more)
    assert report["state"] == "delivered", report
