//! What a Mattermost server looks at in a request before it responds.

use super::super::ReceivedRequest;
use super::POST;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let json = request.json();
    let json = json.as_ref();
    if !request.target.contains("/hooks/") {
        return Some("invalid");
    }
    let Some(json) = json.filter(|json| json.is_object()) else { return Some("parse") };
    let text = json["text"].as_str().unwrap_or_default();
    let attached = json["attachments"].as_array().is_some_and(|list| !list.is_empty());
    if text.chars().count() > POST {
        return Some("413");
    }
    (text.is_empty() && !attached).then_some("no-text")
}
