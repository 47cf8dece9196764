//! What Discord takes in a message: docs.discord.com on webhooks, embeds, allowed mentions and components.

use super::super::limits::Unit;
use super::super::rules::Rule::{Any, Bool, Link, List, Object, OneOf, Table, Time, Whole};
use super::super::rules::{
    BodyFault, FaultKind, Faults, Rule, Shape, TEXT, TEXTS, filled, may, need, shape, text,
};
use super::{CONTENT, EMBED, FIELD_NAME, FIELD_VALUE, FIELDS, LINK, TITLE};
use serde_json::Value;

/// The flag of a message that is made of components alone.
const COMPONENTS_ONLY: u64 = 1 << 15;

/// `url` tells whether components are shown.
pub(super) fn faults(body: &Value, url: &str) -> Vec<BodyFault> {
    let mut faults = Faults::of("Discord", &Object(&MESSAGE), body);
    let is_blank = |name: &str| match body.get(name) {
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        other => other.is_none_or(Value::is_null),
    };
    let has_some = SAYING.iter().any(|name| body.get(*name).is_some());
    if has_some && SAYING.iter().all(|name| is_blank(name)) {
        let first = SAYING.iter().find(|name| body.get(**name).is_some()).copied().unwrap_or_default();
        faults.add(first, FaultKind::Missing, "is empty, and Discord takes no message that says nothing");
    }
    let embeds = body["embeds"].as_array().map(Vec::as_slice).unwrap_or_default();
    faults.limit("embeds", "characters in all embeds together", embeds.iter().map(length).sum(), EMBED);
    if body.get("components").is_some_and(Value::is_array) {
        judge_components(body, url, &mut faults);
    }
    faults.answered(|fault| {
        if fault.kind == FaultKind::Missing && !fault.path.contains('.') { "50006" } else { "50035" }
    })
}

/// What a message without any of these says nothing with.
const SAYING: [&str; 4] = ["content", "embeds", "components", "poll"];

/// The length of an embed as Discord adds it up.
fn length(embed: &Value) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, |text| Unit::CodePoints.length(text));
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parts = [&embed["title"], &embed["description"], &embed["footer"]["text"], &embed["author"]["name"]];
    let named = fields.iter().map(|field| length(&field["name"]) + length(&field["value"]));
    parts.into_iter().map(length).chain(named).sum()
}

fn judge_components(body: &Value, url: &str, faults: &mut Faults) {
    let flags = body["flags"].as_u64().unwrap_or_default();
    if flags & COMPONENTS_ONLY == 0 {
        let kinds = body["components"].as_array().into_iter().flatten().map(|part| &part["type"]);
        if kinds.filter_map(Value::as_u64).any(|kind| kind > 8) {
            let words = "are of the second kind, which Discord takes with `flags = 32768` only";
            faults.add("components", FaultKind::Missing, words);
        }
    } else if let Some(name) =
        ["content", "embeds", "poll"].into_iter().find(|name| body.get(*name).is_some())
    {
        faults.add(
            name,
            FaultKind::Unknown,
            "is refused by Discord beside `flags = 32768`: the components are the whole message",
        );
    }
    let is_shown =
        url.split(['?', '&']).any(|part| matches!(part, "with_components=true" | "with_components=1"));
    if !is_shown {
        let words = "need `with_components=true` in the URL: without it, Discord leaves them out of a webhook's message";
        faults.add("components", FaultKind::Missing, words);
    }
}

static MESSAGE: Shape = shape(&[
    may("content", text(CONTENT)),
    may("embeds", List(&Object(&EMBED_SHAPE), 0, 10)),
    may("components", List(&COMPONENT, 0, 40)),
    may("poll", Object(&POLL)),
    may("username", filled(80)),
    may("avatar_url", TEXT),
    may("tts", Bool),
    may("allowed_mentions", Object(&ALLOWED)),
    may("attachments", List(&Table, 0, 10)),
    may("flags", Whole(0, i64::MAX)),
    may("thread_name", filled(100)),
    may("applied_tags", List(&Any, 0, 5)),
])
.some_of(&SAYING);

static ALLOWED: Shape = shape(&[
    may("parse", List(&OneOf(&["roles", "users", "everyone"]), 0, 3)),
    may("roles", List(&TEXT, 0, 100)),
    may("users", List(&TEXT, 0, 100)),
    may("replied_user", Bool),
])
.also(|allowed, faults| {
    let parsed = allowed["parse"].as_array().map(Vec::as_slice).unwrap_or_default();
    for name in ["users", "roles"] {
        let named = allowed[name].as_array().is_some_and(|list| !list.is_empty());
        if named && parsed.iter().any(|kind| kind == name) {
            let words = format!("cannot be listed while `parse` has `{name}`: Discord takes one of the two");
            faults.add(name, FaultKind::Unknown, &words);
        }
    }
});

static POLL: Shape = shape(&[need("question", Table), need("answers", List(&Table, 1, 10))]);

static EMBED_SHAPE: Shape = shape(&[
    may("title", text(TITLE)),
    may("description", text(4096)),
    may("url", LINKED),
    may("color", Whole(0, 0xff_ff_ff)),
    may("timestamp", Time),
    may("author", Object(&AUTHOR)),
    may("footer", Object(&FOOTER)),
    may("image", Object(&PICTURE)),
    may("thumbnail", Object(&PICTURE)),
    may("fields", List(&Object(&FIELD), 0, FIELDS)),
    may("type", TEXT),
    may("video", Table),
    may("provider", Table),
])
.some_of(&["title", "description", "fields", "image", "thumbnail", "author", "footer"]);

const LINKED: Rule = Link(LINK);

static FIELD: Shape =
    shape(&[need("name", filled(FIELD_NAME)), need("value", filled(FIELD_VALUE)), may("inline", Bool)]);
static AUTHOR: Shape = shape(&[need("name", filled(256)), may("url", LINKED), may("icon_url", LINKED)]);
static FOOTER: Shape = shape(&[need("text", filled(2048)), may("icon_url", LINKED)]);
static PICTURE: Shape = shape(&[need("url", LINKED), may("height", Any), may("width", Any)]);

/// The kinds of components are numbers.
static COMPONENT: Rule = Object(&COMPONENT_SHAPE);
static COMPONENT_SHAPE: Shape = shape(&[
    need("type", Whole(1, 25)),
    may("components", List(&COMPONENT, 1, 40)),
    may("accessory", Object(&COMPONENT_SHAPE)),
    may("url", LINKED),
    may("label", text(80)),
    may("style", Whole(1, 6)),
    may("disabled", Bool),
    may("content", TEXT),
    may("items", List(&Table, 1, 10)),
    may("media", Table),
    may("file", Table),
    may("spoiler", Bool),
    may("divider", Bool),
    may("spacing", Whole(1, 2)),
    may("accent_color", Whole(0, 0xff_ff_ff)),
    may("custom_id", text(100)),
    may("id", Whole(0, i64::MAX)),
    may("emoji", Table),
    may("options", List(&Table, 0, 25)),
    may("placeholder", TEXT),
    may("tags", TEXTS),
])
.also(|component, faults| {
    let needed: &[&str] = match component["type"].as_u64() {
        Some(1 | 17) => &["components"],
        Some(2) => &["style"],
        Some(9) => &["components", "accessory"],
        Some(10) => &["content"],
        Some(11) => &["media"],
        Some(12) => &["items"],
        Some(13) => &["file"],
        _ => &[],
    };
    for name in needed.iter().filter(|name| component.get(**name).is_none()) {
        faults.add(name, FaultKind::Missing, "is missing: Discord needs it in a component of this `type`");
    }
    if component["type"] == 2 && component["style"] == 5 && component.get("url").is_none() {
        faults.add(
            "url",
            FaultKind::Missing,
            "is missing: Discord needs it in a button of style 5, which opens an address",
        );
    }
});
