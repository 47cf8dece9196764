//! The context of an event: the data that templates and conditions read.

use super::json_value::from_json;
use super::marks;
use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

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
    tree: Arc<Tree>,
    several: Several,
    notice: Arc<OnceLock<Json>>,
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

/// What a context is made of, a root at a time when something reads it: most hooks and messages read two or three values,
/// and making everything that they could read costs more than the rest of an event.
pub trait ContextSource: Debug + Send + Sync {
    /// The type of the event.
    fn kind(&self) -> &str;

    /// Makes the root of this name.
    fn root(&self, name: &str) -> Json;

    /// The value under this dotted name where it is known without its root: that of a scalar, or `Some(None)` for an
    /// undefined name.
    fn scalar(&self, path: &[String]) -> Option<Option<Json>>;

    /// The default body where it is known without any root.
    fn default_body(&self) -> Option<Vec<u8>>;
}

/// The roots of a context.
#[derive(Debug, Default)]
struct Tree {
    whole: OnceLock<Json>,
    /// In their order; without a source they are in `whole`.
    roots: Vec<(&'static str, OnceLock<Json>)>,
    source: Option<Box<dyn ContextSource>>,
}

impl Tree {
    fn json(&self) -> &Json {
        self.whole.get_or_init(|| {
            let root = |name: &'static str| Some((name.to_owned(), self.root(name)?.clone()));
            match &self.source {
                None => Json::Null,
                Some(_) => Json::Object(self.roots.iter().filter_map(|(name, _)| root(name)).collect()),
            }
        })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let whole = if self.source.is_none() { self.whole.get() } else { None };
        let names = whole.and_then(Json::as_object).into_iter().flat_map(|roots| roots.keys());
        self.roots.iter().map(|(name, _)| *name).chain(names.map(String::as_str))
    }

    fn root(&self, name: &str) -> Option<&Json> {
        let Some(source) = &self.source else { return self.json().get(name) };
        let (_, root) = self.roots.iter().find(|(known, _)| *known == name)?;
        Some(root.get_or_init(|| source.root(name)))
    }
}

/// A dotted name, and its scalar as [`leaf`] gives it.
type Leaf = (Arc<[String]>, Option<Option<Value>>);

/// The most scalars that are remembered.
const MAX_LEAVES: usize = 16;

/// The context as the engine reads it. A root is converted when it is first read, because most conditions read one or
/// two numbers of a large tree.
struct ContextRoots {
    context: Context,
    built: Vec<OnceLock<Value>>,
    /// Scalars that conditions have read, by their names: many hooks ask for the same few.
    leaves: Mutex<Vec<Leaf>>,
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
        self.context.tree.names()
    }

    fn json(&self, name: &str) -> Option<&Json> {
        self.context.root(name)
    }
}

/// The scalar under a dotted name, without converting the tree around it for the engine. `None` for a list or an
/// object; `Some(None)` for an undefined name.
pub(super) fn leaf(scope: &Value, path: &[String]) -> Option<Option<Value>> {
    let roots = scope.downcast_object_ref::<ContextRoots>()?;
    roots.context.scalar(path).map(|found| found.map(|scalar| from_json(&scalar)))
}

/// The same, made once for all conditions that are evaluated in the scope.
pub(super) fn shared_leaf(scope: &Value, path: &Arc<[String]>) -> Option<Option<Value>> {
    let roots = scope.downcast_object_ref::<ContextRoots>()?;
    let leaves = || roots.leaves.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, known)) = leaves().iter().find(|(known, _)| known == path) {
        return known.clone();
    }
    let found = leaf(scope, path);
    let mut leaves = leaves();
    if leaves.len() < MAX_LEAVES {
        leaves.push((Arc::clone(path), found.clone()));
    }
    found
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
        let tree = Tree { whole: json.into(), ..Tree::default() };
        Context { tree: Arc::new(tree), ..Context::default() }
    }

    /// A context with these roots, of which `source` makes those that are empty.
    pub fn made_of(roots: Vec<(&'static str, OnceLock<Json>)>, source: Box<dyn ContextSource>) -> Self {
        let tree = Tree { whole: OnceLock::new(), roots, source: Some(source) };
        Context { tree: Arc::new(tree), ..Context::default() }
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
        let mut json = self.json().clone();
        if let Some(host) = json.get_mut("host").and_then(Json::as_object_mut) {
            host.remove("language");
        }
        Context { several: self.several, notice: Arc::clone(&self.notice), ..Context::new(json) }
    }

    /// The context as JSON, for the platforms' cards.
    pub fn json(&self) -> &Json {
        self.tree.json()
    }

    /// The type of the event it speaks of.
    pub fn kind(&self) -> &str {
        let known = self.tree.source.as_ref().map(|source| source.kind());
        known.or_else(|| self.at(&["event", "type"]).and_then(Json::as_str)).unwrap_or("event")
    }

    /// The default body where it is known without the context.
    pub(super) fn default_body(&self) -> Option<Vec<u8>> {
        self.tree.source.as_ref()?.default_body()
    }

    /// The scalar under a dotted name; `None` for a list or an object, `Some(None)` for an undefined name.
    fn scalar(&self, path: &[String]) -> Option<Option<Cow<'_, Json>>> {
        if let Some(known) = self.tree.source.as_ref().and_then(|source| source.scalar(path)) {
            return Some(known.map(Cow::Owned));
        }
        let (root, rest) = path.split_first()?;
        let json = self.root(root).and_then(|root| rest.iter().try_fold(root, |json, step| json.get(step)));
        match json {
            Some(Json::Array(_) | Json::Object(_)) => None,
            scalar => Some(scalar.map(Cow::Borrowed)),
        }
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
        let (tree, notice) = (Arc::clone(&self.tree), Arc::clone(&self.notice));
        Context { tree, several: self.several, notice, value: OnceLock::new(), clean: OnceLock::new() }
    }

    fn root(&self, name: &str) -> Option<&Json> {
        if name == NOTICE {
            return Some(self.notice.get_or_init(|| super::notice_of(self)));
        }
        self.tree.root(name)
    }

    fn roots(&self, is_clean: bool) -> Value {
        // One more for the notice.
        let built = std::iter::repeat_with(OnceLock::new).take(self.tree.names().count() + 1).collect();
        let (context, leaves) = (self.without_values(), Mutex::default());
        Value::from_object(ContextRoots { context, built, leaves, is_clean })
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

    /// Makes one root, and counts how often.
    #[derive(Debug)]
    struct Source(Json, Arc<AtomicUsize>);

    impl ContextSource for Source {
        fn kind(&self) -> &str {
            "task.complete"
        }

        fn root(&self, _name: &str) -> Json {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.clone()
        }

        fn scalar(&self, path: &[String]) -> Option<Option<Json>> {
            (path == ["queue", "known"]).then(|| Some(json!(1)))
        }

        fn default_body(&self) -> Option<Vec<u8>> {
            None
        }
    }

    /// A context with a task that is there, and a queue that is made when it is read.
    fn made_of(task: Json, queue: Json) -> (Context, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let roots = vec![("task", OnceLock::from(task)), ("queue", OnceLock::new())];
        (Context::made_of(roots, Box::new(Source(queue, Arc::clone(&made)))), made)
    }

    #[test]
    fn a_leaf_equals_the_value_that_the_engine_finds() {
        let task = json!({
            "status": "error", "steps": 30, "below": -7, "loss": 0.25, "big": u64::MAX, "late": true, "none": null,
            "text": "a text that is too long to be kept in place", "list": [1], "more": {"deep": "x", "": 1},
        });
        let (context, _) = made_of(task, json!({"total": 3, "name": null}));
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
    fn a_root_is_made_once_when_it_is_read() {
        let (context, made) = made_of(json!({"id": "a"}), json!({"total": 3}));
        assert_eq!((context.text_at(&["task", "id"]), context.kind()), (Some("a"), "task.complete"));
        assert_eq!(context.value().get_attr("task").unwrap().get_attr("id").unwrap().as_str(), Some("a"));
        assert_eq!(context.value().try_iter().unwrap().count(), 2);
        let known = leaf(context.value(), &["queue".into(), "known".into()]);
        assert_eq!(known.flatten().unwrap().as_i64(), Some(1));
        assert_eq!(made.load(Ordering::SeqCst), 0);

        let total = context.value().get_attr("queue").unwrap().get_attr("total").unwrap();
        assert_eq!((total.as_i64(), context.at(&["queue", "total"])), (Some(3), Some(&json!(3))));
        assert_eq!(context.json(), &json!({"task": {"id": "a"}, "queue": {"total": 3}}));
        assert_eq!(made.load(Ordering::SeqCst), 1);
        assert!(context.at(&["queue", "name"]).is_none() && context.at(&["batch"]).is_none());
        assert_eq!(Context::default().json(), &Json::Null);
    }
}
