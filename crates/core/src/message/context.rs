//! The context of an event: the data that templates and conditions read.

use super::json_value::from_json;
use super::marks;
use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use serde_json::{Map, Value as Json};
use std::sync::{Arc, LazyLock, OnceLock};

/// The names at the top of a context. The type of an event decides which of them it has.
pub(crate) const ROOTS: &[&str] =
    &["event", "task", "queue", "batch", "alert", "digest", "host", "vars", NOTICE];

/// The root that every context has: what a card would say.
const NOTICE: &str = "notice";

/// The name under which a scope has its roots as they came. No template can write it.
pub(super) const ROOTS_OF: &str = "taskbell.roots";

/// A JSON object with `event`, with `task`, `queue`, `batch` or `alert` depending on the type, `host` and `vars`.
#[derive(Debug, Clone, Default)]
pub struct Context {
    json: Arc<Json>,
    lazy: Option<Arc<LazyField>>,
    several: Several,
    notice: Arc<OnceLock<Json>>,
    whole: OnceLock<Json>,
    value: OnceLock<Value>,
    clean: OnceLock<Value>,
}

/// Of what there are several, so that a title must name which one it is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Several {
    /// Queues.
    pub queues: bool,
    /// Hosts on the spool.
    pub hosts: bool,
}

/// A field of a context that is computed when it is first read: the summary of a queue costs more than everything
/// else about a task, and most hooks do not read it.
#[derive(Debug)]
pub struct LazyField {
    name: &'static str,
    json: LazyLock<Json, Box<dyn FnOnce() -> Json + Send>>,
}

impl LazyField {
    /// A field with this name.
    pub fn new(name: &'static str, compute: impl FnOnce() -> Json + Send + 'static) -> LazyField {
        LazyField { name, json: LazyLock::new(Box::new(compute)) }
    }
}

/// The context as the engine reads it. A root is converted when it is first read, because most conditions read one or
/// two numbers of a large tree.
struct ContextRoots {
    context: Context,
    built: Vec<OnceLock<Value>>,
    /// Whether the texts are cleaned of marks.
    is_clean: bool,
}

/// An object of the engine needs this. The values are the host's, and belong in no debug output.
impl std::fmt::Debug for ContextRoots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContextRoots").finish_non_exhaustive()
    }
}

impl ContextRoots {
    fn names(&self) -> impl Iterator<Item = &str> {
        let roots = self.context.json.as_object().into_iter().flat_map(|roots| roots.keys());
        roots.map(String::as_str).chain(self.context.lazy.as_ref().map(|lazy| lazy.name))
    }

    fn json(&self, name: &str) -> Option<&Json> {
        self.context.root(name)
    }
}

/// The scalar under a dotted name, without converting the tree around it for the engine. `None` for a list or an
/// object; `Some(None)` for an undefined name.
pub(super) fn leaf(scope: &Value, path: &[String]) -> Option<Option<Value>> {
    let roots = scope.downcast_object_ref::<ContextRoots>()?;
    let (root, rest) = path.split_first()?;
    let json = roots.json(root).and_then(|root| rest.iter().try_fold(root, |json, step| json.get(step)));
    match json {
        None => Some(None),
        Some(Json::Array(_) | Json::Object(_)) => None,
        Some(scalar) => Some(Some(from_json(scalar))),
    }
}

/// What `find` makes of the JSON under a path of names and indexes, given the value of [`ROOTS_OF`].
pub(super) fn given(
    roots: &Value,
    path: &[Value],
    find: impl FnOnce(&Json) -> Option<Value>,
) -> Option<Value> {
    let roots = roots.downcast_object_ref::<ContextRoots>()?;
    let (root, rest) = path.split_first()?;
    let json = rest.iter().try_fold(roots.json(root.as_str()?)?, |json, step| match step.as_str() {
        Some(name) => json.get(name),
        None => json.get(step.as_usize()?),
    })?;
    if roots.is_clean && marks::clean(json).is_some() {
        return None;
    }
    find(json)
}

impl Object for ContextRoots {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if name == ROOTS_OF {
            return Some(Value::from_dyn_object(Arc::clone(self)));
        }
        let index = self.names().chain([NOTICE]).position(|root| root == name)?;
        let build = || {
            let json = self.json(name);
            match json.filter(|_| self.is_clean).and_then(marks::clean) {
                Some(clean) => from_json(&clean),
                None => json.map_or(Value::UNDEFINED, from_json),
            }
        };
        Some(self.built.get(index)?.get_or_init(build).clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.names().map(Value::from).collect())
    }
}

impl Context {
    /// Wraps a JSON object.
    #[inline(never)]
    pub fn new(json: Json) -> Self {
        Context { json: Arc::new(json), ..Context::default() }
    }

    /// Adds a field at the end.
    #[must_use]
    pub fn with(self, lazy: Option<LazyField>) -> Self {
        Context { lazy: lazy.map(Arc::new), ..self }
    }

    /// Says what its titles must name.
    #[must_use]
    pub fn among(self, several: Several) -> Self {
        Context { several, ..self }
    }

    /// What its titles must name.
    pub fn several(&self) -> Several {
        self.several
    }

    /// The same for cards in English.
    #[must_use]
    pub(crate) fn in_english(&self) -> Context {
        let mut json = Json::clone(&self.json);
        if let Some(host) = json.get_mut("host").and_then(Json::as_object_mut) {
            host.remove("language");
        }
        Context { json: Arc::new(json), ..self.without_values() }
    }

    /// The context as JSON, for the platforms' cards.
    pub fn json(&self) -> &Json {
        let Some(lazy) = &self.lazy else { return &self.json };
        self.whole.get_or_init(|| {
            let mut whole = Json::clone(&self.json);
            whole[lazy.name] = Json::clone(&lazy.json);
            whole
        })
    }

    /// The context for the template engine. Built once, when it is first needed, for all hooks.
    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| self.roots(false))
    }

    /// The same without any character that could pass for one of the [`marks`].
    pub(super) fn clean_value(&self) -> &Value {
        self.clean.get_or_init(|| self.roots(true))
    }

    /// The same with another notice than its own.
    #[must_use]
    pub(crate) fn saying(&self, notice: Json) -> Context {
        let notice = OnceLock::from(notice);
        Context { notice: Arc::new(notice), ..self.without_values() }
    }

    fn without_values(&self) -> Context {
        let (json, lazy, notice) = (Arc::clone(&self.json), self.lazy.clone(), Arc::clone(&self.notice));
        Context { json, lazy, several: self.several, notice, ..Context::default() }
    }

    fn root(&self, name: &str) -> Option<&Json> {
        if name == NOTICE {
            return Some(self.notice.get_or_init(|| super::notice_of(self)));
        }
        let lazy = self.lazy.as_ref().filter(|lazy| lazy.name == name);
        lazy.map(|lazy| &*lazy.json).or_else(|| self.json.get(name))
    }

    fn roots(&self, is_clean: bool) -> Value {
        let roots = self.json.as_object().map_or(0, Map::len) + usize::from(self.lazy.is_some());
        // One more for the notice.
        let built = std::iter::repeat_with(OnceLock::new).take(roots + 1).collect();
        Value::from_object(ContextRoots { context: self.without_values(), built, is_clean })
    }

    /// The value below these keys; `None` when one is missing or null.
    pub fn at(&self, path: &[&str]) -> Option<&Json> {
        let (root, rest) = path.split_first()?;
        rest.iter().try_fold(self.root(root)?, |json, key| json.get(key)).filter(|json| !json.is_null())
    }

    /// The text below these keys; `None` when it is missing, empty or not a text.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).and_then(Json::as_str).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_leaf_equals_the_value_that_the_engine_finds() {
        let lazy = LazyField::new("queue", || json!({"total": 3, "name": null}));
        let json = json!({"task": {
            "status": "error", "steps": 30, "below": -7, "loss": 0.25, "big": u64::MAX, "late": true, "none": null,
            "text": "a text that is too long to be kept in place", "list": [1], "more": {"deep": "x", "": 1},
        }});
        let context = Context::new(json).with(Some(lazy));
        let scope = context.value();
        let mut seen = 0;
        for name in "\
            task.status task.steps task.below task.loss task.big task.late task.none task.text \
            task.more.deep task.missing task.none.x task.status.x task.list.x queue.total \
            queue.name queue.name.x batch.total task.list task.more"
            .split_whitespace()
        {
            let path: Vec<String> = name.split('.').map(str::to_owned).collect();
            let engine = path.iter().try_fold(scope.clone(), |value, step| value.get_attr(step).ok());
            let engine = engine.filter(|value| !value.is_undefined());
            let Some(found) = leaf(scope, &path) else {
                assert!(["task.list", "task.more"].contains(&name), "{name}");
                continue;
            };
            let kinds = (found.as_ref().map(Value::kind), engine.as_ref().map(Value::kind));
            assert_eq!((&found, kinds.0), (&engine, kinds.1), "{name}");
            seen += 1;
        }
        assert_eq!(seen, 17);
        assert!(leaf(&from_json(&json!({"task": {"a": 1}})), &["task".into(), "a".into()]).is_none());
    }

    #[test]
    fn every_context_has_the_notice_of_its_event_which_is_computed_when_it_is_read() {
        let event = json!({"id": "e", "type": "task.complete"});
        let context = Context::new(json!({"event": event, "task": {"name": "frame 7", "status": "error"}}));
        assert!(context.notice.get().is_none());
        let scope = context.value().get_attr("notice").unwrap();
        assert_eq!(scope.get_attr("tone").unwrap().as_str(), Some("bad"));
        let title = context.text_at(&["notice", "title"]).unwrap();
        assert!(title.contains("frame 7"), "{title}");
        let other = context.saying(json!({"title": "Other"}));
        assert_eq!(
            other.value().get_attr("notice").unwrap().get_attr("title").unwrap().as_str(),
            Some("Other")
        );
        assert_eq!(other.text_at(&["task", "name"]), Some("frame 7"));
    }

    #[test]
    fn a_lazy_field_is_computed_once_when_it_is_read() {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let lazy = LazyField::new("queue", move || {
            counter.fetch_add(1, Ordering::SeqCst);
            json!({"total": 3})
        });
        let context = Context::new(json!({"task": {"id": "a"}})).with(Some(lazy));
        assert_eq!(context.text_at(&["task", "id"]), Some("a"));
        assert_eq!(context.value().get_attr("task").unwrap().get_attr("id").unwrap().as_str(), Some("a"));
        assert_eq!(context.value().try_iter().unwrap().count(), 2);
        assert_eq!(made.load(Ordering::SeqCst), 0);

        let total = context.value().get_attr("queue").unwrap().get_attr("total").unwrap();
        assert_eq!((total.as_i64(), context.at(&["queue", "total"])), (Some(3), Some(&json!(3))));
        assert_eq!(context.json(), &json!({"task": {"id": "a"}, "queue": {"total": 3}}));
        assert_eq!(made.load(Ordering::SeqCst), 1);
        assert!(context.at(&["queue", "name"]).is_none() && context.at(&["batch"]).is_none());
    }
}
