//! The content of a card, independent of the platform: the few facts that a person wants to know about an event.

use super::context::Context;
use super::filters;
use super::output_url::{is_image, is_public, output_url};
use super::rendered_message::{SummaryLine, Tone};
use super::strings::{Strings, fill};
use crate::clock;
use serde_json::{Map, Value as Json};

const MAX_FAILURES: usize = 5;

/// The fields of a custom payload that a notice shows.
const MAX_FIELDS: usize = 8;

const MAX_METRICS: usize = 4;

/// The characters of one fact or failure.
const MAX_FACT_CHARS: usize = 300;

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

    fn in_words(kind: &str, context: &Context, words: &'static Strings) -> Notice {
        if context.at(&["digest"]).is_some() {
            return digest(kind, context, words);
        }
        let mut notice = Notice::of_one(kind, context, words);
        let suppressed = context.at(&["event", "suppressed"]).and_then(Json::as_u64).filter(|many| *many > 0);
        let suppressed = suppressed.map(|many| filters::group_thousands(&many.to_string(), words.thousands));
        notice.fact(words.suppressed, suppressed);
        notice
    }

    fn of_one(kind: &str, context: &Context, words: &'static Strings) -> Notice {
        match kind {
            "task.complete" => task(context, words),
            "queue.start" => queue_start(context, words),
            "queue.end" => summary(context, "queue", words.queue_finished, None, words),
            "batch.end" => summary(context, "batch", words.batch_finished, None, words),
            "batch.stalled" => summary(context, "batch", words.batch_stalled, Some(Tone::Warn), words),
            "server.start" => server(context, words.server_started, words),
            "server.stop" => server(context, words.server_stopped, words),
            "alert.firing" => alert(context, Tone::Bad, words),
            "alert.resolved" => alert(context, Tone::Good, words),
            _ => other(kind, context, words),
        }
    }

    fn new(tone: Tone, title: String) -> Notice {
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

    fn fact(&mut self, label: &str, value: Option<String>) {
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
    fn output(&mut self, outputs: Option<&Json>, context: &Context) {
        let first = outputs.and_then(|outputs| outputs.get(0));
        if let Some(url) = first.and_then(|output| output_url(output, context)) {
            let shown = first.is_some_and(|output| is_image(output, &url)) && is_public(&url);
            self.image_url = shown.then(|| url.to_string());
            self.link = Some(url.to_string());
        }
    }

    /// Links to the host when there is no output.
    fn link_to_host(&mut self, context: &Context) {
        if self.link.is_none() {
            self.link = text(context, &["host", "base_url"]);
        }
    }
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
    let queue = text(context, &["task", "queue"]).filter(|queue| queue != "default");
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
    let name = text(context, &["queue", "name"]).filter(|name| name != "default");
    let mut notice = Notice::new(Tone::Neutral, title(words.queue_started, name.as_deref(), words));
    notice.fact(words.tasks, count(context, &["queue", "total"], words).filter(|total| total != "0"));
    notice.link_to_host(context);
    notice
}

/// The end of a queue or a batch; `about` is the object with its summary.
fn summary(context: &Context, about: &str, what: &str, tone: Option<Tone>, words: &Strings) -> Notice {
    let number = |field: &str| context.at(&[about, field]).and_then(Json::as_u64).unwrap_or(0);
    let (total, succeeded, failed, cancelled) =
        (number("total"), number("succeeded"), number("failed"), number("cancelled"));
    let tone = tone.unwrap_or(match (failed, succeeded, cancelled) {
        (0, _, 0) => Tone::Good,
        (0, _, _) => Tone::Neutral,
        (_, 0, _) => Tone::Bad,
        _ => Tone::Warn,
    });
    let counted = |field: &str| count(context, &[about, field], words).unwrap_or_else(|| "0".to_owned());
    let values = [("what", what), ("succeeded", &counted("succeeded")), ("total", &counted("total"))];
    let pattern = match total {
        0 => "{what}",
        2.. if succeeded == total => words.all_succeeded,
        2.. if failed == total => words.all_failed,
        _ => words.counted,
    };
    let mut notice = Notice::new(tone, fill(pattern, &values));
    notice.fact(words.failed, (failed > 0).then(|| counted("failed")));
    notice.fact(words.cancelled, (cancelled > 0).then(|| counted("cancelled")));
    notice.fact(words.duration, seconds(context, &[about, "duration_s"], words));
    notice.fact(words.per_task, seconds(context, &[about, "task_seconds", "mean"], words));
    let users = context.at(&[about, "users"]).and_then(Json::as_array);
    let users: Vec<&str> = users.into_iter().flatten().filter_map(Json::as_str).collect();
    let label = if users.len() == 1 { words.user } else { words.users };
    notice.fact(label, Some(users.join(words.list)));
    notice.fact(words.queue, text(context, &[about, "name"]).filter(|name| name != "default"));
    notice.fact(words.batch, text(context, &[about, "id"]));
    notice.failures = failures(context.at(&[about, "failures"]), failed, words);
    notice.output(context.at(&[about, "outputs"]), context);
    notice.link_to_host(context);
    notice
}

fn failures(failures: Option<&Json>, failed: u64, words: &Strings) -> Vec<String> {
    let failures = failures.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<String> = failures
        .iter()
        .take(MAX_FAILURES)
        .map(|failure| {
            let name = ["name", "id"].iter().find_map(|key| failure.get(key).and_then(scalar));
            let name = name.unwrap_or_else(|| words.unnamed_task.to_owned());
            let line = match failure.get("error").and_then(error_text) {
                Some(reason) => fill(words.failure, &[("name", &name), ("reason", &reason)]),
                None => name,
            };
            filters::clip(&line, MAX_FACT_CHARS)
        })
        .collect();
    let unnamed = failed.max(failures.len() as u64) - lines.len() as u64;
    if !lines.is_empty() && unnamed > 0 {
        lines.push(fill(words.more, &[("count", &unnamed.to_string())]));
    }
    lines
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
        notice.fact(words.reminder, reminder.map(|count| count.to_string()));
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
fn bound(context: &Context, words: &Strings) -> Option<String> {
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

/// One message for many events: their number, their results and the first failures.
fn digest(kind: &str, context: &Context, words: &'static Strings) -> Notice {
    let items =
        context.at(&["digest", "items"]).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let notices: Vec<Notice> = items
        .iter()
        .filter_map(Json::as_object)
        .map(|item| {
            // Digests are not nested, so an item with a `digest` of its own is read as a single event.
            let item: Map<String, Json> = item
                .iter()
                .filter(|(key, _)| *key != "digest")
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            let item = Context::new(Json::Object(item));
            Notice::in_words(item.text_at(&["event", "type"]).unwrap_or(kind), &item, words)
        })
        .collect();
    let folded = context.at(&["digest", "lines"]).map(folded_lines).unwrap_or_default();
    let notices: Vec<Notice> = notices.into_iter().chain(folded).collect();
    let has = |tone| notices.iter().any(|notice| notice.tone == tone);
    let tone =
        [Tone::Bad, Tone::Warn, Tone::Good].into_iter().find(|tone| has(*tone)).unwrap_or(Tone::Neutral);
    let mut digest = Notice::new(tone, digest_title(kind, context, &notices, words));
    digest.fact(words.since, time(context, &["digest", "since"]));
    let bad = notices.iter().filter(|notice| matches!(notice.tone, Tone::Bad | Tone::Warn));
    let total_bad = bad.clone().count();
    digest.failures = bad.take(MAX_FAILURES).map(|notice| one_line(notice, words)).collect();
    if context.at(&["digest", "lines"]).is_some() {
        digest.text = first_titles(&notices, words);
    }
    if total_bad > MAX_FAILURES {
        digest.failures.push(words.more(total_bad - MAX_FAILURES));
    }
    if let Some(pictured) = notices.iter().rev().find(|notice| notice.image_url.is_some()) {
        digest.link.clone_from(&pictured.link);
        digest.image_url.clone_from(&pictured.image_url);
    }
    digest.link_to_host(context);
    digest
}

/// The messages that a lane folded into a summary; only one line of each is known.
fn folded_lines(lines: &Json) -> Vec<Notice> {
    let lines: Vec<SummaryLine> = serde_json::from_value(lines.clone()).unwrap_or_default();
    lines.into_iter().map(|line| Notice::new(line.tone, line.text)).collect()
}

/// The first titles of events without failure, and the number of further ones.
fn first_titles(notices: &[Notice], words: &Strings) -> Option<String> {
    let good: Vec<&Notice> =
        notices.iter().filter(|notice| !matches!(notice.tone, Tone::Bad | Tone::Warn)).collect();
    let mut lines: Vec<String> = good.iter().take(MAX_FAILURES).map(|notice| notice.title.clone()).collect();
    if good.len() > MAX_FAILURES {
        lines.push(words.more(good.len() - MAX_FAILURES));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The number of events; for tasks also the results, if the digest still contains all of them.
fn digest_title(kind: &str, context: &Context, notices: &[Notice], words: &Strings) -> String {
    let of = |tone| notices.iter().filter(|notice| notice.tone == tone).count();
    let whole = |number: usize| filters::group_thousands(&number.to_string(), words.thousands);
    let total = count(context, &["digest", "count"], words).unwrap_or_else(|| whole(notices.len()));
    let complete = total == whole(notices.len());
    let (succeeded, failed) = (whole(of(Tone::Good)), whole(of(Tone::Bad)));
    let values = [("count", total.as_str()), ("type", kind), ("succeeded", &succeeded), ("failed", &failed)];
    let pattern = match kind {
        "task.complete" if complete => words.digest_tasks_counted,
        "task.complete" => words.digest_tasks,
        _ => words.digest,
    };
    fill(pattern, &values)
}

fn one_line(notice: &Notice, words: &Strings) -> String {
    let line = match &notice.text {
        Some(reason) => fill(words.failure, &[("name", &notice.title), ("reason", reason)]),
        None => notice.title.clone(),
    };
    filters::clip(&line, MAX_FACT_CHARS)
}

fn title(what: &str, name: Option<&str>, words: &Strings) -> String {
    match name {
        Some(name) => fill(words.named, &[("what", what), ("name", &filters::clip(name, MAX_FACT_CHARS))]),
        None => what.to_owned(),
    }
}

/// The value of a field that a host named. A number that is a name, such as a seed, stays as it is.
fn measured(key: &str, value: &Json, words: &Strings) -> Option<String> {
    const NAMES: [&str; 6] = ["id", "pid", "port", "seed", "year", "version"];
    let is_name = NAMES.iter().any(|name| key == *name || key.ends_with(&format!("_{name}")));
    match value.as_number().filter(|_| !is_name) {
        Some(number) => Some(filters::number_for_people(number, words.thousands)),
        None => scalar(value),
    }
}

/// A text, number or boolean as text.
fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn text(context: &Context, path: &[&str]) -> Option<String> {
    context.at(path).and_then(scalar)
}

fn count(context: &Context, path: &[&str], words: &Strings) -> Option<String> {
    context
        .at(path)
        .and_then(Json::as_number)
        .map(|number| filters::number_for_people(number, words.thousands))
}

fn seconds(context: &Context, path: &[&str], words: &Strings) -> Option<String> {
    context.at(path).and_then(Json::as_f64).map(|seconds| filters::duration(seconds, &words.units))
}

/// A time such as `2026-03-01 18:23:05 UTC`; an unreadable one stays as it is.
fn time(context: &Context, path: &[&str]) -> Option<String> {
    let given = text(context, path)?;
    let Some(at) = clock::parse_rfc3339(&given).map(clock::rfc3339) else { return Some(given) };
    Some(format!("{} UTC", at.get(..19).unwrap_or(&at).replace('T', " ")))
}

/// The message of an error, else its type; an error may also be a plain text.
fn error_text(error: &Json) -> Option<String> {
    ["message", "type"].iter().find_map(|key| error.get(key).and_then(scalar)).or_else(|| scalar(error))
}
