//! The types that a key of the configuration can have.

mod number;
mod scalar;
mod several;
mod table;

pub(super) use number::{
    DurationRange, IntegerRange, NumberRange, RateForm, SizeRange, duration, integer, number, number_within,
    rate, size,
};
pub(super) use scalar::{Boolean, Choice, Text, choice, parsed_text, secret_text, text};
pub(super) use several::{List, OneOrMany, SecretMap, list, one_or_many, secret_map};
pub(super) use table::{FreeTables, NamedTables, SubTable, TableList, TemplateValue};

use super::load_context::{LoadContext, TextValue};
use super::node::{ConfigNode, ConfigValue};

#[cold]
fn unexpected(node: &ConfigNode, path: &str, expected: &str, context: &LoadContext<'_>) {
    context.error(node.at, path, format!("expected {expected}, found {}", node.type_name()));
}

/// The members of a list, each with its path.
fn members<'n>(nodes: &'n [ConfigNode], path: &str) -> impl Iterator<Item = (&'n ConfigNode, String)> {
    nodes.iter().enumerate().map(move |(index, node)| (node, format!("{path}[{index}]")))
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
        _ => {
            unexpected(node, path, expected, context);
            None
        }
    }
}
