//! What GitLab takes as the variables of a pipeline: docs.gitlab.com/ci/triggers.

use super::super::ReceivedRequest;
use super::super::limits::{Unit, fit, flatten};
use super::super::rules::{BodyFault, FaultKind, Faults, Rule};
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    let mut faults = Faults::of("GitLab", &Rule::Table, body);
    let variables = body.get("variables").unwrap_or(body);
    if !variables.is_object() && body.is_object() {
        faults.judge_at("variables", &Rule::Table, variables);
    }
    let prefix = if body.get("variables").is_some() { "variables." } else { "" };
    for (name, value) in variables.as_object().into_iter().flatten() {
        let at = format!("{prefix}{}", fit(name, 40, Unit::CodePoints, flatten));
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if name.is_empty() || !is_name || name.starts_with(|first: char| first.is_ascii_digit()) {
            let words = "is not the name of a variable: letters, digits and `_`, and no digit first";
            faults.add(&at, FaultKind::Unknown, words);
        } else if value.is_null() {
            faults.add(
                &at,
                FaultKind::Shown,
                "is `null`, and a variable is a text: the pipeline would get the word",
            );
        }
    }
    for name in body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()) {
        if !prefix.is_empty() && name != "variables" {
            let place = match name {
                "ref" | "token" => "it is a key of the endpoint",
                _ => "it is not a part of `variables`",
            };
            let at = fit(name, 40, Unit::CodePoints, flatten);
            faults.add(&at, FaultKind::Shown, &format!("has no effect next to `variables`: {place}"));
        }
    }
    faults.answered(|_| "400")
}

/// What GitLab looks at in a request before it responds.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let body = String::from_utf8_lossy(request.body);
    let has =
        |name: &str| body.split('&').any(|part| part.strip_prefix(name).is_some_and(|value| value.len() > 1));
    if !has("token") {
        return Some("404");
    }
    let known = |part: &str| {
        let name = part.split_once('=').map_or(part, |(name, _)| name);
        let of =
            |list: &str| name.starts_with(&format!("{list}[")) || name.starts_with(&format!("{list}%5B"));
        matches!(name, "token" | "ref") || of("variables") || of("inputs")
    };
    (!has("ref") || !body.split('&').all(known)).then_some("400")
}
