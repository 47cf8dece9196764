//! `template`: from a table of the configuration, or from a file beside it.

use super::fault::{Elsewhere, line_and_column, nearest, quoted};
use super::json_text;
use super::node::{Node, Value, join};
use super::reading::read_text;
use super::section::Section;
use crate::message::Template;
use std::path::Path;

const NAME: &str = "template";
const EXPECTED: &str =
    "expected a table, \"file:NAME.json\" (a JSON template) or \"file:NAME.j2\" (a text template)";

const SYNTAX: &str = "syntax";
const SWARMUI_EXPECTED: &str =
    "with `syntax = \"swarmui\"` a template is one text, \"file:NAME.json\" or \"file:NAME.txt\"";

/// Reads the template of a hook.
pub(super) fn read(section: &Section<'_>) -> Option<Template> {
    match section.text(SYNTAX).map(|words| (words.text, words.shown)) {
        Some((syntax, _)) if syntax == "swarmui" => return swarmui(section),
        Some((syntax, shown)) if syntax != "jinja" => {
            let advice = match nearest(&syntax, ["jinja", "swarmui"]) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "known are jinja and swarmui".to_owned(),
            };
            section.fault(SYNTAX, format!("there is no syntax {shown}; {advice}"));
            return None;
        }
        _ => {}
    }
    let node = section.node(NAME)?;
    match &node.value {
        Value::Table(_) => from_table(section, node),
        Value::Text(text) => match text.strip_prefix("file:") {
            Some(name) => from_file(section, name),
            None => {
                section.fault(NAME, format!("{EXPECTED}, not {}", quoted(text)));
                None
            }
        },
        _ => {
            section.fault(NAME, format!("{EXPECTED}, found {}", node.kind()));
            None
        }
    }
}

fn from_table(section: &Section<'_>, node: &Node) -> Option<Template> {
    let origin = join(&section.path, NAME);
    match Template::from_json(&origin, &node.to_json()) {
        Ok(template) => Some(template),
        Err(error) => {
            let leaf = leaf(node, &origin, &error.place);
            let key = if error.place.starts_with(&origin) { error.place.as_str() } else { &origin };
            section.reading.fault(leaf.at, key, sentence(leaf, error.line, &error.reason));
            None
        }
    }
}

/// The value that an error of a template speaks of: `place` begins with the template's origin.
pub(super) fn leaf<'n>(tree: &'n Node, origin: &str, place: &str) -> &'n Node {
    let place = place.strip_prefix(origin).unwrap_or(place);
    tree.descend(place.strip_prefix(": ").unwrap_or(place))
}

/// The fault in words. The line counts inside a leaf, so it helps only where a leaf has several.
pub(super) fn sentence(leaf: &Node, line: Option<usize>, reason: &str) -> String {
    match (&leaf.value, line) {
        (Value::Text(text), Some(line)) if text.contains('\n') => {
            format!("{reason} (line {line} of this text)")
        }
        _ => reason.to_owned(),
    }
}

fn from_file(section: &Section<'_>, name: &str) -> Option<Template> {
    let path = section.reading.path(name);
    let read = match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => from_json_file,
        Some("j2") => from_text_file,
        _ => {
            section.fault(NAME, format!("{EXPECTED}, not {}", quoted(&format!("file:{name}"))));
            return None;
        }
    };
    match read_text(&path) {
        Ok(text) => read(section, &path, name, &text),
        Err(message) => {
            section.fault(NAME, message);
            None
        }
    }
}

fn from_json_file(section: &Section<'_>, path: &Path, name: &str, text: &str) -> Option<Template> {
    let tree = match json_text::parse(text) {
        Ok(tree) => tree,
        Err(faults) => {
            for fault in faults {
                fault_in_file(section, path, line_and_column(text, fault.at), fault.message);
            }
            return None;
        }
    };
    match Template::from_json(name, &tree.to_json()) {
        Ok(template) => Some(template),
        Err(error) => {
            let leaf = leaf(&tree, name, &error.place);
            let message = sentence(leaf, error.line, &error.reason);
            fault_in_file(section, path, line_and_column(text, leaf.at), message);
            None
        }
    }
}

fn from_text_file(section: &Section<'_>, path: &Path, name: &str, text: &str) -> Option<Template> {
    match Template::from_text(name, text) {
        Ok(template) => Some(template),
        Err(error) => {
            fault_in_file(section, path, (error.line.unwrap_or(1), 1), error.reason);
            None
        }
    }
}

/// A template in SwarmUI's syntax. Without one the body is `{}`, as SwarmUI sends it.
fn swarmui(section: &Section<'_>) -> Option<Template> {
    let Some(node) = section.node(NAME) else {
        return Template::from_swarmui(&join(&section.path, NAME), "").ok();
    };
    let Value::Text(text) = &node.value else {
        section.fault(NAME, format!("{SWARMUI_EXPECTED}, not {}", node.kind()));
        return None;
    };
    let Some(name) = text.strip_prefix("file:") else {
        return match Template::from_swarmui(&join(&section.path, NAME), text) {
            Ok(template) => Some(template),
            Err(error) => {
                section.fault(NAME, sentence(node, error.line, &error.reason));
                None
            }
        };
    };
    let path = section.reading.path(name);
    if !matches!(path.extension().and_then(|extension| extension.to_str()), Some("json" | "txt")) {
        section.fault(NAME, format!("{SWARMUI_EXPECTED}, not {}", quoted(text)));
        return None;
    }
    let text = read_text(&path).map_err(|message| section.fault(NAME, message)).ok()?;
    match Template::from_swarmui(name, &text) {
        Ok(template) => Some(template),
        Err(error) => {
            fault_in_file(section, &path, (error.line.unwrap_or(1), 1), error.reason);
            None
        }
    }
}

fn fault_in_file(section: &Section<'_>, path: &Path, (line, column): (usize, usize), message: String) {
    let place = Elsewhere { file: path.to_owned(), line, column };
    section.reading.fault_elsewhere(section.place(NAME), &join(&section.path, NAME), place, message);
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
