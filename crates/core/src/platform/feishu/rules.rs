//! What Feishu and Lark take in a message: open.feishu.cn on custom bots, and on cards of the schemas 1 and 2.

use super::super::rules::Rule::{Any, Bool, ByKind, List, Object, OneOf, Or, Table};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Member, Rule, Shape, TEXT, may, need, shape,
};
use serde_json::Value;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let mut faults = Faults::of("Feishu", &MESSAGE, body);
    faults.limit("", "bytes", body.to_string().len(), 20_480);
    faults.answered(|fault| match fault.kind {
        FaultKind::TooLong => "9499",
        _ if fault.path.starts_with("card.") => "11246",
        _ => "19002",
    })
}

static MESSAGE: Rule = ByKind(
    "msg_type",
    &[
        ("text", &TEXT_MESSAGE),
        ("post", &POST_MESSAGE),
        ("image", &IMAGE_MESSAGE),
        ("share_chat", &SHARE_MESSAGE),
        ("interactive", &CARD_MESSAGE),
    ],
);

const KIND: Member = may("msg_type", TEXT);

static TEXT_MESSAGE: Shape = shape(&[KIND, need("content", Object(&WORDS))]);
static POST_MESSAGE: Shape = shape(&[KIND, need("content", Object(&POST))]);
static IMAGE_MESSAGE: Shape = shape(&[KIND, need("content", Object(&IMAGE))]);
static SHARE_MESSAGE: Shape = shape(&[KIND, need("content", Object(&SHARE))]);
static CARD_MESSAGE: Shape = shape(&[KIND, need("card", Object(&CARD))]);

static WORDS: Shape = shape(&[need("text", FILLED)]);
static IMAGE: Shape = shape(&[need("image_key", FILLED)]);
static SHARE: Shape = shape(&[need("share_chat_id", FILLED)]);

static POST: Shape = shape(&[need("post", Table)]).also(|content, faults| {
    for (language, post) in content["post"].as_object().into_iter().flatten() {
        faults.judge_at(&format!("post.{language}"), &Object(&POST_BODY), post);
    }
});
static POST_BODY: Shape = shape(&[
    may("title", TEXT),
    need("content", List(&Or(&List(&POST_PART, 0, usize::MAX), &POST_PART), 1, usize::MAX)),
]);
static POST_PART: Rule = ByKind(
    "tag",
    &[
        ("text", &POST_TEXT),
        ("a", &POST_LINK),
        ("at", &POST_AT),
        ("img", &IMAGE),
        ("media", &OTHER),
        ("emotion", &OTHER),
        ("hr", &OTHER),
        ("code_block", &OTHER),
        ("md", &POST_TEXT),
    ],
);
static POST_TEXT: Shape = shape(&[need("text", TEXT), may("un_escape", Bool), may("style", Any)]);
static POST_LINK: Shape = shape(&[need("text", TEXT), need("href", FILLED)]);
static POST_AT: Shape = shape(&[need("user_id", FILLED), may("user_name", TEXT)]);
static OTHER: Shape = shape(&[]);

/// The schema decides where the elements are, and which there are.
static CARD: Shape = shape(&[]).also(|card, faults| {
    let rule = match card["schema"].as_str() {
        Some("2.0") => Object(&CARD_2),
        _ if card["type"] == "template" => Object(&CARD_TEMPLATE),
        _ => Object(&CARD_1),
    };
    faults.judge_at("", &rule, card);
    if card["schema"] == "2.0" && (card.get("elements").is_some() || card["body"].get("elements").is_none()) {
        let words = "are missing: a card of schema 2.0 has its elements there, and not in `card.elements`";
        faults.add("body.elements", FaultKind::Missing, words);
    }
});

static CARD_TEMPLATE: Shape = shape(&[need("data", Table), may("type", TEXT)]);

/// A card of schema 2.0 is refused for a member that is not its own.
static CARD_2: Shape = shape(&[
    need("schema", OneOf(&["2.0"])),
    may("config", Object(&CONFIG_2)),
    may("card_link", Table),
    may("header", Object(&HEADER)),
    may("i18n_header", Table),
    may("body", Object(&BODY_2)),
    // Named by the rule of the card.
    may("elements", Any),
])
.closed();

static BODY_2: Shape = shape(&[
    may("elements", List(&ELEMENT_2, 0, 200)),
    may("direction", OneOf(&["vertical", "horizontal"])),
    may("padding", TEXT),
    may("horizontal_spacing", TEXT),
    may("horizontal_align", TEXT),
    may("vertical_spacing", TEXT),
    may("vertical_align", TEXT),
]);

static CONFIG_2: Shape = shape(&[
    may("streaming_mode", Bool),
    may("streaming_config", Table),
    may("summary", Table),
    may("locales", Any),
    may("enable_forward", Bool),
    may("update_multi", Bool),
    may("width_mode", TEXT),
    may("use_custom_translation", Bool),
    may("enable_forward_interaction", Bool),
    may("style", Table),
])
.closed();

static CARD_1: Shape = shape(&[
    may("config", Table),
    may("header", Object(&HEADER)),
    may("elements", List(&ELEMENT_1, 0, usize::MAX)),
    may("i18n_elements", Table),
    may("card_link", Table),
    may("schema", TEXT),
    may("fallback", Table),
    may("i18n_header", Table),
])
.some_of(&["elements", "i18n_elements"]);

static HEADER: Shape = shape(&[
    need("title", PLAIN_OR_MARKED),
    may("subtitle", PLAIN_OR_MARKED),
    may(
        "template",
        OneOf(&[
            "blue",
            "wathet",
            "turquoise",
            "green",
            "yellow",
            "orange",
            "red",
            "carmine",
            "violet",
            "purple",
            "indigo",
            "grey",
            "default",
        ]),
    ),
    may("icon", Table),
    may("ud_icon", Table),
    may("text_tag_list", Any),
    may("i18n_text_tag_list", Any),
    may("padding", TEXT),
]);

const PLAIN_OR_MARKED: Rule = ByKind("tag", &[("plain_text", &PLAIN), ("lark_md", &PLAIN)]);
static PLAIN: Shape = shape(&[
    may("content", TEXT),
    may("i18n", Table),
    may("i18n_content", Table),
    may("tag", TEXT),
    may("lines", Any),
])
.some_of(&["content", "i18n", "i18n_content"]);

/// An element of either schema, by what follows.
macro_rules! elements {
    ($name:ident, $($own:literal => $shape:expr),* $(,)?) => {
        static $name: Rule = ByKind("tag", &[
            $(($own, $shape),)*
            ("div", &DIV),
            ("markdown", &MARKDOWN),
            ("hr", &OTHER),
            ("img", &IMG),
            ("img_combination", &OTHER),
            ("column_set", &OTHER),
            ("form", &OTHER),
            ("table", &OTHER),
            ("chart", &OTHER),
            ("person", &OTHER),
            ("person_list", &OTHER),
            ("collapsible_panel", &OTHER),
            ("interactive_container", &OTHER),
            ("button", &BUTTON),
            ("input", &OTHER),
            ("overflow", &OTHER),
            ("select_static", &OTHER),
            ("select_person", &OTHER),
            ("multi_select_static", &OTHER),
            ("multi_select_person", &OTHER),
            ("date_picker", &OTHER),
            ("picker_time", &OTHER),
            ("picker_datetime", &OTHER),
            ("select_img", &OTHER),
            ("checker", &OTHER),
            ("audio", &OTHER),
            ("video", &OTHER),
            ("repeat", &OTHER),
        ]);
    };
}
elements!(ELEMENT_2, "plain_text" => &PLAIN);
elements!(ELEMENT_1, "action" => &ACTIONS, "note" => &NOTE);

static DIV: Shape =
    shape(&[may("text", PLAIN_OR_MARKED), may("fields", List(&Table, 0, usize::MAX)), may("extra", Table)])
        .some_of(&["text", "fields"]);
static MARKDOWN: Shape = shape(&[need("content", FILLED)]);
static IMG: Shape = shape(&[need("img_key", FILLED), may("alt", Table)]);
static BUTTON: Shape =
    shape(&[may("text", PLAIN_OR_MARKED), may("url", TEXT), may("type", TEXT), may("icon", Table)]);
static ACTIONS: Shape = shape(&[need("actions", List(&ELEMENT_1, 1, usize::MAX))]);
static NOTE: Shape = shape(&[need("elements", List(&Table, 1, usize::MAX))]);
