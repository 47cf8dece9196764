//! What ntfy takes in a message published as JSON: docs.ntfy.sh/publish.

use super::super::limits::Unit;
use super::super::rules::Rule::{Any, Bool, Link, List, Object, OneOf, Table, Text, Whole};
use super::super::rules::{BodyFault, FILLED, FaultKind, Faults, Shape, TEXT, TEXTS, may, need, shape, text};
use super::LONGEST;
use serde_json::Value;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    Faults::of("ntfy", &Object(&MESSAGE), body).answered(|fault| match fault.kind {
        FaultKind::TooLong if fault.path == "message" => "413",
        _ => "400",
    })
}

static MESSAGE: Shape = shape(&[
    may("topic", TEXT),
    may("message", Text(LONGEST, Unit::Bytes, true)),
    may("title", text(250)),
    may("tags", TEXTS),
    may("priority", Whole(1, 5)),
    may("click", TEXT),
    may("attach", Link(2048)),
    may("filename", TEXT),
    may("icon", Link(2048)),
    may("markdown", Bool),
    may("actions", List(&Object(&ACTION), 0, 3)),
    may("delay", TEXT),
    may("email", TEXT),
    may("call", TEXT),
    may("cache", Any),
    may("firebase", Any),
    may("sequence_id", Any),
])
.some_of(&["message", "title", "attach"]);

static ACTION: Shape = shape(&[
    need("action", OneOf(&["view", "broadcast", "http", "copy"])),
    need("label", FILLED),
    may("url", FILLED),
    may("clear", Bool),
    may("method", TEXT),
    may("headers", Table),
    may("body", TEXT),
    may("intent", TEXT),
    may("extras", Table),
    may("value", Any),
    may("id", TEXT),
])
.also(|action, faults| {
    if matches!(action["action"].as_str(), Some("view" | "http")) && action.get("url").is_none() {
        faults.add(
            "url",
            FaultKind::Missing,
            "is missing: ntfy needs it in an action that opens or calls an address",
        );
    }
});
