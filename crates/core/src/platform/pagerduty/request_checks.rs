//! What PagerDuty looks at in a request before it responds.

use super::super::Platform;
use super::super::ReceivedRequest;
use super::{PagerDuty, SUMMARY};

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let json = request.json();
    let json = json.as_ref();
    if request.body.len() > 512 * 1024 {
        return Some("413");
    }
    let Some(json) = json else { return Some("400") };
    let key = json["routing_key"].as_str().is_some_and(|key| key.len() == 32);
    let summary =
        json["payload"]["summary"].as_str().is_some_and(|text| (1..=SUMMARY).contains(&text.chars().count()));
    let resolves = matches!(json["event_action"].as_str(), Some("resolve" | "acknowledge"));
    // A change has no severity, and nothing is done about it.
    let is_change = request.target.contains("/change/");
    let severity =
        matches!(json["payload"]["severity"].as_str(), Some("critical" | "error" | "warning" | "info"));
    let source = json["payload"]["source"].as_str().is_some_and(|source| !source.is_empty());
    let triggers = json["event_action"] == "trigger" && severity && source;
    (!key || PagerDuty.objection(json).is_some() || !(resolves || summary && (is_change || triggers)))
        .then_some("400")
}
