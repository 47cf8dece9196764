//! `host` in templates.

use super::strings::Language;

/// `[host]`: `host` in templates.
#[derive(Debug, Clone, Default)]
pub struct HostInfo {
    /// The machine's display name; the system's host name by default.
    pub name: String,
    /// Prefix of relative output URLs, without a trailing slash.
    pub base_url: Option<String>,
    /// The language of the cards.
    pub language: Language,
    /// What the cards call a task, if it is no task.
    pub words: Option<TaskWords>,
}

/// `[words]`: the noun for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskWords {
    /// One: `frame`.
    pub task: String,
    /// Several: `frames`.
    pub tasks: String,
}
