//! Bodies for machines: what a person would ask of them first, then their values by their path.

use super::super::terminal::Ink;
use super::{Part, Sketch};
use serde_json::Value as Json;
use url::form_urlencoded;

/// The parts shown of such a body.
const PARTS: usize = 30;

/// A body of any form: all of it by path.
pub(super) fn fields(body: &Json) -> Sketch {
    let mut sketch = Sketch::default();
    walk("", body, &mut sketch);
    sketch
}

/// A body of `json` or `cloudevents`: its type, and its data.
pub(super) fn event(body: &Json) -> Sketch {
    let (Some(kind), Some(data)) = (body["type"].as_str(), body.get("data")) else { return fields(body) };
    let mut sketch = Sketch::default();
    sketch.add(Part::Title(kind.to_owned()));
    walk("subject", &body["subject"], &mut sketch);
    walk("", data, &mut sketch);
    sketch.add(foot(&[&body["source"], &body["id"], &body["timestamp"], &body["time"]]));
    sketch
}

pub(super) fn github(body: &Json) -> Sketch {
    let told = &body["client_payload"]["taskbell"];
    let Some(title) = told["title"].as_str() else { return fields(body) };
    let mut sketch = Sketch { ink: outcome(text(&told["outcome"])), ..Sketch::default() };
    sketch.add(Part::Title(title.to_owned()));
    walk("event_type", &body["event_type"], &mut sketch);
    walk("", &told["data"], &mut sketch);
    sketch.add(Part::Link("↗".to_owned(), text(&told["link"]).to_owned()));
    sketch.add(foot(&[&told["host"], &told["id"]]));
    sketch
}

/// A form of variables, of which those that every card has are its title, link and foot.
pub(super) fn gitlab(body: &Json) -> Option<Sketch> {
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(body.as_str()?.as_bytes()).into_owned().collect();
    let own = |key: &str| {
        let name = format!("variables[TASKBELL_{key}]");
        pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut sketch = Sketch { ink: outcome(&own("OUTCOME")), ..Sketch::default() };
    sketch.add(Part::Title(own("TITLE")));
    for (key, value) in &pairs {
        let name = key.strip_prefix("variables[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(key);
        match name.strip_prefix("TASKBELL_") {
            Some("TITLE" | "OUTCOME" | "LINK" | "HOST" | "ID") => {}
            Some("PAYLOAD") => walk("", &serde_json::from_str(value).unwrap_or_default(), &mut sketch),
            _ => sketch.add(Part::Fact(name.to_owned(), value.clone())),
        }
    }
    sketch.add(Part::Link("↗".to_owned(), own("LINK")));
    sketch.add(foot(&[&own("HOST").into(), &own("ID").into()]));
    Some(sketch)
}

pub(super) fn pagerduty(body: &Json) -> Sketch {
    let payload = &body["payload"];
    let Some(summary) = payload["summary"].as_str() else { return fields(body) };
    let mut sketch = Sketch { ink: outcome(text(&payload["severity"])), ..Sketch::default() };
    sketch.add(Part::Title(summary.to_owned()));
    walk("severity", &payload["severity"], &mut sketch);
    for (label, value) in payload["custom_details"].as_object().into_iter().flatten() {
        match value {
            Json::Array(items) => {
                sketch.add(Part::Heading(label.clone()));
                items.iter().for_each(|item| sketch.add(Part::Item(text(item).to_owned())));
            }
            value => walk(label, value, &mut sketch),
        }
    }
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    for image in list("images") {
        sketch.add(Part::Picture(text(&image["src"]).to_owned()));
    }
    for link in list("links") {
        sketch.add(Part::Link(text(&link["text"]).to_owned(), text(&link["href"]).to_owned()));
    }
    sketch.add(foot(&[&payload["source"], &body["dedup_key"]]));
    sketch
}

/// What an outcome or a severity says.
fn outcome(word: &str) -> Option<Ink> {
    match word {
        "good" => Some(Ink::Good),
        "bad" | "critical" | "error" => Some(Ink::Bad),
        "warn" | "warning" => Some(Ink::Doubt),
        _ => None,
    }
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// Those that are there, in one line.
fn foot(parts: &[&Json]) -> Part {
    let parts: Vec<&str> = parts.iter().map(|part| text(part)).filter(|part| !part.is_empty()).collect();
    Part::Foot(parts.join(" · "))
}

fn walk(path: &str, value: &Json, sketch: &mut Sketch) {
    if sketch.parts.len() >= PARTS {
        return;
    }
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Json::Object(fields) => fields.iter().for_each(|(key, value)| walk(&below(key), value, sketch)),
        Json::Array(items) if items.iter().all(Json::is_string) => {
            let texts: Vec<&str> = items.iter().map(text).collect();
            sketch.add(Part::Fact(path.to_owned(), texts.join(", ")));
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| walk(&below(&at.to_string()), item, sketch));
        }
        Json::Null => {}
        Json::String(text) => sketch.add(Part::Fact(path.to_owned(), text.clone())),
        other => sketch.add(Part::Fact(path.to_owned(), other.to_string())),
    }
}
