//! Reads a body for machines: its title first, then its values by their path.

use super::{CardPreview, PartKind, text};
use crate::terminal::Style;
use serde_json::Value as Json;
use url::form_urlencoded;

const MAX_PARTS: usize = 30;

/// A body of any form, by path.
pub(super) fn fields(body: &Json) -> CardPreview {
    let mut card = CardPreview::default();
    walk("", body, &mut card);
    card
}

/// A body of `json` or `cloudevents`: its type and its data.
pub(super) fn event(body: &Json) -> CardPreview {
    let (Some(kind), Some(data)) = (body["type"].as_str(), body.get("data")) else { return fields(body) };
    let mut card = CardPreview::default();
    card.add(PartKind::Title, kind);
    walk("subject", &body["subject"], &mut card);
    walk("", data, &mut card);
    add_foot(&mut card, &["source", "id", "timestamp", "time"].map(|key| text(&body[key])));
    card
}

pub(super) fn github(body: &Json) -> CardPreview {
    let own = &body["client_payload"]["taskbell"];
    let Some(title) = own["title"].as_str() else { return fields(body) };
    let mut card = CardPreview::styled(style_of(text(&own["outcome"])));
    card.add(PartKind::Title, title);
    walk("event_type", &body["event_type"], &mut card);
    walk("", &own["data"], &mut card);
    card.add_labelled(PartKind::Link, "↗", text(&own["link"]));
    add_foot(&mut card, &[text(&own["host"]), text(&own["id"])]);
    card
}

/// A form of variables, with the title, link and foot under known names.
pub(super) fn gitlab(body: &Json) -> Option<CardPreview> {
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(body.as_str()?.as_bytes()).into_owned().collect();
    let own = |key: &str| {
        let name = format!("variables[TASKBELL_{key}]");
        pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut card = CardPreview::styled(style_of(&own("OUTCOME")));
    card.add(PartKind::Title, own("TITLE"));
    for (key, value) in &pairs {
        let name = key.strip_prefix("variables[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(key);
        match name.strip_prefix("TASKBELL_") {
            Some("TITLE" | "OUTCOME" | "LINK" | "HOST" | "ID") => {}
            Some("PAYLOAD") => walk("", &serde_json::from_str(value).unwrap_or_default(), &mut card),
            _ => card.add_labelled(PartKind::Fact, name, value),
        }
    }
    card.add_labelled(PartKind::Link, "↗", own("LINK"));
    add_foot(&mut card, &[&own("HOST"), &own("ID")]);
    Some(card)
}

pub(super) fn pagerduty(body: &Json) -> CardPreview {
    let payload = &body["payload"];
    let Some(summary) = payload["summary"].as_str() else { return fields(body) };
    let mut card = CardPreview::styled(style_of(text(&payload["severity"])));
    card.add(PartKind::Title, summary);
    walk("severity", &payload["severity"], &mut card);
    for (label, value) in payload["custom_details"].as_object().into_iter().flatten() {
        match value {
            Json::Array(items) => {
                card.add(PartKind::Heading, label);
                items.iter().for_each(|item| card.add(PartKind::Item, text(item)));
            }
            value => walk(label, value, &mut card),
        }
    }
    card.add_list(PartKind::Picture, &body["images"], "", "/src", str::to_owned);
    card.add_list(PartKind::Link, &body["links"], "/text", "/href", str::to_owned);
    add_foot(&mut card, &[text(&payload["source"]), text(&body["dedup_key"])]);
    card
}

fn style_of(word: &str) -> Option<Style> {
    match word {
        "good" => Some(Style::Success),
        "bad" | "critical" | "error" => Some(Style::Error),
        "warn" | "warning" => Some(Style::Warning),
        _ => None,
    }
}

fn add_foot(card: &mut CardPreview, parts: &[&str]) {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    card.add(PartKind::Foot, parts.join(" · "));
}

fn walk(path: &str, value: &Json, card: &mut CardPreview) {
    if card.parts.len() >= MAX_PARTS {
        return;
    }
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Json::Object(fields) => fields.iter().for_each(|(key, value)| walk(&below(key), value, card)),
        Json::Array(items) if items.iter().all(Json::is_string) => {
            let texts: Vec<&str> = items.iter().map(text).collect();
            card.add_labelled(PartKind::Fact, path, texts.join(", "));
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| walk(&below(&at.to_string()), item, card));
        }
        Json::Null => {}
        Json::String(text) => card.add_labelled(PartKind::Fact, path, text),
        other => card.add_labelled(PartKind::Fact, path, other.to_string()),
    }
}
