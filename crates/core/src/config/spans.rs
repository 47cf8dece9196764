//! The places of all values of a loaded configuration, for problems that are found later.

use super::diagnostic::{ConfigError, line_and_column};
use super::json_text;
use super::load_context::read_text;
use super::node::{ConfigNode, ConfigValue};
use super::template::{leaf, sentence};
use crate::secret::Scrubber;
use std::fmt;
use std::path::{Path, PathBuf};

/// The text of a configuration with the place of each value. Gives a problem of a valid configuration, such as a
/// template that fails on sample data, its file, line and column.
pub struct ConfigSpans {
    pub(super) file: Option<PathBuf>,
    /// The folder that relative paths are resolved against.
    pub(super) folder: PathBuf,
    pub(super) text: String,
    pub(super) tree: ConfigNode,
    pub(super) scrubber: Scrubber,
}

impl ConfigSpans {
    /// A problem of a key such as `hooks[0].when`. An omitted key is located at its table.
    #[cold]
    pub fn at(&self, key: &str, message: &str) -> ConfigError {
        self.at_node(self.tree.descend(key), key, message)
    }

    /// A problem in the template of the hook with this index: `place` and `line` as in
    /// [`RenderError`](crate::message::RenderError). A template file is read again to find the place in it.
    pub fn in_template(&self, hook: usize, place: &str, line: Option<usize>, reason: &str) -> ConfigError {
        let key = format!("hooks[{hook}].template");
        let node = self.tree.descend(&key);
        if let ConfigValue::Text(text) = &node.value
            && let Some(name) = text.strip_prefix("file:")
        {
            return self.in_file(name, &key, place, line, reason);
        }
        let leaf = leaf(node, &key, place);
        let key = if place.starts_with(&key) { place } else { &key };
        self.at_node(leaf, key, &sentence(leaf, line, reason))
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
        self.error(Some(&path), line, column, key, &message)
    }

    #[cold]
    fn at_node(&self, node: &ConfigNode, key: &str, message: &str) -> ConfigError {
        let (line, column) = line_and_column(&self.text, node.at);
        self.error(self.file.as_deref(), line, column, key, message)
    }

    fn error(
        &self,
        file: Option<&Path>,
        line: usize,
        column: usize,
        key: &str,
        message: &str,
    ) -> ConfigError {
        ConfigError {
            file: file.map(Path::to_owned),
            line,
            column,
            key: key.to_owned(),
            message: self.scrubber.scrub(message),
        }
    }
}

impl fmt::Debug for ConfigSpans {
    /// Omits the text, which may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigSpans").field("file", &self.file).finish_non_exhaustive()
    }
}
