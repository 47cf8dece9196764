//! Lists and maps of values.

use super::super::declaration::{ReadValue, ValueType};
use super::super::load_context::{LoadContext, TextValue};
use super::super::node::{ConfigNode, ConfigValue, join};
use super::scalar::{Text, secret_text, text};
use super::unexpected;
#[cfg(test)]
use serde_json::{Value as Json, json};

/// A list; invalid members are reported and left out.
pub(in crate::config) struct List<V> {
    type_name: &'static str,
    member: V,
    /// Whether a single text stands for a list of one.
    allows_one: bool,
}

pub(in crate::config) const fn list<V>(type_name: &'static str, member: V) -> List<V> {
    List { type_name, member, allows_one: false }
}

pub(in crate::config) const fn texts(form: &'static str) -> List<Text<TextValue>> {
    list("list of text", text(form))
}

pub(in crate::config) const fn one_or_many<V>(type_name: &'static str, member: V) -> List<V> {
    List { type_name, member, allows_one: true }
}

impl<V: ValueType> ValueType for List<V> {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn form(&self) -> String {
        format!("{}{}", if self.allows_one { "" } else { "each " }, self.member.form())
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        let list = json!({ "type": "array", "items": self.member.json_schema() });
        if self.allows_one { json!({ "anyOf": [self.member.json_schema(), list] }) } else { list }
    }
}

impl<V: ReadValue> ReadValue for List<V> {
    type Output = Vec<V::Output>;

    fn expected(&self) -> String {
        match self.allows_one {
            true => format!("{}, or a list of them", self.member.expected()),
            false => format!("a {} ({})", self.type_name, self.form()),
        }
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<Self::Output> {
        let read = |node: &ConfigNode, path: &str| self.member.read(node, path, context);
        match &node.value {
            ConfigValue::Text(_) if self.allows_one => Some(read(node, path).into_iter().collect()),
            ConfigValue::List(nodes) => {
                let members = nodes.iter().enumerate();
                Some(members.filter_map(|(at, node)| read(node, &format!("{path}[{at}]"))).collect())
            }
            _ => unexpected(node, path, &self.expected(), context),
        }
    }
}

pub(in crate::config) struct SecretMap {
    form: &'static str,
    member: Text<TextValue>,
}

pub(in crate::config) const fn secret_map(form: &'static str) -> SecretMap {
    SecretMap { form, member: secret_text(form) }
}

impl ValueType for SecretMap {
    fn type_name(&self) -> &'static str {
        "table of secret text"
    }

    fn form(&self) -> String {
        self.form.to_owned()
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "object", "additionalProperties": self.member.json_schema() })
    }
}

impl ReadValue for SecretMap {
    /// Name, offset of the name, and value.
    type Output = Vec<(String, usize, TextValue)>;

    fn expected(&self) -> String {
        "a table of names".to_owned()
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<Self::Output> {
        let ConfigValue::Table(entries) = &node.value else {
            return unexpected(node, path, &self.expected(), context);
        };
        let read = entries.iter().filter_map(|entry| {
            let value = self.member.read(&entry.node, &join(path, &entry.name), context)?;
            Some((entry.name.clone(), entry.at, value))
        });
        Some(read.collect())
    }
}
