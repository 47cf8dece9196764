//! What operations and pipelines look at.

use super::super::super::serve::http::Request;
use serde_json::Value as Json;

pub(super) fn pagerduty(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    if request.body.len() > 512 * 1024 {
        return Some("413");
    }
    let Some(json) = json else { return Some("400") };
    let key = json["routing_key"].as_str().is_some_and(|key| key.len() == 32);
    let summary =
        json["payload"]["summary"].as_str().is_some_and(|text| (1..=1024).contains(&text.chars().count()));
    let resolves = matches!(json["event_action"].as_str(), Some("resolve" | "acknowledge"));
    let dedup = json["dedup_key"].as_str().is_none_or(|key| key.chars().count() <= 255);
    // A change has no severity, and nothing is done about it.
    let is_change = request.target.contains("/change/");
    let severity =
        matches!(json["payload"]["severity"].as_str(), Some("critical" | "error" | "warning" | "info"));
    let source = json["payload"]["source"].as_str().is_some_and(|source| !source.is_empty());
    let triggers = json["event_action"] == "trigger" && severity && source;
    (!key || !dedup || !(resolves || summary && (is_change || triggers))).then_some("400")
}

/// A message of more than 4096 bytes would become a file without a word.
pub(super) fn ntfy(json: &Json) -> Option<&'static str> {
    let topic = json["topic"].as_str().unwrap_or_default();
    let is_topic = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !(1..=64).contains(&topic.len()) || !topic.bytes().all(is_topic) {
        return Some("topic");
    }
    if json["message"].as_str().is_some_and(|text| text.len() > 4096) {
        return Some("413");
    }
    let title = json["title"].as_str().is_none_or(|title| title.chars().count() <= 250);
    let priority = json.get("priority").is_none_or(|priority| matches!(priority.as_u64(), Some(1..=5)));
    (!title || !priority).then_some("400")
}

pub(super) fn github(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    if request.header("authorization").is_none() {
        return Some("401");
    }
    if request.header("user-agent").is_none() {
        return Some("403");
    }
    if !request.target.ends_with("/dispatches") {
        return Some("404");
    }
    let Some(json) = json else { return Some("422") };
    let kind = json["event_type"].as_str().is_some_and(|kind| (1..=100).contains(&kind.chars().count()));
    let payload = json.get("client_payload").is_none_or(|payload| {
        payload.as_object().is_some_and(|fields| fields.len() <= 10) && payload.to_string().len() < 65_536
    });
    (!kind || !payload).then_some("422")
}

pub(super) fn gitlab(request: &Request) -> Option<&'static str> {
    let body = String::from_utf8_lossy(&request.body);
    let has =
        |name: &str| body.split('&').any(|part| part.strip_prefix(name).is_some_and(|value| value.len() > 1));
    if !has("token") {
        return Some("404");
    }
    let known = |part: &str| {
        let name = part.split_once('=').map_or(part, |(name, _)| name);
        let of =
            |list: &str| name.starts_with(&format!("{list}[")) || name.starts_with(&format!("{list}%5B"));
        matches!(name, "token" | "ref") || of("variables") || of("inputs")
    };
    (!has("ref") || !body.split('&').all(known)).then_some("400")
}

pub(super) fn cloud_event(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    let structured =
        request.header("content-type").is_some_and(|kind| kind.starts_with("application/cloudevents"));
    let has = |name: &str| {
        if structured {
            json.is_some_and(|json| json[name].as_str().is_some_and(|text| !text.is_empty()))
        } else {
            request.header(&format!("ce-{name}")).is_some_and(|text| !text.is_empty())
        }
    };
    (!["specversion", "id", "source", "type"].into_iter().all(has)).then_some("400")
}
