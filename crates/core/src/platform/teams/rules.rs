//! What Teams takes through a workflow: learn.microsoft.com on the message of the webhook trigger, adaptivecards.io on
//! cards. A workflow answers before the card is judged, so nothing but these rules finds what is wrong.

use super::super::links::{followable, is_public};
use super::super::rules::Rule::{Address, Any, Bool, ByKind, List, Object, OneOf, OneWord, Or, Table, Whole};
use super::super::rules::{
    BodyFault, FILLED, FaultKind, Faults, Member, Rule, Shape, TEXT, TypedMarkup, may, need, open, shape,
};
use super::super::{ReceivedRequest, refusal};
use super::WHOLE;
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
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

/// What only the whole request shows: the signature in the URL, and the size.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.parameter("sig").is_none_or(str::is_empty) {
        return Some("401");
    }
    if request.body.len() > WHOLE {
        return Some("413");
    }
    request.json().map_or(Some("bad-request"), |body| refusal(faults(&body, request.target)))
}

const CARD: &str = "application/vnd.microsoft.card.adaptive";

static MESSAGE: Shape = shape(&[
    need("type", OneOf(&["message"])),
    need("attachments", List(&Object(&ATTACHMENT), 1, 10)),
    may("summary", TEXT),
    may("text", TEXT),
    may("attachmentLayout", TEXT),
])
.elsewhere(&[
    ("actions", "they belong in the card, next to its `body`"),
    ("body", "it belongs into the card, which is `attachments[0].content`"),
]);

static ATTACHMENT: Shape = shape(&[
    need("contentType", OneOf(&[CARD])),
    need("content", Object(&ADAPTIVE)),
    may("contentUrl", Any),
    may("name", TEXT),
    may("thumbnailUrl", Any),
    may("id", Any),
]);

static ADAPTIVE: Shape = shape(&[
    need("type", OneOf(&["AdaptiveCard"])),
    need("version", OneOf(&["1.0", "1.1", "1.2", "1.3", "1.4"])),
    need("body", List(&ELEMENT, 1, usize::MAX)),
    may("actions", List(&ACTION, 0, 6)),
    may("$schema", TEXT),
    may("fallbackText", TEXT),
    may("msteams", Object(&MSTEAMS)),
    may("speak", TEXT),
    may("lang", TEXT),
    may("selectAction", SELECTED),
    may("backgroundImage", Or(&TEXT, &Table)),
    may("minHeight", TEXT),
    may("rtl", Bool),
    may("verticalContentAlignment", TEXT),
    may("refresh", Table),
    may("authentication", Table),
    may("metadata", Table),
    may("fallback", Any),
    may("id", TEXT),
])
.also(|card, faults| {
    let mentions = card["msteams"]["entities"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_meant = |text: &str| {
        mentions.iter().any(|mention| mention["text"].as_str().is_some_and(|at| text.contains(at)))
    };
    for (index, element) in card["body"].as_array().into_iter().flatten().enumerate() {
        let text = element["text"].as_str().unwrap_or_default();
        if text.contains("<at>") && !is_meant(text) {
            let words =
                "has `<at>`, which pings nobody without an entry of the same `text` in `msteams.entities`";
            faults.add(&format!("body[{index}].text"), FaultKind::Typed, words);
        }
    }
});

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
        ("CodeBlock", &CODE),
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

static OTHER: Shape = open(&[]);
static ANSWERED: Shape = open(&[]).also(|_, faults| {
    let words = "is of a button that a bot's program answers, and a workflow has none: `Action.OpenUrl` opens an address";
    faults.add("type", FaultKind::Shown, words);
});

/// What every element may have.
static ANY_ELEMENT: [Member; 10] = [
    may("separator", Bool),
    may("isVisible", Bool),
    may(
        "spacing",
        OneWord(&["default", "none", "extraSmall", "small", "medium", "large", "extraLarge", "padding"]),
    ),
    may("id", TEXT),
    may("height", TEXT),
    may("requires", Table),
    may("fallback", Any),
    may("targetWidth", TEXT),
    may("lang", TEXT),
    may("grid.area", TEXT),
];
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
    may("maxLines", Whole(0, i64::MAX)),
])
.with(&ANY_ELEMENT)
.elsewhere(&[
    ("actions", "they belong in the card, next to its `body`"),
    ("bold", "write `\"weight\": \"Bolder\"`"),
    ("value", "the text of a block is `text`"),
])
.also(|block, faults| faults.typed_markup("text", &block["text"], &FOREIGN));

/// What texts of cards do not have: learn.microsoft.com on the format of cards in Teams.
const FOREIGN: [(TypedMarkup, &str); 8] = [
    (TypedMarkup::SlackLink, "write `[words](URL)`"),
    (TypedMarkup::Tags, "write `**words**`, and two line breaks for one"),
    (TypedMarkup::Heading, "write a `TextBlock` with `\"style\": \"heading\"`"),
    (TypedMarkup::Table, "write an element of type `Table`"),
    (TypedMarkup::Picture, "write an element of type `Image`"),
    (TypedMarkup::Code, "write a `TextBlock` with `\"fontType\": \"Monospace\"`"),
    (TypedMarkup::TwoTildes, "write a `RichTextBlock` with `\"strikethrough\": true`"),
    (TypedMarkup::SlackPing, "write `<at>name</at>` with its entry in `msteams.entities`"),
];

/// A mention is refused without the person that it means.
static MSTEAMS: Shape = open(&[may("entities", List(&Object(&ENTITY), 0, usize::MAX)), may("width", TEXT)]);
static ENTITY: Shape = open(&[need("type", TEXT), may("text", TEXT), may("mentioned", Object(&PERSON))])
    .also(|entity, faults| {
        for name in ["text", "mentioned"].iter().filter(|name| entity[**name].is_null()) {
            if entity["type"] == "mention" {
                faults.add(name, FaultKind::Missing, "is missing: Teams needs it in a mention");
            }
        }
    });
static PERSON: Shape = open(&[need("id", FILLED), need("name", FILLED)]);

static IMAGE: Shape = shape(&[
    need("url", OPENED),
    may("altText", TEXT),
    may("size", OneWord(&["auto", "stretch", "small", "medium", "large"])),
    may("style", OneWord(&["default", "person", "roundedCorners"])),
    may("selectAction", SELECTED),
    may("width", Any),
    may("backgroundColor", TEXT),
    may("horizontalAlignment", TEXT),
    may("fitMode", TEXT),
    may("horizontalContentAlignment", TEXT),
    may("verticalContentAlignment", TEXT),
    may("allowExpand", Bool),
    may("msteams", Table),
    may("themedUrls", Any),
    // An image of a set may do without.
    may("type", OneOf(&["Image"])),
])
.with(&ANY_ELEMENT)
.also(|image, faults| {
    let url = followable(image["url"].as_str(), usize::MAX);
    if url.is_some_and(|url| !is_public(&url)) {
        faults.add(
            "url",
            FaultKind::Shown,
            "is at `localhost` or in a private network, where Teams cannot fetch it",
        );
    }
});

static RICH_TEXT: Shape = open(&[need("inlines", List(&INLINE, 0, usize::MAX))]).with(&ANY_ELEMENT);
static INLINE: Rule = Or(
    &ByKind(
        "type",
        &[("TextRun", &TEXT_RUN), ("IconRun", &OTHER), ("ImageRun", &OTHER), ("CitationRun", &OTHER)],
    ),
    &TEXT,
);
static TEXT_RUN: Shape = open(&[need("text", TEXT)]);
static CODE: Shape = open(&[need("codeSnippet", TEXT), may("language", TEXT)]).with(&ANY_ELEMENT);
static FACT_SET: Shape = shape(&[need("facts", List(&Object(&FACT), 1, usize::MAX))]).with(&ANY_ELEMENT);
static FACT: Shape = shape(&[need("title", TEXT), need("value", TEXT)])
    .also(|fact, faults| faults.typed_markup("value", &fact["value"], &FOREIGN));
static CONTAINER: Shape = open(&[
    need("items", List(&ELEMENT, 0, usize::MAX)),
    may("bleed", Bool),
    may("selectAction", SELECTED),
    STYLE,
])
.with(&ANY_ELEMENT);
static COLUMN_SET: Shape =
    open(&[need("columns", List(&Object(&COLUMN), 0, usize::MAX)), STYLE]).with(&ANY_ELEMENT);
static COLUMN: Shape = open(&[
    may("items", List(&ELEMENT, 0, usize::MAX)),
    may("type", OneOf(&["Column"])),
    may("width", Any),
    STYLE,
])
.with(&ANY_ELEMENT)
.elsewhere(&[("body", "Teams' word is `items`"), ("elements", "Teams' word is `items`")])
.also(|column, faults| {
    let is_width = |text: &str| {
        let number = text.strip_suffix("px").unwrap_or(text);
        matches!(text.to_lowercase().as_str(), "auto" | "stretch") || number.parse::<f64>().is_ok()
    };
    if column["width"].as_str().is_some_and(|text| !is_width(text)) {
        let words = "is not a width: Teams knows `auto`, `stretch`, a share such as `2`, and `50px`";
        faults.add("width", FaultKind::Shown, words);
    }
});
static IMAGE_SET: Shape = open(&[need("images", List(&Object(&IMAGE), 1, usize::MAX))]).with(&ANY_ELEMENT);
static ACTION_SET: Shape = open(&[need("actions", List(&ACTION, 1, usize::MAX))]).with(&ANY_ELEMENT);
static TABLE: Shape =
    open(&[need("columns", List(&Table, 1, usize::MAX)), need("rows", List(&Object(&ROW), 0, usize::MAX))])
        .with(&ANY_ELEMENT);
static ROW: Shape = open(&[may("cells", List(&Object(&CELL), 0, usize::MAX))]);
static CELL: Shape = open(&[need("items", List(&ELEMENT, 0, usize::MAX))]);

const ACTION: Rule = ByKind(
    "type",
    &[
        ("Action.OpenUrl", &OPEN_URL),
        ("Action.ShowCard", &SHOW_CARD),
        ("Action.Submit", &ANSWERED),
        ("Action.Execute", &ANSWERED),
        ("Action.ToggleVisibility", &TOGGLE),
    ],
);
/// What a click on an element does, which has no title.
const SELECTED: Rule = ByKind(
    "type",
    &[
        ("Action.OpenUrl", &SELECTED_URL),
        ("Action.Submit", &ANSWERED),
        ("Action.Execute", &ANSWERED),
        ("Action.ToggleVisibility", &TOGGLE),
    ],
);
/// Teams opens addresses of its own and `mailto:` as well.
const OPENED: Rule = Address(usize::MAX);
static SELECTED_URL: Shape = open(&[need("url", OPENED)]);
static OPEN_URL: Shape = open(&[
    need("url", OPENED),
    may("title", Rule::Plain(usize::MAX, true)),
    may("style", OneWord(&["default", "positive", "destructive"])),
    may("iconUrl", TEXT),
])
.also(|action, faults| {
    if action.get("title").is_none() && action.get("iconUrl").is_none() {
        faults.add("title", FaultKind::Shown, "is missing: the button would be blank");
    }
});
static SHOW_CARD: Shape = open(&[need("card", Table), may("title", TEXT)]);
static TOGGLE: Shape = open(&[need("targetElements", List(&Any, 1, usize::MAX)), may("title", TEXT)]);
