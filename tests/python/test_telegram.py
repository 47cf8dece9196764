"""Telegram's markup before a parser that knows only Telegram's, and before python-telegram-bot."""

from __future__ import annotations

import html
import inspect
import re
from typing import Any

import pytest
import telegram
from telegram.constants import MessageLimit

import taskbell
from bells import eventually, reports
from corpus import TEXTS
from steps import Reply
from telegram_html import NotTelegramHtml, judge, judge_message, parse, units
from test_cards import card, config
from test_channels import one, parts
from test_files import LOG, SENT, TELEGRAM, event, rooted

REFUSED = Reply(400, body=b'{"ok":false,"error_code":400,"description":"Bad Request: can\'t parse entities"}')
FAILED = {"name": "run-7", "status": "error"}


# The link to the host, which is the card's own.
BUTTONS = {"inline_keyboard": [[{"text": "Open host page", "url": "https://render-07.example.com/"}]]}


def escaped(text: str) -> str:
    """As Python escapes it, and without a ping."""
    return html.escape(text, quote=False).replace("@", "@\u200b")


@pytest.mark.parametrize("name", ["ordinary", "pings", "markup", "tags", "quotes"])
def test_a_users_text_is_escaped_as_python_escapes_it(name: str) -> None:
    made = card("telegram", "task.complete", {**FAILED, "error": TEXTS[name]})
    assert made["reply_markup"] == BUTTONS
    wanted = escaped(TEXTS[name])
    reason, *more = wanted.split("\n")
    # A message of several lines follows its first as a whole.
    details = [f"<blockquote expandable>{wanted}</blockquote>"] if more else []
    lines = ["❌ <b>Task failed: run-7</b>", f"<pre>{reason}</pre>", *details, "<i>render-07</i>"]
    assert made["text"] == "\n".join(lines)
    shown, entities = parse(made["text"])
    assert TEXTS[name] in shown.replace("\u200b", "")
    kinds = ["bold", "pre", *(["expandable_blockquote"] if more else []), "italic"]
    assert [entity.type for entity in entities] == kinds


@pytest.mark.parametrize("name", ["ordinary", "pings", "markup", "tags", "quotes"])
def test_a_prompt_and_a_traceback_are_escaped_as_python_escapes_them(name: str) -> None:
    error = {"message": "out of memory", "traceback": TEXTS[name]}
    payload = {**FAILED, "error": error, "params": {"prompt": TEXTS[name]}}
    made = card("telegram", "task.complete", payload)
    judge_message(made)
    # Within a line, whatever breaks lines is a space; the traceback keeps its own lines.
    lines = [re.sub("[\u2028\u2029]", " ", escaped(line)) for line in TEXTS[name].split("\n")]
    quotes = [f"<blockquote>{' '.join(lines)}</blockquote>"]
    quotes.append("<blockquote expandable>{}</blockquote>".format("\n".join(lines)))
    head = ["❌ <b>Task failed: run-7</b>", "<pre>out of memory</pre>"]
    assert made["text"] == "\n".join([*head, *quotes, "<i>render-07</i>"])
    shown, entities = parse(made["text"])
    assert re.sub("[\n\u2028\u2029]", " ", TEXTS[name]) in shown.replace("\u200b", "")
    kinds = ["bold", "pre", "blockquote", "expandable_blockquote", "italic"]
    assert [entity.type for entity in entities] == kinds


@pytest.mark.parametrize(
    "text",
    [
        "<b>x",
        "x</b>",
        "<b><i>x</b></i>",
        "a < b",
        "a > b",
        "a & b",
        "&nbsp;",
        "<font color='red'>x</font>",
        "<a>x</a>",
        '<a href="https://example.com/?a&b">x</a>',
        '<b href="https://example.com/">x</b>',
        "<!-- x -->",
        "&am",
        "<blockquote open>x</blockquote>",
        "<blockquote><blockquote expandable>x</blockquote></blockquote>",
        "<tg-time>x</tg-time>",
        '<tg-time unix="now" format="dt">x</tg-time>',
    ],
)
def test_the_parser_takes_nothing_but_telegrams_own_markup(text: str) -> None:
    with pytest.raises(NotTelegramHtml):
        parse(text)


def test_the_judge_counts_what_is_shown() -> None:
    judge(f"<b>{'&amp;' * 4096}</b>", MessageLimit.MAX_TEXT_LENGTH)
    for text in ("&amp;" * 4097, "🎨" * 2049, "<b> </b>", "<b>x</b>" * 101):
        with pytest.raises(AssertionError):
            judge(text, MessageLimit.MAX_TEXT_LENGTH)


@pytest.mark.parametrize("name", TEXTS)
def test_a_template_is_cut_where_its_markup_stays_whole(name: str) -> None:
    prompt = "{{ task.params.prompt | e }}"
    chat = config(["telegram"], "task.complete", "en")
    chat["hooks"][0]["template"] = {
        "parse_mode": "HTML",
        "text": f'<b>Done</b> <blockquote><i>{prompt}</i> {prompt}</blockquote>\n<a href="https://e.com/">all</a>',
    }
    payload = {**FAILED, "params": {"prompt": TEXTS[name] * 3}}
    (request,) = taskbell.preview(chat, "task.complete", payload)["requests"]
    shown, _ = parse(request["body"]["text"])
    assert shown.startswith("Done")
    assert units(shown) <= MessageLimit.MAX_TEXT_LENGTH
    if units(TEXTS[name]) * 6 < 4000:
        assert shown.endswith("all")


def documents_of(receiver: Any) -> list[Any]:
    return [request for request in receiver.requests if request.target.endswith("/sendDocument")]


def test_a_caption_is_as_sound_as_a_message(tmp_path: Any, receive: Any, ring: Any) -> None:
    receiver = receive(default=SENT)
    config = one(tmp_path, "chat", "telegram", receiver.url(), **TELEGRAM)
    bell = ring(rooted(tmp_path, config, run_log=LOG))
    for text in TEXTS.values():
        bell.emit("task.complete", {**event("run.log"), **FAILED, "name": text, "error": text})
    assert {report["state"] for report in reports(bell, len(TEXTS))} == {"delivered"}
    eventually("every file", lambda: len(documents_of(receiver)) == len(TEXTS))
    messages = [request for request in receiver.requests if request.target.endswith("/sendMessage")]
    for request in messages:
        judge_message(request.json())
    captions = 0
    for request in documents_of(receiver):
        form = parts(request)
        assert form.keys() <= inspect.signature(telegram.Bot.send_document).parameters.keys()
        assert form["document"] == ("run.log", LOG)
        if "caption" in form:
            captions += 1
            assert form["parse_mode"][1] == b"HTML"
            judge(form["caption"][1].decode(), MessageLimit.CAPTION_LENGTH)
    assert captions, "a short text goes with its file"
    assert messages, "a long one goes before it"
    assert captions + len(messages) == len(TEXTS)


def test_a_message_without_markup_says_what_was_shown_with_it(tmp_path: Any, receive: Any, ring: Any) -> None:
    receiver = receive(lambda request, _number: REFUSED if "parse_mode" in request.json() else SENT)
    bell = ring(one(tmp_path, "chat", "telegram", receiver.url(), **TELEGRAM))
    for text in TEXTS.values():
        bell.task_complete({**FAILED, "name": text, "error": text})
    assert {report["state"] for report in reports(bell, len(TEXTS))} == {"delivered"}
    requests = [request.json() for request in receiver.wait_for(2 * len(TEXTS))]
    for marked, plain in zip(requests[::2], requests[1::2]):
        judge_message(marked)
        shown, _ = parse(marked["text"])
        assert plain["text"] == shown
