//! Sample data of every event type with all known fields, to check and preview templates and conditions.

use super::context::Context;
use super::json_value::from_json;
use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use serde_json::{Map, Value as Json, json};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The context of an event of this type with every known field. A custom type has a small payload.
pub(crate) fn context(kind: &str) -> Context {
    Context::new(tree(kind))
}

/// The same with a long prompt and a long error.
pub(crate) fn long_context(kind: &str) -> Context {
    let mut tree = tree(kind);
    stretch(&mut tree);
    Context::new(tree)
}

/// The characters of a long prompt.
pub(crate) const LONG_PROMPT: usize = 5000;

fn stretch(node: &mut Json) {
    let Json::Object(fields) = node else { return };
    for (name, field) in fields {
        match field {
            Json::String(text) if matches!(name.as_str(), "prompt" | "message") => {
                *text = "long ".repeat(LONG_PROMPT / 5);
            }
            field => stretch(field),
        }
    }
}

fn tree(kind: &str) -> Json {
    let mut context = Map::new();
    let host = json!({"name": "render-07", "base_url": "https://render-07.example.com", "language": "en"});
    let vars = json!({"channel": "#renders", "project": "Aurora"});
    let family = kind.split('.').next().unwrap_or_default();
    let data = match family {
        "task" => {
            context.insert("task".into(), task());
            context.insert("queue".into(), queue());
            task()
        }
        "queue" => {
            context.insert("queue".into(), queue());
            json!({"name": "default"})
        }
        "batch" => {
            context.insert("batch".into(), if kind == "batch.stalled" { stalled_batch() } else { batch() });
            json!({"id": "batch-42"})
        }
        "alert" => {
            context.insert("alert".into(), alert());
            alert()
        }
        "server" => json!({"version": "0.9.8", "pid": 4711, "reason": "restart"}),
        _ => json!({"name": "sample", "count": 3, "ok": true}),
    };
    context.insert(
        "event".into(),
        json!({
            "id": "evt_0199c2f0a1b27c3d8e4f5a6b7c8d9e0f",
            "type": kind,
            "timestamp": "2026-03-01T18:24:05.120Z",
            "data": data,
            "suppressed": 0,
        }),
    );
    context.insert("host".into(), host);
    context.insert("vars".into(), vars);
    Json::Object(context)
}

fn task() -> Json {
    json!({
        "id": "task-8f31",
        "name": "portrait-07",
        "kind": "image",
        "status": "error",
        "error": {"type": "OutOfMemory", "message": "CUDA out of memory: tried to allocate 2.5 GiB"},
        "started_at": "2026-03-01T18:23:22.700Z",
        "finished_at": "2026-03-01T18:24:05.100Z",
        "duration_s": 42.4,
        "usual_s": 38.5,
        "user": "mira",
        "queue": "default",
        "batch": {"id": "batch-42", "total": 200},
        "outputs": [{
            "path": "outputs/2026-03-01/portrait-07.png",
            "url": "View/mira/raw/2026-03-01/portrait-07.png",
            "mime": "image/png",
            "name": "portrait-07.png",
        }],
        "params": {
            "prompt": "a portrait of an astronaut, \"film still\"",
            "negative_prompt": "blurry",
            "model": "sdxl-base-1.0",
            "seed": 1234567890,
            "steps": 30,
            "cfg_scale": 7.5,
            "width": 1024,
            "height": 1024,
        },
        "metrics": {"loss": 0.0213, "accuracy": 0.987, "steps_per_second": 3.4},
        "queue_remaining": 12,
    })
}

fn queue() -> Json {
    json!({
        "name": "default",
        "total": 200,
        "succeeded": 198,
        "failed": 1,
        "cancelled": 1,
        "started_at": "2026-03-01T16:19:05.000Z",
        "finished_at": "2026-03-01T18:24:05.100Z",
        "duration_s": 7500.1,
        "usual_s": 6900.0,
        "task_seconds": {"min": 12.5, "mean": 37.2, "max": 96.0, "sum": 7440.0},
        "users": ["mira", "jon"],
        "failures": [{
            "id": "task-8f31",
            "name": "portrait-07",
            "error": {"type": "OutOfMemory", "message": "CUDA out of memory: tried to allocate 2.5 GiB"},
        }],
    })
}

fn batch() -> Json {
    let mut batch = queue();
    batch["id"] = json!("batch-42");
    batch["expected"] = json!(200);
    batch
}

fn stalled_batch() -> Json {
    let mut batch = batch();
    batch["expected"] = json!(240);
    batch["done"] = json!(200);
    batch["since"] = json!("2026-03-01T18:14:05.100Z");
    batch["idle_s"] = json!(600.0);
    batch
}

fn alert() -> Json {
    json!({
        "name": "disk",
        "metric": "disk.free_gb",
        "value": 8.5,
        "threshold": 10.0,
        "direction": "below",
        "since": "2026-03-01T18:23:05.000Z",
        "duration_s": 60.0,
        "reminder": 0,
    })
}

/// Sample data in which objects with unknown fields have every field. Remembers whether one was read, so it serves one
/// check at a time.
pub(super) struct OpenContext {
    value: Value,
    guessed: Arc<AtomicBool>,
}

impl OpenContext {
    pub fn value(&self) -> &Value {
        &self.value
    }

    pub fn forget(&self) {
        self.guessed.store(false, Ordering::Relaxed);
    }

    /// Whether an unknown field was read, so that an error proves nothing.
    pub fn was_guessed(&self) -> bool {
        self.guessed.load(Ordering::Relaxed)
    }

    /// An unknown value.
    pub fn guess(&self) -> Value {
        Value::from_object(UnknownValue(self.guessed.clone()))
    }
}

/// The sample of an event type with a digest, open where a host may add fields.
pub(super) fn open_context(kind: &str) -> OpenContext {
    let mut json = tree(kind);
    let item = json.clone();
    json["digest"] = json!({"items": [item], "count": 1, "failed": 0, "since": "2026-03-01T18:20:00.000Z"});
    let guessed = Arc::new(AtomicBool::new(false));
    OpenContext { value: open(&json, &mut Vec::new(), kind, &guessed), guessed }
}

/// Whether a host may add fields to the object at this path.
fn is_open(path: &[&str], kind: &str) -> bool {
    let path = if let ["digest", "items", rest @ ..] = path { rest } else { path };
    match path {
        ["vars"] => true,
        ["task" | "queue" | "batch", "params" | "metrics"] => true,
        ["event", "data", "params" | "metrics"] => true,
        ["event", "data"] => !matches!(kind.split('.').next(), Some("task" | "queue" | "batch" | "alert")),
        _ => false,
    }
}

fn open<'a>(json: &'a Json, path: &mut Vec<&'a str>, kind: &str, guessed: &Arc<AtomicBool>) -> Value {
    match json {
        Json::Object(fields) => {
            let is_open = is_open(path, kind);
            let opened = fields.iter().map(|(key, field)| {
                path.push(key);
                let value = open(field, path, kind, guessed);
                path.pop();
                (key.clone(), value)
            });
            let opened: Vec<(String, Value)> = opened.collect();
            if is_open {
                Value::from_object(OpenFields { known: opened, guessed: guessed.clone() })
            } else {
                Value::from_pairs(opened)
            }
        }
        Json::Array(items) => {
            items.iter().map(|item| open(item, path, kind, guessed)).collect::<Vec<_>>().into()
        }
        plain => from_json(plain),
    }
}

/// An object with its known fields and every other one.
#[derive(Debug)]
struct OpenFields {
    known: Vec<(String, Value)>,
    guessed: Arc<AtomicBool>,
}

impl Object for OpenFields {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        match self.known.iter().find(|(known, _)| known == name) {
            Some((_, value)) => Some(value.clone()),
            None => {
                self.guessed.store(true, Ordering::Relaxed);
                Some(Value::from_object(UnknownValue(self.guessed.clone())))
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.known.iter().map(|(key, _)| Value::from(key.as_str())).collect())
    }
}

/// A value of which nothing is known: true, printed as `…`, with every field.
#[derive(Debug)]
struct UnknownValue(Arc<AtomicBool>);

impl Object for UnknownValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        self.0.store(true, Ordering::Relaxed);
        Some(Value::from_object(UnknownValue(self.0.clone())))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::KNOWN_TYPES;

    #[test]
    fn every_type_has_an_event_a_host_and_its_subject() {
        for kind in KNOWN_TYPES.iter().chain(&["render.saved"]) {
            let context = context(kind);
            assert_eq!(context.text_at(&["event", "type"]), Some(*kind));
            assert_eq!(context.text_at(&["host", "name"]), Some("render-07"));
            let family = kind.split('.').next().unwrap_or_default();
            let about = ["task", "queue", "batch", "alert"].contains(&family);
            assert_eq!(context.at(&[family]).is_some(), about, "{kind}");
        }
    }

    #[test]
    fn the_long_sample_has_the_same_fields() {
        let (short, long) = (context("task.complete"), long_context("task.complete"));
        let prompt = long.text_at(&["task", "params", "prompt"]).unwrap();
        assert_eq!(prompt.chars().count(), LONG_PROMPT);
        assert_eq!(long.text_at(&["task", "name"]), short.text_at(&["task", "name"]));
        assert_eq!(long.text_at(&["task", "error", "message"]), Some(prompt));
    }

    #[test]
    fn the_open_sample_remembers_that_it_guessed() {
        let open = open_context("task.complete");
        let task = open.value().get_attr("task").unwrap();
        task.get_attr("params").unwrap().get_attr("steps").unwrap();
        assert!(task.get_attr("nmae").unwrap().is_undefined());
        assert!(!open.was_guessed());
        let deep = task.get_attr("metrics").unwrap().get_attr("other").unwrap().get_attr("deep").unwrap();
        assert!(open.was_guessed() && deep.is_true());
        open.forget();
        assert!(!open.was_guessed());
    }
}
