"""Platforms through the library: signatures for each attempt, plainer re-sends, files, summaries."""

from __future__ import annotations

import email
import json
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import taskbell
from bells import DEADLINE_S, attempts, endpoint, eventually, invariant, reports, settings
from steps import Reply

SECRET = "SECmarker4f9c2a71d0"
OK = Reply(200, body=b'{"errcode":0,"errmsg":"ok"}')


def png(size: int = 8, noise: int = 0) -> bytes:
    """A square picture, with as many bytes of text beside it as asked for."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x40\x80\xc0" * size for _ in range(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    text = chunk(b"tEXt", b"Comment\0" + b"x" * noise)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + text
    return start + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def parts(request: Any) -> dict[str, tuple[str | None, bytes]]:
    """The parts of a form by name: file name and bytes."""
    head = f"Content-Type: {request.header('content-type')}\r\n\r\n".encode()
    form = email.message_from_bytes(head + request.body)
    return {
        part.get_param("name", header="content-disposition"): (
            part.get_filename(),
            part.get_payload(decode=True),
        )
        for part in form.get_payload()
    }


def one(directory: Path, name: str, platform: str, url: str, **more: Any) -> dict[str, Any]:
    rates = {"rate": []} | more
    return settings(directory, endpoints={name: endpoint(url, platform=platform, **rates)})


def picture_event(path: str) -> dict[str, Any]:
    return {"name": "portrait-07", "outputs": [{"path": path, "mime": "image/png"}]}


def outputs(directory: Path, **files: bytes) -> dict[str, Any]:
    folder = directory / "outputs"
    folder.mkdir()
    for name, data in files.items():
        (folder / f"{name}.png").write_bytes(data)
    return {"roots": [str(folder)]}


def test_discord_gets_the_picture_of_a_task(tmp_path, receive, ring):
    receiver = receive(default=Reply(200, body=b'{"id":"1"}'))
    files = outputs(tmp_path, one=png())
    bell = ring({**one(tmp_path, "team", "discord", receiver.url()), "files": files})
    bell.emit("task.complete", picture_event("one.png"))
    reports(bell, 1)
    form = parts(receiver.requests[0])
    assert form["files[0]"] == ("one.png", png())
    payload = json.loads(form["payload_json"][1])
    assert payload["embeds"][0]["image"] == {"url": "attachment://one.png"}
    assert b"tEXt" not in (tmp_path / "bell.db").read_bytes()


def test_without_roots_no_file_is_read(tmp_path, receive, ring):
    receiver = receive(default=Reply(200, body=b'{"id":"1"}'))
    (tmp_path / "one.png").write_bytes(png())
    bell = ring(one(tmp_path, "team", "discord", receiver.url()))
    bell.emit("task.complete", picture_event(str(tmp_path / "one.png")))
    reports(bell, 1)
    assert receiver.requests[0].header("content-type") == "application/json"


def test_a_picture_that_discord_refuses_is_left_out(tmp_path, receive, ring):
    refusal = Reply(413, body=b'{"code":40005,"message":"Request entity too large"}')
    receiver = receive([refusal], default=Reply(200, body=b'{"id":"1"}'))
    bell = ring({**one(tmp_path, "team", "discord", receiver.url()), "files": outputs(tmp_path, one=png())})
    bell.emit("task.complete", picture_event("one.png"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    assert "files[0]" in parts(receiver.requests[0])
    assert receiver.requests[1].json()["embeds"][0].get("image") is None


def test_a_picture_that_wecom_refuses_leaves_the_text_delivered(tmp_path, receive, ring):
    receiver = receive([OK], default=Reply(200, body=b'{"errcode":40006}'))
    bell = ring({**one(tmp_path, "team", "wecom", receiver.url()), "files": outputs(tmp_path, one=png())})
    bell.emit("task.complete", picture_event("one.png"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    rows = eventually(
        "both attempts in the log", lambda: (rows := attempts(tmp_path)) and len(rows) == 2 and rows
    )
    assert rows[1]["outcome"] == "final"
    assert "its image was not" in rows[1]["error"]
    invariant(bell.stats(), 1)


class Held:
    """Answers once it may."""

    def __init__(self, reply: Reply) -> None:
        self.may_answer = threading.Event()
        self._reply = reply

    def run(self, exchange: Any) -> bool:
        self.may_answer.wait(DEADLINE_S)
        return self._reply.run(exchange)


def test_what_the_rate_cannot_carry_is_folded_into_one_summary(tmp_path, receive, ring):
    first = Held(Reply(200, body=b"ok"))
    receiver = receive([first], default=Reply(200, body=b"ok"))
    bell = ring(one(tmp_path, "team", "slack", receiver.url(), rate="1/2s", timeout="60s"))
    for number in range(120):
        status = "error" if number % 10 == 3 else "success"
        bell.emit("task.complete", {"name": f"frame-{number:03}", "status": status})
        receiver.wait_for(1)
    eventually("all wait", lambda: bell.stats()["pending"] == 120)
    first.may_answer.set()
    found = reports(bell, 120)
    assert {report["state"] for report in found} == {"delivered"}
    bodies = [request.json() for request in receiver.requests]
    assert len(bodies) <= 5, "120 messages at one in two seconds would take four minutes"
    summary = next(body for body in bodies if "tasks finished" in body["text"])
    assert "frame-" in json.dumps(summary)
    folded = [row for row in attempts(tmp_path) if "sent in one summary of" in (row["error"] or "")]
    assert len(folded) >= 100
    assert {row["outcome"] for row in folded} == {"delivered"}
    invariant(bell.stats(), 120)


def many_after_one(bell: taskbell.Bell, count: int) -> list[dict[str, Any]]:
    """One message uses the rate up; the others have to wait, and are folded. Their reports."""
    bell.emit("task.complete", {"name": "frame"})
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    for number in range(count):
        bell.emit("task.complete", {"name": f"frame-{number}"})
    return reports(bell, count)


def test_when_a_summary_fails_for_good_all_of_it_are_dead_letters(tmp_path, receive, ring):
    receiver = receive([Reply(200, body=b"ok")], default=Reply(403, body=b"action_prohibited"))
    bell = ring(one(tmp_path, "team", "slack", receiver.url(), rate="1/2s"))
    found = many_after_one(bell, 90)
    assert {report["state"] for report in found} == {"dead"}
    assert all("action_prohibited" in report["reason"] for report in found)
    assert len(receiver.requests) == 2
    invariant(bell.stats(), 91)


def test_a_summary_that_must_wait_goes_again_as_a_summary(tmp_path, receive, ring):
    receiver = receive([Reply(200, body=b"ok"), Reply(503)], default=Reply(200, body=b"ok"))
    bell = ring(one(tmp_path, "team", "slack", receiver.url(), rate="1/2s"))
    found = many_after_one(bell, 90)
    assert {(report["state"], report["attempts"]) for report in found} == {("delivered", 2)}
    assert len(receiver.requests) == 3
    assert "90" in receiver.requests[1].json()["text"]
    invariant(bell.stats(), 91)


def test_a_cloud_event_is_the_same_on_each_attempt(tmp_path, receive, ring):
    receiver = receive([Reply(503)], default=Reply(202))
    bell = ring(one(tmp_path, "bus", "cloudevents", receiver.url(), mode="binary"))
    bell.emit("task.complete", {"name": "run-7"})
    (report,) = reports(bell, 1)
    first, second = receiver.requests
    for request in (first, second):
        assert request.header("ce-specversion") == "1.0"
        assert request.header("ce-type") == "taskbell.task.complete"
        assert request.header("ce-id") == report["event"]
        assert request.json()["task"]["name"] == "run-7"
    assert first.body == second.body
