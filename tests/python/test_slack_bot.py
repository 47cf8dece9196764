"""Slack with a bot token, against a workspace that knows its messages, its threads and its files."""

from __future__ import annotations

import json
import random
import string
import sys
import threading
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from bells import all_text, attempts, eventually, query, reports
from fake_platform import fake_platform
from receiver import Receiver, Request
from steps import Reply, Reset
from test_channels import png
from test_files import LOG, event, rooted, rows_of
from test_live import FilmHost, config, progress, recorded

TOKEN = "xoxb-7-marker-7c41d9"
CHANNEL = "C0123ABCD"
BOT = {"platform": "slack-bot", "token": TOKEN, "channel": CHANNEL}


class Workspace:
    """Slack with one channel, as docs.slack.dev describes messages, edits and the upload of files."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.shown: dict[str, list[str]] = {}
        """What each message of the channel has shown, by its time."""
        self.replies: list[tuple[str, str]] = []
        """The thread and the text of each reply."""
        self.files: list[tuple[str, str, bytes]] = []
        """The thread, the name and the bytes of each file in the channel."""
        self.pending: dict[str, dict[str, Any]] = {}
        self.deleted: set[str] = set()
        self.foreign: set[str] = set()
        self.calls: list[str] = []
        self.script: dict[str, list[Any]] = {}
        """What happens to the next calls of a method, whatever they are."""
        self.secret = "".join(random.SystemRandom().choices(string.ascii_letters, k=40))
        self.receiver = Receiver(self.answer)
        self.url = self.receiver.url("/api/")

    def answer(self, request: Request, _number: int) -> Any:
        path = urllib.parse.urlsplit(request.target).path
        method = path.rsplit("/", 1)[1] if path.startswith("/api/") else "bytes"
        with self.lock:
            self.calls.append(method)
            if self.script.get(method):
                step = self.script[method].pop(0)
                if not callable(step):
                    return step
                return step(self, request)
            return self.own(method, request)

    def own(self, method: str, request: Request) -> Reply:
        if method == "bytes":
            return self.store(request)
        assert request.header("authorization") == f"Bearer {TOKEN}"
        if method == "files.getUploadURLExternal":
            assert request.header("content-type") == "application/x-www-form-urlencoded"
            form = dict(urllib.parse.parse_qsl(request.body.decode()))
            file = f"F{len(self.pending) + 1:04}"
            self.pending[file] = {"name": form["filename"], "length": int(form["length"]), "bytes": None}
            address = self.receiver.url(f"/upload/v1/{file}-{self.secret}")
            # Slack escapes slashes.
            answer = json.dumps({"ok": True, "upload_url": address, "file_id": file}).replace("/", "\\/")
            return Reply(200, answer.encode())
        body = request.json()
        if method == "files.completeUploadExternal":
            return self.share(body)
        assert body["channel"] == CHANNEL, body
        if method == "chat.update":
            return self.edit(body)
        assert method == "chat.postMessage", method
        assert "thread" not in body
        time = f"1700000000.{len(self.shown) + len(self.replies):06}"
        if thread := body.get("thread_ts"):
            if thread not in self.shown:
                return self.refusal("thread_not_found")
            self.replies.append((thread, json.dumps(body)))
        else:
            self.shown[time] = [body["text"]]
        return self.said(ts=time, message=body)

    def store(self, request: Request) -> Reply:
        assert request.header("authorization") is None
        assert request.header("x-own") is None
        assert TOKEN.encode() not in request.body
        file = self.pending[request.target.rsplit("/", 1)[1].split("-")[0]]
        if len(request.body) != file["length"]:
            return Reply(400, b"wrong length")
        file["bytes"] = request.body
        return Reply(200, f"OK - {len(request.body)}".encode())

    def share(self, body: dict[str, Any]) -> Reply:
        assert body["channel_id"] == CHANNEL, body
        (named,) = body["files"]
        file = self.pending.pop(named["id"], None)
        if file is None or file["bytes"] is None:
            return self.refusal("file_not_found")
        assert body["thread_ts"] in self.shown, body
        self.files.append((body["thread_ts"], named["title"], file["bytes"]))
        return self.said(files=[{"id": named["id"], "title": named["title"]}])

    def edit(self, body: dict[str, Any]) -> Reply:
        time = body["ts"]
        if time in self.foreign:
            return self.refusal("cant_update_message")
        if time not in self.shown or time in self.deleted:
            return self.refusal("message_not_found")
        # What is not named stays.
        assert {"text", "blocks", "attachments"} <= set(body), body
        self.shown[time].append(body["text"])
        return self.said(ts=time, text=body["text"])

    def said(self, **more: Any) -> Reply:
        return Reply(200, json.dumps({"ok": True, "channel": CHANNEL, **more}).encode())

    def refusal(self, error: str) -> Reply:
        return Reply(200, json.dumps({"ok": False, "error": error}).encode())

    def last(self) -> list[str]:
        with self.lock:
            return [texts[-1] for texts in self.shown.values()]


@pytest.fixture
def slack() -> Any:
    workspace = Workspace()
    yield workspace
    workspace.receiver.close()


def bot(directory: Path, slack: Workspace, **files: bytes) -> dict[str, Any]:
    settings = config(directory, slack.url, endpoint={**BOT, "headers": {"x-own": "own-header"}})
    settings["hooks"] = [{"on": ["task.complete"], "to": ["chat"]}]
    return rooted(directory, settings, **files)


@pytest.mark.parametrize(("path", "data"), [("one.png", png()), ("run.log", LOG)])
def test_a_file_goes_into_the_thread_of_its_message(tmp_path, ring, slack, path, data):
    logged: list[str] = []
    bell = ring(bot(tmp_path, slack, **{path.replace(".", "_"): data}))
    bell.set_log(lambda _level, text: logged.append(text))
    bell.emit("task.complete", event(path))
    eventually("the file is in the channel", lambda: slack.files)
    ((time, _),) = slack.shown.items()
    assert slack.files == [(time, path, data)]
    assert slack.calls == [
        "chat.postMessage",
        "files.getUploadURLExternal",
        "bytes",
        "files.completeUploadExternal",
    ]
    rows = rows_of(tmp_path, 4)
    assert [(row["number"], row["outcome"]) for row in rows] == [(n, "delivered") for n in (1, 2, 3, 4)]
    assert bell.close(5) == 0
    kept = all_text(tmp_path / "bell.db") + "".join(logged)
    assert slack.secret not in kept
    assert TOKEN not in kept


NO_ADDRESS = b'{"ok":true,"file_id":"F1"}'


@pytest.mark.parametrize(
    ("method", "answer", "why"),
    [
        ("files.getUploadURLExternal", Reply(200, b'{"ok":false,"error":"missing_scope"}'), "files:write"),
        ("files.getUploadURLExternal", Reply(200, NO_ADDRESS), "names no address of Slack's"),
        ("files.getUploadURLExternal", Reset(), "reset the connection"),
        ("bytes", Reply(500, b"no"), "answered 500"),
        ("bytes", Reply(410, b"gone"), "answered 410"),
        ("bytes", Reset(), "reset the connection"),
        ("files.completeUploadExternal", Reply(200, b'{"ok":false,"error":"invalid_channel"}'), "channel"),
        ("files.completeUploadExternal", Reply(503), "503"),
    ],
)
def test_a_failed_upload_leaves_the_message_delivered_once(tmp_path, ring, slack, method, answer, why):
    # A connection that breaks at once may only be an old one: the request is sent once more.
    slack.script[method] = [answer] * 2
    bell = ring(bot(tmp_path, slack, one_png=png()))
    bell.emit("task.complete", event("one.png"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    calls = ["chat.postMessage", "files.getUploadURLExternal", "bytes", "files.completeUploadExternal"]
    rows = rows_of(tmp_path, 1 + calls.index(method))
    assert "the message was delivered, its image was not" in rows[-1]["error"]
    assert why in rows[-1]["error"]
    bell.emit("task.complete", {"name": "next"})
    reports(bell, 1)
    assert len(slack.shown) == 2
    assert slack.calls.count("chat.postMessage") == 2
    assert slack.files == []
    assert bell.stats()["lanes"]["chat"]["state"] != "gone"
    assert slack.secret not in all_text(tmp_path / "bell.db")


def test_no_bytes_go_to_an_address_of_anybody_else(tmp_path, ring, receive, slack):
    other = receive(default=Reply(200, b"OK - 1"))
    answer = {"ok": True, "upload_url": other.url("/upload/v1/marker-5d1f00aa"), "file_id": "F1"}
    slack.script["files.getUploadURLExternal"] = [Reply(200, json.dumps(answer).encode())]
    bell = ring(bot(tmp_path, slack, one_png=png()))
    bell.emit("task.complete", event("one.png"))
    reports(bell, 1)
    rows = rows_of(tmp_path, 2)
    assert "names no address of Slack's for the file" in rows[1]["error"]
    bell.close(5)
    assert other.requests == []
    assert "marker-5d1f00aa" not in all_text(tmp_path / "bell.db")


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "bytes", "files.completeUploadExternal"])
def test_a_kill_while_the_file_goes_posts_no_message_twice(tmp_path, slack, method):
    reached = threading.Event()

    def hangs(_workspace: Workspace, _request: Request) -> Reply:
        reached.set()
        return Reply(500, delay=20)

    slack.script[method] = [hangs]
    settings = bot(tmp_path, slack, one_png=png())
    host = FilmHost(settings)
    host.call("emit", "task.complete", event("one.png"))
    assert reached.wait(30)
    eventually("the answer is recorded", lambda: recorded(tmp_path) == 1)
    host.kill()
    again = FilmHost(settings)
    again.emit("task.complete", name="next")
    eventually("the next one is posted", lambda: len(slack.shown) == 2)
    again.kill()
    assert len(slack.shown) == 2
    assert slack.calls.count("chat.postMessage") == 2


def test_what_a_card_has_no_room_for_and_the_replies_of_a_template_are_in_the_thread(tmp_path, ring, slack):
    settings = bot(tmp_path, slack)
    replies = [{"text": "{{ event.data.n }} a"}, {"text": "b"}]
    settings["hooks"].append(
        {"on": ["test.event"], "to": ["chat"], "template": {"text": "t", "thread": replies}}
    )
    bell = ring(settings)
    trace = "\n".join(f'  File "sampler.py", line {number}, in step' for number in range(39))
    error = {"message": "out of memory", "traceback": f"Traceback\n{trace}"}
    bell.emit("task.complete", {"name": "fox", "status": "error", "error": error})
    (reply,) = eventually("the traceback is in the thread", lambda: list(slack.replies))
    ((time, _),) = slack.shown.items()
    assert reply[0] == time
    assert json.dumps(trace)[1:-1] in reply[1]
    bell.emit("test.event", {"n": 1})
    eventually("both replies are there", lambda: len(slack.replies) == 3)
    thread = list(slack.shown)[1]
    assert [(at, json.loads(body)["text"]) for at, body in slack.replies[1:]] == [
        (thread, "1 a"),
        (thread, "b"),
    ]


LIVING = {"template": {"text": "{{ event.type }} {{ queue.done | default(0) }}"}}


def showing(slack: Workspace, *texts: str) -> None:
    eventually(f"it shows {texts}", lambda: slack.last() == list(texts))


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_the_same_message_goes_on_after_a_kill_and_in_another_process(tmp_path, slack):
    settings = config(tmp_path, slack.url, endpoint=BOT, hook=LIVING)
    for done in range(1, 4):
        host = FilmHost(settings)
        host.emit("queue.progress", done=done)
        showing(slack, f"queue.progress {done}")
        eventually("the answer is recorded", lambda done=done: recorded(tmp_path) == done)
        host.kill()
    peer, host = FilmHost(settings), FilmHost(settings)
    host.emit("queue.progress", done=4)
    showing(slack, "queue.progress 4")
    with slack.lock:
        slack.script["chat.update"] = [Reply(503)]
    host.emit("queue.progress", done=5)
    host.kill()
    showing(slack, "queue.progress 5")
    peer.emit("queue.end", total=5)
    showing(slack, "queue.end 0")
    peer.kill()
    assert slack.calls.count("chat.postMessage") == 1


@pytest.mark.parametrize("lost", ["deleted", "foreign"])
def test_a_message_that_cannot_be_edited_is_posted_again_once(tmp_path, ring, slack, lost):
    bell = ring(config(tmp_path, slack.url, endpoint=BOT, hook=LIVING))
    progress(bell, 1)
    showing(slack, "queue.progress 1")
    getattr(slack, lost).add(next(iter(slack.shown)))
    progress(bell, 2)
    showing(slack, "queue.progress 1", "queue.progress 2")
    progress(bell, 3)
    showing(slack, "queue.progress 1", "queue.progress 3")
    assert slack.calls == ["chat.postMessage", "chat.update", "chat.postMessage", "chat.update"]
    bell.close(5)
    (row,) = query(
        tmp_path / "bell.db", "SELECT value FROM state WHERE kind = 'live message' AND name LIKE 'evt%'"
    )
    live = json.loads(row["value"])
    assert (live["edits"], live["reposts"]) == (1, 1)
    assert live["message"] == f"{CHANNEL}:{list(slack.shown)[1]}"


def test_a_wait_is_honoured_on_edits_and_only_the_newest_state_waits(tmp_path, ring, slack):
    bell = ring(config(tmp_path, slack.url, endpoint=BOT, hook=LIVING))
    progress(bell, 0)
    showing(slack, "queue.progress 0")
    limited = Reply(429, b'{"ok":false,"error":"ratelimited"}', {"retry-after": "1"})
    with slack.lock:
        slack.script["chat.update"] = [limited]
    for done in range(1, 20):
        progress(bell, done)
        if done == 1:
            eventually("the first edit was refused", lambda: len(slack.calls) == 2)
    bell.emit("queue.end", {"name": "film", "total": 9})
    showing(slack, "queue.end 0")
    assert slack.calls == ["chat.postMessage", "chat.update", "chat.update"]
    first, second = slack.receiver.requests[1:3]
    assert second.monotonic - first.monotonic >= 1.0
    stats = bell.stats()
    assert (stats["superseded"], stats["dead"]) == (19, 0)


def test_serve_takes_a_message_its_file_and_an_edit_and_knows_no_other(tmp_path, ring):
    with fake_platform("slack-bot") as served:
        settings = config(tmp_path, served.url, endpoint=BOT, hook=LIVING)
        settings["hooks"].append({"on": ["task.complete"], "to": ["chat"]})
        bell = ring(rooted(tmp_path, settings, one_png=png()))
        bell.emit("task.complete", event("one.png"))
        heard = [served.next() for _ in range(4)]
        assert [one["answer"] for one in heard] == ["ok", "upload_url", "stored", "completed"]
        assert heard[2]["target"].startswith("/upload/v1/")
        assert heard[3]["body"]["thread_ts"] == "1700000000.000100"
        for done in (1, 2):
            progress(bell, done)
            one = served.next()
            assert one["answer"] == "ok", one
        assert one["target"] == "/api/chat.update"
        assert one["body"]["ts"] == "1700000000.000101"
        assert bell.close(5) == 0
    assert {row["outcome"] for row in attempts(tmp_path)} == {"delivered"}
