//! What an ntfy server looks at in a request before it responds.

use super::super::ReceivedRequest;
use super::{LONGEST, is_topic};

/// A message that is too long would become a file without a word.
pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let Some(json) = request.json() else {
        // A file is put as it is.
        return (request.method == "POST").then_some("400");
    };
    if !json["topic"].as_str().is_some_and(is_topic) {
        return Some("topic");
    }
    if json["message"].as_str().is_some_and(|text| text.len() > LONGEST) {
        return Some("413");
    }
    let title = json["title"].as_str().is_none_or(|title| title.chars().count() <= 250);
    let priority = json.get("priority").is_none_or(|priority| matches!(priority.as_u64(), Some(1..=5)));
    (!title || !priority).then_some("400")
}
