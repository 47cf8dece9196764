//! What only the whole request shows: who asks, for which repository, and the event type.

use super::super::{ReceivedRequest, refusal};
use super::rules;

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
    let Some(json) = request.json().filter(|json| json["event_type"].is_string()) else { return Some("422") };
    refusal(rules::faults(&json))
}
