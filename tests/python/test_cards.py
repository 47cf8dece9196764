# ruff: noqa: RUF001
"""Every platform's card, for every kind of text, before judges that know nothing of Taskbell."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import slackblocks

import taskbell
from corpus import LANGUAGES, TEXTS, events
from judges import JUDGES, size, slack, teams


def config(platform: str, kind: str, language: str) -> dict[str, Any]:
    return {
        "host": {"name": "render-07", "base_url": "https://render-07.example.com", "language": language},
        "spool": {"path": ":memory:"},
        "endpoints": {"team": {"platform": platform, "url": "https://example.com/hook"}},
        "hooks": [{"on": [kind], "to": ["team"]}],
    }


def card(platform: str, kind: str, payload: dict[str, Any], language: str = "en") -> Any:
    preview = taskbell.preview(config(platform, kind, language), kind, payload)
    (request,) = preview["requests"]
    return request["body"]


@pytest.mark.parametrize("platform", JUDGES)
@pytest.mark.parametrize("name", TEXTS)
def test_a_card_is_accepted_whatever_the_event_says(platform: str, name: str) -> None:
    for number, (kind, payload) in enumerate(events(TEXTS[name])):
        JUDGES[platform](card(platform, kind, payload, LANGUAGES[number % 2]))


@pytest.mark.parametrize("platform", JUDGES)
def test_a_card_in_chinese_says_how_it_went(platform: str) -> None:
    payload = {
        "total": 200,
        "succeeded": 198,
        "failed": 2,
        "failures": [{"name": "肖像", "error": "显存不足"}],
    }
    shown = str(card(platform, "queue.end", payload, "zh"))
    assert "队列结束：成功 198 / 200" in shown
    assert "肖像：显存不足" in shown


def test_the_judges_can_find_fault() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    with pytest.raises(slackblocks.InvalidUsageError):
        slack({"text": "t", "attachments": [{"color": "#123456", "blocks": [section]}]})
    broken = card("teams", "queue.end", {})
    broken["attachments"][0]["content"]["body"].append({"type": "TextBlock", "text": 5})
    with pytest.raises(jsonschema.ValidationError):
        teams(broken)
    large = {"msgtype": "markdown", "markdown": {"content": "汉" * 1366}}
    assert size(large["markdown"]["content"]) == 4098
    with pytest.raises(jsonschema.ValidationError):
        JUDGES["wecom"](large)


def test_check_doubts_a_template_that_its_platform_would_refuse() -> None:
    settings = config("slack", "queue.end", "en")
    settings["hooks"][0]["template"] = {"message": "{{ queue.total }} tasks"}
    report = taskbell.check(settings)
    assert report["ok"], report
    (warning,) = report["warnings"]
    assert warning["key"] == "hooks[0].template"
    assert "`text`, `blocks` or `attachments`" in warning["message"]
    settings["hooks"][0]["template"] = {"text": "{{ queue.total }} tasks"}
    assert taskbell.check(settings)["warnings"] == []
