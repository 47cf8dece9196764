//! What DingTalk takes in a message: open.dingtalk.com on the messages of custom robots.

use super::super::rules::Rule::{Any, Bool, ByKind, List, Object, OneOf, Or};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Member, Rule, Shape, TEXT, TEXTS, may, need, shape,
};
use super::WHOLE;
use serde_json::Value;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let mut faults = Faults::of("DingTalk", &MESSAGE, body);
    faults.limit("", "bytes", body.to_string().len(), WHOLE);
    faults.answered(|fault| match fault.kind {
        FaultKind::TooLong => "460101",
        FaultKind::Missing if fault.path == "msgtype" => "400403",
        _ if fault.path == "msgtype" => "400105",
        _ => "40035",
    })
}

static MESSAGE: Rule = ByKind(
    "msgtype",
    &[
        ("text", &TEXT_MESSAGE),
        ("markdown", &MARKDOWN_MESSAGE),
        ("link", &LINK_MESSAGE),
        ("actionCard", &CARD_MESSAGE),
        ("feedCard", &FEED_MESSAGE),
    ],
);

const KIND: Member = may("msgtype", TEXT);
const AT: Member = may("at", Object(&AT_SHAPE));

static TEXT_MESSAGE: Shape = shape(&[KIND, need("text", Object(&WORDS)), AT]);
static MARKDOWN_MESSAGE: Shape = shape(&[KIND, need("markdown", Object(&MARKED)), AT]);
static LINK_MESSAGE: Shape = shape(&[KIND, need("link", Object(&LINKED)), AT]);
static CARD_MESSAGE: Shape = shape(&[KIND, need("actionCard", Object(&CARD)), AT]);
static FEED_MESSAGE: Shape = shape(&[KIND, need("feedCard", Object(&FEED)), AT]);

static AT_SHAPE: Shape = shape(&[
    may("atMobiles", List(&Or(&TEXT, &Rule::Whole(0, i64::MAX)), 0, usize::MAX)),
    may("atUserIds", TEXTS),
    may("isAtAll", Or(&Bool, &OneOf(&["true", "false"]))),
    may("atDingtalkIds", Any),
]);
static WORDS: Shape = shape(&[need("content", FILLED)]);
static MARKED: Shape = shape(&[need("title", FILLED), need("text", FILLED)]);
/// DingTalk opens addresses of its own as well.
static LINKED: Shape =
    shape(&[need("title", FILLED), need("text", FILLED), need("messageUrl", FILLED), may("picUrl", TEXT)]);
static CARD: Shape = shape(&[
    need("title", FILLED),
    need("text", FILLED),
    may("singleTitle", FILLED),
    may("singleURL", FILLED),
    may("btnOrientation", Or(&OneOf(&["0", "1"]), &Any)),
    may("btns", List(&Object(&BUTTON), 1, usize::MAX)),
    may("hideAvatar", Any),
])
.some_of(&["btns", "singleTitle"])
.also(|card, faults| {
    let (title, url) = (card.get("singleTitle").is_some(), card.get("singleURL").is_some());
    if title && !url {
        faults.add("singleURL", FaultKind::Missing, "is missing: DingTalk needs it beside `singleTitle`");
    }
});
static BUTTON: Shape = shape(&[need("title", FILLED), need("actionURL", FILLED)]);
static FEED: Shape = shape(&[need("links", List(&Object(&FEED_LINK), 1, usize::MAX))]);
static FEED_LINK: Shape = shape(&[need("title", FILLED), need("messageURL", FILLED), may("picURL", TEXT)]);
