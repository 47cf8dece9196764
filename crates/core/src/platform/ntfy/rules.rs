//! What ntfy takes in a message published as JSON: docs.ntfy.sh/publish.

use super::super::limits::Unit;
use super::super::rules::Rule::{
    Address, Any, Bool, Link, List, Object, OneOf, Or, Plain, Table, Text, Whole,
};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Shape, TEXT, TEXTS, TypedMarkup, may, need, shape,
};
use super::super::{ReceivedRequest, refusal};
use super::{LONGEST, is_topic};
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    let mut faults = Faults::of("ntfy", &Object(&MESSAGE), body);
    if let Some(topic) = body["topic"].as_str().filter(|topic| !is_topic(topic)) {
        let words = format!("is `{topic:.40}`, and a topic has 1 to 64 letters, digits, `-` and `_`");
        faults.add("topic", FaultKind::Unknown, &words);
    }
    if body["markdown"] != true {
        let markdown = "`\"markdown\": true` turns it on";
        let kinds = [TypedMarkup::TwoStars, TypedMarkup::Link, TypedMarkup::Heading, TypedMarkup::Table];
        faults.typed_markup("message", &body["message"], &kinds.map(|kind| (kind, markdown)));
    }
    let kinds = [
        (TypedMarkup::Tags, "`\"markdown\": true` and `**words**` make them bold"),
        (TypedMarkup::SlackLink, "`click` has the address that a tap opens"),
    ];
    faults.typed_markup("message", &body["message"], &kinds);
    if body["delay"].as_str().is_some_and(|delay| !is_delay(delay)) {
        let words = "is not a time that ntfy reads, such as `30m`, `9am` or `tomorrow`";
        faults.add("delay", FaultKind::Unknown, words);
    }
    faults.answered(|fault| match (fault.path.as_str(), fault.kind) {
        ("message", FaultKind::TooLong) => "413",
        ("topic", FaultKind::Unknown) => "topic",
        _ => "400",
    })
}

/// What only the whole request shows: the topic, and whether it is a message or a file. A message that is too long would become a file without a word.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let Some(json) = request.json() else {
        // A file is put as it is.
        return (request.method == "POST").then_some("400");
    };
    if !json["topic"].as_str().is_some_and(is_topic) {
        return Some("topic");
    }
    refusal(faults(&json, request.target))
}

/// A time has a number in it, or names a day.
fn is_delay(text: &str) -> bool {
    let days = ["today", "tomorrow", "day", "noon", "night", "morning", "evening", "hour", "week"];
    text.contains(|c: char| c.is_ascii_digit()) || days.iter().any(|day| text.to_lowercase().contains(day))
}

static MESSAGE: Shape = shape(&[
    may("topic", TEXT),
    may("message", Text(LONGEST, Unit::Bytes, true)),
    may("title", Plain(250, true)),
    may("tags", TEXTS),
    may("priority", Whole(1, 5)),
    may("click", Address(2048)),
    may("attach", Link(2048)),
    may("filename", TEXT),
    may("icon", Link(2048)),
    may("markdown", Bool),
    may("actions", List(&Object(&ACTION), 0, 3)),
    may("delay", TEXT),
    may("email", TEXT),
    may("call", Or(&TEXT, &Any)),
    may("cache", Any),
    may("firebase", Any),
    may("sequence_id", Any),
    may("poll_id", Any),
    may("base64", Any),
])
.some_of(&["message", "title", "attach"])
.elsewhere(&[
    ("body", "the text of a message is `message`"),
    ("text", "the text of a message is `message`"),
    ("url", "ntfy's word is `click`"),
]);

static ACTION: Shape = shape(&[
    need("action", OneOf(&["view", "broadcast", "http", "copy"])),
    need("label", FILLED),
    may("url", Address(2048)),
    may("clear", Bool),
    may("method", TEXT),
    may("headers", Table),
    may("body", TEXT),
    may("intent", TEXT),
    may("extras", Table),
    may("value", Any),
    may("id", TEXT),
])
.also(|action, faults| {
    if matches!(action["action"].as_str(), Some("view" | "http")) && action.get("url").is_none() {
        faults.add(
            "url",
            FaultKind::Missing,
            "is missing: ntfy needs it in an action that opens or calls an address",
        );
    }
});
