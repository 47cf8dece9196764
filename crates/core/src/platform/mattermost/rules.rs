//! What a Mattermost server takes in a message: developers.mattermost.com on incoming webhooks and on message
//! attachments, and the server's own source for limits.

use super::super::rules::Rule::{Any, Bool, List, Object, OneOf, Table};
use super::super::rules::{BodyFault, FaultKind, Faults, Shape, TEXT, may, need, shape, text};
use super::POST;
use serde_json::Value;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let mut faults = Faults::of("Mattermost", &Object(&MESSAGE), body);
    let is_blank = body["text"].as_str().is_none_or(|text| text.trim().is_empty());
    let has_attachment = body["attachments"].as_array().is_some_and(|list| !list.is_empty());
    if body["text"].is_string() && is_blank && !has_attachment {
        faults.add("text", FaultKind::Empty, "is empty, and Mattermost takes no message that says nothing");
    }
    if body.get("blocks").is_some() {
        faults.add(
            "blocks",
            FaultKind::Shown,
            "are not shown: Mattermost knows `text` and `attachments`, and no blocks as Slack does",
        );
    }
    faults.answered(|fault| match fault.kind {
        FaultKind::TooLong => "413",
        FaultKind::Missing | FaultKind::Empty if !fault.path.contains('.') => "no-text",
        _ => "parse",
    })
}

static MESSAGE: Shape = shape(&[
    may("text", text(POST)),
    may("attachments", List(&Object(&ATTACHMENT), 0, usize::MAX)),
    may("blocks", Any),
    may("channel", TEXT),
    may("username", TEXT),
    may("icon_url", TEXT),
    may("icon_emoji", TEXT),
    may("type", TEXT),
    may("props", Table),
    may("priority", Object(&PRIORITY)),
])
.some_of(&["text", "attachments"]);

static PRIORITY: Shape = shape(&[
    need("priority", OneOf(&["", "standard", "important", "urgent"])),
    may("requested_ack", Bool),
    may("persistent_notifications", Bool),
]);

static ATTACHMENT: Shape = shape(&[
    may("fallback", TEXT),
    may("color", TEXT),
    may("pretext", TEXT),
    may("text", TEXT),
    may("author_name", TEXT),
    may("author_link", TEXT),
    may("author_icon", TEXT),
    may("title", TEXT),
    may("title_link", TEXT),
    may("fields", List(&Object(&FIELD), 0, usize::MAX)),
    may("image_url", TEXT),
    may("thumb_url", TEXT),
    may("footer", TEXT),
    may("footer_icon", TEXT),
    may("actions", List(&Table, 0, usize::MAX)),
    may("ts", Any),
    may("id", Any),
    may("callback_id", TEXT),
    may("mrkdwn_in", Any),
]);

static FIELD: Shape = shape(&[may("title", TEXT), may("value", Any), may("short", Any)]);
