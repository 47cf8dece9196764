//! What a workflow says at once, and what it would only say in its run history.

use super::super::Platform;
use super::super::ReceivedRequest;
use super::{Teams, WHOLE};

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.parameter("sig").is_none_or(str::is_empty) {
        return Some("401");
    }
    if request.body.len() > WHOLE {
        return Some("413");
    }
    let Some(json) = request.json().filter(|json| json["type"] == "message") else {
        return Some("bad-request");
    };
    let is_card = |attachment: &serde_json::Value| {
        let card = &attachment["content"];
        let parts = card["body"].as_array().is_some_and(|parts| !parts.is_empty());
        card["type"] == "AdaptiveCard" && parts
    };
    let all_cards = json["attachments"].as_array().is_some_and(|list| list.iter().all(is_card));
    (!all_cards || Teams.objection(&json).is_some()).then_some("bad-request")
}
