"""Checkers of cards that know nothing of Taskbell: those of others where there are any, else a schema that
was written from the platform's own pages."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qsl

import jsonschema
import slackblocks
from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

import telegram_html

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"


def size(value: Any) -> int:
    """The bytes of a text, or of the JSON of anything else, as they are sent."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode())


def _max_bytes(_validator: Any, most: int, value: Any, _schema: Any) -> Any:
    if size(value) > most:
        yield jsonschema.ValidationError(f"{size(value)} bytes are more than {most}")


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"maxBytes": _max_bytes})


@cache
def _schema(name: str) -> Any:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    _Validator.check_schema(schema)
    return _Validator(schema)


def own(name: str) -> Callable[[Any], None]:
    """The judge by the schema of this name."""
    return lambda card: _schema(name).validate(card)


@cache
def _adaptive_cards() -> Any:
    schema = files("adaptive_cards").joinpath("schemas/schema-1.4.json").read_text()
    return jsonschema.Draft6Validator(json.loads(schema))


def teams(card: Any) -> None:
    own("teams")(card)
    content = dict(card["attachments"][0]["content"])
    # Teams' own addition to the schema.
    content.pop("msteams", None)
    _adaptive_cards().validate(content)


def _slack_text(text: dict[str, Any]) -> slackblocks.Text:
    kind = slackblocks.TextType(text["type"])
    return slackblocks.Text(text["text"], type_=kind)


def _slack_section(block: dict[str, Any]) -> slackblocks.Block:
    if "fields" in block:
        return slackblocks.SectionBlock(fields=[_slack_text(field) for field in block["fields"]])
    return slackblocks.SectionBlock(_slack_text(block["text"]))


def _slack_button(button: dict[str, Any]) -> slackblocks.Button:
    return slackblocks.Button(_slack_text(button["text"]), button["action_id"], button["url"])


def _slack_buttons(block: dict[str, Any]) -> slackblocks.Block:
    ids = [button["action_id"] for button in block["elements"]]
    assert len(set(ids)) == len(ids), ids
    return slackblocks.ActionsBlock([_slack_button(one) for one in block["elements"]])


_SLACK_RICH_PARTS: dict[str, Callable[[list[slackblocks.RichText]], Any]] = {
    "rich_text_quote": slackblocks.RichTextQuote,
    "rich_text_preformatted": slackblocks.RichTextCodeBlock,
}


def _slack_rich_text(block: dict[str, Any]) -> slackblocks.Block:
    """Texts as they are: an element that would ping somebody, or open something, is none of them."""
    parts = []
    for part in block["elements"]:
        assert part.keys() == {"type", "elements"}, part
        assert part["elements"], part
        for element in part["elements"]:
            assert element.keys() == {"type", "text"}, element
            assert element["type"] == "text", element
            assert element["text"].strip(), element
        texts = [slackblocks.RichText(element["text"]) for element in part["elements"]]
        parts.append(_SLACK_RICH_PARTS[part["type"]](texts))
    built = slackblocks.RichTextBlock(parts)
    assert json.loads(json.dumps(built._resolve()))["elements"] == block["elements"]
    return built


# Blocks, built anew from the parts of ours; what breaks a limit is refused in the making.
_SLACK_BLOCKS: dict[str, Callable[[dict[str, Any]], slackblocks.Block]] = {
    "header": lambda block: slackblocks.HeaderBlock(_slack_text(block["text"])),
    "section": _slack_section,
    "context": lambda block: slackblocks.ContextBlock([_slack_text(text) for text in block["elements"]]),
    "image": lambda block: slackblocks.ImageBlock(block["image_url"], block["alt_text"]),
    "actions": _slack_buttons,
    "rich_text": _slack_rich_text,
}


def slack(card: Any) -> None:
    assert size(card) < 20_000
    assert all(len(attachment["blocks"]) <= 50 for attachment in card["attachments"])
    attachments = [
        slackblocks.Attachment(
            [_SLACK_BLOCKS[block["type"]](block) for block in attachment["blocks"]], attachment["color"]
        )
        for attachment in card["attachments"]
    ]
    slackblocks.WebhookMessage(text=card["text"], attachments=attachments).json()


def cloudevents(body: Any, headers: dict[str, str] | None = None) -> CloudEvent:
    """By the SDK of the specification; structured, unless the headers say otherwise."""
    message = HTTPMessage(
        headers=headers or {"content-type": "application/cloudevents+json"}, body=json.dumps(body).encode()
    )
    return from_http(message, JSONFormat(), CloudEvent)


def gitlab(form: Any) -> None:
    fields = dict(parse_qsl(form, strict_parsing=True, keep_blank_values=True))
    assert fields.pop("token")
    assert fields.pop("ref") == "main"
    assert all(re.fullmatch(r"variables\[[A-Za-z0-9_]+\]", name) for name in fields), fields.keys()


def _count(node: Any, name: str) -> int:
    """How often an object below has a member of this name."""
    if isinstance(node, list):
        return sum(_count(part, name) for part in node)
    return (name in node) + _count(list(node.values()), name) if isinstance(node, dict) else 0


def feishu(card: Any) -> None:
    own("feishu")(card)
    # Those in columns and panels count too.
    assert _count(card, "tag") <= 200


def telegram(card: Any) -> None:
    own("telegram")(card)
    telegram_html.judge_message(card)


JUDGES: dict[str, Callable[[Any], None]] = {
    "json": own("json"),
    "slack": slack,
    "slack-bot": slack,
    "slack-workflow": own("slack-workflow"),
    "wecom": own("wecom"),
    "teams": teams,
    "googlechat": own("googlechat"),
    "mattermost": own("mattermost"),
    "dingtalk": own("dingtalk"),
    "feishu": feishu,
    "telegram": telegram,
    "ntfy": own("ntfy"),
    "email": own("email"),
    "pagerduty": own("pagerduty"),
    "github": own("github"),
    "gitlab": gitlab,
    "cloudevents": lambda card: cloudevents(card) and None,
}
