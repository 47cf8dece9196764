//! Reads a body for machines: its title first, then its values by their path.

use super::{CardPart, CardPreview};
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
    card.add(CardPart::Title(kind.to_owned()));
    walk("subject", &body["subject"], &mut card);
    walk("", data, &mut card);
    card.add(foot(&[&body["source"], &body["id"], &body["timestamp"], &body["time"]]));
    card
}

pub(super) fn github(body: &Json) -> CardPreview {
    let own = &body["client_payload"]["taskbell"];
    let Some(title) = own["title"].as_str() else { return fields(body) };
    let mut card = CardPreview { style: style_of(text(&own["outcome"])), ..CardPreview::default() };
    card.add(CardPart::Title(title.to_owned()));
    walk("event_type", &body["event_type"], &mut card);
    walk("", &own["data"], &mut card);
    card.add(CardPart::Link("↗".to_owned(), text(&own["link"]).to_owned()));
    card.add(foot(&[&own["host"], &own["id"]]));
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
    let mut card = CardPreview { style: style_of(&own("OUTCOME")), ..CardPreview::default() };
    card.add(CardPart::Title(own("TITLE")));
    for (key, value) in &pairs {
        let name = key.strip_prefix("variables[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(key);
        match name.strip_prefix("TASKBELL_") {
            Some("TITLE" | "OUTCOME" | "LINK" | "HOST" | "ID") => {}
            Some("PAYLOAD") => walk("", &serde_json::from_str(value).unwrap_or_default(), &mut card),
            _ => card.add(CardPart::Fact(name.to_owned(), value.clone())),
        }
    }
    card.add(CardPart::Link("↗".to_owned(), own("LINK")));
    card.add(foot(&[&own("HOST").into(), &own("ID").into()]));
    Some(card)
}

pub(super) fn pagerduty(body: &Json) -> CardPreview {
    let payload = &body["payload"];
    let Some(summary) = payload["summary"].as_str() else { return fields(body) };
    let mut card = CardPreview { style: style_of(text(&payload["severity"])), ..CardPreview::default() };
    card.add(CardPart::Title(summary.to_owned()));
    walk("severity", &payload["severity"], &mut card);
    for (label, value) in payload["custom_details"].as_object().into_iter().flatten() {
        match value {
            Json::Array(items) => {
                card.add(CardPart::Heading(label.clone()));
                items.iter().for_each(|item| card.add(CardPart::Item(text(item).to_owned())));
            }
            value => walk(label, value, &mut card),
        }
    }
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    for image in list("images") {
        card.add(CardPart::Picture(text(&image["src"]).to_owned()));
    }
    for link in list("links") {
        card.add(CardPart::Link(text(&link["text"]).to_owned(), text(&link["href"]).to_owned()));
    }
    card.add(foot(&[&payload["source"], &body["dedup_key"]]));
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

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

fn foot(parts: &[&Json]) -> CardPart {
    let parts: Vec<&str> = parts.iter().map(|part| text(part)).filter(|part| !part.is_empty()).collect();
    CardPart::Foot(parts.join(" · "))
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
            card.add(CardPart::Fact(path.to_owned(), texts.join(", ")));
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| walk(&below(&at.to_string()), item, card));
        }
        Json::Null => {}
        Json::String(text) => card.add(CardPart::Fact(path.to_owned(), text.clone())),
        other => card.add(CardPart::Fact(path.to_owned(), other.to_string())),
    }
}
