"""Telegram's HTML as its server reads it, and stricter where the manual is (core.telegram.org/bots/api)."""

from __future__ import annotations

import datetime
import html
import inspect
import re
from typing import Any

import telegram
from telegram.constants import MessageLimit, ParseMode

# The tags of the manual, by the entity each makes. Those with attributes that no card has are left out.
TAGS: dict[str, str] = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-time": "date_time",
}
_QUOTES = ("blockquote", "expandable_blockquote")
# Those that may be part of no other, and have no other in them, but for what is bold and the like.
_SINGLE = ("code", "pre", "text_link", "date_time")

# What may stand between tags, one after another; `>` by itself, or any other `&`, is against the manual.
_PIECE = re.compile(
    r"</(?P<end>[a-z-]+)>"
    r"|<(?P<start>[a-z]+)(?: href=\"(?P<href>[^\"<>]*)\")?>"
    r"|<(?P<quote>blockquote) expandable>"
    r"|<(?P<time>tg-time) unix=\"(?P<unix>[0-9]{1,12})\" format=\"(?P<format>r|w?[dD]?[tT]?)\">"
    r"|(?P<entity>&(?:lt|gt|amp|quot|#[0-9]+|#x[0-9a-fA-F]+);)"
    r"|(?P<text>[^<>&]+)"
)
_REFERENCE = re.compile(r"&(?!(?:lt|gt|amp|quot|#[0-9]+|#x[0-9a-fA-F]+);)")

# A name that Telegram would notify.
PING = re.compile(r"@[A-Za-z0-9_]")


class NotTelegramHtml(ValueError):
    """What Telegram answers with "can't parse entities"."""


def units(text: str) -> int:
    """The length in units of UTF-16, in which Telegram counts the places of entities."""
    return len(text.encode("utf-16-le")) // 2


def parse(text: str) -> tuple[str, list[telegram.MessageEntity]]:
    """What is shown, and the entities. A link keeps its URL as it is written, with its references."""
    shown, entities = "", []
    open_tags: list[tuple[str, str, int, dict[str, Any]]] = []
    at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            raise NotTelegramHtml(f"what is this: {text[at : at + 40]!r}")
        at = piece.end()
        if piece["text"] or piece["entity"]:
            shown += piece["text"] or html.unescape(piece["entity"])
        elif name := piece["start"] or piece["quote"] or piece["time"]:
            href, made = piece["href"], TAGS.get(name)
            if made is None or (name == "a") != bool(href) or _REFERENCE.search(href or ""):
                raise NotTelegramHtml(f"Unsupported start tag {piece[0]!r}")
            around = [outer for _, outer, _, _ in open_tags]
            if any(made in alike and set(around) & set(alike) for alike in (_QUOTES, _SINGLE)):
                raise NotTelegramHtml(f"{piece[0]!r} within {around}")
            more: dict[str, Any] = {"url": href}
            if piece["quote"]:
                made = "expandable_blockquote"
            if piece["time"]:
                seconds = datetime.datetime.fromtimestamp(int(piece["unix"]), datetime.timezone.utc)
                more = {"unix_time": seconds, "date_time_format": piece["format"]}
            open_tags.append((name, made, units(shown), more))
        else:
            if not open_tags or open_tags[-1][0] != piece["end"]:
                raise NotTelegramHtml(f"Unexpected end tag {piece[0]!r}")
            _, made, start, more = open_tags.pop()
            if units(shown) > start:
                entities.append(telegram.MessageEntity(made, start, units(shown) - start, **more))
    if open_tags:
        raise NotTelegramHtml(f"Can't find end tag of {open_tags[-1][0]!r}")
    return shown, entities


def _canonical(text: str) -> str:
    """Python escapes quotes too, where Telegram leaves the choice."""
    return text.replace("&quot;", '"').replace("&#x27;", "'")


def judge(text: str, most: int) -> str:
    """Gives what is shown of the markup, if it is Telegram's and python-telegram-bot would write the same."""
    shown, entities = parse(text)
    assert units(shown.strip()) >= MessageLimit.MIN_TEXT_LENGTH, text
    assert units(shown) <= most, text
    assert len(entities) <= MessageLimit.MESSAGE_ENTITIES, "Telegram ignores the rest"
    message = telegram.Message(
        message_id=1,
        date=datetime.datetime.now(datetime.timezone.utc),
        chat=telegram.Chat(id=1, type="private"),
        text=shown,
        entities=entities,
    )
    assert _canonical(message.text_html) == _canonical(text)
    return shown


def judge_message(card: dict[str, Any]) -> None:
    """A `sendMessage` as a whole, by the names that python-telegram-bot's own method has."""
    known = inspect.signature(telegram.Bot.send_message).parameters
    assert card.keys() <= known.keys(), card.keys() - known.keys()
    assert card["parse_mode"] == ParseMode.HTML
    telegram.LinkPreviewOptions(**card["link_preview_options"])
    rows = card.get("reply_markup", {}).get("inline_keyboard", [])
    telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton(**one) for one in row] for row in rows])
    shown = judge(card["text"], MessageLimit.MAX_TEXT_LENGTH)
    # The corpus pings in each of its ways; no endpoint of it has mentions.
    assert not PING.search(shown), shown
