//! TOML text to a tree with places.

use super::fault::{Fault, LineCounter};
use super::node::{Entry, Node, Value};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Reads a TOML document; the faults of syntax otherwise, one for each line.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Fault>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut faults: Vec<Fault> = errors.iter().map(syntax_fault).collect();
    faults.sort_by_key(|fault| fault.at);
    // The parser goes on after a fault and may stumble over its own repair on the same line.
    let mut counter = LineCounter::new(text);
    let mut last_line = 0;
    faults.retain(|fault| {
        let (line, _) = counter.advance(fault.at);
        std::mem::replace(&mut last_line, line) != line
    });
    if faults.is_empty() {
        let tree = table(document.get_ref(), 0, &mut faults);
        if faults.is_empty() {
            return Ok(tree);
        }
    }
    Err(faults)
}

fn syntax_fault(error: &toml::de::Error) -> Fault {
    let at = error.span().map_or(0, |span| span.start);
    Fault::here(at, "", format!("not valid TOML: {}", error.message()))
}

fn table(entries: &DeTable<'_>, at: usize, faults: &mut Vec<Fault>) -> Node {
    let entries = entries
        .iter()
        .map(|(name, value)| Entry {
            at: name.span().start,
            name: name.get_ref().to_string(),
            node: node(value, faults),
        })
        .collect();
    Node { at, value: Value::Table(entries) }
}

fn list(items: &DeArray<'_>, faults: &mut Vec<Fault>) -> Value {
    Value::List(items.iter().map(|item| node(item, faults)).collect())
}

fn node(spanned: &Spanned<DeValue<'_>>, faults: &mut Vec<Fault>) -> Node {
    let at = spanned.span().start;
    let value = match spanned.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Datetime(moment) => Value::Moment(moment.to_string()),
        DeValue::Array(items) => list(items, faults),
        DeValue::Table(entries) => return table(entries, at, faults),
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) => Value::Number(number.into()),
            Err(_) => unfit(at, "this number does not fit 64 bits", faults),
        },
        DeValue::Float(digits) => {
            let number = digits.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            match number {
                Some(number) => Value::Number(number),
                None => unfit(at, "a number must be finite", faults),
            }
        }
    };
    Node { at, value }
}

fn unfit(at: usize, message: &str, faults: &mut Vec<Fault>) -> Value {
    faults.push(Fault::here(at, "", message));
    Value::Null
}

/// Reads one TOML value, as the schema writes its defaults.
pub(super) fn parse_value(text: &str) -> Option<Node> {
    let value = DeValue::parse(text).ok()?;
    let mut faults = Vec::new();
    let node = node(&value, &mut faults);
    faults.is_empty().then_some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_places() {
        let text = "[a.\"b c\"]\nx = [1_000, 0x10, -2.5e1]\n\n[[l]]\ny = true\n";
        let tree = parse(text).unwrap();
        assert_eq!(tree.to_json().to_string(), r#"{"a":{"b c":{"x":[1000,16,-25.0]}},"l":[{"y":true}]}"#);
        assert_eq!(tree.descend("a[\"b c\"].x[1]").at, text.find("0x10").unwrap());
        assert_eq!(tree.descend("l[0].y").at, text.find("true").unwrap());
    }

    #[test]
    fn every_broken_line_is_named_once() {
        let faults = parse("a = \nb = 1\nc = \"x\nd = 2\nb = 3\n").unwrap_err();
        let lines: Vec<usize> = faults.iter().map(|fault| fault.at).collect();
        assert!(faults.len() >= 3, "{faults:?}");
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.message.contains("duplicate key")), "{faults:?}");
    }

    #[test]
    fn numbers_that_json_cannot_hold_are_refused() {
        for text in ["a = nan", "a = inf", "a = 99999999999999999999"] {
            assert_eq!(parse(text).unwrap_err()[0].at, 4, "{text}");
        }
    }
}
