"""One marker in every place that may hold a secret, then a search through everything a person can read."""

from __future__ import annotations

import base64
import json

import pytest

import taskbell
from bells import TYPES, all_text, endpoint, eventually, settings
from proxy import Proxy
from receiver import Receiver
from steps import Reply

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
