//! Lists of names in a hook: event types in `on`, endpoints in `to`.

use super::declaration::ConfigKey;
use super::diagnostic::{advice, nearest};
use super::load_context::TextValue;
use super::table_reader::TableReader;
use super::value_types::{List, Text};
use crate::event::{self, KNOWN_TYPES};
use std::collections::HashSet;

type NameList = ConfigKey<List<Text<TextValue>>>;

pub(super) fn read_event_types(table: &TableReader<'_>, key: &NameList) -> Vec<String> {
    let types = read_distinct(table, key);
    for (index, kind) in types.iter().enumerate() {
        let path = format!("{}[{index}]", table.path_of(key));
        if let Err(message) = event::check_type(&kind.text) {
            table.context.error(kind.at, &path, message);
        } else if let Some(known) = likely_typo(&kind.text) {
            let message = format!(
                "{} is not one of Taskbell's event types; did you mean `{known}`? Ignore this if the host sends it",
                kind.shown
            );
            table.context.warn(kind.at, &path, message);
        }
    }
    types.into_iter().map(|kind| kind.text).collect()
}

fn likely_typo(name: &str) -> Option<&'static str> {
    if KNOWN_TYPES.contains(&name) {
        return None;
    }
    let family = name.split('.').next();
    let same_family = KNOWN_TYPES.iter().copied().filter(|known| known.split('.').next() == family);
    nearest(name, KNOWN_TYPES.iter().copied()).or_else(|| nearest(name, same_family))
}

/// `endpoints` are the configured names.
pub(super) fn read_endpoint_names(
    table: &TableReader<'_>,
    key: &NameList,
    endpoints: &[&str],
) -> Vec<String> {
    let names = read_distinct(table, key);
    for (index, name) in names.iter().enumerate() {
        if endpoints.contains(&name.text.as_str()) {
            continue;
        }
        let advice = match endpoints {
            [] => "no endpoint is configured".to_owned(),
            _ => advice(&name.text, endpoints),
        };
        let path = format!("{}[{index}]", table.path_of(key));
        table.context.error(name.at, &path, format!("unknown endpoint {}; {advice}", name.shown));
    }
    names.into_iter().map(|name| name.text).collect()
}

fn read_distinct(table: &TableReader<'_>, key: &NameList) -> Vec<TextValue> {
    let list = table.read(key).unwrap_or_default();
    if table.is_empty_list(key) {
        table.error(key, "this list must not be empty");
    }
    let mut seen = HashSet::new();
    for text in list.iter().filter(|text| !seen.insert(text.text.clone())) {
        table.context.error(text.at, &table.path_of(key), format!("the list contains {} twice", text.shown));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_in_an_event_type_is_found_and_a_name_of_the_host_is_not() {
        assert_eq!(likely_typo("task.completed"), Some("task.complete"));
        assert_eq!(likely_typo("queue.ended"), Some("queue.end"));
        assert_eq!(likely_typo("queue.end"), None);
        assert_eq!(likely_typo("render.saved"), None);
        assert_eq!(likely_typo("task.preview_ready"), None);
    }
}
