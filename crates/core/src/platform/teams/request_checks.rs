//! What only the whole request shows: the signature in the URL, and the size.

use super::super::{ReceivedRequest, refusal};
use super::{WHOLE, rules};

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.parameter("sig").is_none_or(str::is_empty) {
        return Some("401");
    }
    if request.body.len() > WHOLE {
        return Some("413");
    }
    request.json().map_or(Some("bad-request"), |body| refusal(rules::faults(&body)))
}
