//! The cards of a queue or a batch: its counts, as far as they are known, and its failures.

use super::context::Context;
use super::failure_groups::grouped;
use super::notice::{DEFAULT_QUEUE, FailureGroup, Notice, Tone, error_text, scalar, seconds, text};
use super::strings::{Strings, fill};
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

fn title_of(counts: &WorkCounts, what: &str, words: &Strings) -> String {
    let number = |count: Option<u64>| words.number(count.unwrap_or(0));
    let (total, succeeded) = (number(counts.total), number(counts.succeeded));
    let (failed, cancelled) = (number(counts.failed), number(counts.cancelled));
    let is_all = |count: Option<u64>| count.is_some() && count == counts.total;
    let some = |count: Option<u64>| count.is_some_and(|count| count > 0);
    let pattern = match (counts.total, counts.succeeded) {
        (Some(0), _) => "{what}",
        (Some(1), _) if is_all(counts.cancelled) => words.one_cancelled,
        (Some(1), _) if is_all(counts.failed) => words.counted_failed,
        (Some(1), None) => words.one_task,
        (Some(2..), _) if is_all(counts.succeeded) => words.all_succeeded,
        (Some(2..), _) if is_all(counts.failed) => words.all_failed,
        (Some(2..), _) if is_all(counts.cancelled) => words.all_cancelled,
        (Some(_), Some(_)) if some(counts.cancelled) => words.counted_cancelled,
        (Some(_), Some(_)) => words.counted,
        (Some(_), None) if some(counts.failed) => words.counted_failed,
        (Some(_), None) => words.counted_tasks,
        (None, _) if some(counts.failed) => words.only_failed,
        (None, Some(1..)) => words.only_succeeded,
        (None, _) => "{what}",
    };
    let values = [
        ("what", what),
        ("total", &total),
        ("succeeded", &succeeded),
        ("failed", &failed),
        ("cancelled", &cancelled),
    ];
    fill(pattern, &values)
}

/// The end of a queue or batch; `about` is the object with its summary.
pub(super) fn end(context: &Context, about: &str, words: &Strings) -> Notice {
    let counts = counts_of(context, about);
    let was_cancelled = matches!(context.text_at(&[about, "status"]), Some("cancelled" | "canceled"));
    let was_interrupted = context.at(&[about, "interrupted"]) == Some(&Json::Bool(true));
    let what = match (about, was_cancelled) {
        ("queue", _) if was_interrupted => words.queue_interrupted,
        ("batch", true) => words.batch_cancelled,
        ("batch", false) => words.batch_finished,
        (_, true) => words.queue_cancelled,
        (_, false) => words.queue_finished,
    };
    let tone = match tone_of(&counts) {
        Tone::Good | Tone::Neutral if was_interrupted => Tone::Warn,
        Tone::Good if was_cancelled => Tone::Neutral,
        tone => tone,
    };
    let notice =
        with_facts(Notice::new(tone, title_of(&counts, what, words)), context, about, &counts, words);
    // A host may name its failures without their number.
    let has_failures = !notice.failures.is_empty() && matches!(tone, Tone::Good | Tone::Neutral);
    if has_failures { Notice { tone: Tone::Warn, ..notice } } else { notice }
}

/// A batch that makes no progress: how much is done, and for how long nothing came.
pub(super) fn stalled(context: &Context, words: &Strings) -> Notice {
    let number = |field: &str| context.at(&["batch", field]).and_then(whole_number);
    let counts = counts_of(context, "batch");
    let done = number("done").or_else(|| number("expected").and(counts.total));
    let (expected, idle) = (number("expected"), seconds(context, &["batch", "idle_s"], words));
    let progress = done_of(done, expected, words);
    let idle = idle.map(|idle| fill(words.nothing_for, &[("time", &idle)]));
    let said: Vec<String> = [progress, idle].into_iter().flatten().collect();
    let title = match said.is_empty() {
        true => words.batch_stalled.to_owned(),
        false => fill(words.named, &[("what", words.batch_stalled), ("name", &said.join(words.comma))]),
    };
    let mut notice = Notice::new(Tone::Warn, title);
    notice.time(words.since, context.at(&["batch", "since"]));
    with_facts(notice, context, "batch", &counts, words)
}

/// How far a queue or a batch has come, and how long the rest takes.
pub(super) fn progress(context: &Context, about: &str, words: &Strings) -> Notice {
    let number = |field: &str| context.at(&[about, field]).and_then(whole_number);
    let what = if about == "batch" { words.batch_running } else { words.queue_running };
    let title = match done_of(number("done"), number("total"), words) {
        Some(done) => fill(words.named, &[("what", what), ("name", &done)]),
        None => what.to_owned(),
    };
    let counts = counts_of(context, about);
    let tone = if counts.failed.is_some_and(|failed| failed > 0) { Tone::Warn } else { Tone::Neutral };
    let mut notice = Notice::new(tone, title);
    notice.fact(words.time_left, seconds(context, &[about, "eta_s"], words));
    with_facts(notice, context, about, &counts, words)
}

fn done_of(done: Option<u64>, total: Option<u64>, words: &Strings) -> Option<String> {
    let done = words.number(done?);
    Some(match total {
        Some(total) => fill(words.done_of, &[("done", &done), ("total", &words.number(total))]),
        None => fill(words.done, &[("done", &done)]),
    })
}

fn with_facts(
    mut notice: Notice,
    context: &Context,
    about: &str,
    counts: &WorkCounts,
    words: &Strings,
) -> Notice {
    let show = |count: Option<u64>| count.filter(|count| *count > 0).map(|count| words.number(count));
    notice.fact(words.failed, show(counts.failed));
    notice.fact(words.cancelled, show(counts.cancelled));
    // A queue of which nothing but its end was heard began nowhere.
    let took = context.at(&[about, "duration_s"]).and_then(Json::as_f64).is_some_and(|took| took > 0.0);
    notice.fact(words.duration, seconds(context, &[about, "duration_s"], words).filter(|_| took));
    notice.fact(words.per_task, seconds(context, &[about, "task_seconds", "mean"], words));
    let users = context.at(&[about, "users"]).and_then(Json::as_array);
    let users: Vec<&str> = users.into_iter().flatten().filter_map(Json::as_str).collect();
    let label = if users.len() == 1 { words.user } else { words.users };
    notice.fact(label, Some(users.join(words.list)));
    notice.fact(words.queue, text(context, &[about, "name"]).filter(|name| name != DEFAULT_QUEUE));
    notice.fact(words.batch, text(context, &[about, "id"]));
    notice.failures = failures(context.at(&[about, "failures"]), counts.failed.unwrap_or(0), words);
    notice.outputs(context.at(&[about, "outputs"]), context, words);
    notice.link_to_host(context, words);
    notice
}

fn failures(failures: Option<&Json>, failed: u64, words: &Strings) -> Vec<FailureGroup> {
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
