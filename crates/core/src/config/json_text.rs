//! JSON text (RFC 8259: no comments, no trailing commas) to a tree with places.

use super::fault::Fault;
use super::node::{Entry, Node, Value, join};
use crate::event;
use jsonc_parser::ast;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use std::collections::HashSet;

/// Reads one JSON object; the faults of syntax and the keys that stand twice otherwise.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Fault>> {
    if !text.trim_start().starts_with('{') {
        return Err(vec![Fault::here(0, "", "a JSON object was expected: the text starts with `{`")]);
    }
    // The strict reader decides what is JSON; the one below knows the places.
    event::check_object(text).map_err(|error| vec![strict_fault(text, &error)])?;
    let mut faults = Vec::new();
    match parse_to_ast(text, &CollectOptions::default(), &strict()) {
        Ok(parsed) => {
            let tree = parsed.value.map(|value| node(value, "", &mut faults));
            match tree {
                Some(tree) if faults.is_empty() => return Ok(tree),
                Some(_) => {}
                None => faults.push(Fault::here(0, "", "a JSON object was expected")),
            }
        }
        Err(error) => {
            faults.push(Fault::here(error.range().start, "", format!("not valid JSON: {}", error.kind())));
        }
    }
    Err(faults)
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

/// The strict reader counts lines, and columns in bytes; both become an offset.
fn strict_fault(text: &str, error: &serde_json::Error) -> Fault {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut at = (before + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let sentence = error.to_string();
    let reason = sentence.rfind(" at line ").map_or(sentence.as_str(), |end| &sentence[..end]);
    Fault::here(at, "", format!("not valid JSON: {reason}"))
}

fn node(value: ast::Value<'_>, path: &str, faults: &mut Vec<Fault>) -> Node {
    match value {
        ast::Value::NullKeyword(null) => Node { at: null.range.start, value: Value::Null },
        ast::Value::BooleanLit(lit) => Node { at: lit.range.start, value: Value::Boolean(lit.value) },
        ast::Value::StringLit(lit) => {
            Node { at: lit.range.start, value: Value::Text(lit.value.into_owned()) }
        }
        ast::Value::NumberLit(lit) => {
            let at = lit.range.start;
            match serde_json::from_str(lit.value) {
                Ok(number) => Node { at, value: Value::Number(number) },
                Err(_) => {
                    faults.push(Fault::here(at, path, "this is not a number that can be kept"));
                    Node { at, value: Value::Null }
                }
            }
        }
        ast::Value::Array(array) => {
            let items = array.elements.into_iter().enumerate();
            let nodes = items.map(|(index, item)| node(item, &format!("{path}[{index}]"), faults)).collect();
            Node { at: array.range.start, value: Value::List(nodes) }
        }
        ast::Value::Object(object) => table(object, path, faults),
    }
}

fn table(object: ast::Object<'_>, path: &str, faults: &mut Vec<Fault>) -> Node {
    let mut seen = HashSet::new();
    let mut entries = Vec::with_capacity(object.properties.len());
    for property in object.properties {
        let at = property.range.start;
        let name = property.name.into_string();
        let below = join(path, &name);
        if !seen.insert(name.clone()) {
            faults.push(Fault::here(at, below.as_str(), "this key stands here twice; keep one of them"));
        }
        let node = node(property.value, &below, faults);
        entries.push(Entry { at, name, node });
    }
    Node { at: object.range.start, value: Value::Table(entries) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fault::line_and_column;

    #[test]
    fn only_strict_json_is_read() {
        parse("{\"a\": [1, -2.5, true, null, \"\\u00e4\"]}").unwrap();
        for bad in
            ["", "[]", "{", "{\"a\": 1,}", "{\"a\": 1} // x", "{a: 1}", "{'a': 1}", "{\"a\": 0x1}", "{} {}"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fault_of_syntax_has_its_line_and_column() {
        let text = "{\n  \"ä\": 1,\n  \"b\" 2\n}";
        let faults = parse(text).unwrap_err();
        assert_eq!(line_and_column(text, faults[0].at), (3, 7), "{faults:?}");
        assert_eq!(faults[0].message, "not valid JSON: expected `:`");
    }

    #[test]
    fn every_key_that_stands_twice_is_named() {
        let text = r#"{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}"#;
        let keys: Vec<String> = parse(text).unwrap_err().into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["b.c", "a"]);
    }
}
