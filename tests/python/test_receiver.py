"""The receiver, the proxy and the authority are themselves held to what the other tests trust."""

from __future__ import annotations

import gzip
import http.client
import socket
import ssl

import pytest

from authority import Authority, server_context
from proxy import Proxy
from receiver import Receiver
from steps import GzipBomb, Huge, HugeHead, Nonsense


def post(receiver: Receiver, body: bytes = b"{}", **headers: str) -> http.client.HTTPResponse:
    client = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    client.request("POST", "/hook?a=b", body=body, headers={"x-mark": "1", **headers})
    return client.getresponse()


def test_a_huge_body_stops_with_its_reader():
    with Receiver([Huge(size=1 << 30)]) as receiver:
        answer = post(receiver)
        assert answer.read(100_000) == b"x" * 100_000
        answer.close()
        receiver.wait_answered(1)
        assert receiver.sent[0] < 1 << 29


def test_a_gzip_bomb_unpacks_to_its_size():
    with Receiver([GzipBomb(size=8 << 20)]) as receiver:
        packed = post(receiver).read()
    assert len(packed) < 1 << 16
    assert len(gzip.decompress(packed)) == 8 << 20


def test_nonsense_and_endless_headers_are_refused_by_a_client():
    with Receiver([Nonsense(), HugeHead()]) as receiver:
        for _ in range(2):
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                post(receiver)


def tls_get(receiver: Receiver, context: ssl.SSLContext, name: str = "localhost") -> int:
    with (
        socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        secure.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        return int(secure.recv(1000).split(b" ")[1])


def test_tls_certificates_are_good_or_bad_as_asked(tmp_path):
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(authority.ca_file))
    good = server_context(*authority.issue("localhost", ("localhost", "127.0.0.1")))
    with Receiver(tls=good) as receiver:
        assert tls_get(receiver, trusting) == 204
        with pytest.raises(ssl.SSLCertVerificationError):
            tls_get(receiver, ssl.create_default_context())
    cases = [("expired", ("localhost",), True), ("elsewhere.example", (), False)]
    for name, names, expired in cases:
        bad = server_context(*authority.issue(name, names, expired=expired))
        with Receiver(tls=bad) as receiver, pytest.raises(ssl.SSLCertVerificationError):
            tls_get(receiver, trusting)


def test_a_client_certificate_can_be_required(tmp_path):
    authority = Authority(tmp_path)
    server = server_context(*authority.issue("localhost"), client_ca=authority.ca_file)
    with Receiver(tls=server) as receiver:
        context = ssl.create_default_context(cafile=str(authority.ca_file))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            tls_get(receiver, context)
        context.load_cert_chain(*authority.issue("a-client", client=True))
        assert tls_get(receiver, context) == 204


def test_the_proxy_carries_plain_requests_and_tunnels():
    with Receiver() as receiver, Proxy(routes={"far.example": ("127.0.0.1", receiver.port)}) as proxy:
        client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        client.request("POST", "http://far.example/hook?x=1", body=b"abc")
        assert client.getresponse().status == 204
        tunnel = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        tunnel.set_tunnel("far.example", 443)
        tunnel.request("POST", "/through", body=b"def")
        assert tunnel.getresponse().status == 204
        tunnel.close()
        client.close()
        assert [(r.target, r.body) for r in receiver.requests] == [
            ("/hook?x=1", b"abc"),
            ("/through", b"def"),
        ]
        assert [p.method for p in proxy.passages] == ["POST", "CONNECT"]


def test_the_proxy_asks_for_its_login():
    with Receiver() as receiver, Proxy(login="u:p") as proxy:
        client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        client.request("POST", receiver.url(), body=b"abc")
        assert client.getresponse().status == 407
        assert receiver.requests == []
