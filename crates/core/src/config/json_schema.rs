//! `docs/taskbell.schema.json`: the JSON Schema that editors complete and check a configuration with, generated from
//! the declarations. It is looser than the reader, which also checks what depends on several keys.

use super::declaration::{ConfigKey, ConfigTable, DefaultValue, NestedTable, ValueType};
use super::load::root_keys;
use super::toml_text;
use crate::json::json;
use crate::platform;
use serde_json::{Map, Value as Json};

/// The JSON Schema (draft 7, which TOML editors support) as text.
pub fn json_schema() -> String {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
    schema.insert("title".to_owned(), "Taskbell configuration".into());
    if let Json::Object(table) = table_schema(&root_keys::TABLE) {
        schema.extend(table);
    }
    format!("{:#}\n", Json::Object(schema))
}

fn table_schema(table: &ConfigTable) -> Json {
    let mut properties: Map<String, Json> =
        table.keys.iter().map(|key| (key.name.to_owned(), key_schema(key))).collect();
    if table.platform_options {
        let mut options = platform::option_names();
        options.sort_unstable();
        properties.extend(options.into_iter().map(|name| (name.to_owned(), option_schema(name))));
    }
    let required = table.keys.iter().filter(|key| matches!(key.default, DefaultValue::Required));
    let required: Vec<&str> = required.map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": table.about,
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn key_schema(key: &ConfigKey<dyn ValueType>) -> Json {
    let mut schema = match key.value.nested() {
        Some(NestedTable::One(table)) => table_schema(table),
        Some(NestedTable::Named(table)) => {
            json!({ "type": "object", "additionalProperties": table_schema(table) })
        }
        Some(NestedTable::List(table)) => json!({ "type": "array", "items": table_schema(table) }),
        None => key.value.json_schema(),
    };
    let form = key.value.form();
    let form = if form.is_empty() { form } else { format!(" Form: {form}.") };
    let default = match key.default {
        DefaultValue::Described(words) => format!(" Default: {words}."),
        _ => String::new(),
    };
    schema["description"] = format!("{}{form}{default}", key.meaning).into();
    if let DefaultValue::Toml(text) = key.default {
        schema["default"] = toml_text::parse_value(text).map_or(Json::Null, |node| node.to_json());
    }
    schema
}

fn option_schema(name: &str) -> Json {
    let keys = platform::all()
        .iter()
        .flat_map(|platform| platform.description().options.iter().map(move |key| (platform, key)));
    let meanings = keys
        .filter(|(_, key)| key.name == name)
        .map(|(platform, key)| format!("`{}`: {} Form: {}.", platform.name(), key.meaning, key.form));
    let meanings: Vec<String> = meanings.collect();
    json!({ "type": ["string", "integer", "array"], "items": { "type": "string" }, "description": meanings.join(" ") })
}
