//! A configuration as a tree of values that know where they stand, whatever language it was
//! written in.

use serde_json::Value as Json;

/// A value and the byte offset at which it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub at: usize,
    pub value: Value,
}

/// What a value can be in TOML or JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Number(serde_json::Number),
    Text(String),
    /// A TOML date or time, as written.
    Moment(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key of a table and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Byte offset of the key.
    pub at: usize,
    pub name: String,
    pub node: Node,
}

impl Node {
    /// What the value is, for a message.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Boolean(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::Moment(_) => "a date or time",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// Whether it is a list without members.
    pub fn is_empty_list(&self) -> bool {
        matches!(&self.value, Value::List(members) if members.is_empty())
    }

    /// The same value without places. A date or time becomes text.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Boolean(truth) => Json::Bool(*truth),
            Value::Number(number) => Json::Number(number.clone()),
            Value::Text(text) | Value::Moment(text) => Json::String(text.clone()),
            Value::List(nodes) => nodes.iter().map(Node::to_json).collect(),
            Value::Table(entries) => {
                entries.iter().map(|entry| (entry.name.clone(), entry.node.to_json())).collect()
            }
        }
    }

    /// The deepest value on a path such as `.blocks[0].text` or `["odd key"].text` that exists.
    pub fn descend(&self, path: &str) -> &Node {
        match self.step(path) {
            Some((next, rest)) => next.descend(rest),
            None => self,
        }
    }

    fn step<'n, 'p>(&'n self, path: &'p str) -> Option<(&'n Node, &'p str)> {
        match &self.value {
            Value::Table(entries) if path.starts_with('[') => entries.iter().find_map(|entry| {
                let rest = path.strip_prefix(&format!("[{:?}]", entry.name))?;
                Some((&entry.node, rest))
            }),
            Value::Table(entries) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                let (name, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
                entries.iter().find(|entry| entry.name == name).map(|entry| (&entry.node, rest))
            }
            Value::List(nodes) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                Some((nodes.get(index.parse::<usize>().ok()?)?, rest))
            }
            _ => None,
        }
    }
}

/// The path of a key below another one.
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
