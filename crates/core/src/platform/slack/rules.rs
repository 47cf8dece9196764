//! What Slack takes in a message: docs.slack.dev on Block Kit, on composition objects and on secondary attachments.

use super::super::limits::Unit;
use super::super::rules::Rule::{
    Any, Bool, ByKind, Colour, Link, List, Object, OneOf, Or, Picture, Plain, Table, Text, Whole,
};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Shape, TEXT, TEXTS, TypedMarkup, filled, may, need, open, shape,
    text,
};
use super::super::rules::{Member, Rule};
use super::super::{ReceivedRequest, refusal};
use super::{BLOCKS, LINK, SECTION};
use serde_json::Value;

pub(in crate::platform) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    Faults::of("Slack", &Object(&MESSAGE), body).answered(response)
}

/// The same of a message whose thread has replies.
pub(in crate::platform) fn faults_with_thread(body: &Value, _url: &str) -> Vec<BodyFault> {
    Faults::of("Slack", &Object(&WITH_THREAD), body).answered(response)
}

/// What only the whole request shows: Slack knows the webhook by its path.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if !request.target.starts_with("/services/") {
        return Some("no_service");
    }
    request.json().map_or(Some("invalid_payload"), |body| refusal(faults(&body, request.target)))
}

/// Markup of others in `text`, and names that ping nobody.
fn judge_markup(part: &Value, faults: &mut Faults) {
    let kinds = [
        (TypedMarkup::Link, "write `<URL|words>`"),
        (TypedMarkup::Picture, "a picture is a block of type `image`"),
        (TypedMarkup::TwoStars, "write `*words*`"),
        (TypedMarkup::TwoTildes, "write `~words~`"),
        (TypedMarkup::Heading, "write `*words*`, or a block of type `header`"),
        (TypedMarkup::Table, "a table is a block of type `table`"),
        (TypedMarkup::Tags, "write `*words*`, and a line break as it is"),
        (TypedMarkup::OtherPing, "write `<!here>`, or `<@U012AB3CD>` with a person's id"),
    ];
    faults.typed_markup("text", &part["text"], &kinds);
    let names = [
        ("@channel", "write `<!channel>`"),
        ("@here", "write `<!here>`"),
        ("@everyone", "write `<!everyone>`"),
    ];
    faults.bare_pings("text", &part["text"], &names);
}

/// Ids that Slack takes once.
fn judge_ids(blocks: &Value, at: &str, faults: &mut Faults) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut once = |name: &str, parts: &[Value], at: &str| {
        for (index, part) in parts.iter().enumerate() {
            let is_same = |other: &Value| other[name].is_string() && other[name] == part[name];
            if parts[..index].iter().any(is_same) {
                let words = "is there twice, and Slack takes each once";
                faults.add(&format!("{at}[{index}].{name}"), FaultKind::Unknown, words);
            }
        }
    };
    let blocks = list(blocks);
    once("block_id", &blocks, at);
    for (index, block) in blocks.iter().enumerate() {
        once("action_id", &list(&block["elements"]), &format!("{at}[{index}].elements"));
    }
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

/// The most replies of a message: each is a message of its own rate.
pub(in crate::platform) const REPLIES: usize = 5;

static MESSAGE: Shape = message(&[]);
static WITH_THREAD: Shape = message(&[may("thread", List(&Object(&MESSAGE), 0, REPLIES))]);

const fn message(further: &'static [Member]) -> Shape {
    shape(MEMBERS)
        .with(further)
        .some_of(&["text", "blocks", "attachments"])
        .elsewhere(&[
            ("embeds", "Slack's are `attachments` or `blocks`"),
            ("content", "the text of a message is `text`"),
        ])
        .also(|message, faults| {
            judge_ids(&message["blocks"], "blocks", faults);
            if message["mrkdwn"] != false {
                judge_markup(message, faults);
            }
        })
}

const MEMBERS: &[Member] = &[
    may("text", TEXT),
    may("blocks", List(&BLOCK, 0, BLOCKS)),
    may("attachments", List(&ATTACHMENTS, 0, 100)),
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
    may("reply_broadcast", Bool),
    may("delete_original", Any),
];

static ATTACHMENTS: Rule = Object(&ATTACHMENT);
/// The older kind of attachment, or blocks with a colour.
static ATTACHMENT: Shape = shape(&[
    may("blocks", List(&BLOCK, 0, BLOCKS)),
    may("color", Colour(&["good", "warning", "danger"])),
    may("fallback", TEXT),
    may("pretext", TEXT),
    may("author_id", TEXT),
    may("author_subname", TEXT),
    may("author_name", Plain(usize::MAX, true)),
    may("author_link", TEXT),
    may("author_icon", TEXT),
    may("title", TEXT),
    may("title_link", TEXT),
    may("text", TEXT),
    may("fields", List(&Object(&FIELD), 0, usize::MAX)),
    may("image_url", TEXT),
    may("thumb_url", TEXT),
    may("footer", Plain(usize::MAX, true)),
    may("footer_icon", TEXT),
    may("ts", Or(&Whole(0, i64::MAX), &TEXT)),
    may("mrkdwn_in", TEXTS),
    may("actions", List(&Table, 0, usize::MAX)),
    may("callback_id", TEXT),
    may("attachment_type", TEXT),
    may("id", Any),
    may("service_name", TEXT),
    may("service_icon", TEXT),
    may("from_url", TEXT),
    may("original_url", TEXT),
])
.also(|attachment, faults| {
    judge_markup(attachment, faults);
    judge_ids(&attachment["blocks"], "blocks", faults);
});

static FIELD: Shape = shape(&[may("title", TEXT), may("value", Any), may("short", Bool)])
    .elsewhere(&[("name", "Slack's word is `title`"), ("inline", "Slack's word is `short`")]);

pub(super) static BLOCK: Rule = ByKind("type", BLOCKS_BY_KIND);

/// The rule of the blocks of this kind.
pub(super) fn block(kind: &str) -> Rule {
    BLOCKS_BY_KIND.iter().find(|(known, _)| *known == kind).map_or(Any, |(_, shape)| Object(shape))
}

const BLOCKS_BY_KIND: &[(&str, &Shape)] = &[
    ("section", &SECTION_BLOCK),
    ("header", &HEADER),
    ("divider", &DIVIDER),
    ("image", &IMAGE),
    ("context", &CONTEXT),
    ("actions", &ACTIONS),
    ("markdown", &MARKDOWN),
    ("rich_text", &RICH_TEXT),
    ("video", &VIDEO),
    ("table", &TABLE),
    ("context_actions", &ACTIONS),
    ("input", &INPUT),
    ("file", &OTHER),
    ("call", &OTHER),
    ("card", &OTHER),
    ("carousel", &OTHER),
    ("alert", &OTHER),
    ("container", &OTHER),
    ("plan", &OTHER),
    ("task_card", &OTHER),
];

const ID: Member = may("block_id", text(255));
const ACTION: Member = may("action_id", text(255));

static OTHER: Shape = open(&[ID]);
static DIVIDER: Shape = shape(&[ID]).closed();

static SECTION_BLOCK: Shape = shape(&[
    may("text", SECTION_TEXT),
    may("fields", List(&FIELD_TEXT, 1, 10)),
    may("accessory", ELEMENT),
    may("expand", Bool),
    ID,
])
.some_of(&["text", "fields"])
.closed()
.elsewhere(&[
    ("elements", "a section has one `accessory`; several buttons go into a block of type `actions`"),
    ("button", "write it as `accessory`"),
]);

static HEADER: Shape = shape(&[need("text", Object(&HEADER_TEXT)), ID]).closed();

static INPUT: Shape = open(&[need("label", Object(&TITLE_TEXT)), need("element", Table), ID]);

static IMAGE: Shape = shape(&[
    may("image_url", Picture(LINK)),
    may("slack_file", Table),
    need("alt_text", filled(2000)),
    may("title", Object(&TITLE_TEXT)),
    ID,
])
.some_of(&["image_url", "slack_file"])
.closed();

static CONTEXT: Shape = shape(&[
    need(
        "elements",
        List(&ByKind("type", &[("mrkdwn", &MRKDWN), ("plain_text", &PLAIN_TEXT), ("image", &IMAGE)]), 1, 10),
    ),
    ID,
]);

static ACTIONS: Shape = shape(&[need("elements", List(&ELEMENT, 1, 25)), ID]).closed();
static MARKDOWN: Shape = shape(&[need("text", filled(12_000)), ID]).closed();
static TABLE: Shape = open(&[need("rows", List(&List(&Table, 0, 20), 1, 100)), ID]);

static VIDEO: Shape = open(&[
    need("alt_text", FILLED),
    need("title", Object(&TITLE_TEXT)),
    need("thumbnail_url", Picture(LINK)),
    need("video_url", Link(LINK)),
    ID,
]);

const SECTION_TEXT: Rule = ByKind("type", &[("mrkdwn", &SECTION_MRKDWN), ("plain_text", &SECTION_PLAIN)]);
static FIELD_TEXT: Rule = ByKind("type", &[("mrkdwn", &FIELD_MRKDWN), ("plain_text", &FIELD_PLAIN)]);

/// A text object of this kind, with at most so many characters.
macro_rules! text_object {
    ($name:ident, "mrkdwn", $max:expr) => {
        static $name: Shape = shape(&[
            need("type", OneOf(&["mrkdwn"])),
            need("text", Text($max, Unit::CodePoints, false)),
            may("verbatim", Bool),
        ])
        .closed()
        .elsewhere(&[("emoji", "only a `plain_text` has it")])
        .also(judge_markup);
    };
    ($name:ident, "plain_text", $max:expr) => {
        static $name: Shape = shape(&[
            need("type", OneOf(&["plain_text"])),
            need("text", Text($max, Unit::CodePoints, false)),
            may("emoji", Bool),
        ])
        .closed()
        .also(|object, faults| {
            let kinds = [
                (TypedMarkup::SlackLink, "only `mrkdwn` has links"),
                (TypedMarkup::OneStar, "only `mrkdwn` has markup"),
            ];
            faults.typed_markup("text", &object["text"], &kinds);
        });
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

/// Elements that are not judged further are last.
const ELEMENT: Rule = ByKind(
    "type",
    &[
        ("button", &BUTTON),
        ("image", &IMAGE),
        ("overflow", &OVERFLOW),
        ("static_select", &SELECT),
        ("multi_static_select", &SELECT),
        ("radio_buttons", &FEW_OPTIONS),
        ("checkboxes", &FEW_OPTIONS),
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
        ("workflow_button", &CHOICE),
        ("feedback_buttons", &CHOICE),
        ("icon_button", &CHOICE),
    ],
);

static CHOICE: Shape = open(&[ACTION, PLACEHOLDER]);
static SELECT: Shape = open(&[
    ACTION,
    PLACEHOLDER,
    may("options", List(&OPTION, 1, 100)),
    may("option_groups", List(&Table, 1, 100)),
])
.some_of(&["options", "option_groups"]);
static OVERFLOW: Shape = open(&[ACTION, need("options", List(&OPTION, 1, 5))]);
static FEW_OPTIONS: Shape = open(&[ACTION, need("options", List(&OPTION, 1, 10))]);
const PLACEHOLDER: Member = may("placeholder", Object(&TITLE_TEXT));
static OPTION: Rule = Object(&OPTION_SHAPE);
static OPTION_SHAPE: Shape =
    open(&[need("text", OPTION_TEXT), need("value", filled(150)), may("url", Link(LINK))]);
const OPTION_TEXT: Rule = ByKind("type", &[("plain_text", &LABEL), ("mrkdwn", &MRKDWN)]);

static BUTTON: Shape = shape(&[
    need("text", Object(&LABEL)),
    may("url", Link(LINK)),
    may("value", text(2000)),
    may("style", OneOf(&["primary", "danger"])),
    may("confirm", Table),
    may("accessibility_label", text(75)),
    ACTION,
])
.closed()
.also(|button, faults| {
    if ["url", "action_id", "value"].iter().all(|name| button.get(*name).is_none()) {
        faults.add(
            "url",
            FaultKind::Shown,
            "is missing: a button of a webhook opens an address, and does nothing without",
        );
    }
});

static RICH_TEXT: Shape = shape(&[need("elements", List(&RICH_PART, 1, usize::MAX)), ID]).closed();
static RICH_PART: Rule = ByKind(
    "type",
    &[
        ("rich_text_section", &RICH_SECTION),
        ("rich_text_preformatted", &RICH_SECTION),
        ("rich_text_quote", &RICH_SECTION),
        ("rich_text_list", &RICH_LIST),
    ],
);
static RICH_SECTION: Shape = open(&[need("elements", List(&RICH_PIECE, 0, usize::MAX))]);
static RICH_LIST: Shape =
    open(&[need("elements", List(&RICH_PART, 1, usize::MAX)), need("style", OneOf(&["bullet", "ordered"]))]);
static RICH_PIECE: Rule = ByKind(
    "type",
    &[
        ("text", &RICH_WORDS),
        ("link", &RICH_LINK),
        ("emoji", &OTHER),
        ("user", &OTHER),
        ("usergroup", &OTHER),
        ("channel", &OTHER),
        ("broadcast", &OTHER),
        ("color", &OTHER),
        ("date", &OTHER),
        ("team", &OTHER),
    ],
);
static RICH_WORDS: Shape = open(&[need("text", FILLED)]);
static RICH_LINK: Shape = open(&[need("url", Link(LINK)), may("text", TEXT)]);
