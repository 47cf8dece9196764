"""What `docs/cards.md` says of the parts of a card on each platform, read from what is sent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import taskbell
from documents import rows
from test_cards import config

PICTURES = [f"https://cdn.example.com/{number}.png" for number in range(3)]

EVENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "image": ("task.complete", {"name": "n", "outputs": [{"url": url} for url in PICTURES]}),
    "failure": (
        "task.complete",
        {
            "name": "n",
            "status": "error",
            "error": {"message": "no memory", "traceback": "Traceback\n  line 1\nlast line"},
        },
    ),
    "queue": ("queue.end", {"name": "film", "total": 10, "succeeded": 10, "failed": 0}),
    "alert": ("alert.firing", {"name": "disk", "since": "2026-03-01T18:23:05Z"}),
}

# How a body has a picture, a traceback that unfolds, a button, and a time of its reader.
PICTURE = (
    r'"(?:image_url|imageUri|src|attach)": "{0}"',
    r'"image": \{{"url": "{0}"',
    r'"card_image": \{{"url": "{0}"',
    r'"type": "Image", "url": "{0}"',
    r"!\[[^]]*\]\({0}\)",
    r'<img src=\\"{0}\\"',
)
FOLDS = ("<blockquote expandable>", "Action.ToggleVisibility", "collapsible_panel", '"collapsible": true')
BUTTONS = (
    r'"type": "button"|"style": 5|"tag": "button"|"btns"|"singleURL"|"inline_keyboard"|"buttonList"|'
    r'"jump_list"|"Action.OpenUrl"|"action": "view"'
)
TIMES = r"<t:\d+|<!date\^|<tg-time"


def forms(platform: str) -> list[str]:
    """A row of the table."""
    body = {}
    for name, (kind, payload) in EVENTS.items():
        (request,) = taskbell.preview(config([platform], kind, "en"), kind, payload)["requests"]
        body[name] = json.dumps(request["body"], ensure_ascii=False)
    shown = [url for url in PICTURES if any(re.search(form.format(url), body["image"]) for form in PICTURE)]
    linked = [url for url in PICTURES if url in body["image"] and url not in shown]
    pictures = "shown" if len(shown) == 3 else "the first" if shown else "links"
    if not shown and len(linked) == 1:
        pictures = "a link to the first"
    folded = any(fold in body["failure"] for fold in FOLDS)
    traceback = "folded" if folded else "its last lines" if "last line" in body["failure"] else "—"
    links = "buttons" if re.search(BUTTONS, body["image"]) else "in the text"
    times = "the reader's" if re.search(TIMES, body["alert"]) else "the host's zone"
    return [pictures, traceback, "yes" if "▓" in body["queue"] else "—", links, times]


ROWS = {name.strip("`"): cells for name, *cells in rows("docs/cards.md", "## How each platform shows it")}


@pytest.mark.parametrize("platform", ROWS)
def test_the_table_of_the_document_says_what_is_sent(platform: str) -> None:
    # A group of pictures follows the text there, in a request that no preview has.
    expected = ROWS[platform]
    if platform == "telegram":
        assert expected[0] == "shown, in a message that follows"
    begin = 1 if platform == "telegram" else 0
    assert forms(platform)[begin:] == expected[begin:]


def test_the_table_has_every_platform_that_people_read() -> None:
    assert {*ROWS} == {
        "slack",
        "slack-bot",
        "slack-workflow",
        "discord",
        "wecom",
        "dingtalk",
        "feishu",
        "teams",
        "telegram",
        "googlechat",
        "mattermost",
        "ntfy",
        "email",
        "pagerduty",
    }
