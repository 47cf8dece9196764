//! What templates and conditions see of an event.

use serde_json::Value as Json;

/// The context of one event: `event`, and `task`, `queue`, `batch` or `alert` by its type, `host` and
/// `vars`; a JSON object.
#[derive(Debug, Clone)]
pub struct Context {
    json: Json,
    value: minijinja::Value,
}

impl Context {
    /// Wraps a JSON object.
    pub fn new(json: Json) -> Self {
        let value = minijinja::Value::from(minijinja::value::Serde(&json));
        Context { json, value }
    }

    /// As JSON, for the platforms' cards.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// As the template engine sees it.
    pub fn value(&self) -> &minijinja::Value {
        &self.value
    }
}
