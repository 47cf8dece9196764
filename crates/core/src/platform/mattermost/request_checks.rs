//! What only the whole request shows: a server knows the webhook by its path.

use super::super::{ReceivedRequest, refusal};
use super::rules;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if !request.target.contains("/hooks/") {
        return Some("invalid");
    }
    request.json().map_or(Some("parse"), |body| refusal(rules::faults(&body)))
}
