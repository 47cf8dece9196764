//! What Telegram takes in a message: core.telegram.org/bots/api on `sendMessage` and on the parse modes.

use super::super::cut;
use super::super::limits::Unit;
use super::super::links::followable;
use super::super::rules::Rule::{Any, Bool, List, Object, OneOf, OneWord, Or, Table, Whole};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Rule, Shape, TEXT, TypedMarkup, may, need, open, shape,
};
use super::{TEXT as TEXT_MAX, is_chat, markup, parse_modes};
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    let mut faults = Faults::of("Telegram", &Object(&MESSAGE), body);
    if body["text"].is_null() {
        let other = ["photo", "document", "caption", "video", "animation", "audio", "voice", "media"];
        let here = other.into_iter().find(|name| body.get(*name).is_some());
        let here = here.map(|name| format!(", to which `{name}` does not belong")).unwrap_or_default();
        let words = format!("is missing: a template is sent by `sendMessage`, which needs it{here}");
        faults.add("text", FaultKind::Missing, &words);
    }
    let text = body["text"].as_str().unwrap_or_default();
    faults.limit("text", "characters", cut::length(text, Unit::Utf16, markup(body)), TEXT_MAX);
    judge_mode(body, text, &mut faults);
    if let Some(chat) = body["chat_id"].as_str().filter(|chat| !is_chat(chat)) {
        let words = format!(
            "is `{chat:.40}`, and Telegram takes the number of a chat, or `@` and the name of a public one"
        );
        faults.add("chat_id", FaultKind::Unknown, &words);
    }
    faults.answered(|fault| match (fault.path.as_str(), fault.kind) {
        ("text", FaultKind::TooLong) => "too-long",
        ("text", FaultKind::Unknown) => "entities",
        ("parse_mode", _) => "parse-mode",
        ("text" | "", _) => "empty-text",
        ("chat_id", _) => "chat",
        _ => "object",
    })
}

/// The advice for markup without a mode.
const MODES: &str = "`parse_mode` names the markup: `HTML` or `MarkdownV2`";

/// A named reference that Telegram does not know, such as `nbsp`.
fn unknown_reference(text: &str) -> Option<&str> {
    let names =
        text.match_indices('&').filter_map(|(at, _)| text[at + 1..].split_once(';').map(|(name, _)| name));
    names
        .filter(|name| (2..=8).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphabetic()))
        .find(|name| !matches!(*name, "lt" | "gt" | "amp" | "quot"))
}

fn judge_mode(body: &Value, text: &str, faults: &mut Faults) {
    let mode = body["parse_mode"].as_str().unwrap_or_default();
    let stars = (TypedMarkup::TwoStars, "write `*words*`");
    let tildes = (TypedMarkup::TwoTildes, "write `~words~`");
    let tags = (TypedMarkup::Tags, "write `*words*`");
    let link = (TypedMarkup::SlackLink, "write `[words](URL)`");
    let pings = [TypedMarkup::SlackPing, TypedMarkup::OtherPing];
    faults.typed_markup("text", &body["text"], &pings.map(|kind| (kind, "write `@` and a person's name")));
    let mut typed = |kinds: &[(TypedMarkup, &str)]| faults.typed_markup("text", &body["text"], kinds);
    let parsed = match mode.to_ascii_lowercase().as_str() {
        "" => {
            let html = "write `\"parse_mode\": \"HTML\"`";
            let kinds = [
                (TypedMarkup::Tags, html),
                (TypedMarkup::References, html),
                (TypedMarkup::OneStar, MODES),
                (TypedMarkup::TwoStars, MODES),
                (TypedMarkup::Code, MODES),
                (TypedMarkup::Link, MODES),
                (TypedMarkup::SlackLink, MODES),
            ];
            return typed(&kinds);
        }
        "html" => {
            typed(&[
                (TypedMarkup::TwoStars, "write `<b>words</b>`"),
                (TypedMarkup::TwoTildes, "write `<s>words</s>`"),
                (TypedMarkup::Code, "write `<code>words</code>`"),
                (TypedMarkup::Heading, "write `<b>words</b>`"),
                (TypedMarkup::Link, "write `<a href=\"URL\">words</a>`"),
            ]);
            if let Some(name) = unknown_reference(text) {
                let words = format!(
                    "has `&{name};`, which Telegram shows as it was typed: it knows `&lt;`, `&gt;`, `&amp;` and `&quot;`"
                );
                faults.add("text", FaultKind::Typed, &words);
            }
            if text.contains("<a>") || text.contains("<a href=\"/") || text.contains("<a href='/") {
                let words =
                    "has `<a>` without a whole address in `href`, which Telegram shows as plain words";
                faults.add("text", FaultKind::Typed, words);
            }
            parse_modes::html(text)
        }
        "markdownv2" => {
            typed(&[stars, tildes, tags, link]);
            parse_modes::markdown_v2(text)
        }
        "markdown" => {
            typed(&[stars, tags, link]);
            let words = "is `Markdown`, Telegram's old mode, which cannot escape every value: one with `_`, `*` or `[` \
                         in it can make the message unreadable; `HTML` and `MarkdownV2` have no such gap";
            faults.add("parse_mode", FaultKind::Shown, words);
            parse_modes::markdown(text)
        }
        _ => return,
    };
    match parsed {
        Err(parse_modes::Unparsed(reason)) => {
            let words = format!("cannot be parsed as `{mode}`: {reason}");
            faults.add("text", FaultKind::Unknown, &words);
        }
        Ok(shown) if shown.trim().is_empty() && !text.trim().is_empty() => {
            faults.add(
                "text",
                FaultKind::Empty,
                "shows nothing but markup, and Telegram takes no empty text",
            );
        }
        Ok(_) => {}
    }
}

static MESSAGE: Shape = shape(&[
    may("text", FILLED),
    may("chat_id", Or(&Whole(i64::MIN, i64::MAX), &TEXT)),
    may("message_thread_id", Whole(0, i64::MAX)),
    may("parse_mode", OneWord(&["HTML", "MarkdownV2", "Markdown"])),
    may("entities", List(&Object(&ENTITY), 0, usize::MAX)),
    may("link_preview_options", Object(&PREVIEW)),
    may("disable_web_page_preview", Bool),
    may("disable_notification", Bool),
    may("protect_content", Bool),
    may("allow_paid_broadcast", Bool),
    may("message_effect_id", TEXT),
    may("reply_parameters", Table),
    may("reply_to_message_id", Whole(0, i64::MAX)),
    may("reply_markup", Object(&MARKUP)),
    may("business_connection_id", TEXT),
    may("allow_sending_without_reply", Bool),
    may("direct_messages_topic_id", Any),
    may("suggested_post_parameters", Table),
    // Taskbell sends them after the message, by `sendMediaGroup`.
    may("media", List(&Object(&MEDIA), 2, 10)),
])
.elsewhere(&[
    ("photo", "a template is sent by `sendMessage`; Taskbell sends the picture of a task itself"),
    ("message", "the text of a message is `text`"),
    ("inline_keyboard", "it belongs into `reply_markup`"),
    ("keyboard", "it belongs into `reply_markup`"),
])
.also(|body, faults| {
    if body["parse_mode"].is_string() && body["entities"].is_array() {
        faults.add("entities", FaultKind::Shown, "has no effect together with `parse_mode`");
    }
});

static ENTITY: Shape =
    open(&[need("type", TEXT), need("offset", Whole(0, i64::MAX)), need("length", Whole(1, i64::MAX))]);

static MEDIA: Shape = open(&[need("type", OneOf(&["photo"])), need("media", Rule::Picture(2048))]);

static PREVIEW: Shape = shape(&[
    may("is_disabled", Bool),
    may("url", TEXT),
    may("prefer_small_media", Bool),
    may("prefer_large_media", Bool),
    may("show_above_text", Bool),
]);

static MARKUP: Shape = open(&[
    may("inline_keyboard", List(&List(&Object(&BUTTON), 0, usize::MAX), 0, usize::MAX)),
    may("keyboard", List(&List(&Or(&Table, &TEXT), 0, usize::MAX), 0, usize::MAX)),
    may("remove_keyboard", Bool),
    may("force_reply", Bool),
])
.some_of(&["inline_keyboard", "keyboard", "remove_keyboard", "force_reply"]);

static BUTTON: Shape = open(&[
    need("text", Rule::Plain(usize::MAX, false)),
    may("url", Rule::Address(2048)),
    may("callback_data", Rule::Text(64, Unit::Bytes, false)),
    may("web_app", Table),
    may("login_url", Table),
    may("switch_inline_query", TEXT),
    may("copy_text", Table),
    may("pay", Bool),
])
.some_of(&["url", "callback_data", "web_app", "login_url", "switch_inline_query", "copy_text", "pay"])
.also(|button, faults| {
    let deeds = ["url", "callback_data", "web_app", "login_url", "switch_inline_query", "copy_text"];
    if deeds.iter().filter(|name| !button[**name].is_null()).count() > 1 {
        faults.add(
            "",
            FaultKind::Shown,
            "does two things, and Telegram takes one, such as `url`, in each button",
        );
    }
    let url = followable(button["url"].as_str(), usize::MAX);
    if url.is_some_and(|url| url.domain().is_some_and(|name| !name.contains('.'))) {
        let words = "is at `localhost` or another name without a dot, which Telegram refuses in a button";
        faults.add("url", FaultKind::Link, words);
    }
});
