//! What the chats of workplaces look at, and Discord.

use super::super::super::serve::http::Request;
use super::{form, parameter};
use serde_json::Value as Json;

/// The characters of a post of Mattermost.
const POST: usize = 16_383;

/// The bytes of a file that Discord takes, without a boost.
const FILE: usize = 10 << 20;

/// The whole body of a card that Teams shows, before it expands it.
const CARD: usize = 20_000;

pub(super) fn slack(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    if !request.target.starts_with("/services/") {
        return Some("no_service");
    }
    let Some(json) = json.filter(|json| json.is_object()) else { return Some("invalid_payload") };
    let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
    let attachments = list(&json["attachments"]);
    if attachments.len() > 100 {
        return Some("too_many_attachments");
    }
    let lists = std::iter::once(json).chain(&attachments).map(|holder| list(&holder["blocks"]));
    let blocks: Vec<Vec<Json>> = lists.collect();
    if blocks.iter().any(|blocks| blocks.len() > 50) || !blocks.iter().flatten().all(is_slack_block) {
        return Some("invalid_blocks");
    }
    let says_something = json["text"].as_str().is_some_and(|text| !text.trim().is_empty());
    (!says_something && attachments.is_empty() && blocks.iter().all(Vec::is_empty)).then_some("no_text")
}

/// A workflow takes texts only.
pub(super) fn slack_workflow(json: Option<&Json>) -> Option<&'static str> {
    let variables = json.and_then(Json::as_object);
    variables.is_none_or(|variables| !variables.values().all(Json::is_string)).then_some("invalid_workflow")
}

/// What a workflow says at once, and what it would only say in its run history.
pub(super) fn teams(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    if parameter(request, "sig").is_none_or(str::is_empty) {
        return Some("401");
    }
    if request.body.len() > CARD {
        return Some("413");
    }
    let is_card = |attachment: &Json| {
        let card = &attachment["content"];
        let shown = matches!(card["version"].as_str(), Some("1.0" | "1.1" | "1.2" | "1.3" | "1.4"));
        let parts = card["body"].as_array().is_some_and(|parts| !parts.is_empty());
        let is_adaptive = attachment["contentType"] == "application/vnd.microsoft.card.adaptive";
        is_adaptive && card["type"] == "AdaptiveCard" && shown && parts
    };
    let attachments = json.and_then(|json| json["attachments"].as_array());
    let is_message = json.is_some_and(|json| json["type"] == "message");
    let all_cards = attachments.is_some_and(|list| !list.is_empty() && list.iter().all(is_card));
    (!is_message || !all_cards).then_some("bad-request")
}

fn is_slack_block(block: &Json) -> bool {
    let within = |text: &Json, most: usize| {
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

pub(super) fn discord(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    if !request.target.contains("/webhooks/") {
        return Some("10015");
    }
    let parts = form::parts(request).unwrap_or_default();
    let payload = parts.iter().find(|part| part.name == "payload_json");
    let payload = payload.and_then(|part| serde_json::from_slice::<Json>(part.content).ok());
    let files: Vec<_> = parts.iter().filter(|part| part.file.is_some()).collect();
    if files.iter().any(|part| part.content.len() > FILE) {
        return Some("40005");
    }
    let Some(json) = payload.as_ref().or(json).filter(|json| json.is_object()) else { return Some("50109") };
    let embeds = json["embeds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let content = json["content"].as_str().unwrap_or_default();
    if content.trim().is_empty() && embeds.is_empty() && files.is_empty() {
        return Some("50006");
    }
    let too_long = embeds.len() > 10 || content.chars().count() > 2000;
    if too_long || embeds.iter().map(embed_length).sum::<usize>() > 6000 || !embeds.iter().all(is_embed) {
        return Some("50035");
    }
    (!request.target.contains("wait=true")).then_some("204")
}

/// Whether each part of an embed is within its own limit.
fn is_embed(embed: &Json) -> bool {
    let within = |value: &Json, most: usize| value.as_str().is_none_or(|text| text.chars().count() <= most);
    let filled = |value: &Json, most: usize| {
        value.as_str().is_some_and(|text| (1..=most).contains(&text.trim().chars().count()))
    };
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    within(&embed["title"], 256)
        && within(&embed["description"], 4096)
        && within(&embed["footer"]["text"], 2048)
        && within(&embed["author"]["name"], 256)
        && embed.get("color").is_none_or(|color| color.as_u64().is_some_and(|color| color <= 0xff_ff_ff))
        && fields.len() <= 25
        && fields.iter().all(|field| filled(&field["name"], 256) && filled(&field["value"], 1024))
}

/// The characters of an embed that count.
fn embed_length(embed: &Json) -> usize {
    let length = |value: &Json| value.as_str().map_or(0, |text| text.chars().count());
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields = fields.iter().map(|field| length(&field["name"]) + length(&field["value"])).sum::<usize>();
    let parts = [&embed["title"], &embed["description"], &embed["footer"]["text"], &embed["author"]["name"]];
    parts.into_iter().map(length).sum::<usize>() + fields
}

pub(super) fn google_chat(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    let has = |name: &str| request.target.contains(&format!("{name}="));
    if !has("key") || !has("token") {
        return Some("UNAUTHENTICATED");
    }
    let some = json.is_some_and(|json| json.get("text").is_some() || json.get("cardsV2").is_some());
    (!some || request.body.len() > 32_000).then_some("INVALID_ARGUMENT")
}

pub(super) fn mattermost(request: &Request, json: Option<&Json>) -> Option<&'static str> {
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
