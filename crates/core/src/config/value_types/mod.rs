//! The types that a key of the configuration can have.

mod number;
mod scalar;
mod several;
mod table;

pub(super) use number::{DurationRange, IntegerRange, NumberRange, RateForm, SizeRange, duration, size};
pub(super) use scalar::{Boolean, Choice, Text, choice, parsed_text, secret_text, text};
pub(super) use several::{List, SecretMap, list, one_or_many, secret_map, texts};
pub(super) use table::{FreeTables, NamedTables, SubTable, TableList, TemplateValue};

use super::load_context::{LoadContext, TextValue};
use super::node::{ConfigNode, ConfigValue};

/// Reports a value of another type.
#[cold]
fn unexpected<T>(node: &ConfigNode, path: &str, expected: &str, context: &LoadContext<'_>) -> Option<T> {
    context.error(node.at, path, format!("expected {expected}, found {}", node.type_name()));
    None
}

/// A text with `env:` and `file:` resolved; anything else is an error.
fn resolved(
    node: &ConfigNode,
    path: &str,
    (expected, is_secret): (&str, bool),
    context: &LoadContext<'_>,
) -> Option<TextValue> {
    match &node.value {
        ConfigValue::Text(text) => context.resolve(text, node.at, path, is_secret),
        _ => unexpected(node, path, expected, context),
    }
}
