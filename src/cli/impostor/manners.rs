//! What each platform looks at in a request before it answers: the form of the body, and its own limits.

use super::super::serve::wire::Request;
use serde_json::Value as Json;

/// The path and query that a URL of this platform has.
pub(super) fn target(platform: &str) -> &'static str {
    match platform {
        "slack" => "/services/T000/B000/KEY",
        "slack-workflow" => "/triggers/T000/1/KEY",
        "discord" => "/api/webhooks/1/TOKEN",
        "wecom" => "/cgi-bin/webhook/send?key=KEY",
        "teams" => "/workflows/1/triggers/manual/paths/invoke?sig=SIG",
        "googlechat" => "/v1/spaces/AAAA/messages?key=KEY&token=TOKEN",
        "mattermost" => "/hooks/KEY",
        _ => "/",
    }
}

/// The name of the answer with which this platform refuses the request; `None` when it takes it.
pub(super) fn fault(platform: &str, request: &Request) -> Option<&'static str> {
    let json = serde_json::from_slice::<Json>(&request.body).ok();
    match platform {
        "slack" => slack(json.as_ref()),
        "slack-workflow" => (!json?.is_object()).then_some("invalid_workflow"),
        "discord" => discord(request, json.as_ref()),
        "wecom" => wecom(request, json.as_ref()),
        "teams" => json.is_none().then_some("bad-request"),
        "googlechat" => google_chat(request, json.as_ref()),
        "mattermost" => mattermost(json.as_ref()),
        _ => None,
    }
}

fn slack(json: Option<&Json>) -> Option<&'static str> {
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

fn discord(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    // A form is taken as it comes: only its JSON could be judged.
    let is_form = request.header("content-type").is_some_and(|kind| kind.starts_with("multipart/"));
    if !is_form {
        let json = json?;
        let embeds = json["embeds"].as_array().map(Vec::as_slice).unwrap_or_default();
        let content = json["content"].as_str().unwrap_or_default();
        if content.trim().is_empty() && embeds.is_empty() {
            return Some("50006");
        }
        let too_long = embeds.len() > 10 || content.chars().count() > 2000;
        if too_long || embeds.iter().map(embed_length).sum::<usize>() > 6000 {
            return Some("50035");
        }
    }
    (!request.target.contains("wait=true")).then_some("204")
}

/// The characters of an embed that count.
fn embed_length(embed: &Json) -> usize {
    let length = |value: &Json| value.as_str().map_or(0, |text| text.chars().count());
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields = fields.iter().map(|field| length(&field["name"]) + length(&field["value"])).sum::<usize>();
    let parts = [&embed["title"], &embed["description"], &embed["footer"]["text"], &embed["author"]["name"]];
    parts.into_iter().map(length).sum::<usize>() + fields
}

fn wecom(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    if !query.split('&').any(|part| part.strip_prefix("key=").is_some_and(|key| !key.is_empty())) {
        return Some("93000");
    }
    if path.ends_with("/upload_media") {
        return Some(if request.body.len() > 20 << 20 { "45001" } else { "media" });
    }
    let Some(json) = json else { return Some("47001") };
    let content = |kind: &str| json[kind]["content"].as_str().unwrap_or_default().len();
    match json["msgtype"].as_str() {
        Some("markdown" | "markdown_v2") => {
            let length = content("markdown").max(content("markdown_v2"));
            if length == 0 { Some("44004") } else { (length > 4096).then_some("40058") }
        }
        Some("text") => match content("text") {
            0 => Some("44004"),
            length => (length > 2048).then_some("45002"),
        },
        Some("image") => {
            let encoded = json["image"]["base64"].as_str().unwrap_or_default().len();
            // Base64 has four characters for three bytes.
            (encoded / 4 * 3 > 2 << 20).then_some("40006")
        }
        Some("news" | "file" | "voice" | "template_card") => None,
        _ => Some("40008"),
    }
}

fn google_chat(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    let has = |name: &str| request.target.contains(&format!("{name}="));
    if !has("key") || !has("token") {
        return Some("UNAUTHENTICATED");
    }
    let some = json.is_some_and(|json| json.get("text").is_some() || json.get("cardsV2").is_some());
    (!some || request.body.len() > 32_000).then_some("INVALID_ARGUMENT")
}

fn mattermost(json: Option<&Json>) -> Option<&'static str> {
    let Some(json) = json.filter(|json| json.is_object()) else { return Some("parse") };
    let text = json["text"].as_str().unwrap_or_default();
    let attached = json["attachments"].as_array().is_some_and(|list| !list.is_empty());
    (text.is_empty() && !attached).then_some("no-text")
}
