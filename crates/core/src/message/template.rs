//! Templates: what a hook says instead of the platform's own card. Three forms: a JSON tree whose leaves
//! are templates, the text of a `.j2` file, and a text with SwarmUI's `%tag%`s.

use super::formula::Fault;
use super::sample::{OpenContext, open_context};
use super::swarmui::SwarmTemplate;
use super::text::TextTemplate;
use super::tree::Tree;
use super::{Context, Extras, Message, place};
use std::fmt;

/// The largest body a template may make, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The steps a whole template may take; about 10 ms.
const STEPS_PER_RENDER: u64 = 500_000;

/// The turns all `$for` of a template may take together.
const TURNS_PER_RENDER: usize = 10_000;

/// A compiled template. Rendering never changes it and may happen on any thread.
pub struct Template {
    origin: String,
    form: Form,
}

enum Form {
    Tree(Tree),
    Text(TextTemplate),
    Swarm(SwarmTemplate),
}

/// Why a template cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Where in the template: a file, or the path of a leaf such as `template.text`.
    pub place: String,
    /// Line in that text, from 1.
    pub line: Option<usize>,
    /// The fault.
    pub reason: String,
}

/// Why a template cannot be rendered for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// Where in the template.
    pub place: String,
    /// Line in that text, from 1.
    pub line: Option<usize>,
    /// The fault.
    pub reason: String,
}

fn write_fault(f: &mut fmt::Formatter<'_>, place: &str, line: Option<usize>, reason: &str) -> fmt::Result {
    match line {
        Some(line) => write!(f, "{place}, line {line}: {reason}"),
        None => write!(f, "{place}: {reason}"),
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fault(f, &self.place, self.line, &self.reason)
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fault(f, &self.place, self.line, &self.reason)
    }
}

impl std::error::Error for TemplateError {}
impl std::error::Error for RenderError {}

impl RenderError {
    pub(super) fn at(at: &str, line: Option<usize>, reason: impl Into<String>) -> Self {
        RenderError { place: place::shown(at), line, reason: reason.into() }
    }
}

impl TemplateError {
    pub(super) fn at(at: &str, line: Option<usize>, reason: impl Into<String>) -> Self {
        TemplateError { place: place::shown(at), line, reason: reason.into() }
    }
}

impl Template {
    /// From a JSON tree (a table of the configuration, or a `.json` file). `origin` is the path of the
    /// table or the name of the file, for errors.
    pub fn from_json(origin: &str, tree: &serde_json::Value) -> Result<Template, TemplateError> {
        let tree = Tree::compile(&place::root(origin), tree)?;
        Ok(Template { origin: origin.to_owned(), form: Form::Tree(tree) })
    }

    /// From the text of a `.j2` file.
    pub fn from_text(origin: &str, text: &str) -> Result<Template, TemplateError> {
        let text = TextTemplate::compile(origin, text)?;
        Ok(Template { origin: origin.to_owned(), form: Form::Text(text) })
    }

    /// From a text with SwarmUI's `%tag%`s.
    pub fn from_swarmui(origin: &str, text: &str) -> Result<Template, TemplateError> {
        let text = SwarmTemplate::compile(origin, text)?;
        Ok(Template { origin: origin.to_owned(), form: Form::Swarm(text) })
    }

    /// Whether it is written in SwarmUI's syntax.
    pub(crate) fn is_swarmui(&self) -> bool {
        matches!(self.form, Form::Swarm(_))
    }

    /// Renders. The body is valid JSON of at most [`MAX_BODY_BYTES`].
    pub fn render(&self, context: &Context) -> Result<Message, RenderError> {
        let mut run = Run::new(None);
        let body = match &self.form {
            Form::Tree(tree) => self.tree_body(tree, context.value(), &mut run)?,
            Form::Text(text) => text.render(context.value(), &mut run)?,
            Form::Swarm(text) => return text.render(context),
        };
        Ok(Message {
            content_type: "application/json".to_owned(),
            body,
            attach_first_output: false,
            extras: Extras::default(),
        })
    }

    /// Renders for sample data of this event type, each branch of each `$if` included, to find a name
    /// that is undefined and what else would fail. A name below an object whose fields Taskbell cannot
    /// know is no fault: `task.params.*`, `task.metrics.*`, `vars.*`, and `event.data.*` of a host's own
    /// type.
    pub fn check(&self, kind: &str) -> Result<(), RenderError> {
        let open = open_context(kind);
        let mut run = Run::new(Some(&open));
        match &self.form {
            Form::Tree(tree) => {
                tree.check_names()?;
                self.tree_body(tree, open.value(), &mut run).map(|_| ())
            }
            Form::Text(text) => {
                text.check_names()?;
                text.render(open.value(), &mut run).map(|_| ())
            }
            Form::Swarm(text) => text.check(kind),
        }
    }

    fn tree_body(
        &self,
        tree: &Tree,
        scope: &minijinja::Value,
        run: &mut Run<'_>,
    ) -> Result<Vec<u8>, RenderError> {
        let body = tree.render(scope, run)?.to_string().into_bytes();
        if body.len() > MAX_BODY_BYTES {
            return Err(RenderError::at(&self.origin, None, too_large()));
        }
        Ok(body)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.origin).finish()
    }
}

/// The fault of a message that outgrows its bound.
pub(super) fn too_large() -> String {
    format!("the message would be larger than {} KiB", MAX_BODY_BYTES / 1024)
}

/// What one rendering may still spend, and whether it is a check.
pub(super) struct Run<'a> {
    steps: u64,
    turns: usize,
    /// Bytes of JSON that may still be made.
    pub room: usize,
    open: Option<&'a OpenContext>,
    /// The `$for` around it that run over nothing known.
    guessed_loops: usize,
}

impl<'a> Run<'a> {
    fn new(open: Option<&'a OpenContext>) -> Self {
        Run { steps: STEPS_PER_RENDER, turns: TURNS_PER_RENDER, room: MAX_BODY_BYTES, open, guessed_loops: 0 }
    }

    /// The sample, when this is a check.
    pub fn sample(&self) -> Option<&'a OpenContext> {
        self.open
    }

    /// Starts a piece: what was guessed before it does not excuse it.
    pub fn begin(&self) {
        if let Some(open) = self.open {
            open.forget();
        }
    }

    /// Whether this piece read a value that the sample had to guess.
    pub fn was_guessed(&self) -> bool {
        self.open.is_some_and(|open| self.guessed_loops > 0 || open.was_guessed())
    }

    /// Whether a failure of this piece may come from a guess.
    pub fn excuses(&self, fault: &Fault) -> bool {
        self.was_guessed() && !fault.is_of_context()
    }

    /// Does something inside a `$for` whose items are guessed.
    pub fn guessing<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.guessed_loops += 1;
        let done = work(self);
        self.guessed_loops -= 1;
        done
    }

    /// Spends steps.
    pub fn spend(&mut self, at: &str, steps: u64) -> Result<(), RenderError> {
        self.steps = self.steps.checked_sub(steps).ok_or_else(|| {
            let reason = format!("the template took more than {STEPS_PER_RENDER} steps and was stopped here");
            RenderError::at(at, None, reason)
        })?;
        Ok(())
    }

    /// Spends a turn of a `$for`.
    pub fn turn(&mut self, at: &str) -> Result<(), RenderError> {
        self.turns = self.turns.checked_sub(1).ok_or_else(|| {
            let reason = format!(
                "the template took more than {TURNS_PER_RENDER} turns of `$for` and was stopped here"
            );
            RenderError::at(at, None, reason)
        })?;
        // A turn that does nothing is still work.
        self.spend(at, 10)
    }

    /// The turns left.
    pub fn turns(&self) -> usize {
        self.turns
    }
}
