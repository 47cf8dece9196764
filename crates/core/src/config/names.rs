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
        let wider = types.iter().find(|other| other.at != kind.at && is_within(&kind.text, &other.text));
        if let Err(message) = event::check_listened(&kind.text) {
            table.context.error(kind.at, &path, message);
        } else if let Some(wider) = wider {
            let message = format!("{} is part of {}: remove one of them", kind.shown, wider.shown);
            table.context.warn(kind.at, &path, message);
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

/// Whether a family that `on` names has all that this other name has.
fn is_within(on: &str, family: &str) -> bool {
    family.ends_with('*') && on != family && event::is_named_by(family, on.trim_end_matches('*'))
}

fn likely_typo(name: &str) -> Option<String> {
    if let Some(family) = name.strip_suffix('*') {
        let mut families = KNOWN_TYPES.iter().filter_map(|kind| kind.split('.').next());
        let families = families.by_ref().collect::<Vec<_>>();
        let own = family.trim_end_matches('.');
        let is_known = own.is_empty() || families.iter().any(|known| own.split('.').next() == Some(known));
        return nearest(own, families).filter(|_| !is_known).map(|near| format!("{near}.*"));
    }
    // The last two are events of the binding for Python.
    if KNOWN_TYPES.contains(&name) || ["task.start", "task.progress"].contains(&name) {
        return None;
    }
    let family = name.split('.').next();
    let same_family = KNOWN_TYPES.iter().copied().filter(|known| known.split('.').next() == family);
    nearest(name, KNOWN_TYPES.iter().copied()).or_else(|| nearest(name, same_family)).map(str::to_owned)
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
        for (name, meant) in [
            ("task.completed", Some("task.complete")),
            ("queue.ended", Some("queue.end")),
            ("queue.end", None),
            ("render.saved", None),
            ("task.preview_ready", None),
            ("tasks.*", Some("task.*")),
            ("task.*", None),
            ("task.preview.*", None),
            ("render.*", None),
            ("*", None),
        ] {
            assert_eq!(likely_typo(name).as_deref(), meant, "{name}");
        }
    }

    #[test]
    fn a_name_within_a_family_is_found() {
        for (on, family, is_part) in [
            ("task.complete", "task.*", true),
            ("task.*", "*", true),
            ("task.a.*", "task.*", true),
            ("task.*", "task.a.*", false),
            ("task.*", "task.*", false),
            ("*", "task.*", false),
            ("render.saved", "task.*", false),
            ("task.complete", "task.complete", false),
        ] {
            assert_eq!(is_within(on, family), is_part, "{on} {family}");
        }
    }
}
