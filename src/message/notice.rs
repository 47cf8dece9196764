//! What a chat card says, apart from how a platform lays it out.

use super::Context;
use serde_json::{Value, json};

/// How good the news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went well.
    Good,
    /// It failed.
    Bad,
    /// It wants a look.
    Warn,
    /// It only tells.
    Neutral,
}

/// The parts of a chat card, as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How good the news is.
    pub tone: Tone,
    /// One line.
    pub title: String,
    /// Label and value.
    pub facts: Vec<(String, String)>,
    /// One line for each failure.
    pub failures: Vec<String>,
    /// Free text below.
    pub text: Option<String>,
    /// Where to read on.
    pub link: Option<String>,
    /// A picture.
    pub image_url: Option<String>,
}

impl Notice {
    /// The notice of an event.
    pub fn from_context(kind: &str, context: &Context) -> Notice {
        let data = &context.json()["event"]["data"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let lines =
            |value: &Value| value.as_array().into_iter().flatten().filter_map(text).collect::<Vec<_>>();
        let facts = data["facts"].as_object().into_iter().flatten();
        Notice {
            tone: Tone::Neutral,
            title: text(&data["title"]).unwrap_or_else(|| kind.to_owned()),
            facts: facts.map(|(label, value)| (label.clone(), text(value).unwrap_or_default())).collect(),
            failures: lines(&data["failures"]),
            text: text(&data["text"]),
            link: text(&data["link"]),
            image_url: text(&data["image_url"]),
        }
    }
}

/// The Standard Webhooks body of an event.
pub fn default_body(kind: &str, context: &Context) -> Value {
    let event = &context.json()["event"];
    json!({"type": kind, "timestamp": event["timestamp"], "data": event["data"]})
}
