//! What GitHub looks at in a request before it responds.

use super::super::Platform;
use super::super::ReceivedRequest;
use super::GitHub;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.header("authorization").is_none() {
        return Some("401");
    }
    if request.header("user-agent").is_none() {
        return Some("403");
    }
    if !request.target.ends_with("/dispatches") {
        return Some("404");
    }
    let Some(json) = request.json() else { return Some("422") };
    let kind = json["event_type"].as_str().is_some_and(|kind| (1..=100).contains(&kind.chars().count()));
    let is_object = json.get("client_payload").is_none_or(serde_json::Value::is_object);
    (!kind || !is_object || GitHub.objection(&json).is_some()).then_some("422")
}
