//! Where everything stands in a configuration that has been read, for what is found out later.

use super::fault::{ConfigError, line_and_column};
use super::json_text;
use super::node::{Node, Value};
use super::reading::read_text;
use super::template::{leaf, sentence};
use crate::secret::Scrubber;
use std::fmt;
use std::path::{Path, PathBuf};

/// The text of a configuration with the place of each value: gives a finding about a sound
/// configuration, such as a template that fails on sample data, its file, line and column.
pub struct Places {
    pub(super) file: Option<PathBuf>,
    /// Where relative paths start.
    pub(super) folder: PathBuf,
    pub(super) text: String,
    pub(super) tree: Node,
    pub(super) scrubber: Scrubber,
}

impl Places {
    /// A finding about a key, such as `hooks[0].when`. A key that is not there stands for the table
    /// it would be in.
    pub fn at(&self, key: &str, message: &str) -> ConfigError {
        self.found(self.tree.descend(key), key, message)
    }

    /// A finding in the template of the hook of this index: `place` and `line` as in
    /// [`RenderError`](crate::message::RenderError). A template of a file has its place in that
    /// file, which is read again.
    pub fn in_template(&self, hook: usize, place: &str, line: Option<usize>, reason: &str) -> ConfigError {
        let key = format!("hooks[{hook}].template");
        let node = self.tree.descend(&key);
        let file = match &node.value {
            Value::Text(text) => text.strip_prefix("file:"),
            _ => None,
        };
        match file {
            Some(name) => self.in_file(name, &key, place, line, reason),
            None => {
                let leaf = leaf(node, &key, place);
                let key = if place.starts_with(&key) { place } else { &key };
                self.found(leaf, key, &sentence(leaf, line, reason))
            }
        }
    }

    fn in_file(&self, name: &str, key: &str, place: &str, line: Option<usize>, reason: &str) -> ConfigError {
        let path = self.folder.join(name);
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let text = if is_json { read_text(&path).unwrap_or_default() } else { String::new() };
        let (line, column, message) = match json_text::parse(&text) {
            Ok(tree) => {
                let leaf = leaf(&tree, name, place);
                let (at_line, column) = line_and_column(&text, leaf.at);
                (at_line, column, sentence(leaf, line, reason))
            }
            Err(_) => (line.unwrap_or(1), 1, reason.to_owned()),
        };
        self.told(Some(&path), line, column, key, &message)
    }

    fn found(&self, node: &Node, key: &str, message: &str) -> ConfigError {
        let (line, column) = line_and_column(&self.text, node.at);
        self.told(self.file.as_deref(), line, column, key, message)
    }

    fn told(&self, file: Option<&Path>, line: usize, column: usize, key: &str, message: &str) -> ConfigError {
        ConfigError {
            file: file.map(Path::to_owned),
            line,
            column,
            key: key.to_owned(),
            message: self.scrubber.scrub(message),
        }
    }
}

impl fmt::Debug for Places {
    /// The text may hold secrets, so it is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("file", &self.file).finish_non_exhaustive()
    }
}
