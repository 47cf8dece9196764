//! The content of a card, independent of the platform: the few facts that a person wants to know about an event.

use super::context::Context;
use super::digest_notice::digest;
use super::filters;
use super::output_url::{is_image, is_public, output_url};
use super::rendered_message::Tone;
use super::strings::{Strings, fill};
use super::work_notice;
use crate::clock;
use serde_json::Value as Json;

/// The fields of a custom payload that a notice shows.
const MAX_FIELDS: usize = 8;

const MAX_METRICS: usize = 4;

/// The queue of tasks that name none.
pub(super) const DEFAULT_QUEUE: &str = "default";

/// The characters of a queue, batch or host in a title.
const MAX_PLACE_CHARS: usize = 60;

/// The characters of one fact or failure.
pub(super) const MAX_FACT_CHARS: usize = 300;

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
    /// The notice of an event of this type, in the language of the host.
    pub fn from_context(kind: &str, context: &Context) -> Notice {
        Notice::in_words(kind, context, Strings::of(context))
    }

    pub(super) fn in_words(kind: &str, context: &Context, words: &'static Strings) -> Notice {
        if context.at(&["digest"]).is_some() {
            return digest(kind, context, words);
        }
        let mut notice = Notice::of_one(kind, context, words);
        notice.place(&places(kind, context), words);
        let suppressed = context.at(&["event", "suppressed"]).and_then(Json::as_u64).filter(|many| *many > 0);
        let suppressed = suppressed.map(|many| filters::group_thousands(&many.to_string(), words.thousands));
        notice.fact(words.suppressed, suppressed);
        notice
    }

    fn of_one(kind: &str, context: &Context, words: &'static Strings) -> Notice {
        match kind {
            "task.complete" => task(context, words),
            "queue.start" => queue_start(context, words),
            "queue.end" => work_notice::end(context, "queue", words),
            "batch.end" => work_notice::end(context, "batch", words),
            "batch.stalled" => work_notice::stalled(context, words),
            "server.start" => server(context, words.server_started, words),
            "server.stop" => server(context, words.server_stopped, words),
            "alert.firing" => alert(context, Tone::Bad, words),
            "alert.resolved" => alert(context, Tone::Good, words),
            _ => other(kind, context, words),
        }
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

    fn fields_of(&mut self, object: Option<&Json>, most: usize, words: &Strings) {
        for (key, value) in object.and_then(Json::as_object).into_iter().flatten() {
            if self.facts.len() < most {
                self.fact(key, measured(key, value, words));
            }
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

    /// Links to the host when there is no output.
    pub(super) fn link_to_host(&mut self, context: &Context) {
        if self.link.is_none() {
            self.link = text(context, &["host", "base_url"]);
        }
    }
}

/// What a title names beside its words: a batch, a queue with a name of its own or beside others, and the host beside
/// others.
fn places(kind: &str, context: &Context) -> Vec<String> {
    let several = context.several();
    let family = kind.split('.').next().unwrap_or_default();
    let is_default = |queue: &String| queue == DEFAULT_QUEUE;
    let place = match family {
        "batch" => text(context, &["batch", "id"]),
        // The title of a start has the name of its own.
        "queue" => text(context, &["queue", "name"])
            .filter(|name| if is_default(name) { several.queues } else { kind != "queue.start" }),
        "task" => text(context, &["task", "queue"]).filter(|_| several.queues),
        _ => None,
    };
    let host = text(context, &["host", "name"]).filter(|_| several.hosts && family != "server");
    [place, host].into_iter().flatten().collect()
}

fn task(context: &Context, words: &Strings) -> Notice {
    let (tone, what) = match context.text_at(&["task", "status"]) {
        Some("error") => (Tone::Bad, words.task_failed),
        Some("cancelled") => (Tone::Neutral, words.task_cancelled),
        _ => (Tone::Good, words.task_done),
    };
    let name = text(context, &["task", "name"]).or_else(|| text(context, &["task", "id"]));
    let mut notice = Notice::new(tone, title(what, name.as_deref(), words));
    if tone == Tone::Bad {
        notice.text = context.at(&["task", "error"]).and_then(error_text);
        let kind = text(context, &["task", "error", "type"]);
        notice.fact(words.error, kind.filter(|kind| notice.text.as_deref() != Some(kind)));
    }
    notice.fact(words.duration, seconds(context, &["task", "duration_s"], words));
    notice.fact(words.model, text(context, &["task", "params", "model"]));
    notice.fact(words.kind, text(context, &["task", "kind"]));
    notice.fact(words.user, text(context, &["task", "user"]));
    let queue = text(context, &["task", "queue"]).filter(|queue| queue != DEFAULT_QUEUE);
    notice.fact(words.queue, queue);
    notice.fact(words.batch, text(context, &["task", "batch", "id"]));
    notice.fact(words.remaining, count(context, &["task", "queue_remaining"], words));
    let most = notice.facts.len() + MAX_METRICS;
    notice.fields_of(context.at(&["task", "metrics"]), most, words);
    notice.output(context.at(&["task", "outputs"]), context);
    notice.link_to_host(context);
    notice
}

fn queue_start(context: &Context, words: &Strings) -> Notice {
    let name = text(context, &["queue", "name"]).filter(|name| name != DEFAULT_QUEUE);
    let mut notice = Notice::new(Tone::Neutral, title(words.queue_started, name.as_deref(), words));
    notice.fact(words.tasks, count(context, &["queue", "total"], words).filter(|total| total != "0"));
    notice.link_to_host(context);
    notice
}

fn server(context: &Context, what: &str, words: &Strings) -> Notice {
    let host = text(context, &["host", "name"]);
    let mut notice = Notice::new(Tone::Neutral, title(what, host.as_deref(), words));
    notice.fields_of(context.at(&["event", "data"]), MAX_FIELDS, words);
    notice.link_to_host(context);
    notice
}

fn alert(context: &Context, tone: Tone, words: &Strings) -> Notice {
    let reminder = context.at(&["alert", "reminder"]).and_then(Json::as_u64).filter(|count| *count > 0);
    let what = match tone {
        Tone::Bad if reminder.is_some() => words.alert_reminder,
        Tone::Bad => words.alert_firing,
        _ => words.alert_resolved,
    };
    let name = text(context, &["alert", "name"]);
    let mut notice = Notice::new(tone, title(what, name.as_deref(), words));
    notice.fact(words.metric, text(context, &["alert", "metric"]));
    notice.fact(words.value, count(context, &["alert", "value"], words));
    notice.fact(words.threshold, bound(context, words));
    notice.fact(words.since, time(context, &["alert", "since"]));
    if tone == Tone::Bad && reminder.is_some() {
        notice.fact(words.lasted, seconds(context, &["alert", "duration_s"], words));
        notice.fact(
            words.reminder,
            reminder.map(|count| filters::group_thousands(&count.to_string(), words.thousands)),
        );
    }
    if tone == Tone::Good {
        let unix_ms = |path: &[&str]| context.text_at(path).and_then(clock::parse_rfc3339);
        let since = unix_ms(&["alert", "since"]);
        let until = unix_ms(&["event", "timestamp"]);
        let lasted = since.zip(until).map(|(since, until)| until.saturating_sub(since));
        let lasted =
            lasted.filter(|ms| *ms > 0).map(|ms| filters::duration(ms as f64 / 1000.0, &words.units));
        notice.fact(words.lasted, lasted);
    }
    notice.link_to_host(context);
    notice
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

fn other(kind: &str, context: &Context, words: &Strings) -> Notice {
    let mut notice = Notice::new(Tone::Neutral, kind.to_owned());
    notice.fields_of(context.at(&["event", "data"]), MAX_FIELDS, words);
    notice.output(context.at(&["event", "data", "outputs"]), context);
    notice.link_to_host(context);
    notice
}

fn title(what: &str, name: Option<&str>, words: &Strings) -> String {
    match name {
        Some(name) => fill(words.named, &[("what", what), ("name", &filters::clip(name, MAX_FACT_CHARS))]),
        None => what.to_owned(),
    }
}

/// The value of a field that a host named. A number that is a name, such as a seed, stays as it is.
fn measured(key: &str, value: &Json, words: &Strings) -> Option<String> {
    match value.as_number().filter(|_| !is_name(key)) {
        Some(number) => Some(filters::number_for_people(number, words.thousands)),
        None => scalar(value),
    }
}

/// Whether the last word of a field's name says that a number in it is a name.
fn is_name(key: &str) -> bool {
    const NAMES: [&str; 10] =
        ["entropy", "guid", "hash", "id", "ids", "pid", "port", "uuid", "version", "year"];
    let word = key.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    // In `taskId` and `jobID` a capital begins the last word.
    let begin = match word.rfind(char::is_lowercase) {
        Some(at) if at + 1 < word.len() => at + 1,
        Some(_) => word.rfind(char::is_uppercase).unwrap_or_default(),
        None => 0,
    };
    let word = word.get(begin..).unwrap_or(word).to_lowercase();
    NAMES.contains(&word.as_str()) || key.to_lowercase().ends_with("seed")
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
        .map(|number| filters::number_for_people(number, words.thousands))
}

pub(super) fn seconds(context: &Context, path: &[&str], words: &Strings) -> Option<String> {
    context.at(path).and_then(Json::as_f64).map(|seconds| filters::duration(seconds, &words.units))
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
