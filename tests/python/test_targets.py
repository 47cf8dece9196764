"""The URL of an endpoint goes over the wire byte for byte, as it was copied from the platform."""

from __future__ import annotations

from typing import Any

import pytest

from bells import endpoint, reports, settings
from corpus import OWN_KEYS
from test_platforms import HTTP

TEAMS = (
    "/workflows/0f3b5c0de7a14f6b9d3f2a1b0c9d8e7f/triggers/manual/paths/invoke?api-version=2016-06-01"
    "&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a-b_c%2BD3eF4gH5iJ6kL7mN8oP9qR0sT1uV2wX3yZ4%3D"
)
POWER = "/powerautomate/automations/direct" + TEAMS
THREAD = "&threadKey=renders%20of%20today&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
CHAT = "/v1/spaces/AAAAy-Z_0/messages?key=AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY&token=t0K-en_x%2By%3D"
TOKEN = "5f0e4b7c1d9a8e3f6b2c7d4e9f1a0b8c5d6e7f3a2b1c0d9e8f7a6b5c4d3e2f1a"
BOT = "123456789:ABCdefGhIJKlmNoPQRsTUVwxyZ012345678"

# The platform, what was copied, further keys, and what is asked for where that is more.
TARGETS: list[tuple[str, str, dict[str, Any], str]] = [
    ("teams", TEAMS, {}, ""),
    ("teams", POWER, {}, ""),
    ("googlechat", CHAT, {}, ""),
    ("googlechat", CHAT + THREAD, {}, ""),
    ("slack", "/services/T0123ABCD/B0456EFGH/abcDEF123ghiJKL456mnoPQR", {}, ""),
    ("slack-bot", "/api", OWN_KEYS["slack-bot"], "/chat.postMessage"),
    ("slack-workflow", "/triggers/T0123ABCD/7291837465/0a1b2c3d4e5f67890a1b2c3d4e5f6789", {}, ""),
    ("discord", f"/api/webhooks/112233445566778899/{TOKEN}-_", {}, "?wait=true"),
    ("discord", f"/api/v10/webhooks/1122/{TOKEN}?thread_id=99%2F1&wait=true", {}, "="),
    ("wecom", "/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa", {}, ""),
    ("dingtalk", f"/robot/send?access_token={TOKEN}", {}, ""),
    ("dingtalk", "/robot/send?access_token=ab%2Bc%2Fd%3D&x=+", {}, ""),
    ("feishu", "/open-apis/bot/v2/hook/8f2a6c1e-0000-4b7d-9e3f-1a2b3c4d5e6f", {}, ""),
    ("telegram", f"/bot{BOT}", {"chat_id": 5}, "/sendMessage"),
    ("telegram", "/", {"chat_id": 5, "token": BOT}, f"bot{BOT}/sendMessage"),
    ("mattermost", "/sub/hooks/xyz1abc2def3ghi4jkl5mno6pq", {}, ""),
    ("ntfy", "/", {"topic": "renders-7Qm2"}, ""),
    ("pagerduty", "/v2/enqueue", OWN_KEYS["pagerduty"], ""),
    ("github", "/repos/example/models.v2/dispatches", OWN_KEYS["github"], ""),
    ("gitlab", "/api/v4/projects/group%2Fsub%2Fname/trigger/pipeline", OWN_KEYS["gitlab"], ""),
    ("apprise", "/notify/renders-7Qm2", {}, ""),
    ("bark", "/", OWN_KEYS["bark"], "push"),
    ("gotify", "/sub/", OWN_KEYS["gotify"], "message"),
    ("home-assistant", "/api/webhook/render-done-7Qm2", {}, ""),
    (
        "matrix",
        "/",
        OWN_KEYS["matrix"],
        "_matrix/client/v3/rooms/!renders:example.org/send/m.room.message/{id}",
    ),
    ("pushover", "/1/messages.json", OWN_KEYS["pushover"], ""),
    ("pushplus", "/send", OWN_KEYS["pushplus"], ""),
    ("rocketchat", "/sub/hooks/65f1c0ffee/Xq2vJ8zRk3TnW5yB7mC9", {}, ""),
    ("serverchan", "/send/sctp9tAbC.send", {}, ""),
    ("zulip", "/", OWN_KEYS["zulip"], "api/v1/messages"),
    ("cloudevents", "/events;v=1?a=%E6%B8%B2&b=%27&c=1+2%2B3&d[]=x&e=~!*()$,@:", {}, ""),
    ("json", "/hook%20s/%7Bid%7D?a=&&b&c==%3D&d=%2f%2F&e=1%20+%2B&f=@:/?", {}, ""),
]


def test_every_platform_has_a_url_that_is_tried() -> None:
    assert {platform for platform, *_ in TARGETS} == {*HTTP}


@pytest.mark.parametrize(("platform", "copied", "keys", "more"), TARGETS)
def test_a_url_goes_over_the_wire_as_it_was_copied(tmp_path, receive, ring, platform, copied, keys, more):
    receiver = receive()
    team = endpoint(receiver.url(copied), platform=platform, rate=[], retry={"schedule": []}, **keys)
    bell = ring(settings(tmp_path, endpoints={"team": team}))
    bell.emit("task.complete", {"name": "run-7"})
    (report,) = reports(bell, 1)
    wanted = copied if more == "=" else copied + more.replace("{id}", report["event"])
    assert {request.target for request in receiver.requests} == {wanted}
