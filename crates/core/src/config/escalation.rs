//! `escalate` of a hook.

use super::declaration::DefaultValue::Required;
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::load_context::TextValue;
use super::names::read_endpoint_names;
use super::table_reader::TableReader;
use super::value_types::{DurationRange, List, Text, duration, texts};
use crate::hooks::Escalate;

config_table! {
    keys: ConfigTable::new(
        "Sends the message to further endpoints, once, when it has not arrived after this time, or when an alert still \
         fires.",
    );
    AFTER: DurationRange = key(
        "after", duration("1s", "30d"), Required, "How long to wait for the message to arrive.",
    );
    TO: List<Text<TextValue>> = key(
        "to", texts("the name of an endpoint"), Required,
        "The further endpoints; none of those in the hook's own `to`.",
    );
}

/// `endpoints` are the configured names, `to` those of the hook.
pub(super) fn read(table: &TableReader<'_>, endpoints: &[&str], to: &[String]) -> Option<Escalate> {
    let after = table.read(&keys::AFTER);
    let others = read_endpoint_names(table, &keys::TO, endpoints);
    if let Some(own) = others.iter().find(|name| to.contains(name)) {
        table.error(&keys::TO, format!("the hook sends to `{own}` already: name another endpoint"));
    }
    Some(Escalate { after: after?, to: others })
}
