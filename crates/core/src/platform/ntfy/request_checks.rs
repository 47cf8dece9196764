//! What only the whole request shows: the topic, and whether it is a message or a file.

use super::super::{ReceivedRequest, refusal};
use super::{is_topic, rules};

/// A message that is too long would become a file without a word.
pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let Some(json) = request.json() else {
        // A file is put as it is.
        return (request.method == "POST").then_some("400");
    };
    if !json["topic"].as_str().is_some_and(is_topic) {
        return Some("topic");
    }
    refusal(rules::faults(&json))
}
