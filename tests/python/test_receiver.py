"""The receiver, the proxy and the authority are themselves held to what the other tests trust."""

from __future__ import annotations

import gzip
import http.client
import socket
import ssl
import time

import pytest

from authority import Authority, server_context
from proxy import Proxy
from receiver import Receiver
from steps import Drip, GzipBomb, Hang, Huge, HugeHead, Nonsense, Redirect, Reply, Reset


def post(receiver: Receiver, body: bytes = b"{}", **headers: str) -> http.client.HTTPResponse:
    client = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    client.request("POST", "/hook?a=b", body=body, headers={"x-mark": "1", **headers})
    return client.getresponse()


def test_it_records_a_request_byte_for_byte():
    with Receiver() as receiver:
        answer = post(receiver, b'{"a": "\xc3\xa9"}')
        (request,) = receiver.wait_for(1)
    assert answer.status == 204
    assert (request.method, request.target, request.body) == ("POST", "/hook?a=b", b'{"a": "\xc3\xa9"}')
    assert request.header("X-Mark") == "1"
    assert request.json() == {"a": "é"}
    assert abs(request.at - time.time()) < 10


def test_statuses_come_by_turn_and_a_connection_is_kept():
    with Receiver([Reply(503), Reply(200, b"ok"), Reply(200, b"chunked body", chunked=True)]) as receiver:
        client = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
        seen = []
        for _ in range(4):
            client.request("POST", "/", body=b"{}")
            answer = client.getresponse()
            seen.append((answer.status, answer.read()))
        connections = {request.connection for request in receiver.requests}
    assert seen == [(503, b""), (200, b"ok"), (200, b"chunked body"), (204, b"")]
    assert connections == {1}


def test_a_chunked_request_is_put_together():
    with Receiver() as receiver:
        client = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
        client.request(
            "POST",
            "/",
            body=iter([b"ab", b"cde"]),
            encode_chunked=True,
            headers={"transfer-encoding": "chunked"},
        )
        assert client.getresponse().status == 204
        assert receiver.requests[0].body == b"abcde"


def test_a_script_may_be_a_function():
    with Receiver(
        lambda request, number: Reply(200 + number) if request.header("x-mark") else None
    ) as receiver:
        assert [post(receiver).status for _ in range(3)] == [200, 201, 202]


def test_a_delay_is_kept_and_counts_as_in_flight():
    with Receiver([Reply(delay=0.2)]) as receiver:
        start = time.monotonic()
        post(receiver)
        assert time.monotonic() - start >= 0.2
        assert receiver.peak == 1


def test_a_reset_reaches_the_client():
    with Receiver([Reset()]) as receiver, pytest.raises((ConnectionResetError, BrokenPipeError)):
        post(receiver)


def test_hanging_ends_when_the_client_goes():
    with Receiver([Hang()]) as receiver:
        client = socket.create_connection(("127.0.0.1", receiver.port), timeout=10)
        client.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        receiver.wait_for(1)
        assert receiver.sent == []
        client.close()
        receiver.wait_answered(1)
        assert receiver.sent == [0]


def test_a_body_drips():
    with Receiver([Drip(size=5, interval=0.05)]) as receiver:
        start = time.monotonic()
        assert post(receiver).read() == b"....."
        assert time.monotonic() - start >= 0.25


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


def test_a_redirect_points_elsewhere():
    with Receiver([Redirect("http://127.0.0.1:1/x", 307)]) as receiver:
        answer = post(receiver)
    assert (answer.status, answer.getheader("location")) == (307, "http://127.0.0.1:1/x")


def test_nobody_can_connect_to_a_closed_receiver_or_proxy():
    receiver, proxy = Receiver(), Proxy()
    receiver.close()
    proxy.close()
    for port in (receiver.port, proxy.port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=10)


def test_waiting_for_what_does_not_come_fails():
    with Receiver() as receiver, pytest.raises(AssertionError, match="0 of 1"):
        receiver.wait_for(1, timeout=0.05)


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
