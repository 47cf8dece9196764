"""Files of a task beside its picture: documents, uploads, and everything that must not go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bells import all_text, attempts, eventually, reports
from fake_platform import fake_platform
from steps import Reply, Reset
from test_channels import OK, one, parts, png

KEY = "marker-4f9c2a71d0"
MEDIA = Reply(200, body=b'{"errcode":0,"errmsg":"ok","type":"file","media_id":"m-1"}')
STORED = Reply(200, body=b'{"id":"1"}')
SENT = Reply(200, body=b'{"ok":true,"result":{}}')
LOG = b"epoch 1: loss 0.25\n" * 20
TELEGRAM = {"chat_id": 5, "token": "1:ab"}


def event(*paths: str) -> dict[str, Any]:
    return {"name": "run-7", "outputs": [{"path": path} for path in paths]}


def rooted(directory: Path, config: dict[str, Any], **files: bytes) -> dict[str, Any]:
    """The configuration with a root that holds these files; `_` in a name stands for its dot."""
    folder = directory / "outputs"
    folder.mkdir()
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)
    return {**config, "files": {"roots": [str(folder)]}}


def rows_of(directory: Path, count: int) -> list[dict[str, Any]]:
    return eventually(
        f"{count} attempts in the log", lambda: (rows := attempts(directory)) and len(rows) >= count and rows
    )


def wecom_answers(request: Any, _number: int) -> Reply:
    return MEDIA if "/upload_media?" in request.target else OK


def wecom(directory: Path, receiver: Any, **files: bytes) -> dict[str, Any]:
    url = receiver.url(f"/cgi-bin/webhook/send?key={KEY}")
    return rooted(directory, one(directory, "team", "wecom", url), **files)


class Slow:
    """An answer that takes half a second, so that a close that does not wait for it is there first."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def run(self, exchange: Any) -> bool:
        return exchange.wait(0.5) and self.reply.run(exchange)


@pytest.mark.parametrize("path", ["run.log", "one.png"])
def test_a_file_that_follows_its_message_is_waited_for_by_a_close(tmp_path, receive, ring, path):
    def answers(request: Any, number: int) -> Any:
        return wecom_answers(request, number) if number == 0 else Slow(wecom_answers(request, number))

    receiver = receive(answers)
    bell = ring(wecom(tmp_path, receiver, run_log=LOG, one_png=png()))
    bell.emit("task.complete", event(path))
    assert bell.close(30) == 0
    rows = attempts(tmp_path)
    assert len(rows) == (3 if path == "run.log" else 2)
    assert {row["outcome"] for row in rows} == {"delivered"}, rows


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Reply(200, body=b'{"errcode":45001,"errmsg":"media size"}'), "errcode 45001"),
        (OK, "names no file"),
        (Reply(503), "503"),
        (Reset(), "reset the connection"),
    ],
)
def test_a_failed_upload_leaves_the_text_delivered_and_says_why(tmp_path, receive, ring, answer, why):
    receiver = receive(lambda request, _number: answer if "/upload_media?" in request.target else OK)
    bell = ring(wecom(tmp_path, receiver, run_log=LOG))
    bell.emit("task.complete", event("run.log"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    rows = rows_of(tmp_path, 2)
    assert rows[0]["outcome"] == "delivered"
    assert rows[1]["outcome"] != "delivered"
    assert "the message was delivered, its file was not" in rows[1]["error"]
    assert why in rows[1]["error"]
    bell.emit("task.complete", {"name": "next"})
    reports(bell, 1)
    assert [request.json()["msgtype"] for request in receiver.requests if "send" in request.target] == [
        "markdown",
        "markdown",
    ], "nothing names a file that was not taken"
    assert KEY not in all_text(tmp_path / "bell.db")


def test_a_document_that_telegram_refuses_is_left_out(tmp_path, receive, ring):
    refusal = b'{"ok":false,"error_code":400,"description":"Bad Request: DOCUMENT_INVALID"}'
    receiver = receive([Reply(400, body=refusal)], default=SENT)
    config = one(tmp_path, "chat", "telegram", receiver.url(), **TELEGRAM)
    bell = ring(rooted(tmp_path, config, run_log=LOG))
    bell.emit("task.complete", event("run.log"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    assert receiver.requests[1].target.endswith("/sendMessage")
    assert "run-7" in receiver.requests[1].json()["text"]


def test_a_picture_goes_before_any_other_file(tmp_path, receive, ring):
    receiver = receive(default=STORED)
    config = one(tmp_path, "team", "discord", receiver.url())
    bell = ring(rooted(tmp_path, config, run_log=LOG, one_png=png()))
    bell.emit("task.complete", event("run.log", "one.png"))
    reports(bell, 1)
    assert parts(receiver.requests[0])["files[0]"] == ("one.png", png())


@pytest.mark.parametrize("platform", ["telegram", "wecom"])
@pytest.mark.parametrize("content", [b"hello, I am no picture", b"\x89PNG\r\n\x1a\n" + b"broken" * 1_000_000])
def test_an_image_that_is_not_one_goes_as_a_file(tmp_path, receive, ring, platform, content):
    """Neither what its name alone calls a picture, nor what only begins as one and is too large as it is."""
    receiver = receive(wecom_answers if platform == "wecom" else (), default=SENT)
    if platform == "wecom":
        bell = ring(wecom(tmp_path, receiver, text_png=content))
    else:
        content = content if len(content) < 100 else content * 2
        config = one(tmp_path, "chat", "telegram", receiver.url(), **TELEGRAM)
        bell = ring(rooted(tmp_path, config, text_png=content))
    bell.emit("task.complete", event("text.png"))
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"]) == ("delivered", 1)
    name = "text.png" if content.startswith(b"\x89PNG") else "text.bin"
    if platform == "wecom":
        text, upload, named = receiver.wait_for(3)
        assert (text.json()["msgtype"], named.json()["msgtype"]) == ("markdown", "file")
        assert parts(upload)["media"] == (name, content)
    else:
        (request,) = receiver.requests
        assert request.target.endswith("/sendDocument")
        assert parts(request)["document"] == (name, content)


@pytest.mark.parametrize("platform", ["discord", "telegram", "wecom"])
@pytest.mark.parametrize("becomes", ["nothing", "another"])
def test_a_file_is_read_when_its_message_is_sent(tmp_path, receive, ring, platform, becomes):
    """The lane waits for its rate while the file of the second message vanishes, or is written anew."""
    answers = {
        "discord": lambda _request, _number: STORED,
        "telegram": lambda _request, _number: SENT,
        "wecom": wecom_answers,
    }
    receiver = receive(answers[platform])
    keys = TELEGRAM if platform == "telegram" else {}
    slow = {"rate": ["1/1s"], "overflow": "queue", **keys}
    bell = ring(rooted(tmp_path, one(tmp_path, "team", platform, receiver.url(), **slow), run_log=LOG))
    bell.emit("task.complete", {"name": "first"})
    reports(bell, 1)
    bell.emit("task.complete", event("run.log"))
    assert len(receiver.requests) == 1, "the second waits"
    path = tmp_path / "outputs" / "run.log"
    path.unlink()
    if becomes == "another":
        path.write_bytes(b"epoch 2\n")
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"]) == ("delivered", 1)
    assert "run-7" in receiver.requests[1].body.decode("utf-8", "replace")
    if becomes == "nothing":
        rows = rows_of(tmp_path, 2)
        assert rows[1]["error"] == "sent without the file run.log: it does not exist"
        assert receiver.requests[1].header("content-type") == "application/json"
        assert len(receiver.requests) == 2
    else:
        field = {"discord": "files[0]", "telegram": "document", "wecom": "media"}[platform]
        request = receiver.wait_for(3)[2] if platform == "wecom" else receiver.requests[1]
        assert parts(request)[field] == ("run.log", b"epoch 2\n")


def test_a_file_that_vanishes_between_two_attempts_leaves_its_message_whole(tmp_path, receive, ring):
    path = tmp_path / "outputs" / "run.log"

    def answers(_request: Any, number: int) -> Reply:
        if number == 0:
            path.unlink()
            return Reply(503)
        return STORED

    receiver = receive(answers)
    bell = ring(rooted(tmp_path, one(tmp_path, "team", "discord", receiver.url()), run_log=LOG))
    bell.emit("task.complete", event("run.log"))
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"]) == ("delivered", 2)
    first, second = receiver.requests
    assert parts(first)["files[0]"] == ("run.log", LOG)
    assert "run-7" in json.dumps(second.json()["embeds"])
    rows = rows_of(tmp_path, 2)
    assert "does not exist" in rows[1]["error"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("model.bin", "larger than"),
        ("gone.log", "does not exist"),
        ("link.log", "outside"),
        ("../secret.log", "outside"),
        ("/etc/hostname", "outside"),
        ("empty.log", "is empty"),
        ("pipe.log", "not a regular file"),
        ("folder", "not a regular file"),
    ],
)
def test_a_file_that_cannot_go_is_named_and_its_message_delivered(tmp_path, receive, ring, path, why):
    receiver = receive(default=STORED)
    bell = ring(rooted(tmp_path, one(tmp_path, "team", "discord", receiver.url()), empty_log=b""))
    folder = tmp_path / "outputs"
    (folder / "folder").mkdir()
    with (folder / "model.bin").open("wb") as sparse:
        sparse.truncate(3 << 30)
    (tmp_path / "secret.log").write_bytes(LOG)
    (folder / "link.log").symlink_to(tmp_path / "secret.log")
    os.mkfifo(folder / "pipe.log")
    bell.emit("task.complete", event(path))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    assert len(receiver.requests) == 1
    assert receiver.requests[0].header("content-type") == "application/json"
    (row,) = attempts(tmp_path)
    assert f"sent without the file {path.split('/')[-1]}: it" in row["error"]
    assert why in row["error"]


def test_a_large_file_that_cannot_get_through_never_holds_its_message_back(tmp_path, receive, ring):
    def answers(request: Any, _number: int) -> Any:
        return Reset() if len(request.body) > 1 << 20 else STORED

    receiver = receive(answers)
    config = one(tmp_path, "team", "discord", receiver.url())
    bell = ring(rooted(tmp_path, config, model_bin=b"w" * (2 << 20)))
    bell.emit("task.complete", event("model.bin"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    assert report["attempts"] == 2
    assert receiver.requests[1].header("content-type") == "application/json"
    assert "goes without it" in attempts(tmp_path)[0]["error"]


@pytest.mark.parametrize("platform", ["discord", "wecom", "telegram"])
@pytest.mark.parametrize("path", ["run.log", "one.png"])
def test_the_fake_platforms_take_files_as_their_platforms_do(tmp_path, ring, platform, path):
    with fake_platform(platform) as receiver:
        keys = TELEGRAM if platform == "telegram" else {}
        config = one(tmp_path, "team", platform, receiver.url, **keys)
        bell = ring(rooted(tmp_path, config, run_log=LOG, one_png=png(64)))
        bell.emit("task.complete", event(path))
        (report,) = reports(bell, 1)
        assert report["state"] == "delivered"
        # A picture for WeCom is a message of its own, any other file is handed over and then named.
        wecom = {"run.log": ["ok", "media", "ok"], "one.png": ["ok", "ok"]}
        wanted = ["ok"] if platform != "wecom" else wecom[path]
        assert [receiver.next()["answer"] for _ in wanted] == wanted
        rows = rows_of(tmp_path, len(wanted))
    assert {row["outcome"] for row in rows} == {"delivered"}
