//! Parses JSON (RFC 8259: no comments, no trailing commas) into a tree with byte offsets.

use super::diagnostic::Diagnostic;
use super::node::{ConfigEntry, ConfigNode, ConfigValue, join};
use crate::event;
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use std::collections::HashSet;

/// Parses one JSON object. Otherwise returns the syntax error, or every duplicate key.
pub(super) fn parse(text: &str) -> Result<ConfigNode, Vec<Diagnostic>> {
    if !text.trim_start().starts_with('{') {
        return Err(vec![Diagnostic::new(0, "", "expected a JSON object, which starts with `{`")]);
    }
    // serde_json decides what is valid JSON; jsonc-parser then supplies the offsets.
    event::check_object(text).map_err(|error| vec![syntax_error(text, &error)])?;
    let mut errors = Vec::new();
    match parse_to_ast(text, &CollectOptions::default(), &strict()) {
        Ok(parsed) => {
            let tree = parsed.value.map(|value| node(value, "", &mut errors));
            match tree {
                Some(tree) if errors.is_empty() => return Ok(tree),
                Some(_) => {}
                None => errors.push(Diagnostic::new(0, "", "expected a JSON object")),
            }
        }
        Err(error) => {
            let message = format!("not valid JSON: {}", error.kind());
            errors.push(Diagnostic::new(error.range().start, "", message));
        }
    }
    Err(errors)
}

fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn syntax_error(text: &str, error: &serde_json::Error) -> Diagnostic {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut at = (before + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let sentence = error.to_string();
    let reason = sentence.rfind(" at line ").map_or(sentence.as_str(), |end| &sentence[..end]);
    Diagnostic::new(at, "", format!("not valid JSON: {reason}"))
}

fn node(value: ast::Value<'_>, path: &str, errors: &mut Vec<Diagnostic>) -> ConfigNode {
    let at = value.range().start;
    let value = match value {
        ast::Value::NullKeyword(_) => ConfigValue::Null,
        ast::Value::BooleanLit(lit) => ConfigValue::Boolean(lit.value),
        ast::Value::StringLit(lit) => ConfigValue::Text(lit.value.into_owned()),
        ast::Value::NumberLit(lit) => lit.value.parse().map_or_else(
            |_| {
                errors.push(Diagnostic::new(at, path, "the number is out of range"));
                ConfigValue::Null
            },
            ConfigValue::Number,
        ),
        ast::Value::Array(array) => {
            let items = array.elements.into_iter().enumerate();
            ConfigValue::List(
                items.map(|(index, item)| node(item, &format!("{path}[{index}]"), errors)).collect(),
            )
        }
        ast::Value::Object(object) => table(object, path, errors),
    };
    ConfigNode { at, value }
}

fn table(object: ast::Object<'_>, path: &str, errors: &mut Vec<Diagnostic>) -> ConfigValue {
    let mut seen = HashSet::new();
    let mut entries = Vec::with_capacity(object.properties.len());
    for property in object.properties {
        let at = property.range.start;
        let name = property.name.into_string();
        let below = join(path, &name);
        if !seen.insert(name.clone()) {
            errors.push(Diagnostic::new(at, below.as_str(), "duplicate key; keep one of them"));
        }
        let node = node(property.value, &below, errors);
        entries.push(ConfigEntry { at, name, node });
    }
    ConfigValue::Table(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::diagnostic::line_and_column;

    #[test]
    fn only_strict_json_is_accepted() {
        parse("{\"a\": [1, -2.5, true, null, \"\\u00e4\"]}").unwrap();
        for bad in
            ["", "[]", "{", "{\"a\": 1,}", "{\"a\": 1} // x", "{a: 1}", "{'a': 1}", "{\"a\": 0x1}", "{} {}"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_syntax_error_has_its_line_and_column() {
        let text = "{\n  \"ä\": 1,\n  \"b\" 2\n}";
        let errors = parse(text).unwrap_err();
        assert_eq!(line_and_column(text, errors[0].at), (3, 7), "{errors:?}");
        assert_eq!(errors[0].message, "not valid JSON: expected `:`");
    }

    #[test]
    fn every_duplicate_key_is_reported() {
        let text = r#"{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}"#;
        let keys: Vec<String> = parse(text).unwrap_err().into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["b.c", "a"]);
    }
}
