//! The cards of a queue or a batch: its counts, as far as they are known, and its failures.

use super::context::Context;
use super::failure_groups::grouped;
use super::filters::clip;
use super::notice::{
    DEFAULT_QUEUE, FailureGroup, MAX_PLACE_CHARS, Notice, Tone, WorkProgress, error_text, scalar, seconds,
    text, usual_time,
};
use super::strings::fill;
use super::task_notice;
use super::words::CardWords;
use crate::event::{WorkCounts, whole_number};
use serde_json::Value as Json;

/// The counts below `about`.
fn counts_of(context: &Context, about: &str) -> WorkCounts {
    context.at(&[about]).and_then(Json::as_object).map(WorkCounts::read).unwrap_or_default()
}

/// Good only where something succeeded and nothing failed for certain.
fn tone_of(counts: &WorkCounts) -> Tone {
    match (counts.failed, counts.succeeded, counts.cancelled.unwrap_or(0)) {
        (Some(0), Some(1..), 0) => Tone::Good,
        (Some(0) | None, Some(1..), _) if counts.succeeded == counts.total => Tone::Good,
        (Some(0) | None, _, _) => Tone::Neutral,
        (Some(_), Some(0), _) => Tone::Bad,
        (Some(_), None, _) if counts.failed == counts.total => Tone::Bad,
        _ => Tone::Warn,
    }
}

/// What is known of the counts: `237 of 240 done`, `3 failed`.
fn said_of(counts: &WorkCounts, words: &CardWords) -> Vec<String> {
    let say = |pattern: &str, total: String| Some(fill(pattern, &[("total", &total)]));
    let is_all = |count: Option<u64>| count.is_some() && count == counts.total;
    let some = |count: Option<u64>| count.filter(|count| *count > 0);
    let all = [
        (counts.succeeded, words.all_done, words.done),
        (counts.failed, words.all_failed, words.some_failed),
        (counts.cancelled, words.all_cancelled, words.some_cancelled),
    ];
    if let Some(total @ 1..) = counts.total
        && let Some((_, several, one)) = all.into_iter().find(|(count, ..)| is_all(*count))
    {
        let pattern = if total == 1 { one } else { several };
        return say(pattern, words.counted(total)).into_iter().collect();
    }
    let mut failed = some(counts.failed).and_then(|failed| say(words.some_failed, words.number(failed)));
    let first = match (counts.total, counts.succeeded) {
        (Some(0), _) => None,
        (Some(total), Some(done)) => share(words.done_of, done, total, words),
        (Some(total), None) => match some(counts.failed) {
            Some(many) => {
                failed = None;
                let (many, total) = (words.number(many), words.amount(total));
                Some(fill(words.failed_of, &[("failed", &many), ("total", &total)]))
            }
            None => Some(words.counted(total)),
        },
        (None, done) => some(done).and_then(|done| say(words.done, words.amount(done))),
    };
    let cancelled = some(counts.cancelled).and_then(|many| say(words.some_cancelled, words.number(many)));
    [first, failed, cancelled].into_iter().flatten().collect()
}

/// `200 of 240 done`.
fn share(pattern: &str, done: u64, total: u64, words: &CardWords) -> Option<String> {
    Some(fill(pattern, &[("done", &words.number(done)), ("total", &words.amount(total))]))
}

/// The title: which queue or batch, on which host, and what is known of it. A name that is itself enough, such as
/// `shot 042`, stands alone; a number has the word for it.
fn title(
    context: &Context,
    about: &str,
    how: &str,
    host: Option<&str>,
    said: &[String],
    words: &CardWords,
) -> String {
    let (key, kind) = if about == "batch" { ("id", words.batch) } else { ("name", words.queue) };
    let is_told = |name: &String| name != DEFAULT_QUEUE || about == "batch" || context.several().queues;
    let name = text(context, &[about, key]).filter(is_told);
    let subject = match name.map(|name| clip(&name, MAX_PLACE_CHARS)) {
        Some(name) if name != DEFAULT_QUEUE && name.chars().any(char::is_alphabetic) => name,
        Some(name) => fill(words.labelled, &[("what", kind), ("name", &name)]),
        None => kind.to_owned(),
    };
    let is_plain = how == words.finished && subject != kind && !said.is_empty();
    // Chinese sets a blank between its characters and others.
    let blank =
        if how.contains("} ") || !subject.ends_with(|c: char| c.is_ascii_alphanumeric()) { "" } else { " " };
    let what = if is_plain { subject } else { fill(how, &[("name", &format!("{subject}{blank}"))]) };
    words.titled(&what, host, said)
}

pub(super) fn started(context: &Context, words: &CardWords, host: Option<&str>) -> Notice {
    let total = context.at(&["queue", "total"]).and_then(whole_number).filter(|total| *total > 0);
    let said: Vec<String> = total.map(|total| words.counted(total)).into_iter().collect();
    let title = title(context, "queue", words.started, host, &said, words);
    let mut notice = Notice::new(Tone::Neutral, title);
    notice.link_to_host(context, words);
    notice
}

/// The end of a queue or batch; `about` is the object with its summary.
pub(super) fn end(context: &Context, about: &str, words: &CardWords, host: Option<&str>) -> Notice {
    let counts = counts_of(context, about);
    let was_cancelled = matches!(context.text_at(&[about, "status"]), Some("cancelled" | "canceled"));
    let was_interrupted = context.at(&[about, "interrupted"]) == Some(&Json::Bool(true));
    let how = match was_cancelled {
        _ if was_interrupted && about == "queue" => words.interrupted,
        true => words.was_cancelled,
        false => words.finished,
    };
    let tone = match tone_of(&counts) {
        Tone::Good | Tone::Neutral if was_interrupted => Tone::Warn,
        Tone::Good if was_cancelled => Tone::Neutral,
        tone => tone,
    };
    let mut notice = Notice::new(tone, title(context, about, how, host, &said_of(&counts, words), words));
    let done = counts.succeeded.filter(|_| counts.total.is_some_and(|total| total > 0));
    notice.progress = done.map(|done| WorkProgress { done, total: counts.total });
    notice.fact(words.duration, duration(context, about, words));
    add_facts(&mut notice, context, about, &counts, words);
    // What ended it as a whole; the failures have its message.
    notice.details = context.at(&[about, "error"]).and_then(|error| task_notice::reason(error).1);
    // A host may name its failures without their number.
    if !notice.failures.is_empty() && matches!(tone, Tone::Good | Tone::Neutral) {
        notice.tone = Tone::Warn;
    }
    notice
}

/// A queue of which nothing but its end was heard began nowhere.
fn duration(context: &Context, about: &str, words: &CardWords) -> Option<String> {
    let took = context.at(&[about, "duration_s"]).and_then(Json::as_f64).is_some_and(|took| took > 0.0);
    usual_time(context, about, words).filter(|_| took)
}

/// A batch that makes no progress: how much is done, and for how long nothing came.
pub(super) fn stalled(context: &Context, words: &CardWords, host: Option<&str>) -> Notice {
    let counts = counts_of(context, "batch");
    let number = |field: &str| context.at(&["batch", field]).and_then(whole_number);
    let done = number("done").or_else(|| number("expected").and(counts.total));
    let idle = seconds(context, &["batch", "idle_s"], words);
    let idle = idle.map(|idle| fill(words.nothing_for, &[("time", &idle)]));
    let mut notice = underway(
        context,
        "batch",
        (words.stalled, Tone::Warn),
        (done, number("expected"), idle),
        host,
        words,
    );
    notice.time(&words.say(words.last_task, &[]), context.at(&["batch", "since"]));
    add_facts(&mut notice, context, "batch", &counts, words);
    notice
}

/// How far a queue or a batch has come, and how long the rest takes.
pub(super) fn progress(context: &Context, about: &str, words: &CardWords, host: Option<&str>) -> Notice {
    let counts = counts_of(context, about);
    let number = |field: &str| context.at(&[about, field]).and_then(whole_number);
    let failed = counts.failed.filter(|failed| *failed > 0);
    let tone = if failed.is_some() { Tone::Warn } else { Tone::Neutral };
    let failed = failed.map(|many| fill(words.some_failed, &[("total", &words.number(many))]));
    let known = (number("done"), number("total"), failed);
    let mut notice = underway(context, about, (words.running, tone), known, host, words);
    notice.fact(words.time_left, seconds(context, &[about, "eta_s"], words));
    notice.fact(words.duration, duration(context, about, words));
    add_facts(&mut notice, context, about, &counts, words);
    notice
}

/// The title and the bar of what is not at its end: `(done, total, more)`.
fn underway(
    context: &Context,
    about: &str,
    (how, tone): (&str, Tone),
    (done, total, more): (Option<u64>, Option<u64>, Option<String>),
    host: Option<&str>,
    words: &CardWords,
) -> Notice {
    let come = done.and_then(|done| match total {
        Some(total) => share(words.done_of, done, total, words),
        None => Some(fill(words.done, &[("total", &words.amount(done))])),
    });
    let said: Vec<String> = [come, more].into_iter().flatten().collect();
    let mut notice = Notice::new(tone, title(context, about, how, host, &said, words));
    notice.progress = done.map(|done| WorkProgress { done, total });
    notice
}

fn add_facts(notice: &mut Notice, context: &Context, about: &str, counts: &WorkCounts, words: &CardWords) {
    let mean = seconds(context, &[about, "task_seconds", "mean"], words);
    notice.fact(&words.say(words.per_task, &[]), mean);
    let users = context.at(&[about, "users"]).and_then(Json::as_array);
    let users: Vec<&str> = users.into_iter().flatten().filter_map(Json::as_str).collect();
    let label = if users.len() == 1 { words.user } else { words.users };
    notice.fact(label, Some(users.join(words.list)));
    let queue = text(context, &["batch", "name"]).filter(|name| about == "batch" && name != DEFAULT_QUEUE);
    notice.fact(words.queue, queue);
    notice.failures = failures(context.at(&[about, "failures"]), counts.failed.unwrap_or(0), words);
    notice.outputs(context.at(&[about, "outputs"]), context, words);
    notice.link_to_host(context, words);
}

fn failures(failures: Option<&Json>, failed: u64, words: &CardWords) -> Vec<FailureGroup> {
    let failures = failures.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let read: Vec<(Option<String>, Option<String>)> = failures
        .iter()
        .map(|failure| {
            let name = ["name", "id"].iter().find_map(|key| failure.get(key).and_then(scalar));
            (name, failure.get("error").and_then(error_text))
        })
        .collect();
    let borrowed = read.iter().map(|(name, reason)| (name.as_deref(), reason.as_deref()));
    grouped(borrowed, failed, words)
}
