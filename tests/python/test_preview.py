"""A preview is what goes over the wire, but for secrets and the bytes of files."""

from __future__ import annotations

import base64
import email
import json
import re
from pathlib import Path
from typing import Any

import pytest

import taskbell
from bells import endpoint, reports, settings
from corpus import OWN_KEYS, events
from test_channels import OK, one, png
from test_files import LOG, MEDIA, SENT, STORED, TELEGRAM, event, rooted
from test_platforms import HTTP

SECRET = "SECmarker4f9c2a71d0"
KEYS = {**OWN_KEYS, "dingtalk": {"secret": SECRET}, "feishu": {"secret": SECRET}}

EVENTS = events("portrait-07")


def config(platform: str, url: str) -> dict[str, Any]:
    keys = KEYS.get(platform, {})
    team = endpoint(url, platform=platform, rate=[], retry={"schedule": []}, headers={"x-own": "1"}, **keys)
    hooks = [{"on": sorted({kind for kind, _ in EVENTS}), "to": ["team"]}]
    return settings(Path(), endpoints={"team": team}, hooks=hooks, spool={"path": ":memory:"})


def masked(shown: Any, event: str, *secrets: str) -> Any:
    """Without what is new in each event: its id, and the time in each of its forms."""
    text = json.dumps(shown, ensure_ascii=False).replace(event.removeprefix("evt_"), "ID")
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d(:|%3A)\d\d(:|%3A)\d\d(\.\d+)?Z", "TIME", text)
    text = re.sub(r'("(webhook-)?timestamp": ")\d{10}"', r'\1NOW"', text)
    text = re.sub(r'("sign": ")[^"]*"', r'\1SIGNATURE"', text)
    return json.loads(re.sub(r"boundary=[\w-]+", "boundary=B", text))


def told(text: str) -> Any:
    """JSON as such, anything else as the text that it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def fields(request: Any) -> dict[str, Any]:
    """A form as a preview shows it."""
    head = f"Content-Type: {request.header('content-type')}\r\n\r\n".encode()
    found: dict[str, Any] = {}
    for part in email.message_from_bytes(head + request.body).get_payload():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename() is None:
            text = content.decode()
            found[name] = json.loads(text) if text.startswith("{") else text
        else:
            kind = part.get_content_type()
            found[name] = {"file": part.get_filename(), "type": kind, "bytes": len(content)}
    return found


def sent(request: Any, file: bytes = b"") -> dict[str, Any]:
    """A request of the wire as a preview shows it, but for its URL."""
    found: dict[str, Any] = {"method": request.method}
    if request.header("content-type").startswith("multipart/form-data"):
        return {**found, "form": fields(request)}
    text = request.body.decode()
    if file:
        text = text.replace(base64.b64encode(file).decode(), f"[{len(file)} bytes in base64]")
    return {**found, "body": told(text)}


def assert_shown(shown: dict[str, Any], wire: Any, ids: tuple[str, str], secrets: Any, file: bytes) -> None:
    previewed, real = ids
    assert shown["url"] == f"http://{wire.header('host')}/…"
    own = {key: value for key, value in shown.items() if key in ("method", "form", "body")}
    assert masked(own, previewed, *secrets) == masked(sent(wire, file), real, *secrets)
    headers = {name: wire.header(name) for name in shown["headers"]}
    headers["x-own"] = "[redacted]"
    assert wire.header("x-own") == "1"
    assert masked(shown["headers"], previewed, *secrets) == masked(headers, real, *secrets)


@pytest.mark.parametrize("platform", HTTP)
def test_the_body_of_a_preview_is_the_body_that_is_sent(receive, platform):
    receiver = receive()
    own = config(platform, receiver.url("/v1/hook?key=K"))
    secrets = [value for name, value in KEYS.get(platform, {}).items() if name in shown_as_secret(platform)]
    for number, (kind, payload) in enumerate(EVENTS, start=1):
        preview = taskbell.preview(own, kind, payload)
        (shown,) = preview["requests"]
        # What has no room on a card of Slack's bot goes into its thread.
        assert "then" not in shown or platform == "slack-bot"
        with taskbell.Bell(own) as bell:
            bell.emit(kind, payload)
            wire = receiver.wait_for(number)[-1]
            (report,) = reports(bell, 1)
        assert_shown(shown, wire, (preview["event"]["id"], report["event"]), secrets, b"")


def shown_as_secret(platform: str) -> set[str]:
    return {
        "telegram": {"token"},
        "ntfy": {"topic"},
        "pagerduty": {"routing_key"},
        "bark": {"key"},
        "pushover": {"token", "user"},
    }.get(platform, {"token", "secret"})


ANSWERS = {
    "discord": lambda _request, _number: STORED,
    "telegram": lambda _request, _number: SENT,
    "wecom": lambda request, _number: MEDIA if "/upload_media?" in request.target else OK,
}
LONG = "All work and no play makes a long prompt. " * 90


@pytest.mark.parametrize("platform", ANSWERS)
@pytest.mark.parametrize(
    ("path", "text", "requests"),
    [
        ("run.log", "", {"discord": 1, "telegram": 1, "wecom": 3}),
        ("one.png", "", {"discord": 1, "telegram": 1, "wecom": 2}),
        ("large.png", "", {"discord": 1, "telegram": 1, "wecom": 2}),
        # Too long for a caption: the file follows the text.
        ("one.png", LONG, {"discord": 1, "telegram": 2, "wecom": 2}),
    ],
)
def test_a_preview_shows_the_file_and_what_follows(tmp_path, receive, ring, platform, path, text, requests):
    files = {"run_log": LOG, "one_png": png(), "large_png": png(noise=3 << 20)}
    receiver = receive(ANSWERS[platform])
    keys = TELEGRAM if platform == "telegram" else {}
    url = receiver.url("/cgi-bin/webhook/send?key=marker-4f9c2a71d0")
    headers = {"x-own": "1"}
    own = rooted(tmp_path, one(tmp_path, "team", platform, url, headers=headers, **keys), **files)
    if text:
        own["hooks"][0]["template"] = {"content": text, "text": text, "msgtype": "text"}
        if platform == "wecom":
            own["hooks"][0]["template"] = {"msgtype": "text", "text": {"content": text[:2000]}}
        if platform == "discord":
            own["hooks"][0]["template"] = {"content": text[:1900]}
    preview = taskbell.preview(own, "task.complete", event(path))
    (shown,) = preview["requests"]
    assert (shown["file"], "remark" in shown) == (path, False)
    chain = [shown, *shown.get("then", [])]
    assert len(chain) == requests[platform]
    bell = ring(own)
    bell.emit("task.complete", event(path))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    arrived = receiver.wait_for(len(chain))
    assert len(arrived) == len(chain)
    ids = (preview["event"]["id"], report["event"])
    for one_shown, wire in zip(chain, arrived):
        picture = b""
        if "image" in wire.body.decode("latin-1") and platform == "wecom":
            picture = base64.b64decode(wire.json().get("image", {}).get("base64", ""))
        if one_shown.get("body", {}).get("msgtype") == "file":
            assert one_shown["body"]["file"]["media_id"] == "[from the answer before]"
            one_shown["body"]["file"]["media_id"] = wire.json()["file"]["media_id"]
        assert_shown(one_shown, wire, ids, [], picture)
    assert "marker-4f9c2a71d0" not in json.dumps(preview)
    whole = [form for form in (one_shown.get("form") for one_shown in chain) if form]
    names = {"discord": "files[0]", "telegram": "photo", "wecom": "media"}
    if platform != "wecom" or path == "run.log":
        name = "document" if (platform, path) == ("telegram", "run.log") else names[platform]
        media = "text/plain" if path == "run.log" else "image/png"
        size = len(files[path.replace(".", "_")])
        assert whole[-1][name] == {"file": path, "type": media, "bytes": size}


@pytest.mark.parametrize("platform", ANSWERS)
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("gone.log", "it does not exist"),
        ("../secret.log", "it lies outside of the folders in `[files] roots`"),
        ("empty.log", "it is empty"),
    ],
)
def test_a_preview_says_why_a_file_does_not_go(tmp_path, receive, ring, platform, path, why):
    receiver = receive(ANSWERS[platform])
    keys = TELEGRAM if platform == "telegram" else {}
    own = rooted(tmp_path, one(tmp_path, "team", platform, receiver.url(), **keys), empty_log=b"")
    (tmp_path / "secret.log").write_bytes(LOG)
    preview = taskbell.preview(own, "task.complete", event(path))
    (shown,) = preview["requests"]
    assert shown["remark"] == f"sent without the file {path.rsplit('/', maxsplit=1)[-1]}: {why}"
    assert not {"file", "form", "then"} & {*shown}
    bell = ring(own)
    bell.emit("task.complete", event(path))
    (report,) = reports(bell, 1)
    ids = (preview["event"]["id"], report["event"])
    (wire,) = receiver.requests
    assert masked(shown["body"], ids[0]) == masked(sent(wire)["body"], ids[1])


def test_a_platform_that_takes_no_file_shows_none(tmp_path):
    own = rooted(tmp_path, one(tmp_path, "team", "slack", "http://127.0.0.1:9/x"), one_png=png())
    (shown,) = taskbell.preview(own, "task.complete", event("one.png"))["requests"]
    assert not {"file", "form", "remark", "then"} & {*shown}
