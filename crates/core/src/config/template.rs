//! `template` of a hook: from a table of the configuration, or from a file.

use super::declaration::ConfigKey;
use super::diagnostic::{FileLocation, line_and_column, quoted};
use super::json_text;
use super::load_context::read_text;
use super::node::{ConfigNode, ConfigValue};
use super::table_reader::TableReader;
use super::value_types::{Choice, TemplateValue};
use crate::message::{Template, TemplateError};
use std::path::Path;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TemplateSyntax {
    #[default]
    Jinja,
    SwarmUi,
}

const JINJA_FORM: &str =
    "expected a table, \"file:NAME.json\" (a JSON template) or \"file:NAME.j2\" (a text template)";

const SWARMUI_FORM: &str =
    "with `syntax = \"swarmui\"` a template is one text, \"file:NAME.json\" or \"file:NAME.txt\"";

pub(super) fn read(
    table: &TableReader<'_>,
    key: &'static ConfigKey<TemplateValue>,
    syntax: &ConfigKey<Choice<TemplateSyntax>>,
) -> Option<Template> {
    let reader = TemplateReader { table, key, origin: table.path_of(key) };
    let node = table.written(key);
    match (table.read(syntax)?, node.map(|node| (node, &node.value))) {
        // Without a template SwarmUI sends `{}`.
        (TemplateSyntax::SwarmUi, None) => Template::from_swarmui(&reader.origin, "").ok(),
        (TemplateSyntax::SwarmUi, Some((node, ConfigValue::Text(text)))) => reader.swarmui(node, text),
        (TemplateSyntax::SwarmUi, Some((node, _))) => reader.reject(SWARMUI_FORM, node.type_name()),
        (TemplateSyntax::Jinja, None) => None,
        (TemplateSyntax::Jinja, Some((node, ConfigValue::Table(_)))) => reader.jinja_table(node),
        (TemplateSyntax::Jinja, Some((_, ConfigValue::Text(text)))) => reader.jinja_file(text),
        (TemplateSyntax::Jinja, Some((node, _))) => reader.reject(JINJA_FORM, node.type_name()),
    }
}

struct TemplateReader<'t, 'r> {
    table: &'t TableReader<'r>,
    key: &'static ConfigKey<TemplateValue>,
    /// The path of the key, which is the origin of a template in the configuration itself.
    origin: String,
}

impl TemplateReader<'_, '_> {
    fn reject(&self, form: &str, found: &str) -> Option<Template> {
        self.table.error(self.key, format!("{form}, found {found}"));
        None
    }

    fn jinja_table(&self, node: &ConfigNode) -> Option<Template> {
        let error = match Template::from_json(&self.origin, &node.to_json()) {
            Ok(template) => return Some(template),
            Err(error) => error,
        };
        let leaf = leaf(node, &self.origin, &error.place);
        let key = if error.place.starts_with(&self.origin) { &error.place } else { &self.origin };
        self.table.context.error(leaf.at, key, sentence(leaf, error.line, &error.reason));
        None
    }

    fn jinja_file(&self, text: &str) -> Option<Template> {
        match text.strip_prefix("file:").map(|name| (name, extension(name))) {
            Some((name, Some("json"))) => self.json_file(name),
            Some((name, Some("j2"))) => self.text_file(name, Template::from_text),
            _ => self.reject(JINJA_FORM, &quoted(text)),
        }
    }

    fn swarmui(&self, node: &ConfigNode, text: &str) -> Option<Template> {
        match text.strip_prefix("file:").map(|name| (name, extension(name))) {
            None => {
                let compiled = Template::from_swarmui(&self.origin, text);
                compiled
                    .map_err(|error| self.table.error(self.key, sentence(node, error.line, &error.reason)))
                    .ok()
            }
            Some((name, Some("json" | "txt"))) => self.text_file(name, Template::from_swarmui),
            Some(_) => self.reject(SWARMUI_FORM, &quoted(text)),
        }
    }

    fn json_file(&self, name: &str) -> Option<Template> {
        let text = self.read_file(name)?;
        let tree = match json_text::parse(&text) {
            Ok(tree) => tree,
            Err(errors) => {
                for error in errors {
                    self.error_in_file(name, line_and_column(&text, error.at), error.message);
                }
                return None;
            }
        };
        let error = match Template::from_json(name, &tree.to_json()) {
            Ok(template) => return Some(template),
            Err(error) => error,
        };
        let leaf = leaf(&tree, name, &error.place);
        let message = sentence(leaf, error.line, &error.reason);
        self.error_in_file(name, line_and_column(&text, leaf.at), message);
        None
    }

    fn text_file(
        &self,
        name: &str,
        compile: impl Fn(&str, &str) -> Result<Template, TemplateError>,
    ) -> Option<Template> {
        let compiled = compile(name, &self.read_file(name)?);
        compiled.map_err(|error| self.error_in_file(name, (error.line.unwrap_or(1), 1), error.reason)).ok()
    }

    fn read_file(&self, name: &str) -> Option<String> {
        let text = read_text(&self.table.context.path(name));
        text.map_err(|message| self.table.error(self.key, message)).ok()
    }

    fn error_in_file(&self, name: &str, (line, column): (usize, usize), message: String) {
        let location = FileLocation { file: self.table.context.path(name), line, column };
        self.table.context.error_in_file(self.table.offset(self.key), &self.origin, location, message);
    }
}

fn extension(name: &str) -> Option<&str> {
    Path::new(name).extension()?.to_str()
}

/// The value that a template's error refers to: `place` starts with the template's origin.
pub(super) fn leaf<'n>(tree: &'n ConfigNode, origin: &str, place: &str) -> &'n ConfigNode {
    let place = place.strip_prefix(origin).unwrap_or(place);
    tree.descend(place.strip_prefix(": ").unwrap_or(place))
}

/// Adds the line within the leaf's text to the reason, if the text has several lines.
pub(super) fn sentence(leaf: &ConfigNode, line: Option<usize>, reason: &str) -> String {
    match (&leaf.value, line) {
        (ConfigValue::Text(text), Some(line)) if text.contains('\n') => {
            format!("{reason} (line {line} of this text)")
        }
        _ => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_template_leads_to_its_leaf() {
        let text = "{\"blocks\": [\n  {\"text\": \"a\\n{{ b\"}\n]}";
        let tree = json_text::parse(text).unwrap();
        let found = leaf(&tree, "card.json", "card.json: blocks[0].text");
        assert_eq!(line_and_column(text, found.at), (2, 12));
        assert_eq!(sentence(found, Some(2), "unclosed"), "unclosed (line 2 of this text)");
        let whole = leaf(&tree, "card.json", "card.json");
        assert_eq!(whole.at, 0, "a place without a path is the template as a whole");
    }
}
