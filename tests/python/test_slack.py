"""Slack's messages before `slackblocks`, a crate that reads the whole JSON by Slack's own description."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

import taskbell
from corpus import LANGUAGES, TEXTS, events
from test_cards import card, config
from tools import ROOT, attempt, lacking, line_by_line, need

PACKAGE = Path(__file__).with_name("slack_judge")


@cache
def judge() -> Path:
    target = ROOT / "target" / "slack-judge"
    manifest = PACKAGE / "Cargo.toml"
    command = [need("cargo"), "build", "--quiet", "--locked", "--manifest-path", manifest]
    done = attempt(*command, "--target-dir", target, timeout=600)
    if done.returncode:
        lacking(f"the judge of Slack's messages cannot be built: {done.stdout}")
    return target / "debug" / "slack-judge"


def faults(messages: list[Any]) -> list[str]:
    """What is wrong with each; nothing where it is right."""
    return line_by_line(messages, judge())


def text(words: str, kind: str = "mrkdwn") -> dict[str, str]:
    return {"type": kind, "text": words}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_of_every_card_is_accepted(language: str) -> None:
    cards = [
        card("slack", kind, payload, language) for words in TEXTS.values() for kind, payload in events(words)
    ]
    for message, found in zip(cards, faults(cards)):
        assert found == "", message


def test_what_is_cut_of_a_template_is_accepted() -> None:
    prompt = "{{ task.params.prompt }}"
    chat = config(["slack"], "task.complete", "en")
    chat["hooks"][0]["template"] = {
        "text": prompt,
        "blocks": [
            {"type": "header", "text": text(prompt, "plain_text")},
            {"type": "section", "text": text(prompt), "block_id": "of {{ task.name }}"},
            {"type": "section", "fields": {"$for": "n in range(12)", "do": text(prompt)}},
            {"type": "context", "elements": {"$for": "n in range(12)", "do": text(prompt)}},
            {"type": "image", "image_url": "https://cdn.example.com/1.png", "alt_text": "of " + prompt},
            {"type": "divider"},
        ],
    }
    made = []
    for words in TEXTS.values():
        payload = {"name": words, "status": "success", "params": {"prompt": words}}
        (request,) = taskbell.preview(chat, "task.complete", payload)["requests"]
        made.append(request["body"])
    for message, found in zip(made, faults(made)):
        assert found == "", message


def test_the_judge_can_find_fault() -> None:
    button = {"type": "button", "text": text("x" * 76, "plain_text"), "action_id": "open"}
    wrong = [
        {"text": "t", "blocks": [{"type": "section", "text": text("x" * 3001)}]},
        {"text": "t", "blocks": [{"type": "section", "fields": [text("x" * 2001)]}]},
        {"text": "t", "blocks": [{"type": "section"}]},
        {"text": "t", "blocks": [{"type": "header", "text": text("t")}]},
        {"text": "t", "blocks": [{"type": "divider"}] * 51},
        {"text": "t", "blocks": [{"type": "actions", "elements": [button]}]},
        {"text": "t", "blocks": [{"type": "image", "image_url": "https://cdn.example.com/1.png"}]},
        {"text": "t", "blocks": [{"type": "section", "text": {**text("t"), "verbatum": True}}]},
        {"text": "t", "attachments": [{"colour": "#123456", "blocks": [{"type": "divider"}]}]},
        {"text": "t", "blocks": [{"type": "carrier-pigeon"}]},
    ]
    right = [
        {"text": "汉" * 4000},
        {"text": "t", "blocks": [{"type": "section", "text": text("🎨" * 3000)}]},
        {"text": "t", "attachments": [{"color": "#123456", "blocks": [{"type": "divider"}]}]},
    ]
    found = faults(wrong + right)
    assert all(found[: len(wrong)]), found
    assert found[len(wrong) :] == [""] * len(right)
