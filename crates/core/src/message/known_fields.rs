//! The fields of Taskbell's own objects, and which of them a name probably means. A host may add fields, so an unknown
//! name is no fault by itself.

use super::context::ROOTS;
use super::sample;
use serde_json::Value as Json;
use std::sync::LazyLock;

/// Other systems' words for a field, too far from it to be found by their letters.
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    ("task", "state", "status"),
    ("task", "result", "status"),
    ("task", "elapsed", "duration_s"),
    ("task", "runtime", "duration_s"),
    ("queue", "errors", "failed"),
    ("queue", "error_count", "failed"),
    ("queue", "count", "total"),
    ("queue", "tasks", "total"),
    ("queue", "success", "succeeded"),
    ("queue", "completed", "succeeded"),
    ("queue", "elapsed", "duration_s"),
];

/// Every object with all of its known fields.
static OBJECTS: LazyLock<Json> = LazyLock::new(|| {
    let mut all = sample::context("task.complete").json().clone();
    for (root, kind) in [("batch", "batch.end"), ("alert", "alert.firing")] {
        all[root] = sample::context(kind).json()[root].clone();
    }
    all
});

/// The name that is probably meant by a dotted name with an unknown step; `None` when it is known, or when nothing is
/// near.
pub(crate) fn nearest(path: &str) -> Option<String> {
    let mut object = &*OBJECTS;
    let mut walked: Vec<&str> = Vec::new();
    for step in path.split('.') {
        let fields = object.as_object()?;
        let Some(found) = fields.get(step) else {
            if walked.is_empty() || is_open(&walked) {
                return None;
            }
            let root = if walked == ["batch"] { "queue" } else { walked[0] };
            let other =
                OTHER_WORDS.iter().find(|(of, word, _)| walked.len() == 1 && *of == root && *word == step);
            let meant =
                other.map(|(.., field)| *field).or_else(|| near(step, fields.keys().map(String::as_str)))?;
            return Some(format!("{}.{meant}", walked.join(".")));
        };
        walked.push(step);
        object = found;
    }
    None
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
fn is_open(path: &[&str]) -> bool {
    matches!(path, ["vars", ..] | ["event", "data", ..] | [_, "params" | "metrics", ..])
}

/// A name with one letter wrong, two in a long one, or without its unit, such as `duration` for `duration_s`.
fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let most = if name.chars().count() > 5 { 2 } else { 1 };
    known
        .filter_map(|field| {
            let unit = field.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
            let distance = if unit { 0 } else { strsim::osa_distance(name, field) };
            (distance <= most && field.len() > 2).then_some((distance, field))
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
        ] {
            assert_eq!(nearest(written).as_deref(), Some(meant), "{written}");
        }
        for own in [
            "task.name",
            "task.shot",
            "task.frame",
            "task.params.nam",
            "task.metrics.los",
            "vars.x",
            "nam",
            "queue.scene",
        ] {
            assert_eq!(nearest(own), None, "{own}");
        }
    }
}
