//! What a CloudEvent has: the specification 1.0.2. A body without `specversion` is the data of one.

use super::super::limits::{Unit, fit, flatten};
use super::super::rules::Rule::{Object, OneOf, Time};
use super::super::rules::{BodyFault, FILLED, FaultKind, Faults, Rule, Shape, TEXT, may, need, open};
use super::super::{ReceivedRequest, refusal};
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    let Some(event) = body.as_object().filter(|event| event.contains_key("specversion")) else {
        let meant = body.as_object().into_iter().flatten();
        let meant =
            meant.map(|(name, _)| name).find(|name| name.to_lowercase().replace('_', "") == "specversion");
        let Some(name) = meant else { return Vec::new() };
        let mut faults = Faults::of("CloudEvents", &Rule::Any, body);
        let words =
            "is not an attribute, so all of this is the data of an event; `specversion` makes it one itself";
        faults.add(name, FaultKind::Shown, words);
        return faults.answered(|_| "400");
    };
    let mut faults = Faults::of("CloudEvents", &Object(&EVENT), body);
    if event.contains_key("data") && event.contains_key("data_base64") {
        faults.add("data_base64", FaultKind::Unknown, "is next to `data`: an event has one of the two");
    }
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    for (name, value) in event.iter().filter(|(name, _)| *name != "data" && *name != "data_base64") {
        let at = fit(name, 40, Unit::CodePoints, flatten);
        if !is_name(name) {
            faults.add(
                &at,
                FaultKind::Unknown,
                "is not the name of an attribute: lower-case letters and digits",
            );
        } else if value.is_object() || value.is_array() {
            faults.add(
                &at,
                FaultKind::Kind,
                "is an attribute, and those are texts, numbers or `true` and `false`",
            );
        }
    }
    faults.answered(|_| "400")
}

/// What only the whole request shows: an event stands in the body, or its attributes in headers.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let is_structured =
        request.header("content-type").is_some_and(|kind| kind.starts_with("application/cloudevents"));
    if is_structured {
        let event = request.json().filter(|event| event.get("specversion").is_some());
        return event.map_or(Some("400"), |event| refusal(faults(&event, request.target)));
    }
    let has = |name: &str| request.header(&format!("ce-{name}")).is_some_and(|text| !text.is_empty());
    (!["specversion", "id", "source", "type"].into_iter().all(has)).then_some("400")
}

static EVENT: Shape = open(&[
    need("specversion", OneOf(&["1.0"])),
    need("id", FILLED),
    need("source", FILLED),
    need("type", FILLED),
    may("time", Time),
    may("subject", FILLED),
    may("datacontenttype", FILLED),
    may("dataschema", TEXT),
    may("data", Rule::Any),
    may("data_base64", TEXT),
])
.elsewhere(&[("contenttype", "the attribute is `datacontenttype`")]);
