//! What WeCom takes in a message: developer.work.weixin.qq.com/document/path/99110.

use super::super::limits::Unit;
use super::super::rules::Rule::{Any, ByKind, Link, List, Object, Table, Text, Whole};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Member, Rule, Shape, TEXT, TEXTS, may, need, shape,
};
use super::{MARKDOWN, TEXT as TEXT_MAX};
use serde_json::Value;

const LINKED: Rule = Link(2048);

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    Faults::of("WeCom", &MESSAGE, body).answered(response)
}

fn response(fault: &BodyFault) -> &'static str {
    match fault.kind {
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

const KIND: Member = may("msgtype", TEXT);

static TEXT_MESSAGE: Shape = shape(&[KIND, need("text", Object(&WORDS))]);
static MARKDOWN_MESSAGE: Shape = shape(&[KIND, need("markdown", Object(&MARKED))]);
static MARKDOWN_V2_MESSAGE: Shape = shape(&[KIND, need("markdown_v2", Object(&MARKED))]);
static IMAGE_MESSAGE: Shape = shape(&[KIND, need("image", Object(&IMAGE))]);
static NEWS_MESSAGE: Shape = shape(&[KIND, need("news", Object(&NEWS))]);
static FILE_MESSAGE: Shape = shape(&[KIND, need("file", Object(&MEDIA))]);
static VOICE_MESSAGE: Shape = shape(&[KIND, need("voice", Object(&MEDIA))]);
static CARD_MESSAGE: Shape = shape(&[KIND, need("template_card", CARD)]);

static WORDS: Shape = shape(&[
    need("content", Text(TEXT_MAX, Unit::Bytes, false)),
    may("mentioned_list", TEXTS),
    may("mentioned_mobile_list", TEXTS),
]);
static MARKED: Shape = shape(&[
    need("content", Text(MARKDOWN, Unit::Bytes, false)),
    may("mentioned_list", Any),
    may("mentioned_mobile_list", Any),
])
.also(|part, faults| {
    if let Some(name) =
        ["mentioned_list", "mentioned_mobile_list"].into_iter().find(|name| part.get(*name).is_some())
    {
        faults.add(
            name,
            FaultKind::Shown,
            "pings nobody here: WeCom reads it in a message of type `text` only",
        );
    }
});
static IMAGE: Shape = shape(&[need("base64", FILLED), need("md5", FILLED)]);
static MEDIA: Shape = shape(&[need("media_id", FILLED)]);
static NEWS: Shape = shape(&[need("articles", List(&Object(&ARTICLE), 1, 8))]);
static ARTICLE: Shape =
    shape(&[need("title", FILLED), may("description", TEXT), need("url", LINKED), may("picurl", TEXT)]);

const CARD: Rule = ByKind("card_type", &[("text_notice", &TEXT_NOTICE), ("news_notice", &NEWS_NOTICE)]);

const SOURCE: Member = may("source", Object(&SOURCE_SHAPE));
const MAIN_TITLE: Member = may("main_title", Object(&TITLED));
const QUOTE: Member = may("quote_area", Table);
static LINE_RULE: Rule = Object(&LINE);
static JUMP_RULE: Rule = Object(&JUMP);
const LINES: Member = may("horizontal_content_list", List(&LINE_RULE, 0, 6));
const JUMPS: Member = may("jump_list", List(&JUMP_RULE, 0, 3));
const ACTION: Member = need("card_action", Object(&CARD_ACTION));

static TEXT_NOTICE: Shape = shape(&[
    SOURCE,
    MAIN_TITLE,
    may("emphasis_content", Object(&TITLED)),
    may("sub_title_text", TEXT),
    QUOTE,
    LINES,
    JUMPS,
    ACTION,
    may("card_type", TEXT),
    may("action_menu", Table),
    may("task_id", TEXT),
])
.some_of(&["main_title", "sub_title_text"]);

static NEWS_NOTICE: Shape = shape(&[
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

static SOURCE_SHAPE: Shape =
    shape(&[may("icon_url", TEXT), may("desc", TEXT), may("desc_color", Whole(0, 3))]);
static TITLED: Shape = shape(&[may("title", TEXT), may("desc", TEXT)]).some_of(&["title", "desc"]);
static NEWS_TITLE: Shape = shape(&[need("title", FILLED), may("desc", TEXT)]);
static CARD_IMAGE: Shape = shape(&[need("url", LINKED), may("aspect_ratio", Any)]);
static LINE: Shape = shape(&[
    need("keyname", FILLED),
    may("value", TEXT),
    may("type", Whole(0, 3)),
    may("url", TEXT),
    may("media_id", TEXT),
    may("userid", TEXT),
]);
static JUMP: Shape = shape(&[
    need("title", FILLED),
    may("type", Whole(0, 2)),
    may("url", TEXT),
    may("appid", TEXT),
    may("pagepath", TEXT),
]);
static CARD_ACTION: Shape =
    shape(&[need("type", Whole(0, 2)), may("url", LINKED), may("appid", TEXT), may("pagepath", TEXT)]).also(
        |action, faults| {
            let needed = match action["type"].as_i64() {
                Some(1) => "url",
                Some(2) => "appid",
                _ => return,
            };
            if action.get(needed).is_none() {
                faults.add(
                    needed,
                    FaultKind::Missing,
                    "is missing: WeCom needs it in a `card_action` of this `type`",
                );
            }
        },
    );
