"""TLS on Windows, under Wine: the library trusts the system's store of certificates, and no more.

Wine refuses a certificate if it cannot look up whether it was revoked, so the authority publishes its list.
"""

from __future__ import annotations

import hashlib
import json

import pytest

from authority import Authority, server_context
from bells import settings
from steps import Reply
from tools import attempt

STORE = r"HKEY_LOCAL_MACHINE\Software\Microsoft\SystemCertificates\Root\Certificates"
CERTIFICATE = 32
"""The property of an entry of a store that is the certificate itself (CERT_CERT_PROP_ID)."""


@pytest.fixture
def authority(tmp_path):
    """With a name of its own: the store keeps those of other tests."""
    return Authority(tmp_path, tmp_path.name)


@pytest.fixture
def revoked():
    """The certificates that the authority has revoked."""
    return []


@pytest.fixture
def send(tree, wine, tmp_path, receive, authority, revoked):
    """Sends an event to a server with a certificate for these names; gives what the command says, and the
    requests that the server got."""
    kind = {"Content-Type": "application/pkix-crl"}
    publisher = receive(lambda *_: Reply(200, authority.revocations(tuple(revoked)), kind))

    def send(names=("localhost",), expired=False, revoke=False):
        issued = authority.issue("server", names, expired, revocations_url=publisher.url("/revoked.crl"))
        revoked.extend([issued[0]] if revoke else [])
        receiver = receive(tls=server_context(*issued))
        config = settings(tmp_path, receiver.url(host="localhost"))
        config["spool"]["path"] = "bell.db"
        config["endpoints"]["e0"]["retry"] = {"schedule": []}
        (tmp_path / "taskbell.json").write_text(json.dumps(config))
        command = [wine.program, tree / "bin" / "taskbell.exe", "send", "taskbell.json", "test.event", "{}"]
        said = attempt(*command, cwd=tmp_path, env=wine.env)
        return said.stdout, receiver.requests

    return send


@pytest.fixture
def trusted(wine, tmp_path, authority):
    """Puts the authority into the store of the system, as an administrator does."""
    der = authority.der()
    entry = b"".join(number.to_bytes(4, "little") for number in (CERTIFICATE, 1, len(der))) + der
    place = f"{STORE}\\{hashlib.sha1(der).hexdigest().upper()}"
    value = ",".join(f"{byte:02x}" for byte in entry)
    (tmp_path / "root.reg").write_text(f'REGEDIT4\r\n\r\n[{place}]\r\n"Blob"=hex:{value}\r\n')
    wine("reg", "import", "root.reg", cwd=tmp_path)


def test_an_authority_of_the_systems_store_is_trusted(send, trusted):
    said, requests = send()
    assert "delivered  e0" in said, said
    assert requests[0].json()["type"] == "test.event"


def test_an_authority_that_is_in_no_store_is_not_trusted(send):
    said, requests = send()
    assert "TLS with localhost" in said, said
    assert requests == []


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ({"names": ("example.org",)}, "the name is not in the certificate"),
        ({"expired": True}, "the certificate expired"),
        ({"revoke": True}, "revoked"),
    ],
)
def test_a_certificate_that_does_not_hold_is_refused_and_the_reason_named(send, trusted, certificate, reason):
    said, requests = send(**certificate)
    assert reason in said, said
    assert requests == []
