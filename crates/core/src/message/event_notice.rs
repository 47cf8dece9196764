//! The card of one event.

use super::context::Context;
use super::notice::{
    DEFAULT_QUEUE, MAX_FACT_CHARS, Notice, Tone, bound, count, error_text, scalar, seconds, text,
};
use super::strings::{Strings, fill};
use super::{filters, quantities, work_notice};
use crate::clock;
use crate::event::{BATCH_PROGRESS, QUEUE_PROGRESS};
use serde_json::Value as Json;

const MAX_FIELDS: usize = 8;

const MAX_METRICS: usize = 4;

/// The card of an event of this type, without a digest in its context.
pub(super) fn of_event(kind: &str, context: &Context, words: &Strings) -> Notice {
    let mut notice = match kind {
        "task.complete" => task(context, words),
        "queue.start" => queue_start(context, words),
        QUEUE_PROGRESS => work_notice::progress(context, "queue", words),
        BATCH_PROGRESS => work_notice::progress(context, "batch", words),
        "queue.end" => work_notice::end(context, "queue", words),
        "batch.end" => work_notice::end(context, "batch", words),
        "batch.stalled" => work_notice::stalled(context, words),
        "server.start" => server(context, words.server_started, words),
        "server.stop" => server(context, words.server_stopped, words),
        "alert.firing" => alert(context, Tone::Bad, words),
        "alert.resolved" => alert(context, Tone::Good, words),
        _ => other(kind, context, words),
    };
    notice.place(&places(kind, context), words);
    let suppressed = context.at(&["event", "suppressed"]).and_then(Json::as_u64).filter(|many| *many > 0);
    notice.fact(words.suppressed, suppressed.map(|many| words.number(many)));
    notice
}

/// The names that a title adds: a batch; a queue with a name of its own, or one of several; the host, where there are
/// several.
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
    add_fields(&mut notice, context.at(&["task", "metrics"]), most, words);
    notice.outputs(context.at(&["task", "outputs"]), context, words);
    notice.link_to_host(context, words);
    notice
}

fn queue_start(context: &Context, words: &Strings) -> Notice {
    let name = text(context, &["queue", "name"]).filter(|name| name != DEFAULT_QUEUE);
    let mut notice = Notice::new(Tone::Neutral, title(words.queue_started, name.as_deref(), words));
    notice.fact(words.tasks, count(context, &["queue", "total"], words).filter(|total| total != "0"));
    notice.link_to_host(context, words);
    notice
}

fn server(context: &Context, what: &str, words: &Strings) -> Notice {
    let host = text(context, &["host", "name"]);
    let mut notice = Notice::new(Tone::Neutral, title(what, host.as_deref(), words));
    add_fields(&mut notice, context.at(&["event", "data"]), MAX_FIELDS, words);
    notice.link_to_host(context, words);
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
    notice.time(words.since, context.at(&["alert", "since"]));
    if tone == Tone::Bad && reminder.is_some() {
        notice.fact(words.lasted, seconds(context, &["alert", "duration_s"], words));
        notice.fact(words.reminder, reminder.map(|count| words.number(count)));
    }
    if tone == Tone::Good {
        let unix_ms = |path: &[&str]| context.text_at(path).and_then(clock::parse_rfc3339);
        let since = unix_ms(&["alert", "since"]);
        let until = unix_ms(&["event", "timestamp"]);
        let lasted = since.zip(until).map(|(since, until)| until.saturating_sub(since));
        let lasted =
            lasted.filter(|ms| *ms > 0).map(|ms| quantities::duration(ms as f64 / 1000.0, &words.units));
        notice.fact(words.lasted, lasted);
    }
    notice.link_to_host(context, words);
    notice
}

fn other(kind: &str, context: &Context, words: &Strings) -> Notice {
    let mut notice = Notice::new(Tone::Neutral, kind.to_owned());
    add_fields(&mut notice, context.at(&["event", "data"]), MAX_FIELDS, words);
    notice.outputs(context.at(&["event", "data", "outputs"]), context, words);
    notice.link_to_host(context, words);
    notice
}

fn title(what: &str, name: Option<&str>, words: &Strings) -> String {
    match name {
        Some(name) => fill(words.named, &[("what", what), ("name", &filters::clip(name, MAX_FACT_CHARS))]),
        None => what.to_owned(),
    }
}

/// Adds the fields of an object as facts, until there are `most`.
fn add_fields(notice: &mut Notice, object: Option<&Json>, most: usize, words: &Strings) {
    for (key, value) in object.and_then(Json::as_object).into_iter().flatten() {
        if notice.facts.len() < most {
            notice.fact(key, measured(key, value, words));
        }
    }
}

/// The value of a field that a host named. A number that is a name, such as a seed, stays as it is.
fn measured(key: &str, value: &Json, words: &Strings) -> Option<String> {
    match value.as_number().filter(|_| !is_name(key)) {
        Some(number) => Some(quantities::number_for_people(number, words.thousands)),
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
