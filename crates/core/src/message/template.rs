//! Templates, which replace the platform's own card. Three forms: a JSON tree whose leaves are templates, the text of a
//! `.j2` file, and a text with SwarmUI's `%tag%`s.

use super::context::Context;
use super::ordinary_samples;
use super::render_budget::RenderBudget;
use super::rendered_message::{Extras, Message};
use super::sample::open_context;
use super::swarmui::SwarmTemplate;
use super::template_error::{MAX_BODY_BYTES, RenderError, TemplateError, too_large};
use super::template_path;
use super::text_template::TextTemplate;
use super::tree::TemplateTree;
use serde_json::Value as Json;
use std::fmt;

/// A compiled template. May be rendered on any thread.
pub struct Template {
    origin: String,
    form: TemplateForm,
}

enum TemplateForm {
    Tree(Box<TemplateTree>),
    Text(Box<TextTemplate>),
    Swarm(SwarmTemplate),
}

impl Template {
    /// Compiles a JSON tree (a table of the configuration, or a `.json` file). `origin` is the path of the table or the
    /// name of the file, for errors.
    pub fn from_json(origin: &str, tree: &serde_json::Value) -> Result<Template, TemplateError> {
        let tree = TemplateTree::compile(&template_path::root(origin), tree)?;
        Ok(Template { origin: origin.to_owned(), form: TemplateForm::Tree(Box::new(tree)) })
    }

    /// Compiles the text of a `.j2` file.
    pub fn from_text(origin: &str, text: &str) -> Result<Template, TemplateError> {
        let text = TextTemplate::compile(origin, text)?;
        Ok(Template { origin: origin.to_owned(), form: TemplateForm::Text(Box::new(text)) })
    }

    /// Compiles a text with SwarmUI's `%tag%`s.
    pub fn from_swarmui(origin: &str, text: &str) -> Result<Template, TemplateError> {
        let text = SwarmTemplate::compile(origin, text)?;
        Ok(Template { origin: origin.to_owned(), form: TemplateForm::Swarm(text) })
    }

    pub(crate) fn is_swarmui(&self) -> bool {
        matches!(self.form, TemplateForm::Swarm(_))
    }

    /// Renders the template. The body is valid JSON of at most [`MAX_BODY_BYTES`].
    pub fn render(&self, context: &Context) -> Result<Message, RenderError> {
        let mut run = RenderBudget::new(None);
        let body = match &self.form {
            TemplateForm::Tree(tree) => self.tree_body(tree, context.value(), &mut run)?,
            TemplateForm::Text(text) => text.render(context.value(), &mut run)?,
            TemplateForm::Swarm(text) => return text.render(context),
        };
        Ok(message(body))
    }

    /// Renders the template for a platform that reads markup. `finish` gets the body with the [`marks`](super::marks) on
    /// its values, and puts in their place what the platform needs.
    pub(crate) fn render_marked(
        &self,
        context: &Context,
        finish: &dyn Fn(&mut Json),
    ) -> Result<Message, RenderError> {
        let mut run = RenderBudget::new(None);
        run.marks = true;
        let mut attach_first_output = false;
        let mut body = match &self.form {
            TemplateForm::Tree(tree) => tree.render(context.clean_value(), &mut run)?,
            TemplateForm::Text(text) => {
                let body = text.render(context.clean_value(), &mut run)?;
                serde_json::from_slice(&body).unwrap_or_default()
            }
            TemplateForm::Swarm(text) => {
                let (body, attach) = text.render_marked(context)?;
                attach_first_output = attach;
                body
            }
        };
        finish(&mut body);
        Ok(Message { attach_first_output, ..message(self.bounded(body.to_string().into_bytes())?) })
    }

    /// Renders sample data of this event type, with every branch of every `$if`, to find undefined names and other
    /// errors. Names below objects with unknown fields are allowed: `task.params.*`, `task.metrics.*`, `vars.*`, and
    /// `event.data.*` of a custom type.
    pub fn check(&self, kind: &str) -> Result<(), RenderError> {
        let open = open_context(kind);
        let mut run = RenderBudget::new(Some(&open));
        match &self.form {
            TemplateForm::Tree(tree) => {
                tree.check_names()?;
                self.tree_body(tree, open.value(), &mut run).map(|_| ())
            }
            TemplateForm::Text(text) => {
                text.check_names()?;
                text.render(open.value(), &mut run).map(|_| ())
            }
            TemplateForm::Swarm(text) => text.check(kind),
        }
    }

    /// What is allowed and probably a mistake: a misspelt field, a status that no task has, a placeholder of another system.
    pub fn doubts(&self) -> Vec<RenderError> {
        match &self.form {
            TemplateForm::Tree(tree) => tree.doubts(),
            TemplateForm::Text(text) => text.doubts(),
            TemplateForm::Swarm(_) => Vec::new(),
        }
    }

    /// How rendering fails for ordinary events of this type, of which the sample is the fullest: each place once, with
    /// the event in words. Empty when it fails for the sample too. `gets` says whether an event reaches the template, given
    /// the full sample.
    pub(crate) fn check_ordinary(
        &self,
        kind: &str,
        in_digest: bool,
        gets: &dyn Fn(&Context, &Context) -> bool,
    ) -> Vec<(String, RenderError)> {
        let names = match &self.form {
            TemplateForm::Tree(tree) => tree.names(),
            TemplateForm::Text(text) => text.names().clone(),
            TemplateForm::Swarm(_) => return Vec::new(),
        };
        let mut failures: Vec<(String, RenderError)> = Vec::new();
        let contexts = ordinary_samples::contexts(kind, &names, in_digest);
        let Some((_, full)) = contexts.first() else { return failures };
        if let Err(error) = self.render(full) {
            // A field of the host's own proves nothing; only a digest has `digest`.
            let of_digest = error.reason.starts_with("`digest");
            return if of_digest {
                vec![("an event outside of a digest".to_owned(), error)]
            } else {
                failures
            };
        }
        for (words, context) in contexts.iter().filter(|(_, context)| gets(context, full)) {
            let Err(error) = self.render(context) else { continue };
            if !failures.iter().any(|(_, known)| known.place == error.place) {
                failures.push((words.clone(), error));
            }
        }
        failures
    }

    fn tree_body(
        &self,
        tree: &TemplateTree,
        scope: &minijinja::Value,
        run: &mut RenderBudget<'_>,
    ) -> Result<Vec<u8>, RenderError> {
        self.bounded(tree.render(scope, run)?.to_string().into_bytes())
    }

    fn bounded(&self, body: Vec<u8>) -> Result<Vec<u8>, RenderError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(RenderError::at(&self.origin, None, too_large()));
        }
        Ok(body)
    }
}

fn message(body: Vec<u8>) -> Message {
    Message {
        content_type: "application/json".to_owned(),
        body,
        attach_first_output: false,
        extras: Extras::default(),
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.origin).finish()
    }
}
