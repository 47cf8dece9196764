//! The fields of Taskbell's own objects, and which of them a name probably means. A host may add fields, so an unknown
//! name is no fault by itself.

use super::context::ROOTS;
use super::sample;
use once_cell::sync::Lazy;
use serde_json::{Map, Value as Json};

/// A field, and other systems' words for it that are too far from it to be found by their letters. `queue` stands for `batch` too.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("task.status", "task.state task.result task.outcome task.success task.failed"),
    ("task.duration_s", "task.elapsed task.elapsed_s task.runtime task.seconds task.time task.took"),
    ("task.error", "task.exception task.err"),
    ("task.user", "task.username task.user_name"),
    ("task.params", "task.parameters"),
    ("task.queue", "task.queue_name"),
    ("task.started_at", "task.start_time"),
    ("task.finished_at", "task.end_time"),
    ("task.params.prompt", "task.prompt"),
    ("task.params.negative_prompt", "task.negative_prompt"),
    ("task.params.seed", "task.seed"),
    ("queue.name", "task.queue.name"),
    ("queue.total", "task.queue.total"),
    (
        "task.error.message",
        "task.error.msg task.error.text task.error.reason task.error.detail task.error.description",
    ),
    ("task.error.type", "task.error.kind task.error.class task.error.name"),
    (
        "queue.failed",
        "queue.errors queue.error queue.error_count queue.failed_count queue.failure_count \
         queue.num_failed queue.fail_count queue.failed_tasks queue.failure_rate queue.fail queue.fails \
         queue.status queue.state",
    ),
    ("queue.failures", "queue.failed_names queue.failure"),
    ("queue.name", "queue.title"),
    ("queue.duration_s", "queue.runtime queue.elapsed queue.seconds queue.time queue.took"),
    ("queue.total", "queue.count queue.tasks queue.length queue.size"),
    (
        "queue.succeeded",
        "queue.success queue.sucess queue.successes queue.successful queue.completed queue.done",
    ),
    ("queue.users", "queue.user"),
    ("event.type", "alert.state alert.status alert.level alert.severity"),
    ("alert.threshold", "alert.limit alert.bound"),
    ("alert.value", "alert.val alert.current"),
    ("alert.metric", "alert.metric_name"),
    ("alert.name", "alert.title alert.rule"),
    ("event.type", "event.name event.kind event.event"),
    ("event.timestamp", "event.time"),
    ("host.name", "host.hostname"),
    ("host.base_url", "host.url"),
];

/// The field of an object that people mean when they compare the object itself.
pub(super) fn main_field(object: &str) -> Option<&'static str> {
    Some(match object {
        "event" => "event.type",
        "task" => "task.name",
        "task.error" => "task.error.message",
        "task.batch" => "task.batch.id",
        "queue" => "queue.name",
        "batch" => "batch.id",
        "alert" => "alert.name",
        "host" => "host.name",
        _ => return None,
    })
}

/// What stands in for this field, as `| default(…)` takes it: a number where one is calculated with.
pub(crate) fn stand_in(field: &str) -> &'static str {
    match field.split('.').try_fold(&*OBJECTS, |object, step| object.get(step)) {
        Some(Json::Number(_)) => "0",
        Some(Json::Array(_)) => "[]",
        _ => "\"-\"",
    }
}

/// Every object with all of its known fields.
static OBJECTS: Lazy<Json> = Lazy::new(|| {
    let mut all = sample::context("task.complete").json().clone();
    for (root, kind) in [("batch", "batch.end"), ("alert", "alert.firing")] {
        all[root] = sample::context(kind).json()[root].clone();
    }
    all
});

/// The name that is probably meant by a dotted name with an unknown step; `None` when it is known, or when nothing is
/// near.
pub(crate) fn nearest(path: &str) -> Option<String> {
    if let Some(meant) = other_word(path) {
        return Some(meant);
    }
    let mut object = &*OBJECTS;
    let mut walked: Vec<&str> = Vec::new();
    for step in path.split('.') {
        let Some(fields) = object.as_object() else {
            // A list or a text has no members: its length is a filter, and the members are those of its entries.
            let is_length = matches!(step, "length" | "size" | "count" | "len");
            let walked = walked.join(".");
            let has_step = object.get(0).is_some_and(|first| first.get(step).is_some());
            return match is_length && !object.is_number() {
                true => Some(format!("{walked} | length")),
                false => has_step.then(|| format!("{walked}[0].{step}")),
            };
        };
        let Some(found) = fields.get(step) else {
            if walked.is_empty() || is_open(&walked) {
                return None;
            }
            let walked = walked.join(".");
            let near = near(step, fields.keys().map(String::as_str)).map(str::to_owned);
            return near.or_else(|| joined(step, fields)).map(|meant| format!("{walked}.{meant}"));
        };
        walked.push(step);
        object = found;
    }
    None
}

/// By the table, which a longer name may begin with.
fn other_word(path: &str) -> Option<String> {
    let (root, rest) = path.split_once('.')?;
    let (own, known) = match root {
        "batch" => ("batch", format!("queue.{rest}")),
        _ => ("queue", path.to_owned()),
    };
    let is_object = |meant: &str| matches!(meant, "task.params" | "task.error");
    let fits = |(meant, written): &&(&str, &str)| {
        written.split(' ').any(|written| {
            let rest = known.strip_prefix(written);
            rest.is_some_and(|rest| rest.is_empty() || is_object(meant) && rest.starts_with('.'))
        })
    };
    let (meant, _) = OTHER_WORDS.iter().find(fits)?;
    Some(meant.strip_prefix("queue.").map_or_else(|| (*meant).to_owned(), |field| format!("{own}.{field}")))
}

/// `error.message` for `error_message` and `errorMessage`, and `duration_s` for `durationS`.
fn joined(step: &str, fields: &Map<String, Json>) -> Option<String> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '.'], "");
    let inner = |name: &String, field: &Json| {
        let keys = field.as_object().into_iter().flatten().map(|(key, _)| format!("{name}.{key}"));
        keys.collect::<Vec<_>>()
    };
    let mut all =
        fields.iter().flat_map(|(name, field)| std::iter::once(name.clone()).chain(inner(name, field)));
    all.find(|name| plain(name) == plain(step))
}

/// The field of a task, queue, batch, alert or host with this name, as a dotted name.
pub(super) fn owner(name: &str) -> Option<String> {
    let (first, _) = name.split_once('.').unwrap_or((name, ""));
    if ROOTS.contains(&first) {
        return Some(name.to_owned());
    }
    ["task", "queue", "batch", "alert"]
        .iter()
        .find(|root| OBJECTS[**root].get(first).is_some())
        .map(|root| format!("{root}.{name}"))
        .or_else(|| OBJECTS["task"]["params"].get(first).map(|_| format!("task.params.{name}")))
}

/// Whether hosts put names of their own into this object.
pub(super) fn is_open(path: &[&str]) -> bool {
    matches!(path, ["vars", ..] | ["event", "data", ..] | [_, "params" | "metrics", ..])
}

/// A name with one letter wrong, two in a long one, or without its unit, such as `duration` for `duration_s`.
fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let most = |field: &str| {
        let is_long = name.chars().count() > 5 && field.chars().next() == name.chars().next();
        if is_long { 2 } else { 1 }
    };
    known
        .filter_map(|field| {
            let unit = field.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
            let distance = if unit { 0 } else { strsim::osa_distance(&name.to_lowercase(), field) };
            (distance <= most(field) && field.len() > 2).then_some((distance, field))
        })
        .min()
        .map(|(_, field)| field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_near_a_field_is_found_and_a_hosts_own_is_left_alone() {
        for (written, meant) in [
            ("task.nam", "task.name"),
            ("task.duration", "task.duration_s"),
            ("task.error.mesage", "task.error.message"),
            ("queue.errors", "queue.failed"),
            ("batch.expcted", "batch.expected"),
            ("alert.treshold", "alert.threshold"),
            ("host.base_ulr", "host.base_url"),
            ("task.errorMessage", "task.error.message"),
            ("task.durationS", "task.duration_s"),
            ("batch.num_failed", "batch.failed"),
            ("alert.state", "event.type"),
            ("task.prompt", "task.params.prompt"),
            ("task.outputs.length", "task.outputs | length"),
            ("task.name.length", "task.name | length"),
            ("task.outputs.url", "task.outputs[0].url"),
            ("task.parameters.steps", "task.params"),
            ("alert.current", "alert.value"),
            ("batch.fail_count", "batch.failed"),
        ] {
            assert_eq!(nearest(written).as_deref(), Some(meant), "{written}");
        }
        for own in "\
            task.name task.shot task.frame task.retries task.tags task.params.nam task.metrics.los \
            vars.x nam queue.scene"
            .split_whitespace()
        {
            assert_eq!(nearest(own), None, "{own}");
        }
    }
}
