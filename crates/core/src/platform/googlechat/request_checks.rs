//! What Google Chat looks at in a request before it responds.

use super::super::Platform;
use super::super::ReceivedRequest;
use super::GoogleChat;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.parameter("key").is_none() || request.parameter("token").is_none() {
        return Some("UNAUTHENTICATED");
    }
    let objection = request.json().is_none_or(|body| GoogleChat.objection(&body).is_some());
    (objection || request.body.len() > 32_000).then_some("INVALID_ARGUMENT")
}
