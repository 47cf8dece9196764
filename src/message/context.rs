//! What templates and conditions see of an event.

use minijinja::Value;
use minijinja::value::Serde;
use serde_json::Value as Json;
use std::sync::OnceLock;

/// The context of one event: `event`, and `task`, `queue`, `batch` or `alert` by its type, `host` and
/// `vars`; a JSON object.
#[derive(Debug, Clone)]
pub struct Context {
    json: Json,
    value: OnceLock<Value>,
}

impl Context {
    /// Wraps a JSON object.
    pub fn new(json: Json) -> Self {
        Context { json, value: OnceLock::new() }
    }

    /// As JSON, for the platforms' cards.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// As the template engine sees it. Built when it is first asked for, once for all hooks.
    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| Value::from(Serde(&self.json)))
    }

    /// The value below these keys; `None` where one is missing or null.
    pub fn at(&self, path: &[&str]) -> Option<&Json> {
        path.iter().try_fold(&self.json, |json, key| json.get(key)).filter(|json| !json.is_null())
    }

    /// The text below these keys; `None` where it is missing, empty or no text.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).and_then(Json::as_str).filter(|text| !text.is_empty())
    }
}
