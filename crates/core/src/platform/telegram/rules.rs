//! What Telegram takes in a message: core.telegram.org/bots/api on `sendMessage` and on the parse modes.

use super::super::cut;
use super::super::limits::Unit;
use super::super::rules::Rule::{Any, Bool, List, Object, OneWord, Or, Table, Whole};
use super::super::rules::{BodyFault, FILLED, FaultKind, Faults, Rule, Shape, TEXT, may, need, shape};
use super::{TEXT as TEXT_MAX, markup, parse_modes};
use serde_json::Value;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let mut faults = Faults::of("Telegram", &Object(&MESSAGE), body);
    if body.get("text").is_none() {
        let other = ["photo", "document", "caption", "video", "animation", "audio", "voice", "media"];
        let here = other.into_iter().find(|name| body.get(*name).is_some());
        let here = here.map(|name| format!(", to which `{name}` does not belong")).unwrap_or_default();
        let words = format!("is missing: a template is sent by `sendMessage`, which needs it{here}");
        faults.add("text", FaultKind::Missing, &words);
    }
    let text = body["text"].as_str().unwrap_or_default();
    faults.limit("text", "characters", cut::length(text, Unit::Utf16, markup(body)), TEXT_MAX);
    judge_mode(body, text, &mut faults);
    faults.answered(|fault| match (fault.path.as_str(), fault.kind) {
        ("text", FaultKind::TooLong) => "too-long",
        ("text", FaultKind::Unknown) => "entities",
        ("parse_mode", _) => "parse-mode",
        ("text" | "", _) => "empty-text",
        _ => "object",
    })
}

fn judge_mode(body: &Value, text: &str, faults: &mut Faults) {
    let mode = body["parse_mode"].as_str().unwrap_or_default();
    let parsed = match mode.to_ascii_lowercase().as_str() {
        "html" => parse_modes::html(text),
        "markdownv2" => parse_modes::markdown_v2(text),
        "markdown" => {
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
    may("entities", List(&Table, 0, usize::MAX)),
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
]);

static PREVIEW: Shape = shape(&[
    may("is_disabled", Bool),
    may("url", TEXT),
    may("prefer_small_media", Bool),
    may("prefer_large_media", Bool),
    may("show_above_text", Bool),
]);

static MARKUP: Shape = shape(&[
    may("inline_keyboard", List(&List(&Object(&BUTTON), 0, usize::MAX), 0, usize::MAX)),
    may("keyboard", Any),
    may("remove_keyboard", Bool),
    may("force_reply", Bool),
]);

static BUTTON: Shape = shape(&[
    need("text", FILLED),
    may("url", Rule::Text(2048, Unit::Bytes, false)),
    may("callback_data", TEXT),
    may("web_app", Table),
    may("login_url", Table),
    may("switch_inline_query", TEXT),
    may("copy_text", Table),
    may("pay", Bool),
])
.some_of(&["url", "callback_data", "web_app", "login_url", "switch_inline_query", "copy_text", "pay"]);
