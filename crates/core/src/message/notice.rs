//! The content of a card, independent of the platform: the few facts that a person wants to know about an event.

use super::context::Context;
use super::output_url::{is_image, is_public, output_url};
use super::strings::{Strings, fill};
use super::{filters, quantities};
use crate::clock;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The queue of tasks that name none.
pub(super) const DEFAULT_QUEUE: &str = "default";

const MAX_PLACE_CHARS: usize = 60;

pub(super) const MAX_FACT_CHARS: usize = 300;

/// Good or bad news: a platform has a colour for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Success.
    Good,
    /// Failure.
    Bad,
    /// Partial failure, or something to check.
    Warn,
    /// Neither good nor bad.
    Neutral,
}

/// The content of a card. The texts are unescaped; the platform escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Good or bad news.
    pub tone: Tone,
    /// One line: `Queue finished: 198 of 200 succeeded`.
    pub title: String,
    /// Labels and values, the most important first, without the host, which a card shows separately.
    pub facts: Vec<(String, String)>,
    /// The failures, one line each: `portrait-07: CUDA out of memory`.
    pub failures: Vec<String>,
    /// The error message of a failed task.
    pub text: Option<String>,
    /// The http or https address of the first output.
    pub link: Option<String>,
    /// The first output, if it is an image that the platform's servers can fetch.
    pub image_url: Option<String>,
}

impl Notice {
    /// Adds which of several queues, batches or hosts it is about to the title.
    pub(super) fn place(&mut self, places: &[String], words: &Strings) {
        if !places.is_empty() {
            let places: Vec<String> =
                places.iter().map(|place| filters::clip(place, MAX_PLACE_CHARS)).collect();
            self.title = fill(words.placed, &[("title", &self.title), ("places", &places.join(words.list))]);
        }
    }

    pub(super) fn new(tone: Tone, title: String) -> Notice {
        Notice {
            tone,
            title,
            facts: Vec::new(),
            failures: Vec::new(),
            text: None,
            link: None,
            image_url: None,
        }
    }

    pub(super) fn fact(&mut self, label: &str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.facts.push((label.to_owned(), filters::clip(&value, MAX_FACT_CHARS)));
        }
    }

    /// Sets the link and the image to the first output of a list.
    pub(super) fn output(&mut self, outputs: Option<&Json>, context: &Context) {
        let first = outputs.and_then(|outputs| outputs.get(0));
        if let Some(url) = first.and_then(|output| output_url(output, context)) {
            let shown = first.is_some_and(|output| is_image(output, &url)) && is_public(&url);
            self.image_url = shown.then(|| url.to_string());
            self.link = Some(url.to_string());
        }
    }

    pub(super) fn link_to_host(&mut self, context: &Context) {
        if self.link.is_none() {
            self.link = text(context, &["host", "base_url"]);
        }
    }
}

/// The bound of an alert, and on which side of it the alert fires.
pub(super) fn bound(context: &Context, words: &Strings) -> Option<String> {
    let bound = count(context, &["alert", "threshold"], words)?;
    Some(match context.text_at(&["alert", "direction"]) {
        Some("above") => fill(words.above, &[("bound", &bound)]),
        Some("below") => fill(words.below, &[("bound", &bound)]),
        _ => bound,
    })
}

/// A text, number or boolean as text.
pub(super) fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

pub(super) fn text(context: &Context, path: &[&str]) -> Option<String> {
    context.at(path).and_then(scalar)
}

pub(super) fn count(context: &Context, path: &[&str], words: &Strings) -> Option<String> {
    context
        .at(path)
        .and_then(Json::as_number)
        .map(|number| quantities::number_for_people(number, words.thousands))
}

pub(super) fn seconds(context: &Context, path: &[&str], words: &Strings) -> Option<String> {
    context.at(path).and_then(Json::as_f64).map(|seconds| quantities::duration(seconds, &words.units))
}

/// A time such as `2026-03-01 18:23:05 UTC`; an unreadable one stays as it is.
pub(super) fn time(context: &Context, path: &[&str]) -> Option<String> {
    let given = text(context, path)?;
    let Some(at) = clock::parse_rfc3339(&given).map(clock::rfc3339) else { return Some(given) };
    Some(format!("{} UTC", at.get(..19).unwrap_or(&at).replace('T', " ")))
}

/// The message of an error, else its type; an error may also be a plain text.
pub(super) fn error_text(error: &Json) -> Option<String> {
    ["message", "type"].iter().find_map(|key| error.get(key).and_then(scalar)).or_else(|| scalar(error))
}
