//! The card of one event.

use super::context::Context;
use super::fields::add_fields;
use super::notice::{MAX_FACT_CHARS, Notice, Tone, bound, count, seconds, text};
use super::strings::fill;
use super::words::CardWords;
use super::{filters, quantities, task_notice, work_notice};
use crate::clock;
use crate::event::{BATCH_PROGRESS, QUEUE_PROGRESS, status_of_word};
use crate::json::json;
use serde_json::Value as Json;

const MAX_FIELDS: usize = 8;

const MAX_TITLE_CHARS: usize = 200;

const MAX_TEXT_CHARS: usize = 3000;

/// The card of an event of this type, without a digest in its context. `host`: the title may name it.
pub(super) fn of_event(kind: &str, context: &Context, words: &CardWords, host: Option<&str>) -> Notice {
    let mut notice = match kind {
        "task.complete" => task_notice::task(context, words),
        "queue.start" => work_notice::started(context, words, host),
        QUEUE_PROGRESS => work_notice::progress(context, "queue", words, host),
        BATCH_PROGRESS => work_notice::progress(context, "batch", words, host),
        "queue.end" => work_notice::end(context, "queue", words, host),
        "batch.end" => work_notice::end(context, "batch", words, host),
        "batch.stalled" => work_notice::stalled(context, words, host),
        "server.start" => server(context, words.server_started, words),
        "server.stop" => server(context, words.server_stopped, words),
        "alert.firing" => alert(context, Tone::Bad, words, host),
        "alert.resolved" => alert(context, Tone::Good, words, host),
        _ => other(kind, context, words),
    };
    // The titles of queues, batches, alerts and servers name their place themselves.
    if !["queue", "batch", "alert", "server"].contains(&kind.split('.').next().unwrap_or_default()) {
        let several = context.several();
        let queue = text(context, &["task", "queue"]).filter(|_| several.queues);
        let host = host.filter(|_| several.hosts).map(str::to_owned);
        notice.place(&[queue, host].into_iter().flatten().collect::<Vec<_>>(), words);
    }
    if let Some(many) = context.at(&["event", "suppressed"]).and_then(Json::as_u64).filter(|many| *many > 0) {
        let (one, several) = words.similar;
        let similar = fill(if many == 1 { one } else { several }, &[("count", &words.number(many))]);
        notice.fact(words.suppressed, Some(similar));
    }
    notice
}

fn server(context: &Context, what: &str, words: &CardWords) -> Notice {
    let mut title = what.to_owned();
    if let Some(host) = text(context, &["host", "name"]) {
        title = fill(words.named, &[("what", what), ("name", &filters::clip(&host, MAX_FACT_CHARS))]);
    }
    let mut notice = Notice::new(Tone::Neutral, title);
    add_payload(&mut notice, context, &[], words);
    notice.link_to_host(context, words);
    notice
}

/// `Alert on render-07: disk, 8.5 (below 10)`.
fn alert(context: &Context, tone: Tone, words: &CardWords, host: Option<&str>) -> Notice {
    let reminder = context.at(&["alert", "reminder"]).and_then(Json::as_u64).filter(|count| *count > 0);
    let what = match tone {
        Tone::Bad if reminder.is_some() => words.alert_reminder,
        Tone::Bad => words.alert_firing,
        _ => words.alert_resolved,
    };
    let (value, bound) = (count(context, &["alert", "value"], words), bound(context, words));
    let lasted = lasted(context, words);
    let said = match (&value, &bound) {
        (Some(value), Some(bound)) if tone == Tone::Bad => {
            let has_side = context.text_at(&["alert", "direction"]).is_some();
            let bound = if has_side { bound.clone() } else { format!("{} {bound}", words.threshold) };
            Some(fill(words.took, &[("title", value), ("time", &bound)]))
        }
        (Some(value), _) if tone == Tone::Good => Some(fill(words.now, &[("value", value)])),
        _ => value.clone(),
    };
    let time = lasted.as_ref().filter(|_| tone == Tone::Good || reminder.is_some());
    let pattern = if tone == Tone::Good { words.after } else { words.lasts };
    let time = time.map(|time| fill(pattern, &[("time", time)]));
    let name = text(context, &["alert", "name"]).map(|name| filters::clip(&name, MAX_FACT_CHARS));
    let said: Vec<String> = [name, said, time].into_iter().flatten().collect();
    let mut notice = Notice::new(tone, words.titled(what, host, &said));
    notice.fact(words.metric, text(context, &["alert", "metric"]));
    notice.fact(words.value, value);
    notice.fact(words.threshold, bound);
    notice.time(words.since, context.at(&["alert", "since"]));
    notice.fact(if tone == Tone::Good { words.lasted } else { words.lasting }, lasted);
    notice.fact(words.reminder, reminder.map(|count| words.number(count)));
    notice.link_to_host(context, words);
    notice
}

/// How long an alert has lasted, or lasted in all.
fn lasted(context: &Context, words: &CardWords) -> Option<String> {
    let unix_ms = |path: &[&str]| context.text_at(path).and_then(clock::parse_rfc3339);
    let span = unix_ms(&["alert", "since"]).zip(unix_ms(&["event", "timestamp"]));
    let span = span.map(|(since, until)| until.saturating_sub(since)).filter(|ms| *ms > 0);
    let told = seconds(context, &["alert", "duration_s"], words);
    let is_zero = context.at(&["alert", "duration_s"]).and_then(Json::as_f64) == Some(0.0);
    told.filter(|_| !is_zero)
        .or_else(|| span.map(|ms| quantities::duration(ms as f64 / 1000.0, &words.units)))
}

/// A host's own event. What it calls title, text, status, URL and image is shown as such.
fn other(kind: &str, context: &Context, words: &CardWords) -> Notice {
    let find = |names: &[&'static str]| {
        let named = |name: &&'static str| Some((*name, context.at(&["event", "data", name])?));
        names.iter().filter_map(named).collect::<Vec<_>>()
    };
    let first = |names: &[&'static str]| {
        find(names).into_iter().find_map(|(name, value)| {
            let text = value.as_str().map(str::trim).filter(|text| !text.is_empty())?;
            Some((name, text.to_owned()))
        })
    };
    let (title, text) = (first(&["title"]), first(&["text", "message"]));
    let status = first(&["status"]);
    let tone = status.as_ref().map_or(Tone::Neutral, |(_, status)| tone_of(status));
    let mut shown: Vec<&str> = [&title, &text].into_iter().flatten().map(|(name, _)| *name).collect();
    let title = title.map_or_else(|| kind.to_owned(), |(_, title)| title.replace(['\n', '\r'], " "));
    let mut notice = Notice::new(tone, filters::clip(&title, MAX_TITLE_CHARS));
    notice.text = text.map(|(_, text)| filters::clip(&text, MAX_TEXT_CHARS));
    if let Some((name, url)) = first(&["url", "link"])
        && notice.page(&url, context, words)
    {
        shown.push(name);
    }
    for (name, value) in find(&["image", "image_url", "images"]) {
        let images = if let Json::Array(images) = value { images.clone() } else { vec![value.clone()] };
        let before = notice.images.len();
        for image in images {
            let image = if image.is_string() { json!({"url": image, "mime": "image/*"}) } else { image };
            notice.picture(&image, context, words);
        }
        if notice.images.len() > before {
            shown.push(name);
        }
    }
    notice.outputs(context.at(&["event", "data", "outputs"]), context, words);
    add_payload(&mut notice, context, &shown, words);
    notice.link_to_host(context, words);
    notice
}

fn tone_of(status: &str) -> Tone {
    match (status_of_word(status), status.to_lowercase().as_str()) {
        (Some("error"), _) | (_, "critical" | "fatal") => Tone::Bad,
        (Some("success"), _) | (_, "good" | "passed" | "resolved") => Tone::Good,
        (_, "warning" | "warn" | "partial" | "degraded") => Tone::Warn,
        _ => Tone::Neutral,
    }
}

/// Adds the payload but what the card shows already.
fn add_payload(notice: &mut Notice, context: &Context, shown: &[&str], words: &CardWords) {
    let fields = context.at(&["event", "data"]).and_then(Json::as_object).into_iter().flatten();
    let fields = fields.map(|(key, value)| (key.as_str(), value)).filter(|(key, value)| {
        let is_outputs = *key == "outputs" && value.is_array();
        !is_outputs && !shown.contains(key)
    });
    add_fields(notice, &mut { fields }, MAX_FIELDS, false, words);
}
