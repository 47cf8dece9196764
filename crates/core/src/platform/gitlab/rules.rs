//! What GitLab takes as the variables of a pipeline: docs.gitlab.com/ci/triggers.

use super::super::limits::{Unit, fit, flatten};
use super::super::rules::{BodyFault, FaultKind, Faults, Rule};
use serde_json::Value;

pub(super) fn faults(body: &Value) -> Vec<BodyFault> {
    let mut faults = Faults::of("GitLab", &Rule::Table, body);
    let variables = body.get("variables").unwrap_or(body);
    if !variables.is_object() && body.is_object() {
        faults.judge_at("variables", &Rule::Table, variables);
    }
    let prefix = if body.get("variables").is_some() { "variables." } else { "" };
    for (name, value) in variables.as_object().into_iter().flatten() {
        let at = format!("{prefix}{}", fit(name, 40, Unit::CodePoints, flatten));
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            faults.add(&at, FaultKind::Unknown, "is no name of a variable: letters, digits and `_`");
        } else if value.is_null() {
            faults.add(
                &at,
                FaultKind::Shown,
                "is `null`, and a variable is a text: the pipeline would get the word",
            );
        }
    }
    faults.answered(|_| "400")
}
