//! Templates.
use super::{Context, Message};

/// How the text leaves of a template are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// minijinja.
    #[default]
    Jinja,
}

/// A compiled template.
#[derive(Debug)]
pub struct Template {}

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

impl Template {
    /// From a JSON tree (a table of the configuration, or a `.json` file).
    pub fn from_json(_origin: &str, _tree: &serde_json::Value) -> Result<Template, TemplateError> {
        Ok(Template {})
    }
    /// From the text of a `.j2` file.
    pub fn from_text(_origin: &str, _text: &str) -> Result<Template, TemplateError> {
        Ok(Template {})
    }
    /// Renders.
    pub fn render(&self, _context: &Context) -> Result<Message, RenderError> {
        Ok(Message { content_type: String::new(), body: Vec::new() })
    }
}
