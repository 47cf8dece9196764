//! What Slack takes in a message: docs.slack.dev on Block Kit, on composition objects and on secondary attachments.

use super::super::limits::Unit;
use super::super::rules::Rule::{Any, Bool, ByKind, Link, List, Object, OneOf, Or, Table, Text, Whole};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Shape, TEXT, TEXTS, filled, may, need, shape, text,
};
use super::super::rules::{Member, Rule};
use super::{BLOCKS, LINK, SECTION};
use serde_json::Value;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let mut faults = Faults::of("Slack", &Object(&MESSAGE), body);
    let says_nothing = ["text", "blocks", "attachments"].iter().all(|name| match body.get(*name) {
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        other => other.is_none_or(Value::is_null),
    });
    let present = ["text", "blocks", "attachments"].into_iter().find(|name| body.get(*name).is_some());
    if says_nothing && let Some(name) = present {
        faults.add(name, FaultKind::Empty, "is empty, and Slack takes no message that says nothing");
    }
    faults.answered(response)
}

fn response(fault: &BodyFault) -> &'static str {
    let in_blocks = fault.path.contains("blocks");
    match fault.kind {
        FaultKind::TooLong if fault.path == "attachments" => "too_many_attachments",
        FaultKind::Missing | FaultKind::Empty if !in_blocks => "no_text",
        _ if in_blocks => "invalid_blocks",
        _ => "invalid_payload",
    }
}

static MESSAGE: Shape = shape(&[
    may("text", TEXT),
    may("blocks", List(&BLOCK, 0, BLOCKS)),
    may("attachments", List(&Object(&ATTACHMENT), 0, 100)),
    may("channel", TEXT),
    may("username", TEXT),
    may("icon_emoji", TEXT),
    may("icon_url", TEXT),
    may("mrkdwn", Bool),
    may("thread_ts", TEXT),
    may("unfurl_links", Bool),
    may("unfurl_media", Bool),
    may("response_type", TEXT),
    may("replace_original", Any),
    may("link_names", Any),
    may("parse", TEXT),
    may("metadata", Table),
])
.some_of(&["text", "blocks", "attachments"]);

/// The older kind of attachment, or blocks with a colour.
static ATTACHMENT: Shape = shape(&[
    may("blocks", List(&BLOCK, 0, BLOCKS)),
    may("color", TEXT),
    may("fallback", TEXT),
    may("pretext", TEXT),
    may("author_name", TEXT),
    may("author_link", TEXT),
    may("author_icon", TEXT),
    may("title", TEXT),
    may("title_link", TEXT),
    may("text", TEXT),
    may("fields", List(&Object(&FIELD), 0, usize::MAX)),
    may("image_url", TEXT),
    may("thumb_url", TEXT),
    may("footer", TEXT),
    may("footer_icon", TEXT),
    may("ts", Or(&Whole(0, i64::MAX), &TEXT)),
    may("mrkdwn_in", TEXTS),
    may("actions", List(&Table, 0, usize::MAX)),
    may("callback_id", TEXT),
    may("attachment_type", TEXT),
]);

static FIELD: Shape = shape(&[may("title", TEXT), may("value", Any), may("short", Bool)]);

static BLOCK: Rule = ByKind(
    "type",
    &[
        ("section", &SECTION_BLOCK),
        ("header", &HEADER),
        ("divider", &OTHER),
        ("image", &IMAGE),
        ("context", &CONTEXT),
        ("actions", &ACTIONS),
        ("markdown", &MARKDOWN),
        ("rich_text", &RICH_TEXT),
        ("video", &VIDEO),
        ("table", &TABLE),
        ("context_actions", &ACTIONS),
        ("input", &OTHER),
        ("file", &OTHER),
        ("call", &OTHER),
        ("card", &OTHER),
        ("carousel", &OTHER),
        ("alert", &OTHER),
        ("container", &OTHER),
        ("plan", &OTHER),
        ("task_card", &OTHER),
    ],
);

const ID: Member = may("block_id", text(255));
const ACTION: Member = may("action_id", text(255));

static OTHER: Shape = shape(&[ID]);

static SECTION_BLOCK: Shape = shape(&[
    may("text", SECTION_TEXT),
    may("fields", List(&FIELD_TEXT, 1, 10)),
    may("accessory", ELEMENT),
    may("expand", Bool),
    ID,
])
.some_of(&["text", "fields"]);

static HEADER: Shape = shape(&[need("text", Object(&HEADER_TEXT)), ID]);

static IMAGE: Shape = shape(&[
    may("image_url", Link(LINK)),
    may("slack_file", Table),
    need("alt_text", filled(2000)),
    may("title", Object(&TITLE_TEXT)),
    ID,
])
.some_of(&["image_url", "slack_file"]);

static CONTEXT: Shape = shape(&[
    need(
        "elements",
        List(&ByKind("type", &[("mrkdwn", &MRKDWN), ("plain_text", &PLAIN_TEXT), ("image", &IMAGE)]), 1, 10),
    ),
    ID,
]);

static ACTIONS: Shape = shape(&[need("elements", List(&ELEMENT, 1, 25)), ID]);
static MARKDOWN: Shape = shape(&[need("text", filled(12_000)), ID]);
static RICH_TEXT: Shape = shape(&[need("elements", List(&Table, 0, usize::MAX)), ID]);
static TABLE: Shape = shape(&[need("rows", List(&List(&Table, 0, 20), 1, 100)), ID]);

static VIDEO: Shape = shape(&[
    need("alt_text", FILLED),
    need("title", Object(&TITLE_TEXT)),
    need("thumbnail_url", Link(LINK)),
    need("video_url", Link(LINK)),
    ID,
]);

const SECTION_TEXT: Rule = ByKind("type", &[("mrkdwn", &SECTION_MRKDWN), ("plain_text", &SECTION_PLAIN)]);
static FIELD_TEXT: Rule = ByKind("type", &[("mrkdwn", &FIELD_MRKDWN), ("plain_text", &FIELD_PLAIN)]);

/// A text object of this kind, with at most so many characters.
macro_rules! text_object {
    ($name:ident, $kind:literal, $max:expr) => {
        static $name: Shape = shape(&[
            need("type", OneOf(&[$kind])),
            need("text", Text($max, Unit::CodePoints, false)),
            may("emoji", Bool),
            may("verbatim", Bool),
        ]);
    };
}
text_object!(SECTION_MRKDWN, "mrkdwn", SECTION);
text_object!(SECTION_PLAIN, "plain_text", SECTION);
text_object!(FIELD_MRKDWN, "mrkdwn", 2000);
text_object!(FIELD_PLAIN, "plain_text", 2000);
text_object!(MRKDWN, "mrkdwn", SECTION);
text_object!(PLAIN_TEXT, "plain_text", SECTION);
text_object!(HEADER_TEXT, "plain_text", 150);
text_object!(TITLE_TEXT, "plain_text", 2000);
text_object!(LABEL, "plain_text", 75);

const ELEMENT: Rule = ByKind(
    "type",
    &[
        ("button", &BUTTON),
        ("image", &IMAGE),
        ("overflow", &CHOICE),
        ("static_select", &CHOICE),
        ("multi_static_select", &CHOICE),
        ("external_select", &CHOICE),
        ("multi_external_select", &CHOICE),
        ("users_select", &CHOICE),
        ("multi_users_select", &CHOICE),
        ("conversations_select", &CHOICE),
        ("multi_conversations_select", &CHOICE),
        ("channels_select", &CHOICE),
        ("multi_channels_select", &CHOICE),
        ("datepicker", &CHOICE),
        ("datetimepicker", &CHOICE),
        ("timepicker", &CHOICE),
        ("radio_buttons", &CHOICE),
        ("checkboxes", &CHOICE),
        ("workflow_button", &CHOICE),
        ("feedback_buttons", &CHOICE),
        ("icon_button", &CHOICE),
    ],
);

static CHOICE: Shape = shape(&[ACTION]);

static BUTTON: Shape = shape(&[
    need("text", Object(&LABEL)),
    may("url", Link(LINK)),
    may("value", text(2000)),
    may("style", OneOf(&["primary", "danger"])),
    may("confirm", Table),
    may("accessibility_label", text(75)),
    ACTION,
])
.also(|button, faults| {
    if ["url", "action_id", "value"].iter().all(|name| button.get(*name).is_none()) {
        faults.add(
            "url",
            FaultKind::Shown,
            "is missing: a button of a webhook opens an address, and does nothing without",
        );
    }
});
