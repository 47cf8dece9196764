//! What only the whole request shows: Google knows the webhook by the query.

use super::super::{ReceivedRequest, refusal};
use super::rules;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.parameter("key").is_none() || request.parameter("token").is_none() {
        return Some("UNAUTHENTICATED");
    }
    request.json().map_or(Some("INVALID_ARGUMENT"), |body| refusal(rules::faults(&body, request.target)))
}
