# ruff: noqa: RUF001
"""Every platform's card, for every kind of text, before judges that know nothing of Taskbell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import jsonschema
import pytest
import slackblocks

import taskbell
from corpus import LANGUAGES, OWN_KEYS, TEXTS, events
from judges import JUDGES, size, slack, teams

# What reads no language.
MACHINES = ("json", "github", "gitlab", "cloudevents")


def url_of(platform: str) -> str:
    """A URL of which the platform asks something; any other is as good as another."""
    special = {
        "github": "https://api.github.com/repos/example/models/dispatches",
        "gitlab": "https://gitlab.example.com/api/v4/projects/42/trigger/pipeline",
        "pagerduty": "https://events.pagerduty.com/v2/enqueue",
        "email": "smtps://mail.example.com",
    }
    return special.get(platform, "https://example.com/hook")


def config(platforms: Iterable[str], kind: str, language: str) -> dict[str, Any]:
    """One endpoint a platform, with the platform's name."""
    endpoints = {
        platform: {"platform": platform, "url": url_of(platform), **OWN_KEYS.get(platform, {})}
        for platform in platforms
    }
    return {
        "host": {"name": "render-07", "base_url": "https://render-07.example.com", "language": language},
        "spool": {"path": ":memory:"},
        "endpoints": endpoints,
        "hooks": [{"on": [kind], "to": list(endpoints)}],
    }


def card(platform: str, kind: str, payload: dict[str, Any], language: str = "en") -> Any:
    preview = taskbell.preview(config([platform], kind, language), kind, payload)
    (request,) = preview["requests"]
    return request["body"]


@cache
def bodies(name: str) -> dict[str, list[Any]]:
    """By platform, the bodies of every event with the text of this name, in both languages in turn."""
    found: dict[str, list[Any]] = {platform: [] for platform in JUDGES}
    for number, (kind, payload) in enumerate(events(TEXTS[name])):
        preview = taskbell.preview(config(JUDGES, kind, LANGUAGES[number % 2]), kind, payload)
        for request in preview["requests"]:
            found[request["platform"]].append(request["body"])
    return found


@pytest.mark.parametrize("platform", JUDGES)
@pytest.mark.parametrize("name", TEXTS)
def test_a_card_is_accepted_whatever_the_event_says(platform: str, name: str) -> None:
    made = bodies(name)[platform]
    assert len(made) == len(events(""))
    for body in made:
        JUDGES[platform](body)


@pytest.mark.parametrize("platform", [name for name in JUDGES if name not in MACHINES])
def test_a_card_in_chinese_says_how_it_went(platform: str) -> None:
    payload = {
        "total": 200,
        "succeeded": 198,
        "failed": 2,
        "failures": [{"name": "肖像", "error": "显存不足"}],
    }
    shown = str(card(platform, "queue.end", payload, "zh"))
    assert "完成 198/200，失败 2" in shown
    assert "肖像：显存不足" in shown
    assert not re.search(r"[\u4e00-\u9fff]: ", shown), "a colon of the other language"


def rich_text(part: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [part]}


def at(card: Any, path: str) -> list[Any]:
    """What is at this path; a star is every member of a list."""
    found = [card]
    for name in path.split("."):
        found = [
            one for node in found for one in (node if name == "*" else [node[name]] if name in node else [])
        ]
    return found


# Per platform, the place of a part of a card, and what is wrong there.
FAULTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "wecom": [
        ("template_card", {"mentioned_list": ["@all"]}),
        ("template_card.card_image", {"aspect_ratio": 2.3}),
        ("template_card.card_action", {"url": "ftp://example.com"}),
        ("template_card.main_title", {"title": ""}),
        ("template_card.quote_area", {"quote_text": " "}),
        ("template_card", {"jump_list": [{"type": 1, "title": "t", "url": "https://a.example"}] * 4}),
    ],
    "googlechat": [
        ("cardsV2.*.card.sections.*", {"uncollapsibleWidgetsCount": 1}),
        ("cardsV2.*.card.sections.*.widgets.*.columns", {"columnItems": []}),
        ("cardsV2.*.card.sections.*.widgets.*.columns.columnItems.*", {"widgets": [{"grid": {"items": []}}]}),
        ("cardsV2.*.card.sections.*.widgets.*.grid.items.*.image", {"imageUri": "http://a.example/1.png"}),
        ("cardsV2.*.card.sections.*.widgets.*.grid", {"columns": 2}),
    ],
    "dingtalk": [
        ("actionCard.btns.*", {"actionURL": "a.example"}),
        ("actionCard", {"singleTitle": "t", "singleURL": "https://a.example"}),
        ("actionCard", {"btnOrientation": 0}),
        ("actionCard", {"at": {"isAtAll": True}}),
    ],
    "feishu": [
        ("card.body.elements.*", {"size": "tiny"}),
        ("card.body.elements.*.columns.*", {"weight": 6}),
        ("card.body.elements.*.columns.*", {"width": "auto"}),
        ("card.body.elements.*.columns.*.elements.*.behaviors.*", {"type": "callback"}),
        ("card.body.elements.*.columns.*.elements.*.behaviors.*", {"default_url": "a.example"}),
    ],
    "telegram": [
        ("reply_markup.inline_keyboard.*.*", {"callback_data": "d"}),
        ("reply_markup.inline_keyboard.*.*", {"url": "http://localhost:8080/"}),
        ("reply_markup", {"force_reply": True}),
    ],
}

GOOD = {
    "status": "success",
    "name": "portrait-07",
    "params": {"prompt": "a red fox in the snow"},
    "metrics": {"seed": 42, "steps": 30},
    "outputs": [
        {"url": f"https://cdn.example.com/{number}.png", "mime": "image/png", "name": f"frame {number}"}
        for number in range(1, 4)
    ],
}


@pytest.mark.parametrize("platform", JUDGES)
def test_a_card_with_several_pictures_is_accepted(platform: str) -> None:
    for language in LANGUAGES:
        JUDGES[platform](card(platform, "task.complete", GOOD, language))


@pytest.mark.parametrize("platform", FAULTS)
def test_a_fault_in_a_part_of_a_card_is_found(platform: str) -> None:
    for path, wrong in FAULTS[platform]:
        made = card(platform, "task.complete", GOOD)
        JUDGES[platform](made)
        parts = at(made, path)
        assert parts, path
        parts[-1].update(wrong)
        with pytest.raises(jsonschema.ValidationError):
            JUDGES[platform](made)


def test_the_judges_can_find_fault() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    with pytest.raises(slackblocks.InvalidUsageError):
        slack({"text": "t", "attachments": [{"color": "#123456", "blocks": [section]}]})
    broken = card("teams", "queue.end", {})
    broken["attachments"][0]["content"]["body"].append({"type": "TextBlock", "text": 5})
    with pytest.raises(jsonschema.ValidationError):
        teams(broken)
    for part in (
        {"type": "rich_text_quote", "elements": [{"type": "broadcast", "range": "here"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": " "}]},
        {"type": "rich_text_quote", "elements": []},
    ):
        with pytest.raises(AssertionError):
            slack({"text": "t", "attachments": [{"color": "#123456", "blocks": [rich_text(part)]}]})
    event = {"type": "task.complete", "timestamp": "2026-03-01T18:24:05.120Z", "data": {}}
    JUDGES["json"](event)
    for wrong in ({"data": []}, {"timestamp": "yesterday"}, {"type": "task complete"}, {"more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            JUDGES["json"]({**event, **wrong})
    JUDGES["gitlab"]("token=t&ref=main&variables%5BMODEL%5D=m")
    for form in (
        "ref=main",
        "token=t&ref=dev",
        "token=t&ref=main&MODEL=m",
        "token=t&ref=main&variables%5B=m",
    ):
        with pytest.raises((AssertionError, KeyError)):
            JUDGES["gitlab"](form)
    large = {"msgtype": "markdown", "markdown": {"content": "汉" * 1366}}
    assert size(large["markdown"]["content"]) == 4098
    with pytest.raises(jsonschema.ValidationError):
        JUDGES["wecom"](large)


def test_check_doubts_a_template_that_its_platform_would_refuse() -> None:
    slack_only = config(["slack"], "queue.end", "en")
    slack_only["hooks"][0]["template"] = {"message": "{{ queue.total }} tasks"}
    report = taskbell.check(slack_only)
    assert report["ok"], report
    (warning,) = report["warnings"]
    assert warning["key"] == "hooks[0].template"
    assert "`text`, `blocks` or `attachments`" in warning["message"]
    slack_only["hooks"][0]["template"] = {"text": "{{ queue.total }} tasks"}
    assert taskbell.check(slack_only)["warnings"] == []
    slack_only["hooks"][0]["template"] = {"blocks": [{"type": "section"}]}
    (warning,) = taskbell.check(slack_only)["warnings"]
    assert "`blocks[0].text` is missing" in warning["message"], "and nothing of texts that are cut"


def test_check_tells_of_a_template_whose_long_texts_will_be_cut() -> None:
    chats = config(["slack", "teams"], "task.complete", "en")
    chats["hooks"][0]["template"] = {"text": "{{ task.name }}: {{ task.params.prompt }}"}
    warnings = {warning["message"] for warning in taskbell.check(chats)["warnings"]}
    (cut,) = [warning for warning in warnings if warning.startswith("for `slack`")]
    assert "is more than slack takes and will be cut" in cut
    assert "`| clip(300)`" in cut
    chats["hooks"][0]["template"] = {"text": "{{ task.name }}: {{ task.params.prompt | clip(300) }}"}
    assert not [warning for warning in taskbell.check(chats)["warnings"] if "cut" in warning["message"]]
