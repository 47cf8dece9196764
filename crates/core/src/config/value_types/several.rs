//! Lists and maps of values.

use super::super::declaration::{ReadValue, ValueType};
use super::super::load_context::{LoadContext, TextValue};
use super::super::node::{ConfigNode, ConfigValue, join};
use super::scalar::{Text, secret_text};
use super::{members, unexpected};
#[cfg(test)]
use serde_json::{Value as Json, json};

/// A list; invalid members are reported and left out.
pub(in crate::config) struct List<V> {
    type_name: &'static str,
    member: V,
}

pub(in crate::config) const fn list<V>(type_name: &'static str, member: V) -> List<V> {
    List { type_name, member }
}

impl<V: ValueType> ValueType for List<V> {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn form(&self) -> String {
        format!("each {}", self.member.form())
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "array", "items": self.member.json_schema() })
    }
}

impl<V: ReadValue> ReadValue for List<V> {
    type Output = Vec<V::Output>;

    fn expected(&self) -> String {
        format!("a {} ({})", self.type_name, self.form())
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<Self::Output> {
        let ConfigValue::List(nodes) = &node.value else {
            unexpected(node, path, &self.expected(), context);
            return None;
        };
        Some(members(nodes, path).filter_map(|(node, path)| self.member.read(node, &path, context)).collect())
    }
}

pub(in crate::config) struct OneOrMany<V> {
    type_name: &'static str,
    member: V,
}

pub(in crate::config) const fn one_or_many<V>(type_name: &'static str, member: V) -> OneOrMany<V> {
    OneOrMany { type_name, member }
}

impl<V: ValueType> ValueType for OneOrMany<V> {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn form(&self) -> String {
        self.member.form()
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        let member = self.member.json_schema();
        json!({ "anyOf": [member, { "type": "array", "items": member }] })
    }
}

impl<V: ReadValue> ReadValue for OneOrMany<V> {
    type Output = Vec<V::Output>;

    fn expected(&self) -> String {
        format!("{}, or a list of them", self.member.expected())
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<Self::Output> {
        let read = |node: &ConfigNode, path: &str| self.member.read(node, path, context);
        match &node.value {
            ConfigValue::Text(_) => Some(read(node, path).into_iter().collect()),
            ConfigValue::List(nodes) => {
                Some(members(nodes, path).filter_map(|(node, path)| read(node, &path)).collect())
            }
            _ => {
                unexpected(node, path, &self.expected(), context);
                None
            }
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
            unexpected(node, path, &self.expected(), context);
            return None;
        };
        let read = entries.iter().filter_map(|entry| {
            let value = self.member.read(&entry.node, &join(path, &entry.name), context)?;
            Some((entry.name.clone(), entry.at, value))
        });
        Some(read.collect())
    }
}
