//! Why a template cannot be compiled or rendered, and the limit of its result.

use super::template_path;
use std::fmt;

/// The largest body that a template may render, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Why a template cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The place in the template: a file, or the path of a leaf such as `template.text`.
    pub place: String,
    /// Line in that text, from 1.
    pub line: Option<usize>,
    /// The problem in words.
    pub reason: String,
}

/// Why a template cannot be rendered for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// The place in the template, as in [`TemplateError`].
    pub place: String,
    /// Line in that text, from 1.
    pub line: Option<usize>,
    /// The problem in words.
    pub reason: String,
}

fn write_error(f: &mut fmt::Formatter<'_>, place: &str, line: Option<usize>, reason: &str) -> fmt::Result {
    match line {
        Some(line) => write!(f, "{place}, line {line}: {reason}"),
        None => write!(f, "{place}: {reason}"),
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_error(f, &self.place, self.line, &self.reason)
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_error(f, &self.place, self.line, &self.reason)
    }
}

impl std::error::Error for TemplateError {}
impl std::error::Error for RenderError {}

impl RenderError {
    pub(super) fn at(at: &str, line: Option<usize>, reason: impl Into<String>) -> Self {
        RenderError { place: template_path::shown(at), line, reason: reason.into() }
    }
}

impl TemplateError {
    pub(super) fn at(at: &str, line: Option<usize>, reason: impl Into<String>) -> Self {
        TemplateError { place: template_path::shown(at), line, reason: reason.into() }
    }
}

/// The error for a message that exceeds [`MAX_BODY_BYTES`].
pub(super) fn too_large() -> String {
    format!("the message would be larger than {} KiB", MAX_BODY_BYTES / 1024)
}
