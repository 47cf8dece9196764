//! Sample data of every event type with all known fields, to check and preview templates and conditions.

use super::context::Context;
use super::json_value::from_json;
use crate::json::json;
use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use once_cell::sync::Lazy;
use serde_json::Value as Json;
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

/// The parts of every context. `batch` and the types of events have what is there in addition to the fields of a queue or
/// an alert.
static PARTS: Lazy<Json> =
    Lazy::new(|| serde_json::from_slice(include_bytes!("sample.json")).unwrap_or_default());

fn tree(kind: &str) -> Json {
    let part = |name: &str| PARTS[name].clone();
    let mut context = json!({});
    let family = kind.split('.').next().unwrap_or_default();
    match family {
        "task" => {
            context["task"] = part("task");
            context["queue"] = part("queue");
        }
        "queue" | "batch" | "alert" => {
            let mut about = part(if family == "alert" { "alert" } else { "queue" });
            let more = [family, kind].map(|name| PARTS[name].as_object());
            for (name, value) in more.into_iter().flatten().flatten() {
                about[name] = value.clone();
            }
            context[family] = about;
        }
        _ => {}
    }
    let data = match family {
        "task" | "alert" => context[family].clone(),
        "queue" | "batch" | "server" => PARTS["data"][family].clone(),
        _ => PARTS["data"]["custom"].clone(),
    };
    for name in ["event", "host", "vars"] {
        context[name] = part(name);
    }
    context["event"]["type"] = json!(kind);
    context["event"]["data"] = data;
    context
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
    json["notice"] = context(kind).at(&["notice"]).cloned().unwrap_or_default();
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
