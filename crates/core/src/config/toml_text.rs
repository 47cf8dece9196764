//! Parses TOML into a tree with byte offsets.

use super::diagnostic::{Diagnostic, LineCounter};
use super::node::{ConfigEntry, ConfigNode, ConfigValue};
use serde_json::Number;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Parses a document. Otherwise returns the syntax errors, at most one per line.
pub(super) fn parse(text: &str) -> Result<ConfigNode, Vec<Diagnostic>> {
    let (document, found) = DeTable::parse_recoverable(text);
    let mut errors: Vec<Diagnostic> = found.iter().map(syntax_error).collect();
    errors.sort_by_cached_key(|error| error.at);
    // The parser recovers after an error and may report its own recovery on the same line.
    let mut counter = LineCounter::new(text);
    let mut last_line = 0;
    errors.retain(|error| {
        let (line, _) = counter.advance(error.at);
        std::mem::replace(&mut last_line, line) != line
    });
    if errors.is_empty() {
        let tree = table(document.get_ref(), 0, &mut errors);
        if errors.is_empty() {
            return Ok(tree);
        }
    }
    Err(errors)
}

fn syntax_error(error: &toml::de::Error) -> Diagnostic {
    let at = error.span().map_or(0, |span| span.start);
    Diagnostic::new(at, "", format!("not valid TOML: {}", error.message()))
}

fn table(entries: &DeTable<'_>, at: usize, errors: &mut Vec<Diagnostic>) -> ConfigNode {
    let entries = entries
        .iter()
        .map(|(name, value)| ConfigEntry {
            at: name.span().start,
            name: name.get_ref().to_string(),
            node: node(value, errors),
        })
        .collect();
    ConfigNode { at, value: ConfigValue::Table(entries) }
}

fn list(items: &DeArray<'_>, errors: &mut Vec<Diagnostic>) -> ConfigValue {
    ConfigValue::List(items.iter().map(|item| node(item, errors)).collect())
}

fn node(spanned: &Spanned<DeValue<'_>>, errors: &mut Vec<Diagnostic>) -> ConfigNode {
    let at = spanned.span().start;
    let value = match spanned.get_ref() {
        DeValue::String(text) => ConfigValue::Text(text.to_string()),
        DeValue::Boolean(truth) => ConfigValue::Boolean(*truth),
        DeValue::Datetime(moment) => ConfigValue::DateTime(moment.to_string()),
        DeValue::Array(items) => list(items, errors),
        DeValue::Table(entries) => return table(entries, at, errors),
        DeValue::Integer(digits) => match i128::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) => Number::from_i128(number).map_or(ConfigValue::Null, ConfigValue::Number),
            Err(_) => Some(digits.as_str())
                .filter(|_| digits.radix() == 10)
                .and_then(decimal)
                .unwrap_or_else(|| unsupported(at, "the number does not fit in 128 bits", errors)),
        },
        DeValue::Float(digits) => {
            decimal(digits.as_str()).unwrap_or_else(|| unsupported(at, "a number must be finite", errors))
        }
    };
    ConfigNode { at, value }
}

/// A decimal number as JSON writes it; `None` for `inf` and `nan`.
fn decimal(digits: &str) -> Option<ConfigValue> {
    digits.strip_prefix('+').unwrap_or(digits).parse().ok().map(ConfigValue::Number)
}

fn unsupported(at: usize, message: &str, errors: &mut Vec<Diagnostic>) -> ConfigValue {
    errors.push(Diagnostic::new(at, "", message));
    ConfigValue::Null
}

/// Parses one TOML value, such as a declared default.
pub(super) fn parse_value(text: &str) -> Option<ConfigNode> {
    let value = DeValue::parse(text).ok()?;
    let mut errors = Vec::new();
    let node = node(&value, &mut errors);
    errors.is_empty().then_some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_offsets() {
        let text = "[a.\"b c\"]\nx = [1_000, 0x10, -2.5e1]\n\n[[l]]\ny = true\n";
        let tree = parse(text).unwrap();
        assert_eq!(tree.to_json().to_string(), r#"{"a":{"b c":{"x":[1000,16,-2.5e+1]}},"l":[{"y":true}]}"#);
        assert_eq!(tree.descend("a[\"b c\"].x[1]").at, text.find("0x10").unwrap());
        assert_eq!(tree.descend("l[0].y").at, text.find("true").unwrap());
    }

    #[test]
    fn each_broken_line_is_reported_once() {
        let errors = parse("a = \nb = 1\nc = \"x\nd = 2\nb = 3\n").unwrap_err();
        let lines: Vec<usize> = errors.iter().map(|error| error.at).collect();
        assert!(errors.len() >= 3, "{errors:?}");
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]), "{errors:?}");
        assert!(errors.iter().any(|error| error.message.contains("duplicate key")), "{errors:?}");
    }

    #[test]
    fn numbers_that_json_cannot_represent_are_rejected() {
        for text in ["a = nan", "a = inf", "a = 0x999999999999999999999999999999999"] {
            assert_eq!(parse(text).unwrap_err()[0].at, 4, "{text}");
        }
    }
}
