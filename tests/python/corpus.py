# ruff: noqa: RUF001
"""Events that try a card: ordinary, huge, empty, in many scripts, and hostile."""

from __future__ import annotations

from typing import Any

TEXTS: dict[str, str] = {
    "ordinary": "portrait-07",
    "empty": "",
    "blank": " \n\t ",
    "huge": "All work and no play makes a long prompt. " * 200,
    "one word": "x" * 8000,
    "chinese": "渲染完成，肖像第七张。" * 250,
    "emoji": "👩‍👩‍👧‍👦🎨🇨🇳" * 200,
    "combining": "e\u0301\u0323" * 1500,
    "right to left": "\u202eשלום عليكم\u202c " * 300,
    "pings": "<!channel> <!here> <@U0123ABCD> @everyone @here @all @channel <@1> <@&2> <users/all> "
    "<at>Ann</at> <at id=all></at>",
    "markup": "**b** *i* _u_ ~s~ `c` ```\ncode\n``` [t](https://evil.example/) ![i](https://evil.example/) "
    "# h\n> q\n- l\n|a|b|",
    "tags": '</font><font color="warning"><b>&lt;&amp;&#42;<!--<script>alert(1)</script>',
    "entities": "&" * 5000,
    "quotes": "\"'\\\u2028\u2029{{ event.id }} {% raw %}",
    "control": "a\u0000b\u0007c\u001b[2Jd\re\u009bf\ufffe",
    "lines": "first\n" * 1000,
}

# What a platform needs beside the URL.
OWN_KEYS: dict[str, dict[str, str]] = {
    "telegram": {"chat_id": "-1001234567890", "token": "123456789:ABCdefGhIJKlmNoPQRsTUVwxyZ012345678"},
    "ntfy": {"topic": "renders-7Qm2"},
    "slack-bot": {"token": "xoxb-123456789-abcdef0123456789", "channel": "C0123ABCD"},
    "email": {"from": "farm@example.com", "to": "artist@example.com"},
    "pagerduty": {"routing_key": "0123456789abcdef0123456789abcdef"},
    "github": {"event_type": "training-done", "token": "github_pat_0123456789abcdef"},
    "gitlab": {"ref": "main", "token": "glptt-0123456789abcdef"},
    "apprise": {"key": "renders-7Qm2"},
    "bark": {"key": "ynJ5Ft4atkMkWeo2PAvFhF"},
    "gotify": {"token": "AWH0wZ5r0Mbac.r"},
    "matrix": {"room": "!renders:example.org", "token": "syt_ZmFybQ_aBcDeFgHiJkLm"},
    "pushover": {"token": "azGDORePK8gMaC0QOYAMyEL0TeL5dV", "user": "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"},
    "pushplus": {"token": "be8652e98bd04139a13e1bffcd6d0f71"},
    "zulip": {
        "bot": "farm@example.org",
        "key": "aBcDeFgHiJkLmNoPqRsTuV",
        "channel": "renders",
        "topic": "farm",
    },
}

LANGUAGES = ["en", "zh"]


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Every type of event, with this text wherever a text may be."""
    error = {"type": text, "message": text}
    picture = {"url": f"https://cdn.example.com/{text}.png", "mime": "image/png", "name": text}
    task = {
        "id": text,
        "name": text,
        "kind": text,
        "user": text,
        "queue": text[:100],
        "duration_s": 7500.1,
        "batch": {"id": text, "total": 12_000},
        "params": {"model": text, "prompt": text},
        "metrics": {f"{number} {text}": text for number in range(30)},
        "outputs": [picture],
        "queue_remaining": 12_345,
    }
    failures = [{"id": text, "name": text, "error": error}] * 20
    summary = {"total": 12_000, "succeeded": 11_000, "failed": 900, "cancelled": 100, "failures": failures}
    return [
        ("task.complete", {**task, "status": "success"}),
        ("task.complete", {**task, "status": "error", "error": error}),
        ("task.complete", {"status": "cancelled"}),
        ("queue.end", {**summary, "name": text[:100], "users": [text] * 9, "duration_s": 1e9}),
        ("queue.start", {"name": text[:100]}),
        ("batch.end", {**summary, "id": text, "outputs": [picture]}),
        ("batch.stalled", {"id": text, "total": 3, "failed": 3}),
        ("alert.firing", {"name": text, "metric": text, "value": -1e300, "threshold": 10, "since": text}),
        ("alert.resolved", {"name": text, "since": "2026-03-01T18:23:05Z"}),
        ("server.start", {f"{number}{text}": text for number in range(30)}),
        ("render.saved", {f"{number}{text}": text for number in range(40)}),
        ("render.saved", {}),
    ]
