//! The content of a card, independent of the platform: the few facts that a person wants to know about an event.

use super::context::Context;
use super::output_url::{is_image, is_public, output_url};
use super::strftime::local;
use super::strings::{Strings, fill};
use super::{filters, quantities};
use crate::clock::HostTime;
use crate::json::json;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The queue of tasks that name none.
pub(super) const DEFAULT_QUEUE: &str = "default";

pub(super) const MAX_PLACE_CHARS: usize = 60;

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

/// A label and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// `Duration`.
    pub label: String,
    /// `2 h 5 min`; of a time, how a platform writes it that has no form for times.
    pub value: String,
    /// What the value is, where it is a time, in Unix milliseconds.
    pub time: Option<i64>,
}

/// A picture that the platform's servers can fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its http or https address, at a public name.
    pub url: String,
    /// Its name, else what a picture is called.
    pub caption: String,
}

/// Where a reader can go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The text of a button.
    pub label: String,
    /// An http or https address, as the host gave it.
    pub url: String,
}

/// How much of a queue or a batch is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkProgress {
    /// Tasks that ended.
    pub done: u64,
    /// All tasks, if known.
    pub total: Option<u64>,
}

impl WorkProgress {
    /// What is done of a known total: `▓▓▓▓▓▓▓▓▓░ 237/240`.
    pub fn bar(self) -> Option<String> {
        const CELLS: u128 = 10;
        let share = self.share()?;
        let (done, total) = (self.done, self.total?);
        let filled = u128::from(done.min(total)) * CELLS / u128::from(total);
        let bar: String = (0..CELLS).map(|cell| if cell < filled { '▓' } else { '░' }).collect();
        Some(format!("{bar} {share}"))
    }

    /// `237/240`.
    pub fn share(self) -> Option<String> {
        self.total.filter(|total| *total > 0).map(|total| format!("{}/{total}", self.done))
    }
}

/// Tasks that failed for one reason; without names and reason, further ones that are only counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailureGroup {
    /// The message of the first one's error.
    pub reason: Option<String>,
    /// How many they are.
    pub count: u64,
    /// The first names.
    pub names: Vec<String>,
}

/// The content of a card. The texts are unescaped; the platform escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Good or bad news.
    pub tone: Tone,
    /// One line: `Queue finished: 198 of 200 succeeded`.
    pub title: String,
    /// Why a task failed; what a digest holds, line by line.
    pub text: Option<String>,
    /// The prompt of a task, for a quote.
    pub quote: Option<String>,
    /// What only some readers want, such as a traceback: folded where a platform can.
    pub details: Option<String>,
    /// What is done, for a bar.
    pub progress: Option<WorkProgress>,
    /// The most important first, without the host, which a card shows separately.
    pub facts: Vec<Fact>,
    /// The failures of a queue or a batch by their reason, the most frequent first.
    pub failures: Vec<FailureGroup>,
    /// At most [`MAX_LINKS`](Self::MAX_LINKS), the main one first.
    pub links: Vec<Link>,
    /// At most [`MAX_IMAGES`](Self::MAX_IMAGES).
    pub images: Vec<Image>,
}

impl FailureGroup {
    /// `portrait-07: CUDA out of memory`, `3 × CUDA out of memory: a, b and 1 more` or `and 25 more`.
    pub(crate) fn line(&self, words: &Strings) -> String {
        let names = self.names.join(words.list);
        let further = self.count.saturating_sub(self.names.len() as u64) as usize;
        let names = match (names.is_empty(), further) {
            (true, _) | (_, 0) => names,
            _ => format!("{names} {}", words.more(further)),
        };
        let reason = match (&self.reason, self.count) {
            (Some(reason), 2..) => format!("{} × {reason}", words.number(self.count)),
            (Some(reason), _) => reason.clone(),
            (None, _) if names.is_empty() => return words.more(self.count as usize),
            (None, _) => return names,
        };
        let (name, reason) = match self.count {
            _ if names.is_empty() => return reason,
            0 | 1 => (&names, &reason),
            _ => (&reason, &names),
        };
        fill(words.failure, &[("name", name), ("reason", reason)])
    }
}

impl Notice {
    /// The most links of a card.
    pub const MAX_LINKS: usize = 3;

    /// The most images of a card.
    pub const MAX_IMAGES: usize = 10;

    /// The address of the main link.
    pub fn link(&self) -> Option<&str> {
        self.links.first().map(|link| link.url.as_str())
    }

    /// The address of the first image.
    pub fn image(&self) -> Option<&str> {
        self.images.first().map(|image| image.url.as_str())
    }

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
            text: None,
            quote: None,
            details: None,
            progress: None,
            facts: Vec::new(),
            failures: Vec::new(),
            links: Vec::new(),
            images: Vec::new(),
        }
    }

    pub(super) fn fact(&mut self, label: &str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let (label, value) = (label.to_owned(), filters::clip(&value, MAX_FACT_CHARS));
            self.facts.push(Fact { label, value, time: None });
        }
    }

    /// Adds a time; one that cannot be read stays as it is.
    pub(super) fn time(&mut self, label: &str, given: Option<&Json>) {
        let Some(given) = given else { return };
        let at = HostTime::read(given).and_then(HostTime::instant);
        match at.and_then(|at| local(at).zip(Some(at))) {
            Some((value, at)) => self.facts.push(Fact { label: label.to_owned(), value, time: Some(at) }),
            None => self.fact(label, scalar(given)),
        }
    }

    fn add_link(&mut self, label: &str, url: String) {
        if self.links.len() < Notice::MAX_LINKS && self.links.iter().all(|link| link.url != url) {
            self.links.push(Link { label: label.to_owned(), url });
        }
    }

    /// Links to the first output of a list, and shows those that are images.
    pub(super) fn outputs(&mut self, outputs: Option<&Json>, context: &Context, words: &Strings) {
        let outputs = outputs.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        if let Some((output, url)) =
            outputs.first().and_then(|first| Some((first, output_url(first, context)?)))
        {
            let label = if is_image(output, &url) { words.open_image } else { words.open_file };
            self.add_link(label, url.to_string());
        }
        for output in outputs {
            self.picture(output, context, words);
        }
        // Few platforms show many.
        let is_shown = |output: &&Json| output_url(output, context).is_some_and(|url| is_image(output, &url));
        let count = outputs.iter().filter(is_shown).count() as u64;
        self.fact(words.images, (count > 1).then(|| words.number(count)));
    }

    /// Shows an output that is an image at a public address.
    pub(super) fn picture(&mut self, output: &Json, context: &Context, words: &Strings) {
        let url = output_url(output, context).filter(|url| is_image(output, url) && is_public(url));
        if let Some(url) = url.filter(|_| self.images.len() < Notice::MAX_IMAGES) {
            let caption = output.get("name").and_then(scalar);
            let caption = caption.map(|name| filters::clip(&name, MAX_PLACE_CHARS));
            let caption = caption.unwrap_or_else(|| words.preview.to_owned());
            self.images.push(Image { url: url.to_string(), caption });
        }
    }

    /// Links to a page that the host names, and says whether it can.
    pub(super) fn page(&mut self, url: &str, context: &Context, words: &Strings) -> bool {
        let url = output_url(&json!({"url": url}), context);
        url.map(|url| self.add_link(words.open, url.to_string())).is_some()
    }

    pub(super) fn link_to_host(&mut self, context: &Context, words: &Strings) {
        if let Some(url) = text(context, &["host", "base_url"]) {
            self.add_link(words.open_host, url);
        }
    }
}

/// The bound of an alert, and on which side of it the alert fires: `below 10`.
pub(super) fn bound(context: &Context, words: &Strings) -> Option<String> {
    let bound = count(context, &["alert", "threshold"], words)?;
    Some(match context.text_at(&["alert", "direction"]) {
        Some("above") => fill(words.above, &[("bound", &bound)]),
        Some("below") => fill(words.below, &[("bound", &bound)]),
        _ => bound,
    })
}

/// `42 s, usually 39 s`.
pub(super) fn usual_time(context: &Context, about: &str, words: &Strings) -> Option<String> {
    let took = seconds(context, &[about, "duration_s"], words)?;
    Some(match seconds(context, &[about, "usual_s"], words) {
        Some(usual) => fill(words.usually, &[("time", &took), ("usual", &usual)]),
        None => took,
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

/// The message of an error, else its type; an error may also be a plain text.
pub(super) fn error_text(error: &Json) -> Option<String> {
    ["message", "type"].iter().find_map(|key| error.get(key).and_then(scalar)).or_else(|| scalar(error))
}
