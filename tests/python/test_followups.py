"""What an answer means beyond its own request: for the endpoint, the next attempt, and where to go."""

from __future__ import annotations

import json
from typing import Any

from bells import attempts, eventually, reports
from steps import Reply, Reset
from test_channels import OK, one, png
from test_files import LOG, SENT, TELEGRAM, event, rooted, wecom

THROTTLED = Reply(429, headers={"retry-after": "1"}, body=b"{}")
GONE = Reply(200, body=b'{"errcode":93000,"errmsg":"invalid webhook url"}')


def refused(words: str, **more: Any) -> Reply:
    said = {"ok": False, "error_code": 400, "description": f"Bad Request: {words}", **more}
    return Reply(400, body=json.dumps(said).encode())


def test_a_webhook_that_is_gone_when_the_picture_follows_is_closed(tmp_path, receive, ring):
    receiver = receive(lambda request, _number: GONE if b'"image"' in request.body[:40] else OK)
    bell = ring(wecom(tmp_path, receiver, one_png=png()))
    bell.emit("task.complete", event("one.png"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    eventually("the endpoint is closed", lambda: bell.stats()["lanes"]["team"]["state"] == "gone")
    bell.emit("task.complete", event())
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"]) == ("dead", 0)
    assert len(receiver.requests) == 2


def test_a_webhook_that_is_gone_when_a_file_is_handed_over_is_closed(tmp_path, receive, ring):
    receiver = receive(lambda request, _number: GONE if "/upload_media?" in request.target else OK)
    bell = ring(wecom(tmp_path, receiver, run_log=LOG))
    bell.emit("task.complete", event("run.log"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    eventually("the endpoint is closed", lambda: bell.stats()["lanes"]["team"]["state"] == "gone")


def test_a_wait_asked_for_when_the_file_follows_holds_for_the_next_message(tmp_path, receive, ring):
    receiver = receive(lambda request, _number: THROTTLED if "/sendDocument" in request.target else SENT)
    config = one(tmp_path, "chat", "telegram", receiver.url(), **TELEGRAM)
    bell = ring(rooted(tmp_path, config, run_log=LOG))
    long = {**event("run.log"), "status": "error", "error": "out of memory " * 200}
    bell.emit("task.complete", {**long, "text": "x" * 1500, "name": "x" * 200})
    _, document = receiver.wait_for(2)
    assert document.target.endswith("/sendDocument"), document.target
    bell.emit("task.complete", event())
    asked = receiver.wait_for(3)
    assert asked[2].monotonic - asked[1].monotonic >= 0.99


def test_a_group_that_has_a_new_number_is_followed_there(tmp_path, receive, ring):
    moved = refused("group chat was upgraded", parameters={"migrate_to_chat_id": -1007})
    receiver = receive(lambda request, _number: SENT if request.json()["chat_id"] == -1007 else moved)
    bell = ring(one(tmp_path, "chat", "telegram", receiver.url(), **TELEGRAM))
    for _ in range(2):
        bell.emit("task.complete", event())
        (report,) = reports(bell, 1)
        assert report["state"] == "delivered"
    assert [request.json()["chat_id"] for request in receiver.requests] == [5, -1007, -1007]
    bell.close(5)
    rows = attempts(tmp_path)
    assert "set `chat_id = -1007`; sent again at once to the new number" in rows[0]["error"]


def test_a_template_that_names_a_chat_of_its_own_moves_nobody_else(tmp_path, receive, ring):
    moved = refused("group chat was upgraded", parameters={"migrate_to_chat_id": -1007})
    receiver = receive(lambda request, _number: moved if request.json()["chat_id"] == 6 else SENT)
    config = one(tmp_path, "chat", "telegram", receiver.url(), **TELEGRAM)
    own = {"on": ["test.event"], "to": ["chat"], "template": {"chat_id": 6, "text": "t"}}
    config["hooks"] = [own, {"on": ["task.complete"], "to": ["chat"]}]
    bell = ring(config)
    bell.emit("test.event")
    (report,) = reports(bell, 1)
    assert report["state"] == "dead"
    bell.emit("task.complete", event())
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    assert [request.json()["chat_id"] for request in receiver.requests] == [6, 5]


def test_a_robot_that_asks_for_quiet_again_gets_ten_minutes(tmp_path, receive, ring):
    receiver = receive(lambda _request, _number: THROTTLED)
    bell = ring(one(tmp_path, "team", "dingtalk", receiver.url()))
    bell.emit("task.complete", event())
    receiver.wait_for(2)
    eventually("the second is settled", lambda: bell.stats()["lanes"]["team"]["in_flight"] == 0)
    bell.close(0)
    first, second = (row["next_at"] - row["started_at"] for row in attempts(tmp_path))
    assert 1_000 <= first < 60_000
    assert 600_000 <= second < 660_000


def test_a_file_that_was_too_much_leaves_one_plainer_try(tmp_path, receive, ring):
    def answers(request: Any, _number: int) -> Any:
        if len(request.body) > 1 << 20:
            return Reset()
        return refused("can't parse entities") if "parse_mode" in request.json() else SENT

    receiver = receive(answers)
    config = one(tmp_path, "chat", "telegram", receiver.url(), **TELEGRAM)
    bell = ring(rooted(tmp_path, config, model_bin=b"w" * (2 << 20)))
    bell.emit("task.complete", event("model.bin"))
    (report,) = reports(bell, 1)
    assert (report["state"], report["attempts"]) == ("delivered", 3)


def test_a_mention_that_pings_nobody_is_told_to_the_log(tmp_path, receive, ring):
    config = one(tmp_path, "team", "slack", receive().url(), mentions=["@ada"])
    bell = ring(config)
    lines: list[str] = []
    bell.set_log(lambda _level, message: lines.append(message))
    eventually("the warning", lambda: any("`slack` notifies nobody for" in line for line in lines))
    before = len(lines)
    bell.reload(config)
    eventually("it again", lambda: any("`slack` notifies nobody for" in line for line in lines[before:]))
