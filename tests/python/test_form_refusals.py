"""Refusals for the form of a message: plainer forms at once, and the platform's words when it takes none."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

from bells import attempts, endpoint, reports, settings
from steps import Reply

KEYS: dict[str, dict[str, Any]] = {
    "telegram": {"chat_id": "5", "token": "1:ab"},
    "ntfy": {"topic": "t"},
    "pagerduty": {"routing_key": "0" * 32},
    "github": {"token": "t", "event_type": "e"},
    "gitlab": {"token": "t", "ref": "main"},
}

TAKEN: dict[str, Reply] = {
    "slack": Reply(200, body=b"ok"),
    "mattermost": Reply(200, body=b"ok"),
    "discord": Reply(200, body=b'{"id":"1"}'),
    "telegram": Reply(200, body=b'{"ok":true}'),
    "feishu": Reply(200, body=b'{"code":0}'),
    "dingtalk": Reply(200, body=b'{"errcode":0}'),
    "wecom": Reply(200, body=b'{"errcode":0}'),
    "teams": Reply(202),
    "googlechat": Reply(200, body=b'{"name":"spaces/A/messages/B"}'),
    "ntfy": Reply(200, body=b'{"id":"x"}'),
    "pagerduty": Reply(202),
}

# By platform: status, body, and the words that the reason has.
REFUSALS: list[tuple[str, int, str, str]] = [
    ("slack", 400, "invalid_blocks", "invalid_blocks"),
    ("slack", 400, "Something nobody documented", "Something nobody documented"),
    ("discord", 400, '{"embeds": ["0"]}', "embeds: 0"),
    ("discord", 400, '{"message": "Invalid Form Body", "code": 50035}', "Invalid Form Body"),
    ("telegram", 400, '{"ok": false, "error_code": 400, "description": "BUTTON_URL_INVALID"}', "BUTTON_URL"),
    ("feishu", 400, '{"code": 9499, "msg": "Bad Request"}', "Bad Request"),
    ("feishu", 200, '{"code": 10001, "msg": "invalid card"}', "invalid card"),
    ("dingtalk", 200, '{"errcode": 400403, "errmsg": "msgtype is null"}', "msgtype is null"),
    ("dingtalk", 400, '{"code": "x", "message": "illegal parameter"}', "illegal parameter"),
    ("wecom", 200, '{"errcode": 40063, "errmsg": "some parameters are empty"}', "some parameters are empty"),
    ("wecom", 413, "<html><title>413 Too Large</title></html>", "413 Too Large"),
    ("teams", 400, '{"error": {"code": "InvalidRequestContent", "message": "bad card"}}', "bad card"),
    ("teams", 400, "Bad payload received by generic incoming webhook.", "Bad payload"),
    ("googlechat", 400, '{"error": {"status": "INVALID_ARGUMENT", "message": "bad widget"}}', "bad widget"),
    ("mattermost", 400, '{"id": "x.y", "message": "bad attachments"}', "bad attachments"),
    ("mattermost", 413, "", "413"),
    ("ntfy", 400, '{"code": 40018, "error": "invalid request: actions invalid"}', "actions invalid"),
    ("pagerduty", 400, '{"message": "invalid", "errors": ["images is invalid"]}', "images is invalid"),
    ("github", 422, '{"message": "Invalid request.\\n\\nToo deep."}', "Too deep"),
    ("gitlab", 400, '{"message": {"base": ["Reference not found"]}}', "Reference not found"),
]

TEMPLATES: dict[str, Any] = {
    "slack": {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*{{ task.name }}*"}}]},
    "discord": {"embeds": [{"title": "{{ task.name }}", "fields": [{"name": "a", "value": "b"}]}]},
    "telegram": {
        "text": "{{ task.name }}",
        "reply_markup": {"inline_keyboard": [[{"text": "o", "url": "https://x.example.com"}]]},
    },
    "feishu": {
        "msg_type": "interactive",
        "card": {"elements": [{"tag": "markdown", "content": "**{{ task.name }}**"}]},
    },
    "dingtalk": {
        "msgtype": "actionCard",
        "actionCard": {
            "title": "t",
            "text": "### {{ task.name }}",
            "btns": [{"title": "o", "actionURL": "https://x.example.com"}],
        },
    },
    "wecom": {
        "msgtype": "template_card",
        "template_card": {
            "card_type": "text_notice",
            "main_title": {"title": "{{ task.name }}"},
            "card_action": {"type": 1, "url": "https://x.example.com"},
        },
    },
    "teams": {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        {"type": "TextBlock", "text": "{{ task.name }}"},
                        {"type": "ColumnSet", "columns": []},
                    ],
                },
            }
        ],
    },
    "googlechat": {
        "cardsV2": [{"card": {"sections": [{"widgets": [{"textParagraph": {"text": "{{ task.name }}"}}]}]}}]
    },
    "mattermost": {"text": "t", "attachments": [{"text": "{{ task.name }}", "fields": []}]},
    "ntfy": {
        "message": "{{ task.name }}",
        "actions": [{"action": "view", "label": "o", "url": "https://x.example.com"}],
    },
    "pagerduty": {
        "payload": {"summary": "{{ task.name }}", "source": "h", "severity": "error"},
        "images": [{"src": "https://x.example.com/1.png"}],
    },
    "github": {"model": "{{ task.name }}"},
    "gitlab": {"variables": {"MODEL": "{{ task.name }}"}},
}

# What a receiver takes that refuses each platform's richer forms.
PLAIN: dict[str, Callable[[dict[str, Any]], bool]] = {
    "slack": lambda body: list(body) == ["text"],
    "discord": lambda body: "fields" not in json.dumps(body),
    "telegram": lambda body: not {"parse_mode", "reply_markup"} & body.keys(),
    "feishu": lambda body: body["msg_type"] == "text",
    "dingtalk": lambda body: body["msgtype"] == "text",
    "wecom": lambda body: body["msgtype"] == "text",
    "teams": lambda body: not any(word in json.dumps(body) for word in ("ColumnSet", "Image")),
    "googlechat": lambda body: list(body) == ["text"],
    "mattermost": lambda body: list(body) == ["text"],
    "ntfy": lambda body: "actions" not in body,
    "pagerduty": lambda body: "images" not in body and "links" not in body,
}

TASK = {
    "name": "portrait-07",
    "status": "error",
    "error": {"message": "CUDA out of memory"},
    "outputs": [{"url": "https://cdn.example.com/1.png", "mime": "image/png"}],
}


def config(tmp_path: Any, platform: str, url: str, template: Any) -> dict[str, Any]:
    team = endpoint(url, platform=platform, rate=[], retry={"schedule": ["1h"]}, **KEYS.get(platform, {}))
    hook = {"on": ["task.complete"], "to": ["team"]} | ({"template": template} if template else {})
    return settings(tmp_path, endpoints={"team": team}, hooks=[hook])


@pytest.mark.parametrize("form", ["card", "template"])
@pytest.mark.parametrize(("platform", "status", "body", "words"), REFUSALS)
def test_a_form_that_is_refused_is_told_at_once_in_the_words_of_the_platform(
    tmp_path, receive, ring, platform, status, body, words, form
):
    receiver = receive(default=Reply(status, body=body.encode()))
    template = TEMPLATES[platform] if form == "template" else None
    bell = ring(config(tmp_path, platform, receiver.url("/x"), template))
    bell.emit("task.complete", TASK)
    (report,) = reports(bell, 1)
    assert report["state"] == "dead"
    assert words in report["reason"]
    assert 1 <= len(receiver.requests) <= 4
    bodies = [request.body for request in receiver.requests]
    assert len({*bodies}) == len(bodies), "no form is tried twice"


@pytest.mark.parametrize("form", ["card", "template"])
@pytest.mark.parametrize("platform", PLAIN)
def test_the_plainer_form_arrives_with_what_it_can_keep(tmp_path, receive, ring, platform, form):
    status, body = next((status, body) for name, status, body, _ in REFUSALS if name == platform)

    def answers(request: Any, _number: int) -> Any:
        is_plain = PLAIN[platform](request.json())
        return TAKEN[platform] if is_plain else Reply(status, body=body.encode())

    receiver = receive(answers)
    template = TEMPLATES[platform] if form == "template" else None
    bell = ring(config(tmp_path, platform, receiver.url("/x"), template))
    bell.emit("task.complete", TASK)
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered", report
    assert "portrait-07" in receiver.requests[-1].body.decode()
    logged = attempts(tmp_path)
    assert [row["outcome"] for row in logged] == ["retry"] * (len(logged) - 1) + ["delivered"]
    assert len(logged) > 1
    assert all("sent again at once" in row["error"] for row in logged[:-1])
