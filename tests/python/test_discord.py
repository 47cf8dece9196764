"""Discord's messages before schemas that are made of Discord's own description of its API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus import LANGUAGES, TEXTS, events
from npm_packages import discord_spec
from test_cards import card
from tools import line_by_line, need

JUDGE = Path(__file__).with_name("discord_judge.mjs")


def faults(messages: list[Any]) -> list[Any]:
    """What is wrong with each."""
    return [
        json.loads(line) for line in line_by_line(messages, need("node", "nodejs"), JUDGE, discord_spec())
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_discords_own_description_accepts_every_card(language: str) -> None:
    cards = [
        card("discord", kind, payload, language) for text in TEXTS.values() for kind, payload in events(text)
    ]
    for message, found in zip(cards, faults(cards)):
        assert found == [], message


def test_discords_own_description_can_find_fault() -> None:
    wrong = [
        {"content": "x" * 2001},
        {"embeds": [{"title": "x" * 257}]},
        {"embeds": [{"fields": [{"name": "n", "value": "🎨" * 1025}]}]},
        {"embeds": [{"title": "t", "color": "#ff0000"}]},
        {"embeds": [{}] * 11},
        {"content": "t", "allowed_mentions": {"parse": ["anyone"]}},
    ]
    right = [{"content": "🎨" * 2000}, {"embeds": [{"title": "汉" * 256, "color": 0xFFFFFF}]}]
    found = faults(wrong + right)
    assert all(found[: len(wrong)]), found
    assert found[len(wrong) :] == [[], []]
