//! What a workflow of Slack's takes: one object whose members are texts.

use super::super::rules::{BodyFault, FaultKind, Faults, Rule};
use super::super::{ReceivedRequest, refusal};
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    let mut faults = Faults::of("a workflow", &Rule::Table, body);
    for (name, value) in body.as_object().into_iter().flatten().filter(|(_, value)| !value.is_string()) {
        let words = format!("is {value:.60}, and a workflow takes texts only; write it in quotes");
        faults.add(name, FaultKind::Kind, &words);
    }
    faults.answered(|_| "invalid_workflow")
}

/// What only the whole request shows: that its body is JSON.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    request.json().map_or(Some("invalid_workflow"), |body| refusal(faults(&body, request.target)))
}
