//! What templates and conditions see of an event.

use minijinja::Value;
use minijinja::value::{Enumerator, Object, Serde};
use serde_json::{Map, Value as Json};
use std::sync::{Arc, OnceLock};

/// The context of one event: `event`, and `task`, `queue`, `batch` or `alert` by its type, `host` and
/// `vars`; a JSON object.
#[derive(Debug, Clone)]
pub struct Context {
    json: Arc<Json>,
    value: OnceLock<Value>,
}

/// The engine's form of a context. What stands under a name is built when the name is first read: most
/// conditions read one or two numbers of a large tree.
#[derive(Debug)]
struct Roots {
    json: Arc<Json>,
    built: Vec<OnceLock<Value>>,
}

impl Object for Roots {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let (name, roots) = (key.as_str()?, self.json.as_object()?);
        let (index, (_, json)) = roots.iter().enumerate().find(|(_, (root, _))| *root == name)?;
        Some(self.built.get(index)?.get_or_init(|| Value::from(Serde(json))).clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.json.as_object().into_iter().flat_map(|roots| roots.keys());
        Enumerator::Values(names.map(|name| Value::from(name.as_str())).collect())
    }
}

impl Context {
    /// Wraps a JSON object.
    pub fn new(json: Json) -> Self {
        Context { json: Arc::new(json), value: OnceLock::new() }
    }

    /// As JSON, for the platforms' cards.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// As the template engine sees it. Built when it is first asked for, once for all hooks.
    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| {
            let roots = self.json.as_object().map_or(0, Map::len);
            let built = std::iter::repeat_with(OnceLock::new).take(roots).collect();
            Value::from_object(Roots { json: Arc::clone(&self.json), built })
        })
    }

    /// The value below these keys; `None` where one is missing or null.
    pub fn at(&self, path: &[&str]) -> Option<&Json> {
        path.iter().try_fold(&*self.json, |json, key| json.get(key)).filter(|json| !json.is_null())
    }

    /// The text below these keys; `None` where it is missing, empty or no text.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).and_then(Json::as_str).filter(|text| !text.is_empty())
    }
}
