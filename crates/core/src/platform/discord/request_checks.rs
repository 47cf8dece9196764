//! What Discord looks at in a request before it responds.

use super::super::Platform;
use super::super::ReceivedRequest;
use super::{Discord, FIELD_NAME, FIELD_VALUE, FILE};
use serde_json::Value;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let json = request.json();
    let json = json.as_ref();
    if !request.target.contains("/webhooks/") {
        return Some("10015");
    }
    let parts = request.parts().unwrap_or_default();
    let payload = parts.iter().find(|part| part.name == "payload_json");
    let payload = payload.and_then(|part| serde_json::from_slice::<Value>(part.content).ok());
    let files: Vec<_> = parts.iter().filter(|part| part.file.is_some()).collect();
    if files.iter().any(|part| part.content.len() as u64 > FILE) {
        return Some("40005");
    }
    let Some(json) = payload.as_ref().or(json).filter(|json| json.is_object()) else { return Some("50109") };
    let embeds = json["embeds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let content = json["content"].as_str().unwrap_or_default();
    if content.trim().is_empty() && embeds.is_empty() && files.is_empty() {
        return Some("50006");
    }
    // What a template's body is warned of, and what only the whole request shows.
    let says_something = json.get("content").or(json.get("embeds")).is_some();
    if says_something && Discord.objection(json).is_some() || !embeds.iter().all(is_embed) {
        return Some("50035");
    }
    (!request.target.contains("wait=true")).then_some("204")
}

/// The limits of an embed's parts beside those that the platform's objection names.
fn is_embed(embed: &Value) -> bool {
    let within = |value: &Value, most: usize| value.as_str().is_none_or(|text| text.chars().count() <= most);
    let filled = |value: &Value, most: usize| {
        value.as_str().is_some_and(|text| (1..=most).contains(&text.trim().chars().count()))
    };
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    within(&embed["footer"]["text"], 2048)
        && within(&embed["author"]["name"], 256)
        && embed.get("color").is_none_or(|color| color.as_u64().is_some_and(|color| color <= 0xff_ff_ff))
        && fields
            .iter()
            .all(|field| filled(&field["name"], FIELD_NAME) && filled(&field["value"], FIELD_VALUE))
}
