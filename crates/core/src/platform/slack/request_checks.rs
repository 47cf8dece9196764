//! What Slack looks at in a request before it responds.

use super::super::ReceivedRequest;
use super::BLOCKS;
use serde_json::Value;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let json = request.json();
    let json = json.as_ref();
    if !request.target.starts_with("/services/") {
        return Some("no_service");
    }
    let Some(json) = json.filter(|json| json.is_object()) else { return Some("invalid_payload") };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let attachments = list(&json["attachments"]);
    if attachments.len() > 100 {
        return Some("too_many_attachments");
    }
    let lists = std::iter::once(json).chain(&attachments).map(|holder| list(&holder["blocks"]));
    let blocks: Vec<Vec<Value>> = lists.collect();
    if blocks.iter().any(|blocks| blocks.len() > BLOCKS) || !blocks.iter().flatten().all(is_slack_block) {
        return Some("invalid_blocks");
    }
    let says_something = json["text"].as_str().is_some_and(|text| !text.trim().is_empty());
    (!says_something && attachments.is_empty() && blocks.iter().all(Vec::is_empty)).then_some("no_text")
}

fn is_slack_block(block: &Value) -> bool {
    let within = |text: &Value, most: usize| {
        text["text"].as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()))
    };
    match block["type"].as_str() {
        Some("header") => within(&block["text"], 150),
        Some("section") => {
            let fields = block["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            let some = block.get("text").is_some() || !fields.is_empty();
            let text = block.get("text").is_none_or(|text| within(text, 3000));
            some && text && fields.len() <= 10 && fields.iter().all(|field| within(field, 2000))
        }
        Some("image") => block["alt_text"].is_string(),
        Some(_) => true,
        None => false,
    }
}
