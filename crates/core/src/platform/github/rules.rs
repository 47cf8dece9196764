//! What GitHub takes in a dispatch: docs.github.com/rest/repos and /rest/actions/workflows on creating one.

use super::super::rules::{BodyFault, FaultKind, Faults, Rule, Shape, filled, may, need, shape};
use super::super::{ReceivedRequest, refusal};
use super::{INPUTS, MEMBERS, PAYLOAD, is_of_workflow};
use serde_json::{Map, Value};

/// A template that names no `inputs` is the inputs itself.
fn workflow_faults(body: &Value) -> Vec<BodyFault> {
    let whole = body.get("inputs").is_some();
    let rule = if whole { Rule::Object(&WORKFLOW) } else { Rule::Any };
    let mut faults = Faults::of("GitHub", &rule, body);
    let inputs = if whole { &body["inputs"] } else { body };
    let place = if whole { "inputs" } else { "" };
    if let Some(fields) = inputs.as_object().filter(|fields| fields.len() > INPUTS) {
        let words =
            format!("has too many members: GitHub takes {INPUTS} inputs, and here are {}", fields.len());
        faults.add(place, FaultKind::TooLong, &words);
    }
    faults.limit(place, "bytes", inputs.to_string().len(), PAYLOAD);
    faults.answered(|_| "422")
}

/// A template that names no `client_payload` is the payload itself.
pub(super) fn faults(body: &Value, url: &str) -> Vec<BodyFault> {
    if is_of_workflow(url) {
        return workflow_faults(body);
    }
    let Some(payload) = body.get("client_payload") else {
        let mut faults = Faults::of("GitHub", &Rule::Any, body);
        if body["inputs"].is_object() && body["ref"].is_string() {
            let words = "is for a `workflow_dispatch`; this address starts a `repository_dispatch`, and `ref` and \
                         `inputs` would be a part of its payload";
            faults.add("inputs", FaultKind::Shown, words);
        }
        if let Some(fields) = body.as_object().filter(|fields| fields.len() > MEMBERS) {
            let words = format!(
                "has {} members, and GitHub takes {MEMBERS}: Taskbell sends them as `client_payload.taskbell`",
                fields.len()
            );
            faults.add("", FaultKind::Shown, &words);
        }
        if body["event_type"].is_string() {
            let words = "is a part of the payload here; next to `client_payload` it is the type of the event";
            faults.add("event_type", FaultKind::Shown, words);
        }
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

/// What only the whole request shows: who asks, for which repository, and the event type.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.header("authorization").is_none() {
        return Some("401");
    }
    if request.header("user-agent").is_none() {
        return Some("403");
    }
    if !request.target.ends_with("/dispatches") {
        return Some("404");
    }
    let needed = if is_of_workflow(request.target) { "ref" } else { "event_type" };
    let Some(json) = request.json().filter(|json| json[needed].is_string()) else { return Some("422") };
    let is_text = |inputs: &Map<String, Value>| inputs.values().all(Value::is_string);
    if json["inputs"].as_object().is_some_and(|inputs| !is_text(inputs)) {
        return Some("422");
    }
    refusal(faults(&json, request.target))
}

static WORKFLOW: Shape =
    shape(&[may("ref", filled(1000)), need("inputs", Rule::Table), may("return_run_details", Rule::Bool)])
        .elsewhere(&[
            ("event_type", "that is for a `repository_dispatch`"),
            ("client_payload", "that is for a `repository_dispatch`"),
        ])
        .closed();

static DISPATCH: Shape = shape(&[may("event_type", filled(100)), need("client_payload", Rule::Table)])
    .elsewhere(&[
        ("event", "GitHub's word is `event_type`"),
        ("inputs", "those are for a `workflow_dispatch`"),
        ("ref", "that is for a `workflow_dispatch`"),
    ])
    .closed();
