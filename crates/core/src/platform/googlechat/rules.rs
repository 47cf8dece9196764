//! What Google Chat takes in a message: developers.google.com/workspace/chat on messages and on cards of the second
//! version. It refuses every member that it does not know.

use super::super::rules::Rule::{Any, Bool, List, Object, OneOf, Picture, Table, Whole};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Rule, Shape, TEXT, TypedMarkup, may, need, open, shape,
};
use super::super::{ReceivedRequest, refusal};
use serde_json::{Map, Value};

/// The bytes of a message.
const MOST: usize = 32_000;

/// `url` tells whether a thread is kept to.
pub(super) fn faults(body: &Value, url: &str) -> Vec<BodyFault> {
    let body = in_camel_case(body);
    let mut faults = Faults::of("Google Chat", &Object(&MESSAGE), &body);
    let kinds = [
        (TypedMarkup::Link, "write `<URL|words>`"),
        (TypedMarkup::Picture, "a picture is a widget `image` of a card"),
        (TypedMarkup::TwoStars, "write `*words*`"),
        (TypedMarkup::TwoTildes, "write `~words~`"),
        (TypedMarkup::Heading, "write `*words*`, or the `header` of a card"),
        (TypedMarkup::Table, "write lines, or the widgets of a card"),
        (TypedMarkup::Tags, "write `*words*`, and a line break as it is"),
        (TypedMarkup::SlackPing, "write `<users/all>`"),
    ];
    faults.typed_markup("text", &body["text"], &kinds);
    faults.bare_pings("text", &body["text"], &[("@all", "write `<users/all>`")]);
    if body["cards"].is_array() {
        let words = "is of the first version, which Google has retired; write `cardsV2`";
        faults.add("cards", FaultKind::Shown, words);
    }
    let is_threaded = body["thread"].is_object() && url.contains("chat.googleapis.com");
    if is_threaded && !url.contains("messageReplyOption=") {
        let words =
            "has no effect without `messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD` in the URL";
        faults.add("thread", FaultKind::Shown, words);
    }
    judge_ids(&body, &mut faults);
    faults.limit("", "bytes", body.to_string().len(), MOST);
    faults.answered(|_| "INVALID_ARGUMENT")
}

/// What only the whole request shows: Google knows the webhook by the query.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.parameter("key").is_none() || request.parameter("token").is_none() {
        return Some("UNAUTHENTICATED");
    }
    request.json().map_or(Some("INVALID_ARGUMENT"), |body| refusal(faults(&body, request.target)))
}

/// Of several cards, each has an id of its own.
fn judge_ids(body: &Value, faults: &mut Faults) {
    let cards = body["cardsV2"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, card) in cards.iter().enumerate().filter(|_| cards.len() > 1) {
        let id = &card["cardId"];
        let at = format!("cardsV2[{index}].cardId");
        if id.as_str().is_none_or(str::is_empty) {
            faults.add(
                &at,
                FaultKind::Missing,
                "is missing: Google Chat needs it where a message has several cards",
            );
        } else if cards[..index].iter().any(|other| other["cardId"] == *id) {
            faults.add(&at, FaultKind::Unknown, "is there twice, and Google Chat takes each once");
        }
    }
}

const SAYING: [&str; 3] = ["text", "cardsV2", "cards"];

/// Google reads `cards_v2` as `cardsV2`. Members of what is free, such as parameters, are not touched.
fn in_camel_case(node: &Value) -> Value {
    match node {
        Value::Array(list) => list.iter().map(in_camel_case).collect(),
        Value::Object(fields) => {
            let renamed = fields.iter().map(|(name, field)| (camel(name), in_camel_case(field)));
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

static MESSAGE: Shape = shape(&[
    may("text", TEXT),
    may("cardsV2", List(&Object(&HOLDER), 0, 100)),
    may("cards", List(&Table, 0, 100)),
    may("fallbackText", TEXT),
    may("thread", Object(&THREAD)),
    may("accessoryWidgets", List(&Table, 0, usize::MAX)),
    may("annotations", Any),
    may("actionResponse", Any),
    may("attachment", Any),
    may("privateMessageViewer", Any),
    may("quotedMessageMetadata", Any),
    may("clientAssignedMessageId", Any),
    may("formattedText", Any),
    may("argumentText", Any),
    may("name", Any),
    may("sender", Any),
    may("space", Any),
    may("createTime", Any),
])
.some_of(&SAYING)
.elsewhere(&[
    ("threadKey", "it belongs into `thread`, or into the URL"),
    ("content", "the text of a message is `text`"),
])
.closed();

static THREAD: Shape =
    shape(&[may("threadKey", TEXT), may("name", TEXT)]).some_of(&["threadKey", "name"]).closed();

static HOLDER: Shape = shape(&[may("cardId", TEXT), need("card", Object(&CARD))])
    .elsewhere(&[("sections", "they belong into `card`"), ("header", "it belongs into `card`")])
    .closed();

static CARD: Shape = shape(&[
    may("header", Object(&HEADER)),
    need("sections", List(&Object(&SECTION), 1, 100)),
    may("sectionDividerStyle", OneOf(&["DIVIDER_STYLE_UNSPECIFIED", "SOLID_DIVIDER", "NO_DIVIDER"])),
    may("cardActions", Any),
    may("name", TEXT),
    may("fixedFooter", Table),
    may("displayStyle", Any),
    may("peekCardHeader", Any),
    may("expressionData", Any),
])
.elsewhere(&[("widgets", "they belong into an entry of `sections`")])
.closed();

static HEADER: Shape = shape(&[
    need("title", Rule::Plain(usize::MAX, false)),
    may("subtitle", Rule::Plain(usize::MAX, true)),
    may("imageUrl", Picture(2048)),
    may("imageType", OneOf(&["SQUARE", "CIRCLE"])),
    may("imageAltText", TEXT),
])
.closed();

static SECTION: Shape = shape(&[
    need("widgets", List(&Object(&WIDGET), 1, 100)),
    may("header", TEXT),
    may("collapsible", Bool),
    may("uncollapsibleWidgetsCount", Whole(0, 100)),
    may("collapseControl", Table),
    may("id", TEXT),
])
.closed();

static WIDGET: Shape = shape(&[
    may("textParagraph", Object(&PARAGRAPH)),
    may("image", Object(&IMAGE)),
    may("decoratedText", Object(&DECORATED)),
    may("buttonList", Object(&BUTTONS)),
    may("divider", Table),
    may("grid", Object(&GRID)),
    may("columns", Object(&COLUMNS)),
    may("carousel", Table),
    may("chipList", Object(&CHIPS)),
    may("textInput", Table),
    may("selectionInput", Table),
    may("dateTimePicker", Table),
    may("horizontalAlignment", OneOf(&["START", "CENTER", "END"])),
    may("visibility", Any),
    may("id", TEXT),
    may("eventActions", Any),
])
.closed()
.also(|widget, faults| {
    match widget.as_object().into_iter().flatten().filter(|(_, part)| part.is_object()).count() {
        0 => faults.add(
            "",
            FaultKind::Empty,
            "has no kind, such as `textParagraph`: Google Chat takes no empty widget",
        ),
        1 => {}
        _ => {
            faults.add("", FaultKind::Unknown, "has more than one kind: Google Chat takes one in each widget")
        }
    }
});

static GRID: Shape = open(&[need("items", List(&Table, 1, 100)), may("columnCount", Whole(0, 100))]);
static COLUMNS: Shape = open(&[need("columnItems", List(&Object(&COLUMN), 1, 2))]);
static COLUMN: Shape = shape(&[
    need("widgets", List(&Object(&WIDGET), 1, 100)),
    may("horizontalSizeStyle", OneOf(&["FILL_AVAILABLE_SPACE", "FILL_MINIMUM_SPACE"])),
    may("horizontalAlignment", OneOf(&["START", "CENTER", "END"])),
    may("verticalAlignment", OneOf(&["CENTER", "TOP", "BOTTOM"])),
])
.closed();
static CHIPS: Shape = open(&[need("chips", List(&Table, 1, 100))]);

static PARAGRAPH: Shape =
    shape(&[need("text", FILLED), may("maxLines", Whole(0, 1000)), may("textSyntax", TEXT)])
        .closed()
        .also(judge_card_text);

/// The text of a card has tags, unless it says that it is markdown.
fn judge_card_text(part: &Value, faults: &mut Faults) {
    let kinds = [
        (TypedMarkup::TwoStars, "write `<b>words</b>`"),
        (TypedMarkup::Link, "write `<a href=\"URL\">words</a>`"),
        (TypedMarkup::SlackLink, "write `<a href=\"URL\">words</a>`"),
        (TypedMarkup::Heading, "write `<b>words</b>`"),
    ];
    if part["textSyntax"] != "MARKDOWN" {
        faults.typed_markup("text", &part["text"], &kinds);
    }
}
static IMAGE: Shape =
    shape(&[need("imageUrl", Picture(2048)), may("altText", TEXT), may("onClick", ON_CLICK)]).closed();
const ADDRESS: Rule = Rule::Link(2048);

static DECORATED: Shape = shape(&[
    need("text", FILLED),
    may("topLabel", TEXT),
    may("bottomLabel", TEXT),
    may("topLabelText", Any),
    may("bottomLabelText", Any),
    may("contentText", Any),
    may("wrapText", Bool),
    may("icon", ICON),
    may("startIcon", ICON),
    may("startIconVerticalAlignment", TEXT),
    may("endIcon", ICON),
    may("button", Object(&BUTTON)),
    may("switchControl", Table),
    may("onClick", ON_CLICK),
])
.closed()
.also(judge_card_text);

const ICON: Rule = Object(&ICON_SHAPE);
static ICON_SHAPE: Shape = shape(&[
    may("knownIcon", TEXT),
    may("iconUrl", Picture(2048)),
    may("materialIcon", Table),
    may("altText", TEXT),
    may("imageType", OneOf(&["SQUARE", "CIRCLE"])),
])
.some_of(&["knownIcon", "iconUrl", "materialIcon"])
.closed()
.also(|icon, faults| {
    if let Some(name) = icon["knownIcon"].as_str().filter(|name| !ICONS.contains(name)) {
        let words = format!("is `{name:.40}`, which is none of Google Chat's icons; `materialIcon` has more");
        faults.add("knownIcon", FaultKind::Shown, &words);
    }
});
static COLOUR: Shape =
    shape(&[may("red", Any), may("green", Any), may("blue", Any), may("alpha", Any)]).closed();

const ICONS: [&str; 29] = [
    "AIRPLANE",
    "BOOKMARK",
    "BUS",
    "CAR",
    "CLOCK",
    "CONFIRMATION_NUMBER_ICON",
    "DESCRIPTION",
    "DOLLAR",
    "EMAIL",
    "EVENT_SEAT",
    "FLIGHT_ARRIVAL",
    "FLIGHT_DEPARTURE",
    "HOTEL",
    "HOTEL_ROOM_TYPE",
    "INVITE",
    "MAP_PIN",
    "MEMBERSHIP",
    "MULTIPLE_PEOPLE",
    "PERSON",
    "PHONE",
    "RESTAURANT_ICON",
    "SHOPPING_CART",
    "STAR",
    "STORE",
    "TICKET",
    "TRAIN",
    "VIDEO_CAMERA",
    "VIDEO_PLAY",
    "NONE",
];

static BUTTONS: Shape = shape(&[need("buttons", List(&Object(&BUTTON), 1, 100))]).closed();
static BUTTON: Shape = shape(&[
    need("onClick", ON_CLICK),
    may("text", FILLED),
    may("icon", ICON),
    may("color", Object(&COLOUR)),
    may("disabled", Bool),
    may("altText", TEXT),
    may("type", TEXT),
])
.some_of(&["text", "icon"])
.elsewhere(&[
    ("url", "it belongs into `onClick.openLink`"),
    ("textButton", "that is of the first version; its members belong here"),
])
.closed();

const ON_CLICK: Rule = Object(&CLICK);
static CLICK: Shape = shape(&[
    may("openLink", Object(&OPEN_LINK)),
    may("action", Table),
    may("card", Table),
    may("openDynamicLinkAction", Table),
    may("overflowMenu", Table),
])
.some_of(&["openLink", "action", "card", "openDynamicLinkAction", "overflowMenu"])
.closed();
static OPEN_LINK: Shape = shape(&[need("url", ADDRESS), may("openAs", TEXT), may("onClose", TEXT)]).closed();
