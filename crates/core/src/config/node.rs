//! The parsed text of a configuration: a tree of values with their byte offsets, the same for TOML and JSON.

use serde_json::Value as Json;

/// A value and the byte offset of its first character.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConfigNode {
    pub at: usize,
    pub value: ConfigValue,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ConfigValue {
    Null,
    Boolean(bool),
    Number(serde_json::Number),
    Text(String),
    /// A TOML date or time, as written.
    DateTime(String),
    List(Vec<ConfigNode>),
    Table(Vec<ConfigEntry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConfigEntry {
    /// Byte offset of the key.
    pub at: usize,
    pub name: String,
    pub node: ConfigNode,
}

impl ConfigNode {
    /// Its text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            ConfigValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The type of the value, as a diagnostic names it.
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            ConfigValue::Null => "null",
            ConfigValue::Boolean(_) => "a boolean",
            ConfigValue::Number(_) => "a number",
            ConfigValue::Text(_) => "text",
            ConfigValue::DateTime(_) => "a date or time",
            ConfigValue::List(_) => "a list",
            ConfigValue::Table(_) => "a table",
        }
    }

    pub fn is_empty_list(&self) -> bool {
        matches!(&self.value, ConfigValue::List(members) if members.is_empty())
    }

    /// The value without offsets. A date or time becomes text.
    pub fn to_json(&self) -> Json {
        match &self.value {
            ConfigValue::Null => Json::Null,
            ConfigValue::Boolean(truth) => Json::Bool(*truth),
            ConfigValue::Number(number) => Json::Number(number.clone()),
            ConfigValue::Text(text) | ConfigValue::DateTime(text) => Json::String(text.clone()),
            ConfigValue::List(nodes) => nodes.iter().map(ConfigNode::to_json).collect(),
            ConfigValue::Table(entries) => {
                entries.iter().map(|entry| (entry.name.clone(), entry.node.to_json())).collect()
            }
        }
    }

    /// The deepest existing value on a path such as `.blocks[0].text` or `["odd key"].text`.
    pub fn descend(&self, path: &str) -> &ConfigNode {
        match self.step(path) {
            Some((next, rest)) => next.descend(rest),
            None => self,
        }
    }

    fn step<'n, 'p>(&'n self, path: &'p str) -> Option<(&'n ConfigNode, &'p str)> {
        match &self.value {
            ConfigValue::Table(entries) if path.starts_with('[') => entries.iter().find_map(|entry| {
                let rest = path.strip_prefix(&format!("[{:?}]", entry.name))?;
                Some((&entry.node, rest))
            }),
            ConfigValue::Table(entries) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                let (name, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
                entries.iter().find(|entry| entry.name == name).map(|entry| (&entry.node, rest))
            }
            ConfigValue::List(nodes) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                Some((nodes.get(index.parse::<usize>().ok()?)?, rest))
            }
            _ => None,
        }
    }
}

/// The dotted path of a key below another one.
#[cold]
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::super::json_text;

    #[test]
    fn a_path_leads_to_the_deepest_value_that_exists() {
        let text = r#"{"a.b": [1, {"c": "x"}], "a": {"b": 2}}"#;
        let tree = json_text::parse(text).unwrap();
        let found = |path: &str| &text[tree.descend(path).at..];
        assert!(found("[\"a.b\"][1].c").starts_with("\"x\""));
        assert!(found("[\"a.b\"][9]").starts_with("[1"));
        assert!(found(".a.b").starts_with("2"));
        assert!(found("a.b.c").starts_with("2"));
        assert!(found(".nothing").starts_with("{\"a.b"));
        assert!(found("").starts_with("{\"a.b"));
        assert_eq!(tree.to_json().to_string(), r#"{"a.b":[1,{"c":"x"}],"a":{"b":2}}"#);
    }
}
