//! What GitHub takes in a repository dispatch: docs.github.com/rest/repos on creating one.

use super::super::rules::{BodyFault, FaultKind, Faults, Rule, Shape, filled, may, shape};
use super::{MEMBERS, PAYLOAD};
use serde_json::Value;

/// A template that names no `client_payload` is the payload itself.
pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let Some(payload) = body.get("client_payload") else {
        let mut faults = Faults::of("GitHub", &Rule::Any, body);
        faults.limit("", "bytes in the payload", body.to_string().len(), PAYLOAD);
        return faults.answered(|_| "422");
    };
    let mut faults = Faults::of("GitHub", &Rule::Object(&DISPATCH), body);
    if let Some(fields) = payload.as_object().filter(|fields| fields.len() > MEMBERS) {
        let words = format!("has too many members: GitHub takes {MEMBERS}, and here are {}", fields.len());
        faults.add("client_payload", FaultKind::TooLong, &words);
    }
    faults.limit("client_payload", "bytes", payload.to_string().len(), PAYLOAD);
    faults.answered(|_| "422")
}

static DISPATCH: Shape =
    shape(&[may("event_type", filled(100)), may("client_payload", Rule::Table)]).closed();
