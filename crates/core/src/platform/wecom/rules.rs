//! What WeCom takes in a message: developer.work.weixin.qq.com/document/path/99110.

use super::super::limits::Unit;
use super::super::rules::Rule::{Any, ByKind, Link, List, Object, Table, Text, Whole};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Member, PLAIN_KINDS, Rule, Shape, TEXT, TEXTS, TypedMarkup, may,
    need, open, shape,
};
use super::{MARKDOWN, TEXT as TEXT_MAX};
use serde_json::Value;

const LINKED: Rule = Link(2048);

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    Faults::of("WeCom", &MESSAGE, body).answered(response)
}

fn response(fault: &BodyFault) -> &'static str {
    match fault.kind {
        FaultKind::Unknown if fault.path.ends_with(".base64") => "44001",
        FaultKind::Unknown if fault.path.ends_with(".md5") => "301019",
        FaultKind::Link => "45034",
        FaultKind::Empty | FaultKind::Missing if fault.path != "msgtype" => "44004",
        FaultKind::TooLong if fault.path.starts_with("text.") => "45002",
        FaultKind::TooLong if fault.path.contains("articles") => "44004",
        FaultKind::Missing | FaultKind::Unknown if fault.path == "msgtype" => "40008",
        FaultKind::Kind if fault.path.is_empty() => "47001",
        _ => "40058",
    }
}

static MESSAGE: Rule = ByKind(
    "msgtype",
    &[
        ("text", &TEXT_MESSAGE),
        ("markdown", &MARKDOWN_MESSAGE),
        ("markdown_v2", &MARKDOWN_V2_MESSAGE),
        ("image", &IMAGE_MESSAGE),
        ("news", &NEWS_MESSAGE),
        ("file", &FILE_MESSAGE),
        ("voice", &VOICE_MESSAGE),
        ("template_card", &CARD_MESSAGE),
    ],
);

const MENTIONS_PLACE: &[(&str, &str)] = &[
    ("mentioned_list", "it belongs into `text`"),
    ("mentioned_mobile_list", "it belongs into `text`"),
    ("at", "WeCom's word is `mentioned_list`, in `text`"),
];

static TEXT_MESSAGE: Shape = shape(&[need("text", Object(&WORDS))]).elsewhere(MENTIONS_PLACE);
static MARKDOWN_MESSAGE: Shape = shape(&[need("markdown", Object(&MARKED))]).elsewhere(MENTIONS_PLACE);
static MARKDOWN_V2_MESSAGE: Shape =
    shape(&[need("markdown_v2", Object(&MARKED_V2))]).elsewhere(MENTIONS_PLACE);
static IMAGE_MESSAGE: Shape = shape(&[need("image", Object(&IMAGE))]).elsewhere(MENTIONS_PLACE);
static NEWS_MESSAGE: Shape = shape(&[need("news", Object(&NEWS))]).elsewhere(MENTIONS_PLACE);
static FILE_MESSAGE: Shape = shape(&[need("file", Object(&MEDIA))]).elsewhere(MENTIONS_PLACE);
static VOICE_MESSAGE: Shape = shape(&[need("voice", Object(&MEDIA))]).elsewhere(MENTIONS_PLACE);
static CARD_MESSAGE: Shape = shape(&[need("template_card", CARD)]).elsewhere(MENTIONS_PLACE);

static WORDS: Shape = shape(&[
    need("content", Text(TEXT_MAX, Unit::Bytes, false)),
    may("mentioned_list", TEXTS),
    may("mentioned_mobile_list", TEXTS),
    may("visible_to_user", TEXT),
])
.also(|words, faults| {
    faults.typed_markup("content", &words["content"], &PLAIN_KINDS);
    for list in ["mentioned_list", "mentioned_mobile_list"] {
        for (index, name) in words[list].as_array().into_iter().flatten().enumerate() {
            if name.as_str().is_some_and(|name| name.contains([',', ' ', '|'])) {
                let words = "pings nobody: it is one name to WeCom; write each as an entry of its own";
                faults.add(&format!("{list}[{index}]"), FaultKind::Shown, words);
            }
        }
    }
});
const MARKED_FIELDS: &[Member] = &[
    need("content", Text(MARKDOWN, Unit::Bytes, false)),
    may("mentioned_list", Any),
    may("mentioned_mobile_list", Any),
];
static MARKED: Shape = shape(MARKED_FIELDS).also(|part, faults| {
    judge_mentions(part, faults);
    let text = part["content"].as_str().unwrap_or_default();
    let colours = text.match_indices("<font").map(|(at, _)| text[at..].split('>').next().unwrap_or_default());
    let is_known = |font: &&str| ["info", "comment", "warning"].iter().any(|name| font.contains(name));
    if let Some(font) = colours.into_iter().find(|font| !is_known(font)) {
        let words = format!("has `{font:.40}>`, and WeCom's colours are `info`, `comment` and `warning`");
        faults.add("content", FaultKind::Typed, &words);
    }
    let newer = "only the type `markdown_v2` has it";
    let kinds = [(TypedMarkup::Picture, newer), (TypedMarkup::Table, newer), (TypedMarkup::TwoTildes, newer)];
    faults.typed_markup("content", &part["content"], &kinds);
    if text.contains("```") {
        let words = "has a block of code, which WeCom shows with `markdown_v2` only";
        faults.add("content", FaultKind::Typed, words);
    }
});
static MARKED_V2: Shape = shape(MARKED_FIELDS).also(|part, faults| {
    judge_mentions(part, faults);
    let text = part["content"].as_str().unwrap_or_default();
    for mark in ["<font", "<@"] {
        if text.contains(mark) {
            let words = format!("has `{mark}`, which WeCom reads in the type `markdown` only");
            faults.add("content", FaultKind::Typed, &words);
        }
    }
});

fn judge_mentions(part: &Value, faults: &mut Faults) {
    let kinds = [
        (TypedMarkup::SlackLink, "write `[words](URL)`"),
        (TypedMarkup::StyleTags, "write `**words**`"),
        (TypedMarkup::SlackPing, "write a message of type `text` with `mentioned_list`"),
    ];
    let colours = part["content"].as_str().unwrap_or_default().replace("<font", "").replace("</font>", "");
    faults.typed_markup("content", &Value::String(colours), &kinds);
    let all = "write a message of type `text` with `\"mentioned_list\": [\"@all\"]`";
    faults.bare_pings("content", &part["content"], &[("@all", all)]);
    let lists = ["mentioned_list", "mentioned_mobile_list"];
    if let Some(name) = lists.into_iter().find(|name| part.get(*name).is_some()) {
        let words = "pings nobody here: WeCom reads it in a message of type `text` only";
        faults.add(name, FaultKind::Shown, words);
    }
}

static IMAGE: Shape = shape(&[need("base64", FILLED), need("md5", FILLED)]).also(|image, faults| {
    if image["base64"].as_str().is_some_and(|text| text.starts_with("data:")) {
        faults.add(
            "base64",
            FaultKind::Unknown,
            "begins with `data:`, and WeCom takes what follows the comma",
        );
    }
    let is_sum = |text: &str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if image["md5"].as_str().is_some_and(|text| !text.is_empty() && !is_sum(text)) {
        faults.add("md5", FaultKind::Unknown, "is not an MD5 sum: it has 32 hexadecimal digits");
    }
});
static MEDIA: Shape = shape(&[need("media_id", FILLED)]);
static NEWS: Shape = shape(&[need("articles", List(&Object(&ARTICLE), 1, 8))]);
static ARTICLE: Shape = shape(&[
    need("title", Rule::Plain(usize::MAX, false)),
    may("description", PLAIN),
    need("url", LINKED),
    may("picurl", TEXT),
]);

const CARD: Rule = ByKind("card_type", &[("text_notice", &TEXT_NOTICE), ("news_notice", &NEWS_NOTICE)]);

const SOURCE: Member = may("source", Object(&SOURCE_SHAPE));
const MAIN_TITLE: Member = may("main_title", Object(&TITLED));
const QUOTE: Member = may("quote_area", Table);
static LINE_RULE: Rule = Object(&LINE);
static JUMP_RULE: Rule = Object(&JUMP);
const LINES: Member = may("horizontal_content_list", List(&LINE_RULE, 0, 6));
const JUMPS: Member = may("jump_list", List(&JUMP_RULE, 0, 3));
const ACTION: Member = need("card_action", Object(&CARD_ACTION));

static TEXT_NOTICE: Shape = open(&[
    SOURCE,
    MAIN_TITLE,
    may("emphasis_content", Object(&TITLED)),
    may("sub_title_text", PLAIN),
    QUOTE,
    LINES,
    JUMPS,
    ACTION,
    may("card_type", TEXT),
    may("action_menu", Table),
    may("task_id", TEXT),
])
.some_of(&["main_title", "sub_title_text"]);

static NEWS_NOTICE: Shape = open(&[
    SOURCE,
    need("main_title", Object(&NEWS_TITLE)),
    need("card_image", Object(&CARD_IMAGE)),
    may("image_text_area", Table),
    may("vertical_content_list", List(&Object(&NEWS_TITLE), 0, 4)),
    QUOTE,
    LINES,
    JUMPS,
    ACTION,
    may("card_type", TEXT),
    may("action_menu", Table),
    may("task_id", TEXT),
]);

/// An address where the kind of a line or a link needs one.
fn judge_target(part: &Value, needed: &[(i64, &str)], faults: &mut Faults) {
    let kind = part["type"].as_i64();
    if let Some((_, name)) = needed.iter().find(|(of, name)| Some(*of) == kind && part.get(*name).is_none()) {
        faults.add(name, FaultKind::Missing, "is missing: WeCom needs it with this `type`");
    }
}

static SOURCE_SHAPE: Shape =
    shape(&[may("icon_url", TEXT), may("desc", TEXT), may("desc_color", Whole(0, 3))]);
static TITLED: Shape = shape(&[may("title", PLAIN), may("desc", PLAIN)]).some_of(&["title", "desc"]);
static NEWS_TITLE: Shape = shape(&[need("title", Rule::Plain(usize::MAX, false)), may("desc", PLAIN)]);
/// Cards and articles have no markup.
const PLAIN: Rule = Rule::Plain(usize::MAX, true);
static CARD_IMAGE: Shape = shape(&[need("url", LINKED), may("aspect_ratio", Any)]).also(|image, faults| {
    let ratio = &image["aspect_ratio"];
    if !ratio.is_null() && !ratio.as_f64().is_some_and(|ratio| (1.3..=2.25).contains(&ratio)) {
        faults.add(
            "aspect_ratio",
            FaultKind::Unknown,
            "is outside of what WeCom takes, a number from 1.3 to 2.25",
        );
    }
});
static LINE: Shape = shape(&[
    need("keyname", FILLED),
    may("value", PLAIN),
    may("type", Whole(0, 3)),
    may("url", TEXT),
    may("media_id", TEXT),
    may("userid", TEXT),
])
.also(|line, faults| judge_target(line, &[(1, "url"), (2, "media_id"), (3, "userid")], faults));
static JUMP: Shape = shape(&[
    need("title", FILLED),
    may("type", Whole(0, 2)),
    may("url", TEXT),
    may("appid", TEXT),
    may("pagepath", TEXT),
    may("question", TEXT),
])
.also(|jump, faults| judge_target(jump, &[(1, "url"), (2, "appid")], faults));
static CARD_ACTION: Shape =
    shape(&[need("type", Whole(1, 2)), may("url", LINKED), may("appid", TEXT), may("pagepath", TEXT)])
        .also(|action, faults| judge_target(action, &[(1, "url"), (2, "appid")], faults));
