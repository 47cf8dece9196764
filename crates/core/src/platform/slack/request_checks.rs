//! What only the whole request shows: Slack knows the webhook by its path.

use super::super::{ReceivedRequest, refusal};
use super::rules;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if !request.target.starts_with("/services/") {
        return Some("no_service");
    }
    request.json().map_or(Some("invalid_payload"), |body| refusal(rules::faults(&body)))
}
