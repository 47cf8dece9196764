"""Email by SMTP, to a real server: aiosmtpd with TLS, logins, refusals, and servers that misbehave."""

from __future__ import annotations

import contextlib
import email
import email.policy
import html
import json
import re
import socket
import ssl
import threading
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from authority import Authority, server_context
from bells import attempts, endpoint, reports, settings

PASSWORD = "s3cret-of-the-farm"
LOCAL = ("127.0.0.1", "localhost")
HOSTILE = "x\r\nBcc: evil@example.com\r\n\r\n.\r\nQUIT\r\n渲染 <b>&amp;"


class Inbox:
    """What the server took, and what it refuses: replies by recipient, and those to the first messages."""

    def __init__(self, refused: dict[str, str] | None = None, replies: list[str] | None = None) -> None:
        self.refused = refused or {}
        self.replies = replies or []
        self.raw: list[bytes] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.logins: list[str] = []

    @property
    def mails(self) -> list[EmailMessage]:
        return [email.message_from_bytes(raw, policy=email.policy.default) for raw in self.raw]

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        self.raw.append(envelope.original_content)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return self.replies.pop(0) if self.replies else "250 2.0.0 queued"

    def authenticate(self, _server, _session, _envelope, mechanism, given):
        self.logins.append(mechanism)
        return AuthResult(success=given.password == PASSWORD.encode(), handled=False)


@pytest.fixture
def serve():
    running: list[Controller] = []

    def start(inbox: Inbox, *, implicit: ssl.SSLContext | None = None, **options: Any) -> int:
        controller = Controller(inbox, hostname="127.0.0.1", port=0, ssl_context=implicit, **options)
        # Port 0 is chosen by the system, which the controller cannot ask for.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            controller.port = probe.getsockname()[1]
        controller.start()
        running.append(controller)
        return controller.port

    yield start
    for controller in running:
        controller.stop()


def mailed(url: str, **more: Any) -> dict[str, Any]:
    keys = {"from": "Taskbell <farm@example.com>", "to": ["ada@example.com", "bo@example.com"], "rate": []}
    return endpoint(url, platform="email", **{**keys, **more})


def deliver(tmp_path: Path, ring, event: dict[str, Any] | None = None, hook=None, **endpoints: Any):
    hooks = [{"on": ["task.complete"], "to": list(endpoints), **(hook or {})}]
    files = {"roots": [str(tmp_path)]}
    bell = ring(settings(tmp_path, endpoints=endpoints, hooks=hooks, files=files))
    bell.task_complete(event or {"name": "portrait-07"})
    (report,) = reports(bell, 1)
    return report


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_message_goes_by_tls_with_a_login_and_shows_its_picture(tmp_path, ring, serve, authority, scheme):
    context = server_context(*authority.issue("server", LOCAL))
    inbox = Inbox()
    tls = {"implicit": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}
    login = {"authenticator": inbox.authenticate, "auth_required": True}
    port = serve(inbox, **tls, **login, **({"auth_require_tls": False} if scheme == "smtps" else {}))
    picture = tmp_path / "portrait-07.png"
    picture.write_bytes(PNG)
    me = mailed(f"{scheme}://farm@127.0.0.1:{port}", password=PASSWORD, ca_file=str(authority.ca_file))
    task = {"name": "portrait-07", "outputs": [{"path": str(picture)}], "params": {"prompt": "a & b <c>"}}
    report = deliver(tmp_path, ring, task, me=me)
    assert (report["state"], report["status"]) == ("delivered", 250), report
    (mail,) = inbox.mails
    assert inbox.envelopes == [("farm@example.com", ["ada@example.com", "bo@example.com"])]
    assert inbox.logins
    assert "portrait-07" in mail["subject"]
    assert (str(mail["from"]), str(mail["to"])) == (
        "Taskbell <farm@example.com>",
        "ada@example.com, bo@example.com",
    )
    assert mail["auto-submitted"] == "auto-generated"
    assert str(mail["message-id"]).startswith(f"<{report['event']}.")
    assert "portrait-07" in mail["subject"] + mail.get_body(("plain",)).get_content()
    body = mail.get_body(("html",))
    (shown,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert f'src="cid:{str(shown["content-id"]).strip("<>")}"' in body.get_content()
    assert shown.get_payload(decode=True) == PNG


def test_a_wrong_password_is_final_and_never_shown(tmp_path, ring, serve, authority):
    inbox = Inbox()
    context = server_context(*authority.issue("server", LOCAL))
    port = serve(inbox, tls_context=context, authenticator=inbox.authenticate, auth_required=True)
    me = mailed(f"smtp://farm@127.0.0.1:{port}", password="wr0ng-password", ca_file=str(authority.ca_file))
    report = deliver(tmp_path, ring, me=me)
    assert (report["state"], report["attempts"], report["status"]) == ("dead", 1, 535), report
    assert "refuses user or `password`" in report["reason"]
    seen = json.dumps([report, [dict(row) for row in attempts(tmp_path)]])
    assert "wr0ng-password" not in seen


def test_a_refused_recipient_among_others_is_named_in_the_log(tmp_path, ring, serve):
    inbox = Inbox(refused={"bo@example.com": "550 5.1.1 no such user"})
    report = deliver(tmp_path, ring, me=mailed(f"smtp://127.0.0.1:{serve(inbox)}"))
    assert report["state"] == "delivered"
    assert inbox.envelopes == [("farm@example.com", ["ada@example.com"])]
    (row,) = attempts(tmp_path)
    assert row["error"] == "delivered, but not to bo@example.com (550)"
    assert "RCPT TO:<bo@example.com>: 550 5.1.1 no such user" in row["response"]


def test_no_text_of_an_event_adds_a_header_or_ends_the_message(tmp_path, ring, serve):
    inbox = Inbox()
    hook = {
        "template": {
            "subject": "{{ task.name }}",
            "text": "{{ task.name }}",
            "html": "<p>{{ task.name }}</p>",
        }
    }
    report = deliver(tmp_path, ring, {"name": HOSTILE}, hook, me=mailed(f"smtp://127.0.0.1:{serve(inbox)}"))
    assert report["state"] == "delivered", report
    (mail,) = inbox.mails
    assert mail["bcc"] is None
    assert mail.keys().count("Subject") == 1
    assert "Bcc: evil@example.com" in mail["subject"]
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "\n.\nQUIT\n渲染 <b>&amp;" in text
    assert "&lt;b&gt;&amp;amp;" in mail.get_body(("html",)).get_content()


def text_of(part: EmailMessage) -> str:
    return part.get_content().replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "=?utf-8?B?eA==?= " * 30,
        "渲染农场 " * 200,
        "x" * 3000 + "\n.\n" + "y = 1\t\n  \n" * 20,
        "From me\n--alternative-0\n--\n=3D =\n\x00\x1b[31mé 🎨 \N{ZERO WIDTH JOINER}",
        'a,b;c:d"e\\f(g)<h@i> ' * 9,
    ],
)
def test_a_mail_program_reads_every_text_as_it_was_without_a_defect(tmp_path, ring, serve, text):
    inbox = Inbox()
    template = {"subject": "{{ task.name }}", "text": "{{ task.name }}", "html": "<p>{{ task.name }}</p>"}
    sender = mailed(f"smtp://127.0.0.1:{serve(inbox)}", **{"from": "渲染农场 (07) <farm@example.com>"})
    report = deliver(tmp_path, ring, {"name": text}, {"template": template}, me=sender)
    assert report["state"] == "delivered", report
    (mail,), (raw,) = inbox.mails, inbox.raw
    assert [defect for part in mail.walk() for defect in part.defects] == []
    assert [defect for value in mail.values() for defect in getattr(value, "defects", ())] == []
    # An id cannot be folded.
    assert all(len(line) <= 78 or b"-ID: <" in line for line in raw.split(b"\r\n"))
    assert text_of(mail.get_body(("plain",))) == text.replace("\r\n", "\n").rstrip("\n")
    shown = html.unescape(text_of(mail.get_body(("html",)))[3:-4])
    # HTML has no control characters.
    assert shown.replace("\r\n", "\n") == re.sub("[\0\x1b]", "", text.replace("\r\n", "\n"))
    (sender,) = mail["from"].addresses
    assert (sender.display_name, sender.addr_spec) == ("渲染农场 (07)", "farm@example.com")


def test_the_first_and_the_last_state_of_a_run_are_one_thread(tmp_path, ring, serve):
    inbox = Inbox()
    hook = {"on": ["queue.*", "task.complete"], "to": ["me"], "live": "queue.name"}
    me = mailed(f"smtp://127.0.0.1:{serve(inbox)}")
    bell = ring(settings(tmp_path, endpoints={"me": me}, hooks=[hook]))
    bell.emit("queue.start", {"name": "night", "total": 2})
    reports(bell, 1)
    bell.emit("queue.end", {"name": "night", "total": 2, "succeeded": 2})
    reports(bell, 1)
    first, last = inbox.mails
    assert (first["in-reply-to"], first["references"]) == (None, None)
    assert last["in-reply-to"] == last["references"] == first["message-id"] != last["message-id"]


def test_a_server_that_offers_no_tls_gets_nothing_where_it_is_required(tmp_path, ring, serve):
    inbox = Inbox()
    me = mailed(f"smtp://127.0.0.1:{serve(inbox)}", starttls="required", retry={"schedule": ["10ms"]})
    report = deliver(tmp_path, ring, me=me)
    assert (report["state"], inbox.raw, inbox.envelopes) == ("dead", [], [])
    assert "offers no STARTTLS, and nothing is sent to it in clear" in report["reason"]


def test_a_server_that_drips_delays_no_other_endpoint_and_loses_nothing(tmp_path, ring, serve, receive):
    inbox, other = Inbox(), receive()
    port, drips = serve(inbox), [True]

    def script(connection: socket.socket) -> None:
        if drips:
            drip(connection)
        with socket.create_connection(("127.0.0.1", port)) as server:
            threading.Thread(target=pump, args=(server, connection), daemon=True).start()
            pump(connection, server)

    me = mailed(f"smtp://127.0.0.1:{misbehaving(script)}", timeout="1s", retry={"schedule": ["200ms"] * 100})
    both = {"me": me, "chat": endpoint(other.url("/x"))}
    bell = ring(settings(tmp_path, endpoints=both, hooks=[{"on": ["task.complete"], "to": list(both)}]))
    bell.task_complete({"name": "portrait-07"})
    (report,) = reports(bell, 1)
    assert (report["endpoint"], report["state"], inbox.raw) == ("chat", "delivered", [])
    drips.clear()
    (report,) = reports(bell, 1)
    assert (report["endpoint"], report["state"], len(inbox.raw)) == ("me", "delivered", 1)
    assert report["attempts"] > 1


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(4096):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def misbehaving(script) -> int:
    """A server that does this with each connection until the client hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=play, args=(connection,), daemon=True).start()

    def play(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            script(connection)

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


def drip(connection: socket.socket) -> None:
    connection.sendall(b"220-slow\r\n")
    while True:
        connection.sendall(b"220-still\r\n"[:4])
        time.sleep(0.02)


# One red pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003"
    "010100c9fe92ef0000000049454e44ae426082"
)
