//! What a CloudEvent has: the specification 1.0.2. A body without `specversion` is the data of one.

use super::super::limits::{Unit, fit, flatten};
use super::super::rules::Rule::{Object, OneOf, Time};
use super::super::rules::{BodyFault, FILLED, FaultKind, Faults, Rule, Shape, TEXT, may, need, open};
use serde_json::Value;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let Some(event) = body.as_object().filter(|event| event.contains_key("specversion")) else {
        return Vec::new();
    };
    let mut faults = Faults::of("CloudEvents", &Object(&EVENT), body);
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
]);
