//! `host` in templates.

use super::strings::Language;
use crate::json::{Members, json};
use serde_json::Value as Json;
use std::sync::OnceLock;

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
    /// As each message has it.
    pub(crate) text: OnceLock<Vec<u8>>,
}

impl HostInfo {
    /// `host` of a context.
    pub fn json(&self) -> Json {
        let mut host = json!({
            "name": self.name,
            "base_url": self.base_url,
            "language": self.language.code(),
        });
        if let (Some(words), Json::Object(host)) = (&self.words, &mut host) {
            host.put("words", json!({"task": words.task, "tasks": words.tasks}));
        }
        host
    }

    /// The same of another machine.
    pub fn named(&self, name: &str) -> HostInfo {
        HostInfo {
            name: name.to_owned(),
            base_url: self.base_url.clone(),
            language: self.language,
            words: self.words.clone(),
            text: OnceLock::new(),
        }
    }

    /// The same in JSON, made once.
    pub fn text(&self) -> &[u8] {
        self.text.get_or_init(|| crate::json::bytes(&self.json()))
    }
}

/// `[words]`: the noun for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskWords {
    /// One: `frame`.
    pub task: String,
    /// Several: `frames`.
    pub tasks: String,
}
