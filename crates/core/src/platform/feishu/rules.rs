//! What Feishu and Lark take in a message: open.feishu.cn on custom bots, and on cards of the schemas 1 and 2.

use super::super::rules::Rule::{Address, Any, Bool, ByKind, List, Object, OneOf, Or, Table};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Member, Rule, Shape, TEXT, TypedMarkup, may, need, open, shape,
};
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
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

/// What the request adds, and what bots of one's own may add.
const SIGNED: [Member; 2] = [may("timestamp", Any), may("sign", Any)];

static TEXT_MESSAGE: Shape = shape(&[need("content", Object(&WORDS))]).with(&SIGNED);
static POST_MESSAGE: Shape = shape(&[need("content", Object(&POST))]).with(&SIGNED);
static IMAGE_MESSAGE: Shape = shape(&[need("content", Object(&IMAGE))]).with(&SIGNED);
static SHARE_MESSAGE: Shape = shape(&[need("content", Object(&SHARE))]).with(&SIGNED);
static CARD_MESSAGE: Shape = shape(&[need("card", Object(&CARD))]).with(&SIGNED);

static WORDS: Shape = shape(&[need("text", FILLED)]).also(|content, faults| {
    let kinds = [
        (TypedMarkup::TwoStars, "only a card has markup"),
        (TypedMarkup::Link, "only a card has links"),
        (TypedMarkup::SlackLink, "only a card has links, as `[words](URL)`"),
        (TypedMarkup::Heading, "only a card has headings"),
        (TypedMarkup::Tags, "only a card has markup"),
        (TypedMarkup::SlackPing, ALL),
    ];
    faults.typed_markup("text", &content["text"], &kinds);
    faults.bare_pings("text", &content["text"], &[("@all", ALL), ("@所有人", ALL)]);
});
const ALL: &str = "write `<at user_id=\"all\">所有人</at>`";
static IMAGE: Shape =
    open(&[need("image_key", FILLED)]).also(|image, faults| judge_key("image_key", image, faults));

/// The key of a picture, which is no address.
fn judge_key(name: &str, image: &Value, faults: &mut Faults) {
    if image[name].as_str().is_some_and(|key| key.contains("://")) {
        let words = "is an address, and Feishu takes the key of a picture that an app uploaded: `img_…`";
        faults.add(name, FaultKind::Unknown, words);
    }
}
static SHARE: Shape = shape(&[need("share_chat_id", FILLED)]);

static POST: Shape = shape(&[need("post", Table)]).also(|content, faults| {
    if content["post"]["content"].is_array() {
        let words = "is missing: Feishu needs a language such as `zh_cn` around `title` and `content`";
        return faults.add("post.zh_cn", FaultKind::Missing, words);
    }
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
static POST_TEXT: Shape = open(&[need("text", TEXT), may("un_escape", Bool), may("style", Any)]);
static POST_LINK: Shape = open(&[need("text", TEXT), need("href", FILLED)]);
static POST_AT: Shape = open(&[need("user_id", FILLED), may("user_name", TEXT)]);
static OTHER: Shape = open(&[]);

/// The schema decides where the elements are, and which there are.
static CARD: Shape = open(&[]).also(|card, faults| {
    let schema = &card["schema"];
    if !schema.is_null() && schema != "2.0" && schema != "1.0" {
        let words =
            format!("is `{schema}`, and Feishu takes the text `2.0` there, or no `schema` for older cards");
        return faults.add("schema", FaultKind::Unknown, &words);
    }
    if schema != "2.0" && card["body"].is_object() && card.get("elements").is_none() {
        let words =
            "is missing: Feishu needs `\"schema\": \"2.0\"` in a card that has its elements in `body`";
        return faults.add("schema", FaultKind::Missing, words);
    }
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

static CARD_TEMPLATE: Shape = open(&[need("data", Table), may("type", TEXT)]);

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

static BODY_2: Shape = open(&[
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

static CARD_1: Shape = open(&[
    may("config", Table),
    may("header", Object(&HEADER)),
    may("elements", List(&ELEMENT_1, 0, usize::MAX)),
    may("i18n_elements", Table),
    may("card_link", Table),
    may("schema", TEXT),
    may("fallback", Table),
    may("i18n_header", Table),
])
.some_of(&["elements", "i18n_elements"])
.also(|card, faults| {
    for (index, element) in card["elements"].as_array().into_iter().flatten().enumerate() {
        if element["tag"] == "button" {
            let words =
                "is alone, and Feishu shows a button inside of `{\"tag\": \"action\", \"actions\": […]}`";
            faults.add(&format!("elements[{index}]"), FaultKind::Shown, words);
        }
    }
});

static HEADER: Shape = open(&[
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
])
.elsewhere(&[("color", "Feishu's word is `template`")]);

const PLAIN_OR_MARKED: Rule = ByKind("tag", &[("plain_text", &PLAIN), ("lark_md", &MARKED)]);
static PLAIN: Shape = open(&[
    may("content", Rule::Plain(usize::MAX, true)),
    may("i18n", Table),
    may("i18n_content", Table),
    may("tag", TEXT),
    may("lines", Any),
])
.some_of(&["content", "i18n", "i18n_content"]);
static MARKED: Shape = open(&[
    may("content", TEXT),
    may("i18n", Table),
    may("i18n_content", Table),
    may("tag", TEXT),
    may("lines", Any),
])
.some_of(&["content", "i18n", "i18n_content"]);

/// An element of either schema, by what follows.
macro_rules! elements {
    ($name:ident, $columns:expr, $container:expr, $($own:literal => $shape:expr),* $(,)?) => {
        static $name: Rule = ByKind("tag", &[
            $(($own, $shape),)*
            ("div", &DIV),
            ("hr", &OTHER),
            ("img", &IMG),
            ("img_combination", &OTHER),
            ("column_set", $columns),
            ("form", $container),
            ("table", &TABLE),
            ("chart", &OTHER),
            ("person", &OTHER),
            ("person_list", &OTHER),
            ("collapsible_panel", $container),
            ("interactive_container", $container),
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
elements!(
    ELEMENT_2, &COLUMNS_2, &CONTAINER_2,
    "plain_text" => &PLAIN, "markdown" => &MARKDOWN_2, "button" => &BUTTON_2,
);
elements!(
    ELEMENT_1, &COLUMNS_1, &CONTAINER_1,
    "action" => &ACTIONS, "note" => &NOTE, "markdown" => &MARKDOWN_1, "button" => &BUTTON,
);

static COLUMNS_2: Shape = open(&[may("columns", List(&COLUMN_2, 1, usize::MAX))]);
static COLUMNS_1: Shape = open(&[may("columns", List(&COLUMN_1, 1, usize::MAX))]);
static COLUMN_2: Rule = ByKind("tag", &[("column", &CONTAINER_2)]);
static COLUMN_1: Rule = ByKind("tag", &[("column", &CONTAINER_1)]);
static CONTAINER_2: Shape = open(&[may("elements", List(&ELEMENT_2, 0, usize::MAX))]);
static CONTAINER_1: Shape = open(&[may("elements", List(&ELEMENT_1, 0, usize::MAX))]);
static TABLE: Shape =
    open(&[need("columns", List(&Object(&TABLE_COLUMN), 1, 50)), need("rows", List(&Table, 0, usize::MAX))]);

static TABLE_COLUMN: Shape = open(&[need("name", FILLED), may("display_name", TEXT), may("data_type", TEXT)]);

static DIV: Shape = open(&[
    may("text", PLAIN_OR_MARKED),
    may("fields", List(&Object(&FIELD), 0, usize::MAX)),
    may("extra", Table),
])
.some_of(&["text", "fields"]);
static FIELD: Shape = open(&[need("text", PLAIN_OR_MARKED), may("is_short", Bool)]);
static MARKDOWN_2: Shape = open(&[need("content", FILLED)]).also(judge_markdown);
static MARKDOWN_1: Shape = open(&[need("content", FILLED)]).also(|part, faults| {
    judge_markdown(part, faults);
    let newer = "only a card of schema 2.0 has it";
    let kinds = [(TypedMarkup::Heading, newer), (TypedMarkup::Table, newer)];
    faults.typed_markup("content", &part["content"], &kinds);
});

fn judge_markdown(part: &Value, faults: &mut Faults) {
    let kinds = [
        (TypedMarkup::SlackLink, "write `[words](URL)`"),
        (
            TypedMarkup::Picture,
            "write the key of a picture that an app uploaded, `img_…`, in place of the URL",
        ),
        (TypedMarkup::SlackPing, "write `<at id=all></at>`"),
    ];
    faults.typed_markup("content", &part["content"], &kinds);
    let text = part["content"].as_str().unwrap_or_default().replace("<font", "").replace("</font>", "");
    let tags = [(TypedMarkup::StyleTags, "write `**words**`")];
    faults.typed_markup("content", &Value::String(text), &tags);
    faults.bare_pings("content", &part["content"], &[("@all", "write `<at id=all></at>`")]);
}
static IMG: Shape = open(&[need("img_key", FILLED), may("alt", Table)])
    .also(|image, faults| judge_key("img_key", image, faults));
const LOOK: Rule = OneOf(&[
    "default",
    "primary",
    "danger",
    "text",
    "primary_text",
    "danger_text",
    "primary_filled",
    "danger_filled",
    "laser",
]);
static BUTTON: Shape =
    open(&[may("text", PLAIN_OR_MARKED), may("url", LINKED), may("type", LOOK), may("icon", Table)])
        .elsewhere(&[("href", "Feishu's word is `url`"), ("link", "Feishu's word is `url`")]);
static BUTTON_2: Shape = open(&[
    may("text", PLAIN_OR_MARKED),
    may("type", LOOK),
    may("icon", Table),
    may("behaviors", List(&Object(&BEHAVIOR), 0, usize::MAX)),
])
.elsewhere(&[
    ("url", "in schema 2.0 it is `behaviors: [{\"type\": \"open_url\", \"default_url\": …}]`"),
    ("href", "in schema 2.0 it is `behaviors: [{\"type\": \"open_url\", \"default_url\": …}]`"),
]);
static BEHAVIOR: Shape =
    open(&[need("type", OneOf(&["open_url", "callback", "form_action"])), may("default_url", LINKED)]).also(
        |behavior, faults| {
            if behavior["type"] == "open_url" && behavior["default_url"].is_null() {
                faults.add("default_url", FaultKind::Missing, "is missing: Feishu needs it with `open_url`");
            }
        },
    );
/// Feishu opens addresses of its own as well.
const LINKED: Rule = Address(usize::MAX);
static ACTIONS: Shape = open(&[need("actions", List(&INTERACTIVE, 1, usize::MAX))]);
static INTERACTIVE: Rule = ByKind(
    "tag",
    &[
        ("button", &BUTTON),
        ("overflow", &OTHER),
        ("select_static", &OTHER),
        ("select_person", &OTHER),
        ("multi_select_static", &OTHER),
        ("multi_select_person", &OTHER),
        ("date_picker", &OTHER),
        ("picker_time", &OTHER),
        ("picker_datetime", &OTHER),
        ("input", &OTHER),
        ("select_img", &OTHER),
        ("checker", &OTHER),
    ],
);
static NOTE: Shape = open(&[need("elements", List(&NOTE_PART, 1, usize::MAX))]);
static NOTE_PART: Rule =
    ByKind("tag", &[("plain_text", &PLAIN), ("lark_md", &MARKED), ("img", &IMG), ("standard_icon", &OTHER)]);
