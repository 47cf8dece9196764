//! What Google Chat takes in a message: developers.google.com/workspace/chat on messages and on cards of the second
//! version. It refuses every member that it does not know.

use super::super::rules::Rule::{Any, Bool, List, Object, OneOf, Table, Whole};
use super::super::rules::{BodyFault, FILLED, FaultKind, Faults, Rule, Shape, TEXT, may, need, shape};
use serde_json::{Map, Value};

/// The bytes of a message.
const MOST: usize = 32_000;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let body = in_camel_case(body);
    let mut faults = Faults::of("Google Chat", &Object(&MESSAGE), &body);
    let is_blank = |name: &str| match body.get(name) {
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        other => other.is_none(),
    };
    if SAYING.iter().all(|name| is_blank(name)) && SAYING.iter().any(|name| body.get(*name).is_some()) {
        faults.add("text", FaultKind::Empty, "is empty, and Google Chat takes no message that says nothing");
    }
    faults.limit("", "bytes", body.to_string().len(), MOST);
    faults.answered(|_| "INVALID_ARGUMENT")
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
    may("thread", Table),
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
.closed();

static HOLDER: Shape = shape(&[may("cardId", TEXT), need("card", Object(&CARD))]).closed();

static CARD: Shape = shape(&[
    may("header", Object(&HEADER)),
    need("sections", List(&Object(&SECTION), 1, 100)),
    may("sectionDividerStyle", OneOf(&["DIVIDER_STYLE_UNSPECIFIED", "SOLID_DIVIDER", "NO_DIVIDER"])),
    may("cardActions", Any),
    may("name", TEXT),
    may("fixedFooter", Table),
    may("displayStyle", Any),
    may("peekCardHeader", Any),
])
.closed();

static HEADER: Shape = shape(&[
    need("title", FILLED),
    may("subtitle", TEXT),
    may("imageUrl", TEXT),
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
    may("grid", Table),
    may("columns", Table),
    may("carousel", Table),
    may("chipList", Table),
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

static PARAGRAPH: Shape =
    shape(&[need("text", FILLED), may("maxLines", Whole(0, 1000)), may("textSyntax", TEXT)]).closed();
static IMAGE: Shape =
    shape(&[need("imageUrl", ADDRESS), may("altText", TEXT), may("onClick", ON_CLICK)]).closed();
const ADDRESS: Rule = Rule::Link(2048);

static DECORATED: Shape = shape(&[
    need("text", FILLED),
    may("topLabel", TEXT),
    may("bottomLabel", TEXT),
    may("topLabelText", Any),
    may("bottomLabelText", Any),
    may("contentText", Any),
    may("wrapText", Bool),
    may("icon", Table),
    may("startIcon", Table),
    may("startIconVerticalAlignment", TEXT),
    may("endIcon", Table),
    may("button", Object(&BUTTON)),
    may("switchControl", Table),
    may("onClick", ON_CLICK),
])
.closed();

static BUTTONS: Shape = shape(&[need("buttons", List(&Object(&BUTTON), 1, 100))]).closed();
static BUTTON: Shape = shape(&[
    need("onClick", ON_CLICK),
    may("text", FILLED),
    may("icon", Table),
    may("color", Table),
    may("disabled", Bool),
    may("altText", TEXT),
    may("type", TEXT),
])
.some_of(&["text", "icon"])
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
