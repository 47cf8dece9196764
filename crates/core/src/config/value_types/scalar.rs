//! Texts, choices and booleans.

use super::super::declaration::{ReadValue, ValueType};
use super::super::diagnostic::{alternatives, did_you_mean};
use super::super::load_context::{LoadContext, TextValue};
use super::super::node::{ConfigNode, ConfigValue};
use super::{resolved, unexpected};
#[cfg(test)]
use serde_json::{Value as Json, json};

type Convert<T> = fn(&TextValue, &LoadContext<'_>) -> Result<T, String>;

pub(in crate::config) struct Text<T> {
    form: &'static str,
    secret: bool,
    convert: Convert<T>,
    #[cfg_attr(not(test), expect(dead_code))]
    examples: Option<fn() -> Vec<&'static str>>,
}

pub(in crate::config) const fn text(form: &'static str) -> Text<TextValue> {
    parsed_text(form, |text, _| Ok(text.clone()))
}

/// A text that no diagnostic shows.
pub(in crate::config) const fn secret_text(form: &'static str) -> Text<TextValue> {
    text(form).secret()
}

pub(in crate::config) const fn parsed_text<T>(form: &'static str, convert: Convert<T>) -> Text<T> {
    Text { form, secret: false, convert, examples: None }
}

impl<T> Text<T> {
    pub const fn secret(self) -> Self {
        Text { secret: true, ..self }
    }

    /// Values that an editor offers.
    pub const fn with_examples(self, examples: fn() -> Vec<&'static str>) -> Self {
        Text { examples: Some(examples), ..self }
    }
}

impl<T> ValueType for Text<T> {
    fn type_name(&self) -> &'static str {
        if self.secret { "secret text" } else { "text" }
    }

    fn form(&self) -> String {
        self.form.to_owned()
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        let mut schema = json!({ "type": "string", "minLength": 1 });
        if let Some(examples) = self.examples {
            schema["examples"] = examples().into();
        }
        schema
    }
}

impl<T> ReadValue for Text<T> {
    type Output = T;

    fn expected(&self) -> String {
        format!("text ({})", self.form)
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<T> {
        let text = resolved(node, path, (&self.expected(), self.secret), context)?;
        (self.convert)(&text, context).map_err(|message| context.error(node.at, path, message)).ok()
    }
}

/// One of a few names, each of which means a value.
pub(in crate::config) struct Choice<T: 'static> {
    names: &'static [&'static str],
    values: &'static [T],
}

pub(in crate::config) const fn choice<T>(names: &'static [&'static str], values: &'static [T]) -> Choice<T> {
    assert!(names.len() == values.len());
    Choice { names, values }
}

impl<T: Sync> ValueType for Choice<T> {
    fn type_name(&self) -> &'static str {
        "text"
    }

    fn form(&self) -> String {
        alternatives(self.names)
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "anyOf": [{ "enum": self.names }, { "type": "string", "pattern": "^(env|file):" }] })
    }
}

impl<T: Sync + Copy> ReadValue for Choice<T> {
    type Output = T;

    fn expected(&self) -> String {
        self.form()
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<T> {
        let text = resolved(node, path, (&self.expected(), false), context)?;
        let chosen = self.names.iter().zip(self.values).find(|(name, _)| **name == text.text);
        if chosen.is_none() {
            let advice = did_you_mean(&text.text, self.names.iter().copied());
            context.error(node.at, path, format!("expected {}, found {}{advice}", self.form(), text.shown));
        }
        chosen.map(|(_, value)| *value)
    }
}

pub(in crate::config) struct Boolean;

impl ValueType for Boolean {
    fn type_name(&self) -> &'static str {
        "`true` or `false`"
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "boolean" })
    }
}

impl ReadValue for Boolean {
    type Output = bool;

    fn expected(&self) -> String {
        "true or false".to_owned()
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<bool> {
        match node.value {
            ConfigValue::Boolean(value) => Some(value),
            _ => unexpected(node, path, &self.expected(), context),
        }
    }
}
