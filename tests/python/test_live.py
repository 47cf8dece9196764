"""Living messages: one message a run, which is edited, against chats that know their messages."""

from __future__ import annotations

import json
import random
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import taskbell
from bells import eventually, query
from documents import one
from hosts import Host
from receiver import Receiver, Request
from steps import Reply
from tools import run

TEXT = "{{ event.type }} {{ queue.done | default(0) }}"


class Discord:
    """A webhook that keeps its messages: posts, edits, and 10008 for what it does not have."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.shown: dict[str, list[str]] = {}
        """What each message has shown, by its id."""
        self.deleted: set[str] = set()
        self.calls: list[str] = []
        self.script: list[Reply] = []
        """Answers to the next requests, whatever they are."""
        self.receiver = Receiver(self.answer)
        self.url = self.receiver.url("/api/webhooks/1/token")

    def answer(self, request: Request, _number: int) -> Reply:
        with self.lock:
            body = request.json()
            text = body.get("content") or body["embeds"][0]["title"]
            self.calls.append(f"{request.method} {text}")
            if self.script:
                return self.script.pop(0)
            if request.method == "POST":
                assert request.target.endswith("?wait=true"), request.target
                name = str(1000 + len(self.shown))
                self.shown[name] = [text]
                return Reply(200, json.dumps({"id": name}).encode())
            found = re.fullmatch(r"/api/webhooks/1/token/messages/(\d+)", request.target)
            assert request.method == "PATCH"
            assert found, request.target
            name = found[1]
            if name not in self.shown or name in self.deleted:
                return Reply(404, b'{"message": "Unknown Message", "code": 10008}')
            self.shown[name].append(text)
            return Reply(200, json.dumps({"id": name}).encode())

    def last(self) -> list[str]:
        """What each message shows now."""
        with self.lock:
            return [texts[-1] for texts in self.shown.values()]


@pytest.fixture
def discord() -> Any:
    chat = Discord()
    yield chat
    chat.receiver.close()


def config(directory: Path, url: str, **more: Any) -> dict[str, Any]:
    endpoint = {
        "platform": "discord",
        "url": url,
        "rate": ["1000/s"],
        "retry": {"schedule": ["50ms", "100ms", "1s"]},
        **more.pop("endpoint", {}),
    }
    hook = {
        "on": ["queue.start", "queue.progress", "queue.end"],
        "to": ["chat"],
        "live": "queue.name",
        "template": {"content": TEXT},
        **more.pop("hook", {}),
    }
    return {
        "spool": {"path": str(directory / "bell.db")},
        "queue": {"end_delay": "0s"},
        "endpoints": {"chat": endpoint},
        "hooks": [hook],
        **more,
    }


def progress(bell: taskbell.Bell, done: int, queue: str = "film") -> None:
    bell.emit("queue.progress", {"name": queue, "done": done})


def showing(discord: Discord, *texts: str) -> None:
    eventually(f"it shows {texts}", lambda: discord.last() == list(texts))


def test_a_run_is_one_message_and_the_next_run_another(tmp_path, ring, discord):
    bell = ring(config(tmp_path, discord.url))
    for _run in range(2):
        bell.emit("queue.start", {"name": "film"})
        bell.flush(20)
        for done in (5, 7):
            progress(bell, done)
            bell.flush(20)
        bell.emit("queue.end", {"name": "film", "total": 7})
        assert bell.wait(bell.emit("other", {}), 20)
        eventually("it is closed", lambda: discord.last()[-1] == "queue.end 0")
    assert (
        list(discord.shown.values())
        == [["queue.start 0", "queue.progress 5", "queue.progress 7", "queue.end 0"]] * 2
    )


def test_the_configuration_of_the_document(tmp_path, ring, discord, monkeypatch):
    monkeypatch.setenv("TEAM_URL", discord.url)
    text = one("docs/live.md", "toml", "live").replace('"15s"', '"1s"')
    endpoint, spool = 'platform = "discord"\nurl =', f"[spool]\npath = '{tmp_path / 'bell.db'}'\n\n"
    bell = ring(spool + text.replace("url =", endpoint))
    for remaining in (8, 7):
        bell.task_complete({"duration_s": 2, "queue_remaining": remaining})
        eventually("its progress is shown", lambda left=remaining: f"{9 - left} of 9" in str(discord.last()))
    bell.queue_end({})
    eventually("its end is shown", lambda: "finished" in str(discord.last()))
    assert [call.split()[0] for call in discord.calls] == ["POST", "PATCH", "PATCH"]


def test_two_queues_are_two_messages(tmp_path, ring, discord):
    bell = ring(config(tmp_path, discord.url))
    for done in range(1, 4):
        for queue in ("film", "stills"):
            progress(bell, done, queue)
            bell.flush(20)
    showing(discord, "queue.progress 3", "queue.progress 3")
    assert [len(texts) for texts in discord.shown.values()] == [3, 3]


def test_a_message_that_somebody_deleted_is_posted_again_once(tmp_path, ring, discord):
    bell = ring(config(tmp_path, discord.url))
    progress(bell, 1)
    showing(discord, "queue.progress 1")
    discord.deleted.add("1000")
    progress(bell, 2)
    showing(discord, "queue.progress 1", "queue.progress 2")
    progress(bell, 3)
    showing(discord, "queue.progress 1", "queue.progress 3")
    methods = [call.split()[0] for call in discord.calls]
    assert methods == ["POST", "PATCH", "POST", "PATCH"]
    bell.close(5)
    (row,) = query(
        tmp_path / "bell.db", "SELECT value FROM state WHERE kind = 'live message' AND name LIKE 'evt%'"
    )
    live = json.loads(row["value"])
    assert (live["edits"], live["reposts"], live["message"]) == (1, 1, "1001")


def test_a_wait_is_honoured_on_edits_and_only_the_newest_state_waits(tmp_path, ring, discord):
    bell = ring(config(tmp_path, discord.url))
    progress(bell, 0)
    showing(discord, "queue.progress 0")
    with discord.lock:
        discord.script = [Reply(429, b'{"retry_after": 1.0, "message": "slow"}', {"retry-after": "1"})]
    for done in range(1, 20):
        progress(bell, done)
        if done == 1:
            eventually("the first edit was refused", lambda: len(discord.calls) == 2)
    bell.emit("queue.end", {"name": "film", "total": 9})
    showing(discord, "queue.end 0")
    assert discord.calls == ["POST queue.progress 0", "PATCH queue.progress 1", "PATCH queue.end 0"]
    first, second = discord.receiver.requests[1:3]
    assert second.monotonic - first.monotonic >= 1.0
    stats = bell.stats()
    assert (stats["superseded"], stats["dead"]) == (19, 0)
    bell.close(5)
    reasons = query(
        tmp_path / "bell.db",
        "SELECT DISTINCT substr(reason, 1, 18) AS said FROM deliveries WHERE state = 'dead'",
    )
    assert [row["said"] for row in reasons] == ["superseded by evt_"]


def test_the_last_state_arrives_through_a_receiver_that_is_down(tmp_path, ring, discord):
    bell = ring(config(tmp_path, discord.url))
    progress(bell, 1)
    showing(discord, "queue.progress 1")
    with discord.lock:
        discord.script = [Reply(503)] * 3
    bell.emit("queue.end", {"name": "film", "total": 1})
    showing(discord, "queue.end 0")
    assert len(discord.calls) == 5


class FilmHost(Host):
    """A process with a bell, which reports what it is told about the film."""

    def emit(self, kind: str, **payload: Any) -> None:
        self.call("emit", kind, {"name": "film", **payload})
        self.call("flush", 20)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_the_same_message_goes_on_after_a_kill_and_in_another_process(tmp_path, ring, discord):
    settings = config(tmp_path, discord.url)
    for done in range(1, 4):
        host = FilmHost(settings)
        host.emit("queue.progress", done=done)
        showing(discord, f"queue.progress {done}")
        eventually("the answer is recorded", lambda done=done: recorded(tmp_path) == done)
        host.kill()
    peer, host = FilmHost(settings), FilmHost(settings)
    host.emit("queue.progress", done=4)
    showing(discord, "queue.progress 4")
    with discord.lock:
        discord.script = [Reply(503)]
    host.emit("queue.progress", done=5)
    host.kill()
    showing(discord, "queue.progress 5")
    peer.emit("queue.end", total=5)
    showing(discord, "queue.end 0")
    peer.kill()
    assert len(discord.shown) == 1


def recorded(directory: Path) -> int:
    return len(query(directory / "bell.db", "SELECT seq FROM all_deliveries WHERE state = 'delivered'"))


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_whatever_is_killed_and_whatever_fails_the_newest_state_is_shown_last(tmp_path, discord):
    seed = random.SystemRandom().randrange(1 << 32)
    moment = random.Random(seed)
    settings = config(tmp_path, discord.url, endpoint={"concurrency": 3})
    hosts = [FilmHost(settings), FilmHost(settings)]
    done = 0
    for _step in range(60):
        move = moment.random()
        if move < 0.15:
            at = moment.randrange(2)
            hosts[at].kill()
            hosts[at] = FilmHost(settings)
        elif move < 0.35:
            with discord.lock:
                wait = {"retry-after": "0.05"}
                discord.script.append(
                    moment.choice([Reply(503), Reply(429, b"{}", wait), Reply(500, delay=0.05)])
                )
        elif move < 0.4:
            with discord.lock:
                discord.deleted.update(list(discord.shown)[-1:])
        else:
            done += 1
            moment.choice(hosts).emit("queue.progress", done=done)
    with discord.lock:
        discord.script.clear()
    hosts[0].emit("queue.end", total=done)
    eventually(f"the end is shown, seed {seed}", lambda: discord.last()[-1:] == ["queue.end 0"])
    eventually(
        "nothing waits",
        lambda: not query(tmp_path / "bell.db", "SELECT seq FROM deliveries WHERE state = 'pending'"),
    )
    for host in hosts:
        host.kill()
    for texts in discord.shown.values():
        numbers = [int(text.split()[1]) for text in texts if text.startswith("queue.progress")]
        assert numbers == sorted(numbers), (seed, texts)
    assert discord.last()[-1] == "queue.end 0", seed


def test_without_a_file_the_message_is_edited_too(ring, discord):
    settings = config(Path("."), discord.url)
    settings["spool"] = {"path": ":memory:"}
    bell = ring(settings)
    for done in range(1, 4):
        progress(bell, done)
        bell.flush(20)
    bell.emit("queue.end", {"name": "film", "total": 3})
    showing(discord, "queue.end 0")


def test_where_nothing_can_be_edited_the_first_and_the_last_state_are_sent(tmp_path, ring, receive):
    receiver = receive()
    settings = config(tmp_path, receiver.url(), endpoint={"platform": "json"})
    bell = ring(settings)
    for done in range(1, 4):
        progress(bell, done)
        bell.flush(20)
    bell.emit("queue.end", {"name": "film", "total": 3})
    texts = [request.json()["content"] for request in receiver.wait_for(2)]
    assert texts == ["queue.progress 1", "queue.end 0"]
    (row, _) = query(
        tmp_path / "bell.db",
        "SELECT said FROM accounts JOIN events ON seq = event WHERE type = 'queue.progress'",
    )
    assert "left out: its platform cannot edit" in row["said"]


def test_what_has_no_key_is_a_message_of_its_own(tmp_path, ring, discord):
    logged: list[str] = []
    bell = ring(config(tmp_path, discord.url, hook={"live": "event.data.shot"}))
    bell.set_log(lambda _level, text: logged.append(text))
    keyless: list[Any] = [[1], None, {"a": 1}, ""]
    for shot in [*keyless, "s", "s", 42, 42, True, True]:
        bell.emit("queue.progress", {"name": "film", "done": 1, "shot": shot})
        bell.flush(20)
    bell.emit("queue.progress", {"name": "film", "done": 1})
    eventually("all are shown", lambda: len(discord.calls) == len(keyless) + 7)
    calls = [call.split()[0] for call in discord.calls]
    assert calls == ["POST"] * len(keyless) + ["POST", "PATCH"] * 3 + ["POST"]
    assert bell.stats()["conditions_broken"] == len(keyless) + 1
    eventually("it is logged", lambda: sum("`live` of" in text for text in logged) == len(keyless) + 1)


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ({"live": "queue."}, "live"),
        ({"live": ""}, "hooks[0].live the text is empty"),
        ({"live": 5}, "hooks[0].live expected text"),
        ({"live": ["queue.name"]}, "hooks[0].live expected text"),
        ({"live": "queue.failures"}, "a key must be text or a number"),
        ({"live": "quue.name"}, "quue"),
        ({"digest": "1h"}, "`live` and `digest` exclude each other"),
        ({"cooldown": "1h"}, "`live` and `cooldown` exclude each other"),
        ({"supersede": "queue.name"}, "`live` and `supersede` exclude each other"),
        ({"quiet_hours": "22:00-07:00"}, "`live` and `quiet_hours` exclude each other"),
    ],
)
def test_a_hook_that_makes_no_sense_is_refused_with_its_place(tmp_path, hook, said):
    report = taskbell.check(config(tmp_path, "https://discord.com/api/webhooks/1/t", hook=hook))
    assert not report["ok"]
    assert any(said in f"{error['key']} {error['message']}" for error in report["errors"]), report


class Telegram:
    """A bot's chat that keeps its messages."""

    def __init__(self) -> None:
        self.shown: dict[int, list[str]] = {}
        self.calls: list[str] = []
        self.receiver = Receiver(self.answer)

    def answer(self, request: Request, _number: int) -> Reply:
        body, method = request.json(), request.target.rsplit("/", 1)[1]
        self.calls.append(method)

        def refuse(words: str) -> Reply:
            answer = {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"}
            return Reply(400, json.dumps(answer).encode())

        assert body["chat_id"] == -100
        if method == "sendMessage":
            number = 1 + len(self.shown)
            self.shown[number] = [body["text"]]
        else:
            assert method == "editMessageText"
            assert set(body) <= {"chat_id", "message_id", "text", "parse_mode", "link_preview_options"}
            number = body["message_id"]
            if number not in self.shown:
                return refuse("message to edit not found")
            if self.shown[number][-1] == body["text"]:
                return refuse("message is not modified: specified new message content is exactly the same")
            self.shown[number].append(body["text"])
        return Reply(200, json.dumps({"ok": True, "result": {"message_id": number, "date": 1}}).encode())


def test_telegram_edits_its_text_and_an_edit_that_changes_nothing_is_delivered(tmp_path, ring):
    chat = Telegram()
    endpoint = {"platform": "telegram", "chat_id": "-100", "token": "123456:ABC-DEF"}
    hook = {"template": {"text": TEXT}}
    bell = ring(config(tmp_path, chat.receiver.url("/"), endpoint=endpoint, hook=hook))
    for done in (1, 2, 2):
        progress(bell, done)
        bell.flush(20)
    eventually("the third was answered", lambda: bell.stats()["delivered"] == 3)
    chat.shown[7] = chat.shown.pop(1)
    progress(bell, 3)
    eventually("it was posted again", lambda: bell.stats()["delivered"] == 4)
    assert chat.calls == ["sendMessage"] + ["editMessageText"] * 3 + ["sendMessage"]
    chat.receiver.close()


def test_show_tells_the_life_of_a_message(tmp_path, ring, discord):
    from fake_platform import command

    bell = ring(config(tmp_path, discord.url))
    for done in (1, 2, 3):
        progress(bell, done)
        bell.flush(20)
        showing(discord, f"queue.progress {done}")
    bell.emit("queue.end", {"name": "film", "total": 3})
    showing(discord, "queue.end 0")
    bell.close(5)
    (row,) = query(tmp_path / "bell.db", "SELECT max(seq) AS last FROM all_deliveries")
    shown = run(command(), "show", tmp_path / "bell.db", row["last"])
    assert re.search(r"living message `film`: posted at .* UTC, edited 3 times, closed at ", shown), shown
