//! What Discord takes in a message: docs.discord.com on webhooks, embeds, allowed mentions and components.

use super::super::limits::Unit;
use super::super::rules::Rule::{Any, Bool, Link, List, Object, OneOf, Picture, Table, Time, Whole};
use super::super::rules::{
    BodyFault, FaultKind, Faults, Rule, Shape, TEXT, TEXTS, TypedMarkup, filled, may, need, open, shape, text,
};
use super::super::{ReceivedRequest, refusal};
use super::{
    BUTTON, BUTTON_LINK, CONTENT, EMBED, EMBEDS, FIELD_NAME, FIELD_VALUE, FIELDS, FILE, LINK, SILENT, TITLE,
};
use serde_json::Value;

/// The flag of a message that is made of components alone.
const COMPONENTS_ONLY: u64 = 1 << 15;

/// `url` tells whether components are shown.
pub(super) fn faults(body: &Value, url: &str) -> Vec<BodyFault> {
    let mut faults = Faults::of("Discord", &BODY, body);
    let embeds = body["embeds"].as_array().map(Vec::as_slice).unwrap_or_default();
    faults.limit("embeds", "characters in all embeds together", embeds.iter().map(length).sum(), EMBED);
    if body.get("components").is_some_and(Value::is_array) {
        judge_components(body, url, &mut faults);
    }
    judge_words(body, &mut faults);
    faults.answered(|fault| {
        let is_silent = matches!(fault.kind, FaultKind::Missing | FaultKind::Empty)
            && (SAYING.contains(&fault.path.as_str()) || fault.path.starts_with("components"));
        if is_silent { "50006" } else { "50035" }
    })
}

/// What only the whole request shows: Discord knows the webhook by its path, and takes files next to the message.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let json = request.json();
    let json = json.as_ref();
    if !request.target.contains("/webhooks/") {
        return Some("10015");
    }
    let parts = request.parts().unwrap_or_default();
    let payload = parts.iter().find(|part| part.name == "payload_json");
    let payload = payload.and_then(|part| serde_json::from_slice::<Value>(part.content).ok());
    let files: Vec<_> = parts.iter().filter(|part| part.file.is_some()).collect();
    if files.iter().any(|part| part.content.len() as u64 > FILE) {
        return Some("40005");
    }
    let Some(json) = payload.as_ref().or(json).filter(|json| json.is_object()) else { return Some("50109") };
    // A file is a message by itself.
    let refusal = refusal(faults(json, request.target)).filter(|name| *name != "50006" || files.is_empty());
    if refusal.is_some() {
        return refusal;
    }
    if request.method == "PATCH" {
        // "Edit Webhook Message": of the flags, these two alone can be set.
        if json["flags"].as_u64().unwrap_or_default() & !(1 << 2 | COMPONENTS_ONLY) != 0 {
            return Some("50035");
        }
        return (!request.edits_known_message()).then_some("10008");
    }
    (!request.target.contains("wait=true")).then_some("204")
}

/// The flags that a webhook may set: no previews, no sound, components alone.
const FLAGS: u64 = 1 << 2 | SILENT | COMPONENTS_ONLY;

const FOREIGN: [(TypedMarkup, &str); 7] = [
    (TypedMarkup::SlackLink, "write `[words](URL)`"),
    (TypedMarkup::Tags, "write `**words**`, and a line break as it is"),
    (TypedMarkup::References, "write the character itself"),
    (TypedMarkup::Picture, "a picture is `embeds[].image`"),
    (TypedMarkup::Table, "it has none; write a block of code"),
    (
        TypedMarkup::SlackPing,
        "write `@here` or `@everyone`, with `\"parse\": [\"everyone\"]` in `allowed_mentions`",
    ),
    (TypedMarkup::OtherPing, "write `<@123456789012345678>` with a person's id"),
];

/// The sender, the flags, and whom the text pings.
fn judge_words(body: &Value, faults: &mut Faults) {
    let name = body["username"].as_str().unwrap_or_default().to_lowercase();
    let whole = ["everyone", "here"].into_iter().find(|word| name.trim() == *word);
    if let Some(word) =
        whole.or_else(|| ["discord", "clyde", "```"].into_iter().find(|word| name.contains(word)))
    {
        let words = format!("has `{word}` in it, and Discord takes no such name of a sender");
        faults.add("username", FaultKind::Unknown, &words);
    }
    let flags = body["flags"].as_u64().unwrap_or_default();
    if flags & !FLAGS != 0 {
        let words = "has a flag that no webhook can set: 4 hides previews, 4096 makes no sound, 32768 is for components";
        faults.add("flags", FaultKind::Shown, words);
    }
    let content = body["content"].as_str().unwrap_or_default();
    faults.typed_markup("content", &body["content"], &FOREIGN);
    let allowed = &body["allowed_mentions"];
    let parses =
        |kind: &str| allowed["parse"].as_array().is_some_and(|list| list.iter().any(|entry| entry == kind));
    let everyone = ["@everyone", "@here"].into_iter().find(|name| content.contains(name));
    if let Some(name) = everyone.filter(|_| !parses("everyone")) {
        let words = format!(
            "has `{name}`, which pings nobody without `\"parse\": [\"everyone\"]` in `allowed_mentions`"
        );
        faults.add("content", FaultKind::Typed, &words);
    }
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
        for (index, part) in body["components"].as_array().into_iter().flatten().enumerate() {
            if part["type"].as_u64().is_some_and(|kind| (2..=8).contains(&kind)) {
                let words = "is outside of a row, and Discord takes buttons and menus only in one: a component of type 1 with `components`";
                faults.add(&format!("components[{index}]"), FaultKind::Missing, words);
            }
        }
    } else if let Some(name) =
        ["content", "embeds", "poll"].into_iter().find(|name| body.get(*name).is_some())
    {
        faults.add(
            name,
            FaultKind::Unknown,
            "is refused by Discord together with `flags = 32768`: the components are the whole message",
        );
    }
    let is_shown =
        url.split(['?', '&']).any(|part| matches!(part, "with_components=true" | "with_components=1"));
    if !is_shown {
        let words = "need `with_components=true` in the URL: without it, Discord leaves them out of a webhook's message";
        faults.add("components", FaultKind::Missing, words);
    }
}

pub(super) const BODY: Rule = Object(&MESSAGE);

static MESSAGE: Shape = shape(&[
    may("content", text(CONTENT)),
    may("embeds", List(&Object(&EMBED_SHAPE), 0, EMBEDS)),
    may("components", List(&COMPONENT, 0, 40)),
    may("poll", Object(&POLL)),
    may("username", filled(80)),
    may("avatar_url", Picture(LINK)),
    may("tts", Bool),
    may("allowed_mentions", Object(&ALLOWED)),
    may("attachments", List(&Object(&ATTACHMENT), 0, 10)),
    may("flags", Whole(0, i64::MAX)),
    may("thread_name", filled(100)),
    may("applied_tags", List(&Any, 0, 5)),
    may("nonce", Any),
    may("enforce_nonce", Bool),
])
.some_of(&SAYING)
.elsewhere(&[
    ("thread_id", "it belongs into the URL, as `?thread_id=…`"),
    ("wait", "it belongs into the URL"),
    ("embed", "a webhook takes a list, `embeds`"),
    ("text", "the text of a message is `content`"),
    ("blocks", "Discord's are `embeds`"),
]);

static ATTACHMENT: Shape = open(&[need("id", Any), may("description", text(1024))]).elsewhere(&[(
    "url",
    "Discord takes files that are sent along, and pictures by address in `embeds[].image.url`",
)]);

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

static POLL: Shape = open(&[
    need("question", Object(&POLL_TEXT)),
    need("answers", List(&Object(&ANSWER), 1, 10)),
    may("duration", Whole(1, 768)),
    may("allow_multiselect", Bool),
]);
static POLL_TEXT: Shape = open(&[need("text", filled(300))]);
static ANSWER: Shape = open(&[need("poll_media", Table)]);

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
])
.some_of(&["title", "description", "fields", "image", "thumbnail", "author", "footer"])
.elsewhere(&[
    ("text", "the text of an embed is `description`"),
    ("video", "Discord makes it from the `url` by itself"),
    ("provider", "Discord makes it from the `url` by itself"),
])
.also(|embed, faults| {
    faults.typed_markup("description", &embed["description"], &FOREIGN);
});

const LINKED: Rule = Link(LINK);
const PICTURED: Rule = Picture(LINK);

static FIELD: Shape =
    shape(&[need("name", filled(FIELD_NAME)), need("value", filled(FIELD_VALUE)), may("inline", Bool)])
        .elsewhere(&[("short", "Discord's word is `inline`"), ("title", "Discord's word is `name`")])
        .also(|field, faults| faults.typed_markup("value", &field["value"], &FOREIGN));
static AUTHOR: Shape =
    shape(&[need("name", Rule::Plain(256, false)), may("url", LINKED), may("icon_url", PICTURED)]);
static FOOTER: Shape = shape(&[need("text", Rule::Plain(2048, false)), may("icon_url", PICTURED)]);
static PICTURE: Shape = open(&[need("url", PICTURED), may("height", Any), may("width", Any)]);

/// The kinds of components are numbers.
static COMPONENT: Rule = Object(&COMPONENT_SHAPE);
static COMPONENT_SHAPE: Shape = open(&[
    need("type", Whole(1, 25)),
    may("components", List(&COMPONENT, 1, 40)),
    may("accessory", Object(&COMPONENT_SHAPE)),
    may("url", LINKED),
    may("label", text(BUTTON)),
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
    let has = |name: &str| component.get(name).is_some_and(|value| !value.is_null());
    if component["type"] == 1 && component["components"].as_array().is_some_and(|list| list.len() > 5) {
        faults.add(
            "components",
            FaultKind::TooLong,
            "has too many entries: Discord takes 5 buttons in a row",
        );
    }
    if component["type"] != 2 {
        return;
    }
    let address = component["url"].as_str().unwrap_or_default();
    faults.limit("url", "characters in the address of a button", address.chars().count(), BUTTON_LINK);
    if component["style"] == 5 && !has("url") {
        let words = "is missing: Discord needs it in a button of style 5, which opens an address";
        faults.add("url", FaultKind::Missing, words);
    }
    if component["style"].as_u64().is_some_and(|style| style < 5) {
        let words =
            "is of a button that the bot's program answers, and a webhook has none: style 5 opens an address";
        faults.add("style", FaultKind::Shown, words);
    }
    if !has("label") && !has("emoji") {
        faults.add("label", FaultKind::Missing, "is missing: Discord needs it, or `emoji`, in a button");
    }
});
