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


def test_a_connection_over_tls_is_kept_for_the_next_event(tmp_path, receive, ring, authority):
    receiver = receive(tls=server_context(*authority.issue("server", LOCAL)))
    config = endpoint(receiver.url(), ca_file=str(authority.ca_file), concurrency=1)
    bell = ring(settings(tmp_path, endpoints={"e0": config}))
    for number in range(10):
        bell.emit("test.event", {"n": number})
    requests = receiver.wait_for(10)
    assert {request.connection for request in requests} == {1}


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
    certificate, key = authority.issue("a-host", client=True)
    more = {"ca_file": str(authority.ca_file), "client_cert": str(certificate), "client_key": str(key)}
    report = deliver(tmp_path, ring, receiver.url(), **more)
    assert report["state"] == "delivered", report


def test_without_the_client_certificate_the_attempt_fails(tmp_path, receive, ring, authority):
    receiver = receive(tls=server_context(*authority.issue("server", LOCAL), client_ca=authority.ca_file))
    report = deliver(tmp_path, ring, receiver.url(), ca_file=str(authority.ca_file))
    assert report["state"] == "dead"
    assert receiver.requests == []


def test_plain_http_on_a_tls_port_is_no_answer(tmp_path, receive, ring, authority):
    receiver = receive(tls=server_context(*authority.issue("server", LOCAL)))
    report = deliver(tmp_path, ring, receiver.url().replace("https", "http"))
    assert (report["state"], report["status"]) == ("dead", None)


def test_tls_on_a_plain_port_is_no_answer(tmp_path, receive, ring, authority):
    receiver = receive()
    report = deliver(
        tmp_path, ring, receiver.url().replace("http", "https"), ca_file=str(authority.ca_file), timeout="1s"
    )
    assert (report["state"], report["status"]) == ("dead", None)
    assert receiver.requests == []
