//! What operations and pipelines look at.

use super::super::super::serve::wire::Request;
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
    (!key || !(summary || resolves)).then_some("400")
}

pub(super) fn github(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    if request.header("authorization").is_none() {
        return Some("401");
    }
    if request.header("user-agent").is_none() {
        return Some("403");
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
    (!has("ref")).then_some("400")
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
