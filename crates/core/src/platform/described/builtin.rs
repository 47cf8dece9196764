//! The built-in descriptions, one file each.

use super::Described;
use super::read::made_of;
use once_cell::sync::Lazy;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

/// Name and text, in the order of recognition.
const FILES: &[(&str, &str)] = &[
    ("apprise", include_str!("apprise.toml")),
    ("bark", include_str!("bark.toml")),
    ("gotify", include_str!("gotify.toml")),
    ("home-assistant", include_str!("home-assistant.toml")),
    ("matrix", include_str!("matrix.toml")),
    ("pushover", include_str!("pushover.toml")),
    ("pushplus", include_str!("pushplus.toml")),
    ("rocketchat", include_str!("rocketchat.toml")),
    ("serverchan", include_str!("serverchan.toml")),
    ("zulip", include_str!("zulip.toml")),
];

/// The platforms of all files. Tests read every file without a fault.
pub static BUILT_IN: Lazy<Vec<&'static Described>> =
    Lazy::new(|| FILES.iter().filter_map(|(name, text)| made_of(name, &tree(text)?).ok()).collect());

/// TOML as JSON.
fn tree(text: &str) -> Option<Value> {
    DeTable::parse(text).ok().map(|table| table_of(table.get_ref()))
}

fn table_of(table: &DeTable<'_>) -> Value {
    let entries = table.iter().map(|(name, value)| (name.get_ref().to_string(), value_of(value.get_ref())));
    Value::Object(entries.collect::<Map<_, _>>())
}

fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Integer(digits) => digits.as_str().parse::<i64>().map_or(Value::Null, Value::from),
        DeValue::Array(items) => items.iter().map(|item| value_of(item.get_ref())).collect(),
        DeValue::Table(table) => table_of(table),
        DeValue::Float(_) | DeValue::Datetime(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::parts_of;
    use super::*;

    #[test]
    fn every_built_in_description_is_read_without_a_fault() {
        for (name, text) in FILES {
            let found = parts_of(&tree(text).unwrap(), true).err();
            assert!(found.is_none(), "{name}: {found:#?}");
        }
        assert_eq!(BUILT_IN.len(), FILES.len());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/platform/described");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.filter_map(|name| Some(name.to_str()?.strip_suffix(".toml")?.to_owned()));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        assert_eq!(names, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
