//! The declarations themselves are consistent.

use super::*;
use crate::config::declaration::DefaultValue;
use crate::config::load::root_keys;
use std::collections::HashSet;

#[test]
fn each_key_is_declared_once_with_a_sentence_and_a_valid_default_and_range() {
    for (pattern, table) in root_keys::TABLE.with_nested(String::new()) {
        let mut names = HashSet::new();
        for key in table.keys {
            let path = node::join(&pattern, key.name);
            assert!(names.insert(key.name), "{path} is declared twice");
            assert!(key.meaning.ends_with('.'), "{path}: {} is not a sentence", key.meaning);
            if let DefaultValue::Toml(text) = key.default {
                assert!(toml_text::parse_value(text).is_some(), "{path}: {text} is not TOML");
            }
            let form = key.value.form();
            let range = form.strip_prefix("each ").unwrap_or(&form).split_once(" to ");
            let bound = |text| {
                units::parse_duration(text).map(|d| d.as_millis()).or(units::parse_size(text).map(u128::from))
            };
            if let (Some((min, max)), "duration" | "size" | "list of durations") =
                (range, key.value.type_name())
            {
                assert!(bound(min).unwrap() < bound(max).unwrap(), "{path}: {form}");
            }
        }
    }
}
