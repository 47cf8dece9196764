//! What a Mattermost server takes in a message: developers.mattermost.com on incoming webhooks and on message
//! attachments, and the server's own source for limits.

use super::super::rules::Rule::{Address, Any, Bool, Colour, List, Object, OneOf, Or, Table};
use super::super::rules::{
    BodyFault, FaultKind, Faults, Rule, Shape, TEXT, TypedMarkup, may, need, open, shape, text,
};
use super::super::{ReceivedRequest, refusal};
use super::POST;
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    let mut faults = Faults::of("Mattermost", &Object(&MESSAGE), body);
    if body.get("blocks").is_some() {
        faults.add(
            "blocks",
            FaultKind::Shown,
            "are not shown: Mattermost knows `text` and `attachments`, and no blocks as Slack does",
        );
    }
    faults.typed_markup("text", &body["text"], &TAGS);
    faults.answered(|fault| match fault.kind {
        FaultKind::TooLong => "413",
        FaultKind::Missing | FaultKind::Empty if !fault.path.contains('.') => "no-text",
        _ => "parse",
    })
}

/// What only the whole request shows: a server knows the webhook by its path.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if !request.target.contains("/hooks/") {
        return Some("invalid");
    }
    request.json().map_or(Some("parse"), |body| refusal(faults(&body, request.target)))
}

const TAGS: [(TypedMarkup, &str); 2] = [
    (TypedMarkup::Tags, "write `**words**`, and a line break as it is"),
    (TypedMarkup::OtherPing, "write `@channel`, or `@` and a person's name"),
];

static MESSAGE: Shape = shape(&[
    may("text", text(POST)),
    may("attachments", List(&Object(&ATTACHMENT), 0, usize::MAX)),
    may("blocks", Any),
    may("channel", TEXT),
    may("username", TEXT),
    may("icon_url", LINKED),
    may("icon_emoji", TEXT),
    may("type", TEXT),
    may("root_id", TEXT),
    may("goto_location", TEXT),
    may("props", Table),
    may("priority", Object(&PRIORITY)),
])
.some_of(&["text", "attachments"])
.elsewhere(&[
    ("card", "it belongs into `props`"),
    ("embeds", "Mattermost's are `attachments`"),
    ("content", "the text of a message is `text`"),
]);

const LINKED: Rule = Address(usize::MAX);

static PRIORITY: Shape = shape(&[
    need("priority", OneOf(&["", "standard", "important", "urgent"])),
    may("requested_ack", Bool),
    may("persistent_notifications", Bool),
]);

static ATTACHMENT: Shape = shape(&[
    may("fallback", TEXT),
    may("color", Colour(&["good", "warning", "danger"])),
    may("pretext", TEXT),
    may("text", TEXT),
    may("author_name", TEXT),
    may("author_link", LINKED),
    may("author_icon", LINKED),
    may("title", TEXT),
    may("title_link", LINKED),
    may("fields", List(&Object(&FIELD), 0, usize::MAX)),
    may("image_url", LINKED),
    may("thumb_url", LINKED),
    may("footer", TEXT),
    may("footer_icon", LINKED),
    may("actions", List(&Object(&ACTION), 0, usize::MAX)),
    may("ts", Any),
    may("id", Any),
    may("callback_id", TEXT),
    may("mrkdwn_in", Any),
])
.elsewhere(&[("blocks", "Mattermost knows none")])
.also(|attachment, faults| {
    faults.typed_markup("text", &attachment["text"], &TAGS);
});

static ACTION: Shape = open(&[may("name", TEXT), need("integration", Object(&INTEGRATION))]).elsewhere(&[(
    "url",
    "a button calls the program at `integration.url`; an address to open is a link in the text",
)]);
static INTEGRATION: Shape = open(&[need("url", TEXT)]);

static FIELD: Shape =
    shape(&[may("title", TEXT), may("value", Any), may("short", Or(&Bool, &OneOf(&["true", "false"])))])
        .elsewhere(&[("name", "Mattermost's word is `title`"), ("inline", "Mattermost's word is `short`")]);
