"""What arrives is verified by others: a published library, and Python's own hmac."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from dingtalkchatbot.chatbot import DingtalkChatbot
from lark_webhook_notify.client import gen_sign
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

import taskbell
from bells import endpoint, reports, settings
from steps import Reply

NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = base64.b64decode("1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")


def arrived(tmp_path, receive, ring, *sign):
    """One event with this ``sign``, as it arrived."""
    receiver = receive()
    bell = ring(settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), sign=list(sign))}))
    bell.emit("test.event", {"text": "größer ✓", "number": 0.1})
    (request,) = receiver.wait_for(1)
    return request, {name.lower(): value for name, value in request.headers}


def hex_hmac(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, "sha256").hexdigest()


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


def test_an_ed25519_signature_holds(tmp_path, receive, ring):
    request, headers = arrived(tmp_path, receive, ring, {"scheme": "standard-webhooks", "secrets": [PRIVATE]})
    version, signature = headers["webhook-signature"].split(",")
    assert version == "v1a"
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    key = Ed25519PublicKey.from_public_bytes(PUBLIC)
    key.verify(base64.b64decode(signature), content)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(signature), content + b" ")


def test_a_parametric_signature_holds(tmp_path, receive, ring):
    key = base64.b64encode(b"some key bytes").decode()
    sign = {
        "scheme": "hmac",
        "secrets": [key],
        "key": "base64",
        "content": "{id}:{timestamp}:{body}",
        "hash": "sha512",
        "encoding": "base64",
        "header": "x-signature",
        "value": "t={timestamp},s={signature}",
    }
    request, headers = arrived(tmp_path, receive, ring, sign)
    stamp, signature = headers["x-signature"][2:].split(",s=")
    content = f"{headers['webhook-id']}:{stamp}:".encode() + request.body
    expected = hmac.new(b"some key bytes", content, hashlib.sha512).digest()
    assert base64.b64decode(signature) == expected


def test_several_schemes_stand_on_one_request(tmp_path, receive, ring):
    request, headers = arrived(
        tmp_path,
        receive,
        ring,
        {"scheme": "standard-webhooks", "secrets": [NEW]},
        {"scheme": "github", "secrets": ["hub"]},
    )
    assert Webhook(NEW).verify(request.body, headers)
    assert headers["x-hub-signature-256"] == "sha256=" + hex_hmac("hub", request.body)


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


SCHEMES = [
    {"scheme": "standard-webhooks", "secrets": [NEW]},
    {"scheme": "standard-webhooks", "secrets": [PRIVATE]},
    {"scheme": "github", "secrets": ["hub secret"]},
    {"scheme": "stripe", "secrets": ["whsec_stripe"]},
    {"scheme": "slack", "secrets": ["slack secret"]},
]


@pytest.mark.parametrize("sign", SCHEMES, ids=lambda sign: sign["scheme"])
def test_the_library_verifies_what_it_sends_and_nothing_else(tmp_path, receive, ring, sign):
    request, headers = arrived(tmp_path, receive, ring, sign)
    assert taskbell.verify(sign, headers, request.body)
    assert not taskbell.verify(sign, headers, request.body + b" ")
    other = {**sign, "secrets": [OLD if sign["scheme"] == "standard-webhooks" else "another secret"]}
    assert not taskbell.verify(other, headers, request.body)
    if sign["scheme"] != "github":
        assert not taskbell.verify(sign, headers, request.body, now=int(time.time()) + 86_400)


def test_a_receiver_is_told_what_is_wrong():
    scheme = {"scheme": "standard-webhooks", "secrets": [NEW]}
    assert not taskbell.verify(scheme, {}, b"{}")
    assert "webhook-" in taskbell.last_error()
    with pytest.raises(taskbell.TaskbellError):
        taskbell.verify({"scheme": "no-such-scheme", "secrets": ["x"]}, {}, b"{}")
    assert "no-such-scheme" in taskbell.last_error() or "standard-webhooks" in taskbell.last_error()
