"""What arrives is verified by others: a published library, and Python's own hmac."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from dingtalkchatbot.chatbot import DingtalkChatbot
from lark_webhook_notify.client import gen_sign
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

import taskbell
from bells import endpoint, reports, settings
from steps import Reply

NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def arrived(tmp_path, receive, ring, *sign):
    """One event with this ``sign``, as it arrived."""
    receiver = receive()
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), sign=list(sign))}))
    bell.emit("test.event", {"text": "größer ✓", "number": 0.1})
    (request,) = receiver.wait_for(1)
    return request, {name.lower(): value for name, value in request.headers}


def test_a_published_library_accepts_a_standard_webhook(tmp_path, receive, ring):
    request, headers = arrived(
        tmp_path, receive, ring, {"scheme": "standard-webhooks", "secrets": [NEW, OLD]}
    )
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(request.body, headers)["data"]["text"] == "größer ✓"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"x" * 24).decode()).verify(request.body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(request.body + b" ", headers)
    assert len(headers["webhook-signature"].split(" ")) == 2


# Secrets as the two platforms give them out, and one that is longer than a block of the hash.
BOT_SECRETS = {
    "as in the manual": "SECthisisatestsecret0123456789",
    "as given out": "SEC" + "9f" * 32,
    "long": "SEC" + "long" * 40,
}
EVENTS = 8


def said_to_a_bot(tmp_path, receive, ring, platform, secret, path, answer):
    """What a bot with this secret hears: a refused attempt, its second, and some more events."""
    receiver = receive([Reply(503)], default=Reply(200, body=answer))
    bot = endpoint(receiver.url(path), platform=platform, secret=secret, rate="1000/s", overflow="queue")
    bell = ring(settings(tmp_path, endpoints={"bot": bot}))
    for number in range(EVENTS):
        bell.task_complete({"name": f"portrait-{number}"})
    assert all(report["state"] == "delivered" for report in reports(bell, EVENTS))
    return receiver, receiver.wait_for(EVENTS + 1)


@pytest.mark.parametrize("secret", BOT_SECRETS.values(), ids=BOT_SECRETS)
def test_another_client_signs_for_dingtalk_as_the_library_does(tmp_path, receive, ring, secret):
    path = "/robot/send?access_token=abc%2Bdef"
    answer = b'{"errcode":0,"errmsg":"ok"}'
    receiver, requests = said_to_a_bot(tmp_path, receive, ring, "dingtalk", secret, path, answer)
    for request in requests:
        (stamp,) = parse_qs(urlsplit(request.target).query)["timestamp"]
        assert abs(int(stamp) / 1000 - request.at) < 60
        other = DingtalkChatbot(receiver.url(path), secret)
        other.webhook, other.start_time = receiver.url(path), int(stamp) / 1000
        other.update_webhook()
        assert receiver.url(request.target) == other.webhook


@pytest.mark.parametrize("secret", BOT_SECRETS.values(), ids=BOT_SECRETS)
def test_another_client_signs_for_feishu_as_the_library_does(tmp_path, receive, ring, secret):
    path = "/open-apis/bot/v2/hook/TOKEN"
    answer = b'{"code":0,"msg":"success","data":{}}'
    _, requests = said_to_a_bot(tmp_path, receive, ring, "feishu", secret, path, answer)
    for request in requests:
        body = request.json()
        assert abs(int(body["timestamp"]) - request.at) < 60
        assert body["sign"] == gen_sign(body["timestamp"], secret)
        assert body["sign"] != gen_sign(str(int(body["timestamp"]) + 1), secret)


def test_a_receiver_is_told_what_is_wrong():
    scheme = {"scheme": "standard-webhooks", "secrets": [NEW]}
    assert not taskbell.verify(scheme, {}, b"{}")
    assert "webhook-" in taskbell.last_error()
    with pytest.raises(taskbell.TaskbellError):
        taskbell.verify({"scheme": "no-such-scheme", "secrets": ["x"]}, {}, b"{}")
    assert "no-such-scheme" in taskbell.last_error() or "standard-webhooks" in taskbell.last_error()
