//! Events as hosts really send them: the sample with each optional field missing, null and empty, and tasks with almost
//! any field. A template that renders for the full sample only loses the message of every other event.

use super::context::Context;
use super::sample;
use crate::event::{BATCH_PROGRESS, QUEUE_PROGRESS};
use crate::json::json;
use serde_json::Value as Json;
use std::collections::HashSet;

/// Contexts of this type, each with its event in words; the first one is the full sample, without words. `names` are
/// the names that a template reads: those below `params`, `metrics` and `vars` are there in the full sample.
pub(super) fn contexts(kind: &str, names: &HashSet<String>, in_digest: bool) -> Vec<(String, Context)> {
    let family = kind.split('.').next().unwrap_or_default();
    let mut full = sample::context(kind).json().clone();
    for name in names {
        add_open_field(&mut full, name);
    }
    let mut all = vec![(String::new(), full.clone())];
    for path in optional_fields(family, &full) {
        let shown = path.join(".").replace(".0", "[0]");
        let counted = family != "task";
        let changes = [
            Some(("without", None)),
            Some(("with a null", Some(Json::Null))),
            empty(&full, family, &path).map(|empty| ("with an empty", Some(empty))),
        ];
        for (words, value) in changes.into_iter().flatten() {
            // Taskbell counts these itself: a name or a reason may be null, and nothing else is missing.
            let is_real = match words {
                "without" => path == ["usual_s"],
                "with a null" => path.len() > 1,
                _ => true,
            };
            if counted && !is_real {
                continue;
            }
            let mut variant = full.clone();
            change(&mut variant[family], &path, value.clone());
            if family == "task" {
                change(&mut variant["event"]["data"], &path, value);
                if path == ["error"] {
                    set(&mut variant, "/task/status", json!("success"));
                }
            }
            all.push((format!("a {family} {words} `{shown}`"), variant));
        }
    }
    if matches!(family, "queue" | "batch") {
        let mut variant = full.clone();
        for count in ["total", "succeeded", "failed", "cancelled"] {
            set(&mut variant, &format!("/{family}/{count}"), json!(0));
        }
        all.push((format!("a {family} that has 0 tasks"), variant));
    }
    if family == "task" {
        if names.iter().any(|name| name.starts_with("vars.")) {
            let mut variant = full.clone();
            set(&mut variant, "/vars", json!({}));
            all.push(("a task without `webhook_params.vars`".to_owned(), variant));
        }
        for (words, payload) in [
            ("a task that has only `name` and `duration_s`", json!({"name": "frame 1", "duration_s": 41.5})),
            ("a task without any field (`{}`)", json!({})),
        ] {
            let mut variant = full.clone();
            set(&mut variant, "/event/data", payload.clone());
            set(&mut variant, "/task", payload);
            set(&mut variant, "/task/status", json!("success"));
            set(&mut variant, "/task/queue", json!("default"));
            all.push((words.to_owned(), variant));
        }
    }
    if kind == QUEUE_PROGRESS || kind == BATCH_PROGRESS {
        let mut variant = full.clone();
        for field in ["total", "rate", "eta_s"] {
            set(&mut variant, &format!("/{family}/{field}"), Json::Null);
        }
        all.push((format!("a {family} whose total is not known"), variant));
    }
    if kind == "queue.end" {
        let mut variant = full;
        for field in ["succeeded", "failed", "cancelled", "started_at", "duration_s"] {
            set(&mut variant, &format!("/queue/{field}"), Json::Null);
        }
        for figure in ["min", "mean", "max", "sum"] {
            set(&mut variant, &format!("/queue/task_seconds/{figure}"), Json::Null);
        }
        let total = variant["queue"]["total"].clone();
        set(&mut variant, "/event/data", json!({"total": total}));
        all.push(("a queue of which the host passes only `total`".to_owned(), variant));
    }
    let in_context = |(words, mut json): (String, Json)| {
        if in_digest {
            json["digest"] = json!({"items": [json.clone()], "count": 1, "failed": 0, "since": "2026-03-01T18:20:00.000Z"});
        }
        (words, Context::new(json))
    };
    all.into_iter().map(in_context).collect()
}

/// Fields that an event of this family may lack, as paths below it.
fn optional_fields(family: &str, full: &Json) -> Vec<Vec<String>> {
    let path = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect::<Vec<String>>();
    let mut paths = Vec::new();
    match family {
        "task" => {
            let Some(fields) = full["task"].as_object() else { return paths };
            for (name, value) in
                fields.iter().filter(|(name, _)| !matches!(name.as_str(), "status" | "queue"))
            {
                paths.push(path(&[name]));
                let inner = value.as_object().map(|inner| inner.keys()).into_iter().flatten();
                paths.extend(inner.map(|key| path(&[name, key])));
            }
            paths.extend(["path", "url", "mime", "name"].map(|key| path(&["outputs", "0", key])));
        }
        "queue" | "batch" => {
            paths.extend([path(&["usual_s"]), path(&["users"]), path(&["failures"])]);
            paths.extend(["id", "name"].map(|key| path(&["failures", "0", key])));
            paths.extend(["type", "message"].map(|key| path(&["failures", "0", "error", key])));
            paths.extend(["min", "mean", "max"].map(|key| path(&["task_seconds", key])));
        }
        _ => {}
    }
    paths
}

/// The same kind of value with nothing in it; `None` for a number or a nested field.
fn empty(full: &Json, family: &str, path: &[String]) -> Option<Json> {
    let [name] = path else { return None };
    Some(match full[family].get(name)? {
        Json::String(_) => json!(""),
        Json::Array(_) => json!([]),
        Json::Object(_) => json!({}),
        _ => return None,
    })
}

/// Sets the field at this path, or removes it.
fn change(json: &mut Json, path: &[String], value: Option<Json>) {
    let Some((last, parents)) = path.split_last() else { return };
    let parent = parents.iter().try_fold(json, |json, step| match json {
        Json::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        json => json.get_mut(step),
    });
    let Some(Json::Object(fields)) = parent else { return };
    match value {
        Some(value) => drop(fields.insert(last.clone(), value)),
        None => drop(fields.shift_remove(last)),
    }
}

/// Sets the field at this JSON Pointer.
fn set(json: &mut Json, pointer: &str, value: Json) {
    let (parent, field) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(Json::Object(fields)) = json.pointer_mut(parent) {
        fields.insert(field.to_owned(), value);
    }
}

/// Adds a name of the host's own, such as `task.metrics.psnr`, where hosts may add names.
fn add_open_field(full: &mut Json, name: &str) {
    let (owner, field) = match *name.split('.').collect::<Vec<_>>() {
        [root, open @ ("params" | "metrics"), field, ..] => (full[root].get_mut(open), field),
        ["vars", field, ..] => (full.get_mut("vars"), field),
        _ => return,
    };
    if let Some(Json::Object(fields)) = owner {
        fields.entry(field).or_insert(json!(1.5));
    }
}
