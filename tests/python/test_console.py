"""The console from outside: who may ask it for what, and what it says when it cannot answer."""

from __future__ import annotations

import html
import re
import shutil
import socket
import sqlite3
import urllib.parse

import pytest

from bells import eventually, settings
from console import HOSTILE, Scene, console, refused
from tools import ROOT


@pytest.fixture
def spool(tmp_path, receive, ring):
    """A spool with one delivered delivery, and no host."""
    receiver = receive()
    bell = ring(settings(tmp_path, receiver.url()))
    bell.wait(bell.emit("task.complete", {"id": "a", "prompt": HOSTILE}))
    bell.close(5.0)
    return tmp_path / "bell.db"


def test_every_answer_has_the_headers_that_keep_the_page_to_itself(spool):
    with console(spool) as page:
        for path in [
            "/",
            "/deliveries",
            "/dead",
            "/deliveries/1",
            "/healthz",
            "/none",
            "/assets/console.css",
        ]:
            answer = page.ask(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert page.ask("/").headers["cache-control"] == "no-store"
        assert page.ask("/none").status == 404


def test_no_page_has_a_script_or_a_style_of_its_own(spool):
    with console(spool) as page:
        for path in ["/", "/deliveries", "/dead", "/deliveries/1"]:
            text = page.ask(path).text
            assert "<script>" not in text
            assert "style=" not in text
            assert "onclick" not in text
            assert "<img src=x" not in text


def test_a_foreign_name_and_a_foreign_page_are_refused(spool):
    with console(spool, "--name", "bell.example.com") as page:
        for host in ["evil.example", f"127.0.0.1.evil.example:{page.port}", ""]:
            assert page.ask("/", headers={"host": host}).status == 421, host
        for host in ["bell.example.com", f"localhost:{page.port}", "[::1]:1"]:
            assert page.ask("/", headers={"host": host}).status == 200, host
        for origin in [None, "null", "http://evil.example", "http://127.0.0.1:1"]:
            headers = {"origin": origin} if origin else {}
            answer = page.ask("/do/drop", "POST", "delivery=1", headers)
            assert answer.status == 403, origin
            assert "another page" in answer.text
        assert page.post("/do/drop", "delivery=1").status == 200
        assert page.ask("/do/drop").status == 405


def test_two_requests_in_one_are_refused(spool):
    with console(spool) as page, socket.create_connection(("127.0.0.1", page.port)) as client:
        client.sendall(
            b"GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        assert b" 400 " in client.recv(4096)


def test_a_token_is_asked_for_and_never_shown(spool, tmp_path):
    file = tmp_path / "token"
    file.write_text("a-token-of-24-characters\n")
    file.chmod(0o600)
    with console(spool, "--token-file", file) as page:
        assert page.ask("/").headers["location"] == "/sign-in"
        assert page.ask("/events").status == 401
        assert page.ask("/deliveries", headers={"hx-request": "true"}).status == 401
        assert page.ask("/healthz").text == "ok\n"
        assert page.ask("/deliveries", headers={"authorization": "Bearer wrong"}).status == 303
        bearer = {"authorization": "Bearer a-token-of-24-characters"}
        assert page.ask("/deliveries", headers=bearer).status == 200
        assert page.post("/sign-in", "token=a-token-of-24-character").status == 401
        signed_in = page.post("/sign-in", "token=a-token-of-24-characters")
        kept = signed_in.headers["set-cookie"]
        assert signed_in.status == 303
        assert "HttpOnly" in kept
        assert "SameSite=Strict" in kept
        assert "a-token-of" not in kept
        answer = page.ask("/", headers={"cookie": kept.split(";")[0]})
        assert answer.status == 200
        assert "a-token-of" not in answer.text
        assert page.post("/do/drop", "delivery=1").status == 401


def test_a_token_file_that_others_may_read_or_that_says_little_is_refused(spool, tmp_path):
    file = tmp_path / "token"
    file.write_text("a-token-of-24-characters\n")
    file.chmod(0o644)
    said = refused(spool, "--token-file", file)
    assert "can be read by other users (its mode is 644)" in said["error"]
    assert f"chmod 600 {file}" in said["next"]
    file.chmod(0o600)
    file.write_text("short\n")
    assert "fewer than 16 characters" in refused(spool, "--token-file", file)["error"]
    assert "cannot be read" in refused(spool, "--token-file", tmp_path / "none")["error"]


def test_other_machines_are_let_in_only_with_a_token(spool):
    said = refused(spool, "--listen", "0.0.0.0:0")
    assert "can be reached by other machines, and no token protects the page" in said["error"]
    assert "--token-file" in said["next"]
    assert "not an address" in refused(spool, "--listen", "nonsense")["error"]


def test_a_port_in_use_is_named_with_the_way_out(spool):
    with socket.create_server(("127.0.0.1", 0)) as other:
        said = refused(spool, "--listen", f"127.0.0.1:{other.getsockname()[1]}")
    assert "cannot listen" in said["error"]
    assert "another program uses this port" in said["next"]


def test_a_console_that_is_read_only_shows_everything_and_changes_nothing(tmp_path, receive, host):
    scene = Scene(tmp_path, receive, host)
    with console(scene.config, "--read-only") as page:
        before = scene.counts()["dead"]
        for path in ["/", "/deliveries", "/dead"]:
            answer = page.ask(path)
            assert answer.status == 200
            assert "/do/" not in answer.text
        answer = page.post("/do/replay", "reason=answered+500")
        assert answer.status == 403
        assert "read-only" in answer.text
        assert scene.counts()["dead"] == before


def test_no_page_has_a_secret(tmp_path, receive, host):
    scene = Scene(tmp_path, receive, host)
    with console(scene.config) as page:
        newest = 40
        paths = ["/", "/deliveries", "/dead", "/try", "/figures", "/metrics"]
        paths += [f"/deliveries/{number}" for number in range(1, newest)]
        text = "".join(page.ask(path).text for path in paths)
        assert "lighthouse at dusk" in text
        assert "marker-of-the" not in text


def test_a_damaged_a_newer_and_a_missing_spool_are_a_sentence_each(spool, tmp_path):
    assert "there is no spool at" in refused(tmp_path / "none.db")["error"]
    newer = tmp_path / "newer.db"
    shutil.copy(spool, newer)
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()
    assert "was written by a newer Taskbell" in refused(newer)["error"]
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database at all" * 999)
    assert "is damaged" in refused(damaged)["error"]
    with console(spool) as page:
        assert page.ask("/healthz").status == 200
        for suffix in ["", "-wal", "-shm"]:
            spool.with_name(spool.name + suffix).unlink(missing_ok=True)
        answer = page.ask("/")
        assert answer.status == 503
        assert "There is no spool at" in answer.text
        assert page.ask("/healthz").status == 503


def test_a_locked_spool_is_a_sentence(spool):
    with console(spool) as page:
        connection = sqlite3.connect(spool)
        connection.execute("BEGIN IMMEDIATE")
        assert page.ask("/deliveries").status == 200, "readers are not locked out"
        answer = page.post("/do/drop", "delivery=1")
        connection.rollback()
        connection.close()
        assert answer.status == 503
        assert "was locked by other processes for too long" in answer.text


def test_the_filters_and_the_pages_find_each_delivery_once(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(settings(tmp_path, receiver.url("/a"), receiver.url("/b")))
    for number in range(60):
        bell.emit("task.complete" if number % 2 else "test.event", {"id": f"n-{number}", "note": "50%_off"})
    bell.flush(20.0)
    eventually("all arrived", lambda: bell.stats()["delivered"] == 120)
    bell.sync()
    part = {"hx-request": "true"}
    with console(tmp_path / "bell.db") as page:

        def numbers(path: str) -> list[int]:
            links = page.ask(path, headers=part).text.split('href="/deliveries/')[1:]
            return [int(link.split('"')[0]) for link in links]

        first = numbers("/deliveries")
        assert len(first) == 50
        second = numbers(f"/deliveries?before={first[-1]}")
        third = numbers(f"/deliveries?before={second[-1]}")
        found = first + second + third
        assert found == sorted(found, reverse=True)
        assert len(set(found)) == 120
        assert len(numbers("/deliveries?endpoint=e0&type=test.event")) == 30
        assert len(numbers("/deliveries?text=N-59")) == 2
        assert len(numbers("/deliveries?text=50%25_OFF")) == 50
        assert numbers("/deliveries?text=50xoff") == []
        assert numbers("/deliveries?state=dead") == []
        assert len(numbers("/deliveries?since=1h&hook=hooks%5B0%5D")) == 50
        assert numbers("/deliveries?endpoint=none") == []


def test_the_page_is_in_the_language_of_its_reader(spool):
    with console(spool) as page:
        assert "Deliveries" in page.ask("/deliveries").text
        chinese = page.ask("/deliveries", headers={"accept-language": "zh-CN,en;q=0.5"}).text
        assert 'lang="zh"' in chinese
        assert "投递" in chinese
        chosen = page.ask("/deliveries?lang=zh")
        assert chosen.headers["set-cookie"].startswith("taskbell_language=zh")
        kept = {"cookie": "taskbell_language=en", "accept-language": "zh"}
        assert 'lang="en"' in page.ask("/", headers=kept).text


def test_an_event_is_tried_with_a_copy_whose_secrets_are_masked(tmp_path, receive, host):
    scene = Scene(tmp_path, receive, host)
    with console(scene.config) as page:
        form = page.ask("/try").text
        assert "marker-of-the" not in form
        copy = html.unescape(form.split('name="config"')[1].split(">", 1)[1].split("</textarea>")[0])
        assert "xxxxxx xxxxxx-xx-xxx-xxxxxx" in copy
        assert "/api/webhooks/0000000000/xxxxxx-xx-xxx-xxxxxx" in copy
        assert "[endpoints.team]" in copy

        def tried(config: str, kind: str = "task.complete", payload: str = "") -> str:
            body = urllib.parse.urlencode({"type": kind, "payload": payload, "config": config})
            return html.unescape(page.post("/try", body, **{"hx-request": "true"}).text)

        failed = tried(copy, payload='{"status": "error", "name": "Frame 7"}')
        assert failed.count("fires") >= 3
        assert "Task failed: Frame 7" in failed
        assert 'badge bad">error' not in failed
        wrong = tried(copy.replace("only_failures = true", "only_failure = true", 1))
        assert "did you mean `only_failures`?" in wrong
        assert re.search(r"line </?\w*>?\d+|line \d+", wrong)
        assert "only_failure = true\n" in wrong
        assert "^" in wrong
        assert "give one JSON object" in tried(copy, payload="{broken")
        assert "No hook fires" in tried(copy, kind="nobody.listens")


def test_a_test_message_reaches_one_endpoint_and_leaves_the_spool_alone(tmp_path, receive, host):
    scene = Scene(tmp_path, receive, host)
    with console(scene.config) as page:
        before = scene.counts()
        arrived = len(scene.ci.requests)
        assert "has it" in page.post("/do/test", "endpoint=ci").text
        assert scene.ci.wait_for(arrived + 1)[-1].json()["type"] == "message"
        refusal = page.post("/do/test", "endpoint=ops").text
        assert "did not take it" in refusal
        assert "answered 500" in refusal
        assert page.post("/do/test", "endpoint=nobody").status == 404
        assert {**scene.counts(), "bytes": 0} == {**before, "bytes": 0}
    with console(scene.config, "--read-only") as page:
        assert page.post("/do/test", "endpoint=ci").status == 403


def test_the_figures_are_those_of_the_spool(tmp_path, receive, host):
    scene = Scene(tmp_path, receive, host)
    with console(scene.config) as page:
        text = page.ask("/figures").text
        assert "p99" in text
        assert "100 %" in text
        assert "0.0 %" in text
        answer = page.ask("/metrics")
        assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        assert answer.text.endswith("# EOF\n")
        samples = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
        counts = scene.counts()
        assert samples['taskbell_deliveries{state="dead"}'] == str(counts["dead"]) == "1"
        assert samples['taskbell_endpoint_dead{endpoint="ops"}'] == "1"
        assert samples['taskbell_endpoint_state{endpoint="sms",taskbell_endpoint_state="quiet"}'] == "1"
        assert samples['taskbell_endpoint_state{endpoint="ci",taskbell_endpoint_state="open"}'] == "1"
        assert samples["taskbell_alerts_firing"] == "1"
        assert samples["taskbell_hosts"] == "1"
        families = [line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")]
        assert len(families) == len(set(families))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_every_text_has_the_contrast_of_wcag_aa():
    style = (ROOT / "crates" / "cli" / "assets" / "console.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    )
    grounds = ["ground", "surface", "calm-ground"]
    pairs = [
        (text, ground) for text in ["text", "muted", "link", "good", "bad", "warn"] for ground in grounds
    ]
    pairs += [(tone, f"{tone}-ground") for tone in ["good", "bad", "warn"]]
    pairs += [("text", f"{tone}-ground") for tone in ["good", "bad", "warn"]]
    pairs += [("on-main", "main"), ("on-danger", "danger")]
    for colours in [light, {**light, **dark}]:
        for text, ground in pairs:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        # What is drawn needs less.
        for mark in ["dns", "connect", "tls", "wait", "rest"]:
            assert contrast(colours[mark], colours["surface"]) >= 2.9, mark
