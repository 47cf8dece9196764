//! What DingTalk takes in a message: open.dingtalk.com on the messages of custom robots.

use super::super::rules::Rule::{Address, Any, Bool, ByKind, List, Object, OneOf, Or, Whole};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Member, PLAIN_KINDS, Rule, Shape, TEXT, TEXTS, TypedMarkup, may,
    need, shape,
};
use super::WHOLE;
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    let mut faults = Faults::of("DingTalk", &MESSAGE, body);
    judge_at(body, &mut faults);
    faults.limit("", "bytes", body.to_string().len(), WHOLE);
    faults.answered(|fault| match fault.kind {
        FaultKind::TooLong => "460101",
        FaultKind::Missing if fault.path == "msgtype" => "400403",
        _ if fault.path == "msgtype" => "400105",
        _ => "40035",
    })
}

/// A number in `at` pings in markdown only where the text names it too.
fn judge_at(body: &Value, faults: &mut Faults) {
    let text = body["markdown"]["text"].as_str().filter(|_| body["msgtype"] == "markdown");
    let Some(text) = text else { return };
    for list in ["atMobiles", "atUserIds"] {
        for (index, name) in body["at"][list].as_array().into_iter().flatten().enumerate() {
            let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
            if !text.contains(&format!("@{name}")) {
                let words = format!("pings nobody: `@{name:.40}` must be in `markdown.text` too");
                faults.add(&format!("at.{list}[{index}]"), FaultKind::Shown, &words);
            }
        }
    }
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

const AT: [Member; 2] = [may("at", Object(&AT_SHAPE)), may("msgUuid", TEXT)];
const AT_PLACE: &[(&str, &str)] = &[
    ("isAtAll", "it belongs in `at`, next to `msgtype`"),
    ("atMobiles", "it belongs in `at`, next to `msgtype`"),
    ("atUserIds", "it belongs in `at`, next to `msgtype`"),
    ("at", "it belongs next to `msgtype`"),
];

static TEXT_MESSAGE: Shape = shape(&[need("text", Object(&WORDS))]).with(&AT).elsewhere(AT_PLACE);
static MARKDOWN_MESSAGE: Shape = shape(&[need("markdown", Object(&MARKED))]).with(&AT).elsewhere(AT_PLACE);
static LINK_MESSAGE: Shape = shape(&[need("link", Object(&LINKED))]).with(&AT).elsewhere(AT_PLACE);
static CARD_MESSAGE: Shape = shape(&[need("actionCard", Object(&CARD))]).with(&AT).elsewhere(AT_PLACE);
static FEED_MESSAGE: Shape = shape(&[need("feedCard", Object(&FEED))]).with(&AT).elsewhere(AT_PLACE);

static AT_SHAPE: Shape = shape(&[
    may("atMobiles", List(&Or(&TEXT, &Rule::Whole(0, i64::MAX)), 0, usize::MAX)),
    may("atUserIds", TEXTS),
    may("isAtAll", Or(&Bool, &OneOf(&["true", "false"]))),
    may("atDingtalkIds", Any),
]);
static WORDS: Shape = shape(&[need("content", FILLED)]).elsewhere(AT_PLACE).also(|words, faults| {
    faults.typed_markup("content", &words["content"], &PLAIN_KINDS);
});
static MARKED: Shape = shape(&[need("title", PLAIN), need("text", FILLED)])
    .elsewhere(AT_PLACE)
    .also(|part, faults| faults.typed_markup("text", &part["text"], &FOREIGN));
const FOREIGN: [(TypedMarkup, &str); 2] = [
    (TypedMarkup::SlackLink, "write `[words](URL)`"),
    (TypedMarkup::SlackPing, "write `\"at\": {\"isAtAll\": true}` next to `msgtype`"),
];
/// Titles and links have no markup.
const PLAIN: Rule = Rule::Plain(usize::MAX, false);
/// DingTalk opens addresses of its own as well.
const OPENED: Rule = Address(usize::MAX);
static LINKED: Shape =
    shape(&[need("title", PLAIN), need("text", PLAIN), need("messageUrl", OPENED), may("picUrl", TEXT)]);
static CARD: Shape = shape(&[
    need("title", PLAIN),
    need("text", FILLED),
    may("singleTitle", FILLED),
    may("singleURL", OPENED),
    may("btnOrientation", Or(&OneOf(&["0", "1"]), &Whole(0, 1))),
    may("btns", List(&Object(&BUTTON), 1, usize::MAX)),
    may("hideAvatar", Any),
])
.some_of(&["btns", "singleTitle"])
.also(|card, faults| {
    let (title, url) = (card.get("singleTitle").is_some(), card.get("singleURL").is_some());
    if title && !url {
        faults.add("singleURL", FaultKind::Missing, "is missing: DingTalk needs it with `singleTitle`");
    }
    if title && card.get("btns").is_some() {
        faults.add(
            "btns",
            FaultKind::Shown,
            "is not shown with `singleTitle`: DingTalk takes one of the two",
        );
    }
});
static BUTTON: Shape = shape(&[need("title", PLAIN), need("actionURL", OPENED)]);
static FEED: Shape = shape(&[need("links", List(&Object(&FEED_LINK), 1, usize::MAX))]);
static FEED_LINK: Shape = shape(&[need("title", PLAIN), need("messageURL", OPENED), need("picURL", FILLED)]);
