//! What Teams takes through a workflow: learn.microsoft.com on the message of the webhook trigger, adaptivecards.io on
//! cards. A workflow answers before the card is judged, so nothing but these rules finds what is wrong.

use super::super::rules::Rule::{Any, Bool, ByKind, List, Object, OneOf, OneWord, Or, Table};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Member, Rule, Shape, TEXT, may, need, shape,
};
use super::WHOLE;
use serde_json::Value;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let is_bare = body["type"] == "AdaptiveCard" && body.get("attachments").is_none();
    let mut faults = if is_bare || body.get("@type").is_some() {
        let mut faults = Faults::of("Teams", &Table, body);
        let what = if is_bare {
            "this is a card without its message"
        } else {
            "a `MessageCard` was for connectors, which are gone"
        };
        let words = format!(
            "is missing: {what}; a workflow takes `{{\"type\": \"message\", \"attachments\": [{{\"contentType\": \
             \"{CARD}\", \"content\": …}}]}}` with an Adaptive Card as `content`"
        );
        faults.add("attachments", FaultKind::Missing, &words);
        faults
    } else {
        Faults::of("Teams", &Object(&MESSAGE), body)
    };
    faults.limit("", "bytes of a card that is shown", body.to_string().len(), WHOLE);
    faults.answered(|_| "bad-request")
}

const CARD: &str = "application/vnd.microsoft.card.adaptive";

static MESSAGE: Shape = shape(&[
    need("type", OneOf(&["message"])),
    need("attachments", List(&Object(&ATTACHMENT), 1, 10)),
    may("summary", TEXT),
    may("text", TEXT),
    may("attachmentLayout", TEXT),
]);

static ATTACHMENT: Shape = shape(&[
    need("contentType", OneOf(&[CARD])),
    need("content", Object(&ADAPTIVE)),
    may("contentUrl", Any),
    may("name", TEXT),
]);

static ADAPTIVE: Shape = shape(&[
    need("type", OneOf(&["AdaptiveCard"])),
    need("version", OneOf(&["1.0", "1.1", "1.2", "1.3", "1.4"])),
    need("body", List(&ELEMENT, 1, usize::MAX)),
    may("actions", List(&ACTION, 0, 6)),
    may("$schema", TEXT),
    may("fallbackText", TEXT),
    may("msteams", Table),
    may("speak", TEXT),
    may("lang", TEXT),
    may("selectAction", ACTION),
    may("backgroundImage", Or(&TEXT, &Table)),
    may("minHeight", TEXT),
    may("rtl", Bool),
    may("verticalContentAlignment", TEXT),
    may("refresh", Table),
    may("authentication", Table),
    may("metadata", Table),
]);

/// Kinds of elements that are not judged further are last.
static ELEMENT: Rule = ByKind(
    "type",
    &[
        ("TextBlock", &TEXT_BLOCK),
        ("Image", &IMAGE),
        ("RichTextBlock", &RICH_TEXT),
        ("FactSet", &FACT_SET),
        ("Container", &CONTAINER),
        ("ColumnSet", &COLUMN_SET),
        ("ImageSet", &IMAGE_SET),
        ("ActionSet", &ACTION_SET),
        ("Table", &TABLE),
        ("Media", &OTHER),
        ("Input.Text", &OTHER),
        ("Input.Number", &OTHER),
        ("Input.Date", &OTHER),
        ("Input.Time", &OTHER),
        ("Input.Toggle", &OTHER),
        ("Input.ChoiceSet", &OTHER),
        ("Input.Rating", &OTHER),
        ("CodeBlock", &OTHER),
        ("Icon", &OTHER),
        ("Badge", &OTHER),
        ("Carousel", &OTHER),
        ("CompoundButton", &OTHER),
        ("ProgressBar", &OTHER),
        ("ProgressRing", &OTHER),
        ("Rating", &OTHER),
        ("Component", &OTHER),
        ("Chart.Donut", &OTHER),
        ("Chart.Pie", &OTHER),
        ("Chart.Gauge", &OTHER),
        ("Chart.Line", &OTHER),
        ("Chart.HorizontalBar", &OTHER),
        ("Chart.HorizontalBar.Stacked", &OTHER),
        ("Chart.VerticalBar", &OTHER),
        ("Chart.VerticalBar.Grouped", &OTHER),
    ],
);

static OTHER: Shape = shape(&[]);

const SEPARATOR: Member = may("separator", Bool);
const VISIBLE: Member = may("isVisible", Bool);
const SPACING: Member = may(
    "spacing",
    OneWord(&["default", "none", "extraSmall", "small", "medium", "large", "extraLarge", "padding"]),
);
const STYLE: Member =
    may("style", OneWord(&["default", "emphasis", "good", "attention", "warning", "accent"]));

static TEXT_BLOCK: Shape = shape(&[
    need("text", TEXT),
    may("color", OneWord(&["default", "dark", "light", "accent", "good", "warning", "attention"])),
    may("size", OneWord(&["default", "small", "medium", "large", "extraLarge"])),
    may("weight", OneWord(&["default", "lighter", "bolder"])),
    may("fontType", OneWord(&["default", "monospace"])),
    may("horizontalAlignment", OneWord(&["left", "center", "right"])),
    may("style", OneWord(&["default", "heading", "columnHeader"])),
    may("wrap", Bool),
    may("isSubtle", Bool),
    SEPARATOR,
    SPACING,
    VISIBLE,
]);

static IMAGE: Shape = shape(&[
    need("url", FILLED),
    may("altText", TEXT),
    may("size", OneWord(&["auto", "stretch", "small", "medium", "large"])),
    may("style", OneWord(&["default", "person", "roundedCorners"])),
    may("selectAction", ACTION),
    SEPARATOR,
    SPACING,
    VISIBLE,
]);

static RICH_TEXT: Shape =
    shape(&[need("inlines", List(&Or(&Table, &TEXT), 0, usize::MAX)), SEPARATOR, SPACING]);
static FACT_SET: Shape =
    shape(&[need("facts", List(&Object(&FACT), 1, usize::MAX)), SEPARATOR, SPACING, VISIBLE]);
static FACT: Shape = shape(&[need("title", TEXT), need("value", TEXT)]);
static CONTAINER: Shape = shape(&[
    need("items", List(&ELEMENT, 0, usize::MAX)),
    may("bleed", Bool),
    may("selectAction", ACTION),
    STYLE,
    SEPARATOR,
    SPACING,
    VISIBLE,
]);
static COLUMN_SET: Shape =
    shape(&[need("columns", List(&Object(&COLUMN), 0, usize::MAX)), STYLE, SEPARATOR, SPACING, VISIBLE]);
static COLUMN: Shape = shape(&[
    may("items", List(&ELEMENT, 0, usize::MAX)),
    may("type", OneOf(&["Column"])),
    may("width", Any),
    STYLE,
    VISIBLE,
]);
static IMAGE_SET: Shape = shape(&[need("images", List(&Object(&IMAGE), 1, usize::MAX)), SEPARATOR, SPACING]);
static ACTION_SET: Shape =
    shape(&[need("actions", List(&ACTION, 1, usize::MAX)), SEPARATOR, SPACING, VISIBLE]);
static TABLE: Shape = shape(&[
    need("columns", List(&Table, 1, usize::MAX)),
    need("rows", List(&Table, 0, usize::MAX)),
    SEPARATOR,
    SPACING,
]);

const ACTION: Rule = ByKind(
    "type",
    &[
        ("Action.OpenUrl", &OPEN_URL),
        ("Action.ShowCard", &SHOW_CARD),
        ("Action.Submit", &OTHER),
        ("Action.Execute", &OTHER),
        ("Action.ToggleVisibility", &TOGGLE),
    ],
);
static OPEN_URL: Shape = shape(&[
    // Teams opens addresses of its own and `mailto:` as well.
    need("url", FILLED),
    may("title", TEXT),
    may("style", OneWord(&["default", "positive", "destructive"])),
]);
static SHOW_CARD: Shape = shape(&[need("card", Table), may("title", TEXT)]);
static TOGGLE: Shape = shape(&[need("targetElements", List(&Any, 1, usize::MAX)), may("title", TEXT)]);
