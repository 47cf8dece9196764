//! What only the whole request shows: that its body is JSON.

use super::super::{ReceivedRequest, refusal};
use super::rules;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    request.json().map_or(Some("invalid_workflow"), |body| refusal(rules::faults(&body)))
}
