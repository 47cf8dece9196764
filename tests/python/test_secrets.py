"""One marker in every place that may hold a secret, then a search through everything a person can read."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote_plus, unquote

import pytest

import taskbell
from bells import TYPES, all_text, attempts, endpoint, eventually, settings
from proxy import Proxy
from receiver import Receiver
from steps import Reply
from test_platforms import HTTP

MARK = "zqMarker"
SIGNING = "whsec_" + base64.b64encode(f"{MARK}-signing-secret-".encode() * 2).decode()
SECRETS = {
    "path": f"{MARK}PathT0ken",
    "query": f"{MARK}QueryT0ken",
    "header": f"{MARK}HeaderT0ken",
    "user": f"{MARK}UserName",
    "password": f"{MARK}UserPassw0rd",
    "proxy": f"{MARK}ProxyPassw0rd",
    "hub": f"{MARK}HubSecret",
    "file": f"{MARK}FileSecret",
    "signing": SIGNING,
}
SECRETS["basic login"] = base64.b64encode(f"{SECRETS['user']}:{SECRETS['password']}".encode()).decode()


def echo(request, _number):
    """A receiver that says back everything it was sent."""
    return Reply(500, request.raw_head + request.body, headers={"x-echo": request.target})


@pytest.fixture
def config(tmp_path, monkeypatch, receive):
    """Endpoints that carry every secret to receivers that echo, refuse, or are not there."""
    monkeypatch.setenv("TASKBELL_TEST_SIGNING", SECRETS["signing"])
    monkeypatch.setenv("TASKBELL_TEST_URL", receive(echo).url(f"/{SECRETS['path']}?k={SECRETS['query']}"))
    (tmp_path / "secret.txt").write_text(SECRETS["file"] + "\n")
    nobody = Receiver()
    nobody.close()
    login = f"{SECRETS['user']}:{SECRETS['password']}@"
    tail = f"/{SECRETS['path']}?k={SECRETS['query']}"
    signed = {"sign": [{"scheme": "github", "secrets": [SECRETS["hub"]]}]}
    everything = {
        "headers": {"authorization": f"Bearer {SECRETS['header']}", "x-file": f"file:{tmp_path}/secret.txt"},
        "sign": [
            {"scheme": "standard-webhooks", "secrets": ["env:TASKBELL_TEST_SIGNING"]},
            {"scheme": "github", "secrets": [SECRETS["hub"]]},
        ],
    }
    with Proxy(login="somebody:else") as proxy:
        endpoints = {
            "echo": endpoint("env:TASKBELL_TEST_URL", **everything),
            "login": endpoint(receive(echo).url(tail).replace("://", f"://{login}"), **signed),
            "nobody": endpoint(nobody.url(tail).replace("://", f"://{login}"), **signed),
            "tls": endpoint(receive().url(tail).replace("http", "https"), timeout="1s", **everything),
            "proxied": endpoint(receive().url(tail), proxy=proxy.url(f"u:{SECRETS['proxy']}"), **everything),
        }
        yield settings(tmp_path, endpoints=endpoints)


def assert_clean(where: str, text: str) -> None:
    for name, secret in SECRETS.items():
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert form not in text, f"{where} shows the {name} secret: …{_around(text, form)}…"
    assert MARK not in text, f"{where} shows a part of a secret: …{_around(text, MARK)}…"


def _around(text: str, part: str) -> str:
    at = text.index(part)
    return text[max(0, at - 200) : at + 200]


def test_no_secret_is_shown_anywhere(tmp_path, config):
    lines: list[str] = []
    assert_clean("check", json.dumps(taskbell.check(config)))
    for kind in TYPES:
        assert_clean("preview", json.dumps(taskbell.preview(config, kind, {"name": "x"})))
    found = []
    with taskbell.Bell(config) as bell:
        bell.set_log(lambda level, message: lines.append(f"{level} {message}"))
        bell.emit("test.event", {"name": "x"})
        bell.task_complete({"name": "x"})

        def all_ended() -> bool:
            while (report := bell.poll()) is not None:
                found.append(report)
            return len(found) >= 10

        eventually("ten ended deliveries", all_ended, timeout=60)
        assert {report["state"] for report in found} == {"dead"}
        assert_clean("a report", json.dumps(found))
        assert_clean("stats", json.dumps(bell.stats()))
        bell.set_log(None)
    assert_clean("the log", "\n".join(lines))
    assert_clean("last_error", taskbell.last_error())
    spool = all_text(tmp_path / "bell.db")
    assert "500" in spool
    assert_clean("the spool", spool)


BROKEN = [
    lambda c: c["endpoints"]["echo"].update(url=f"ftp://host/{SECRETS['path']}"),
    lambda c: c["endpoints"]["echo"].update(url=f"http://{SECRETS['user']}:{SECRETS['password']}@/"),
    lambda c: c["endpoints"]["echo"].update(url=f"not a url {SECRETS['path']}"),
    lambda c: c["endpoints"]["echo"].update(headers={"bad header": SECRETS["header"]}),
    lambda c: c["endpoints"]["echo"].update(headers={"x-a": SECRETS["header"] + "\n"}),
    lambda c: c["endpoints"]["echo"]["sign"][0].update(secrets=[f"whsec_{MARK}!not-base64!"]),
    lambda c: c["endpoints"]["echo"].update(proxy=f"socks9://u:{SECRETS['proxy']}@127.0.0.1:1"),
]


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_a_broken_configuration_is_told_without_its_secrets(config, number):
    BROKEN[number](config)
    assert_clean("check", json.dumps(taskbell.check(config)))
    with pytest.raises(taskbell.TaskbellError) as refusal:
        taskbell.Bell(config)
    assert refusal.value.name == "CONFIG"
    assert refusal.value.message
    assert_clean("the error", str(refusal.value))


LONG = f"{MARK}T0ken5f0e4b7c1d9a8e3f6b2c7d4e9f1a0b8c"
KEY = f"{MARK}0123456789abcdef01234567"

# The platform, the end of its URL, and its keys; every secret among them has the marker.
PLATFORMS: list[tuple[str, str, dict[str, object]]] = [
    ("json", f"/hooks/{LONG}?k={LONG}", {}),
    ("cloudevents", f"/events/{LONG}", {}),
    ("slack", f"/services/T0123ABCD/B0456EFGH/{LONG}", {}),
    ("slack-bot", "/api/", {"token": f"xoxb-{LONG}", "channel": "C0123ABCD"}),
    ("slack-workflow", f"/triggers/T0123ABCD/7291837465/{LONG}", {}),
    ("discord", f"/api/webhooks/112233445566778899/{LONG}-_", {}),
    ("teams", f"/workflows/0f3b/triggers/manual/paths/invoke?sp=%2Ftriggers&sv=1.0&sig={LONG}%2B-_", {}),
    ("googlechat", f"/v1/spaces/AAAA/messages?key={LONG}&token=t{LONG}%3D", {}),
    ("mattermost", f"/hooks/{LONG}", {}),
    ("wecom", f"/cgi-bin/webhook/send?key={LONG}", {}),
    ("dingtalk", f"/robot/send?access_token={LONG}", {"secret": f"SEC{KEY}"}),
    ("feishu", f"/open-apis/bot/v2/hook/{LONG}", {"secret": KEY}),
    ("telegram", "/", {"chat_id": 5, "token": f"123456789:{LONG}"}),
    ("telegram", f"/bot123456789:{LONG}", {"chat_id": 5}),
    ("ntfy", "/", {"topic": f"{MARK}-7Qm2", "token": f"tk_{KEY}"}),
    ("pagerduty", "/v2/enqueue", {"routing_key": KEY}),
    ("github", "/repos/a/b/dispatches", {"event_type": "trained", "token": f"github_pat_{LONG}"}),
    ("gitlab", "/api/v4/projects/4/trigger/pipeline", {"ref": "main", "token": f"glptt-{KEY}/&+"}),
    ("apprise", "/", {"key": KEY}),
    ("bark", f"/{LONG}", {}),
    ("gotify", "/", {"token": KEY}),
    ("gotify", f"/message?token={LONG}", {}),
    ("home-assistant", "/api/services/notify/phone", {"token": LONG}),
    ("matrix", "/", {"room": "!r:example.org", "token": f"syt_{LONG}"}),
    ("pushover", "/1/messages.json", {"token": KEY, "user": f"u{KEY}"}),
    ("pushplus", "/send", {"token": KEY}),
    ("rocketchat", f"/hooks/65f1c0ffee/{LONG}", {}),
    ("serverchan", f"/{LONG}.send", {}),
    ("zulip", "/", {"bot": "b@example.org", "key": KEY, "channel": "c", "topic": "t"}),
]


def test_every_platform_has_secrets_that_are_tried() -> None:
    assert {platform for platform, *_ in PLATFORMS} == {*HTTP}


def pieces(path: str, keys: dict[str, object]) -> list[str]:
    """What is secret, by itself: a receiver may quote the token alone."""
    words = [word for part in path.split("?") for word in re.split(r"[/&=]", part)]
    values = [str(value) for value in keys.values()]
    found = [
        piece for word in [*words, *values] for piece in (word, word.removeprefix("bot")) if MARK in word
    ]
    return [form for piece in found for form in (piece, unquote(piece), quote_plus(unquote(piece)))]


@pytest.mark.parametrize("status", [200, 400, 403, 500])
@pytest.mark.parametrize(("platform", "path", "keys"), PLATFORMS)
def test_no_secret_of_a_platform_is_shown_to_a_person(tmp_path, receive, ring, platform, path, keys, status):
    """The receiver says back all that it was sent, in each field that a platform's answer has."""

    def answer(request, _number):
        words = " ".join(pieces(path, keys))
        text = f"{words} {request.raw_head.decode('latin-1')} {request.body.decode('utf-8', 'replace')}"
        if status == 500:
            return Reply(500, text.encode(), headers={"x-echo": request.target})
        fields = dict.fromkeys(("description", "message", "msg", "errmsg"), text)
        codes = {"ok": False, "error_code": status, "errcode": 1, "code": 1, "errors": [text]}
        error = {"error": {"message": text, "status": text}} if platform == "googlechat" else {"error": text}
        return Reply(status, json.dumps({**fields, **codes, **error}).encode())

    receiver = receive(answer)
    retry = {"schedule": ["10ms"]}
    team = endpoint(receiver.url(path), platform=platform, rate=[], retry=retry, **keys)
    config = settings(tmp_path, endpoints={"team": team})
    shown = json.dumps(taskbell.preview(config, "task.complete", {"name": "run-7"}))
    assert "run-7" in shown
    lines: list[str] = []
    bell = ring(config)
    bell.set_log(lambda level, message: lines.append(f"{level} {message}"))
    bell.emit("task.complete", {"name": "run-7"})
    receiver.wait_answered(1)
    bell.flush(20)
    ended: list[object] = []
    while (report := bell.poll()) is not None:
        ended.append(report)
    logged = [json.dumps(row) for row in attempts(tmp_path)]
    assert logged
    everywhere = {
        "check": json.dumps(taskbell.check(config)),
        "the preview": shown,
        "an attempt": "\n".join(logged),
        "a report": json.dumps(ended),
        "stats": json.dumps(bell.stats()),
        "last_error": taskbell.last_error(),
        "the spool": all_text(tmp_path / "bell.db"),
    }
    bell.set_log(None)
    for where, text in {**everywhere, "the log": "\n".join(lines)}.items():
        assert_clean(where, text)
