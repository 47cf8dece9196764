//! What only the whole request shows: the key, the action, and its size.

use super::super::{ReceivedRequest, refusal};
use super::rules;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.body.len() > 512 * 1024 {
        return Some("413");
    }
    let Some(json) = request.json() else { return Some("400") };
    let key = json["routing_key"].as_str().is_some_and(|key| key.len() == 32);
    let is_change = request.target.contains("/change/");
    let acts = is_change || json["event_action"].is_string();
    if !key || !acts {
        return Some("400");
    }
    refusal(rules::faults(&json, request.target))
}
