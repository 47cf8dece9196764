"""TLS: whom the library trusts, and what it shows of itself."""

from __future__ import annotations

import pytest

from authority import Authority, server_context
from bells import attempts, endpoint, reports, settings

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


@pytest.mark.parametrize("host", LOCAL)
def test_a_private_authority_is_trusted_through_ca_file(tmp_path, receive, ring, authority, host):
    receiver = receive(tls=server_context(*authority.issue("server", LOCAL)))
    report = deliver(tmp_path, ring, receiver.url(host=host), ca_file=str(authority.ca_file))
    assert report["state"] == "delivered", report
    assert receiver.requests[0].header("host") == f"{host}:{receiver.port}"


CASES = {
    "an unknown authority": {"names": LOCAL, "expired": False, "trusted": False},
    "an expired certificate": {"names": LOCAL, "expired": True, "trusted": True},
    "a certificate of another name": {"names": ("elsewhere.example",), "expired": False, "trusted": True},
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_certificate_gets_nothing(tmp_path, receive, ring, authority, name):
    case = CASES[name]
    certificate = authority.issue("server", case["names"], expired=case["expired"])
    receiver = receive(tls=server_context(*certificate))
    more = {"ca_file": str(authority.ca_file)} if case["trusted"] else {}
    report = deliver(tmp_path, ring, receiver.url(), **more)
    assert (report["state"], report["attempts"], report["status"]) == ("dead", 3, None)
    assert receiver.requests == []
    errors = [row["error"] for row in attempts(tmp_path)]
    assert all("certificate" in error.lower() for error in errors), errors


def test_a_client_certificate_is_shown(tmp_path, receive, ring, authority):
    receiver = receive(tls=server_context(*authority.issue("server", LOCAL), client_ca=authority.ca_file))
    more = {"ca_file": str(authority.ca_file)}
    assert "client_cert" in deliver(tmp_path, ring, receiver.url(), **more)["reason"]
    certificate, key = authority.issue("a-host", client=True)
    more |= {"client_cert": str(certificate), "client_key": str(key)}
    report = deliver(tmp_path, ring, receiver.url(), **more)
    assert report["state"] == "delivered", report
