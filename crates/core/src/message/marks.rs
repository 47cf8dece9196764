//! Marks that tell apart, within one text, what the template's author wrote and what came from the event. A mark is a
//! noncharacter of Unicode that stands for one character of ASCII punctuation: it survives every filter and every
//! concatenation, and no event can hold one (see [`clean`]). Only ASCII punctuation is ever markup. A line break has a mark
//! too, and one stands before a line of a value that could be read as more than a line: see [`opens_block`].

use super::json_text::converted;
use super::json_value::from_json;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value, filters};
use serde_json::Value as Json;
use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MarkedChar {
    pub character: char,
    /// Whether it is punctuation or a line break of a value, not of the template.
    pub of_event: bool,
}

/// The number of a character of ASCII punctuation, of which there are 32.
fn number(character: char) -> Option<u32> {
    let code = u32::from(character);
    Some(match character {
        '!'..='/' => code - 33,
        ':'..='@' => code - 58 + 15,
        '['..='`' => code - 91 + 22,
        '{'..='~' => code - 123 + 28,
        _ => return None,
    })
}

fn punctuation(number: u32) -> char {
    let code = match number {
        0..15 => number + 33,
        15..22 => number - 15 + 58,
        22..28 => number - 22 + 91,
        _ => number - 28 + 123,
    };
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

const OF_EVENT: u32 = 0xFDD0;

/// A line break of a value, which may end a quote, a heading or a cell of the author's.
const BREAK: char = '\u{10FFFE}';

/// It stands before a line of a value that opens a block of markdown, and for nothing itself.
pub(crate) const GUARD: char = '\u{10FFFF}';

fn of_event(character: char) -> char {
    if character == '\n' {
        return BREAK;
    }
    number(character).and_then(|number| char::from_u32(OF_EVENT + number)).unwrap_or(character)
}

/// The two last code points of each plane mark what the author wrote inside an expression.
fn of_author(character: char) -> char {
    let code = |number: u32| ((number / 2) << 16) | 0xFFFE | (number % 2);
    number(character).and_then(|number| char::from_u32(code(number))).unwrap_or(character)
}

fn is_of_author(character: char) -> bool {
    u32::from(character) & 0xFFFE == 0xFFFE && !matches!(character, BREAK | GUARD)
}

fn is_of_event(character: char) -> bool {
    (OF_EVENT..OF_EVENT + 32).contains(&u32::from(character)) || matches!(character, BREAK | GUARD)
}

/// Text of the author that stands inside an expression, for example in quotes.
pub(super) fn as_author(text: &str) -> String {
    text.chars().map(of_author).collect()
}

/// A printed value: what the author did not write is of the event.
pub(super) fn mark(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let ends = |c: char| matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}');
    for (index, line) in text.replace("\r\n", "\n").split(ends).enumerate() {
        out.extend((index > 0).then_some(BREAK));
        out.extend(opens_block(line).then_some(GUARD));
        out.extend(line.chars().map(mark_one));
    }
    out
}

fn mark_one(character: char) -> char {
    if is_of_author(character) { written(character) } else { of_event(character) }
}

/// Whether markdown could read this line as code, a list, a rule, or what makes a heading or a table of the line above.
pub(crate) fn opens_block(line: &str) -> bool {
    let rest = line.trim_start_matches(' ');
    if line.len() >= rest.len() + 4 || rest.starts_with('\t') {
        return !rest.trim().is_empty();
    }
    // What makes a table of the line above.
    if rest.starts_with('|') && rest.contains('-') && rest.chars().all(|c| "|-: ".contains(c)) {
        return true;
    }
    let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let (first, after) = match number.len() < rest.len() {
        true => (number.starts_with(['.', ')']), number.get(1..)),
        false => (rest.starts_with(['-', '+', '*', '=']), rest.get(1..)),
    };
    let is_rule = |after: &str| after.starts_with(['-', '=']) && number.len() == rest.len();
    first && after.is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t']) || is_rule(after))
}

/// The character that an author's mark stands for.
fn written(mark: char) -> char {
    let code = u32::from(mark);
    if is_of_author(mark) { punctuation((code >> 16) * 2 + (code & 1)) } else { mark }
}

fn restored(text: &str) -> String {
    text.chars().map(written).collect()
}

/// The value with this done to each of its texts and names.
fn with_texts(json: Json, change: &dyn Fn(&str) -> String) -> Json {
    match json {
        Json::String(text) => Json::String(change(&text)),
        Json::Array(items) => items.into_iter().map(|item| with_texts(item, change)).collect(),
        Json::Object(fields) => {
            fields.into_iter().map(|(key, field)| (change(&key), with_texts(field, change))).collect()
        }
        other => other,
    }
}

/// Marks the texts of a value that a template yields as a whole.
pub(super) fn mark_all(json: Json) -> Json {
    with_texts(json, &mark)
}

/// A text of a rendered body, character by character.
pub(crate) fn marked_chars(text: &str) -> Vec<MarkedChar> {
    let read = |c: char| match is_of_event(c) {
        true if c == GUARD => MarkedChar { character: GUARD, of_event: true },
        true if c == BREAK => MarkedChar { character: '\n', of_event: true },
        true => MarkedChar { character: punctuation(u32::from(c) - OF_EVENT), of_event: true },
        false => MarkedChar { character: c, of_event: false },
    };
    text.chars().map(read).collect()
}

/// The text as the event and the author wrote it.
pub(crate) fn without_marks(text: &str) -> String {
    marked_chars(text).into_iter().map(|marked| marked.character).filter(|c| *c != GUARD).collect()
}

pub(crate) fn has_marks(text: &str) -> bool {
    text.contains(is_of_event)
}

/// Replaces what could pass for a mark; `None` where there is nothing of it, as in every text that people write.
pub(super) fn clean(json: &Json) -> Option<Json> {
    fn is_mark(c: char) -> bool {
        is_of_event(c) || is_of_author(c)
    }
    fn is_unclean(text: &str) -> bool {
        !text.is_ascii() && text.contains(is_mark)
    }
    fn any(json: &Json) -> bool {
        match json {
            Json::String(text) => is_unclean(text),
            Json::Array(items) => items.iter().any(any),
            Json::Object(fields) => fields.iter().any(|(key, field)| is_unclean(key) || any(field)),
            _ => false,
        }
    }
    any(json).then(|| with_texts(json.clone(), &|text| text.replace(is_mark, "\u{fffd}")))
}

/// Puts the filters of a platform that reads markup in the place of the engine's: `raw` prints a value as it is, `e` and
/// `escape` are what happens anyway, and `tojson` has no escapes of HTML.
pub(super) fn install(engine: &mut Environment<'static>) {
    engine.add_filter("raw", raw);
    engine.add_filter("e", |value: Value| value);
    engine.add_filter("escape", |value: Value| value);
    engine.add_filter("tojson", |value: Value, indent: Option<Value>| -> Result<Value, Error> {
        Ok(Value::from_safe_string(as_json(&mark_all(converted(&value)?), indent)?))
    });
    engine.add_filter(
        "int",
        |state: &State, value: Value, default: Option<Value>, base: Option<u32>, named: Kwargs| {
            filters::int(state, &unmarked(value), default, base, named)
        },
    );
    engine.add_filter("float", |state: &State, value: Value, default: Option<Value>, named: Kwargs| {
        filters::float(state, &unmarked(value), default, named)
    });
    // What it looks for stands in texts of the event as it is, and in those of the author as marks.
    engine.add_filter("replace", |text: String, from: String, to: String| {
        let marked = as_author(&from);
        let replaced = text.replace(&from, &to);
        if marked == from { replaced } else { replaced.replace(&marked, &to) }
    });
}

fn as_json(json: &Json, indent: Option<Value>) -> Result<String, Error> {
    let is_flat = indent.is_none_or(|indent| !indent.is_true());
    let text = if is_flat { Ok(json.to_string()) } else { serde_json::to_string_pretty(json) };
    text.map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// A text of the author as he wrote it.
fn unmarked(value: Value) -> Value {
    match value.as_str() {
        Some(text) if text.contains(is_of_author) => Value::from(restored(text)),
        _ => value,
    }
}

/// JSON inside of a text: the escapes of JSON belong to the value as well, so that a quote in it ends no string.
fn escaped_for_json(json: Json) -> Json {
    // Without the quotes around it.
    let in_quotes = |c: char| {
        if is_of_author(c) {
            // The writer of JSON escapes it.
            return written(c).to_string();
        }
        let text = Json::String(c.to_string()).to_string();
        text.get(1..text.len() - 1).unwrap_or_default().chars().map(mark_one).collect()
    };
    with_texts(json, &|text| text.chars().map(in_quotes).collect())
}

/// In a text, `safe` is the same as `raw`; in a `.j2` file it prints no whole JSON value.
pub(super) fn install_in_text(engine: &mut Environment<'static>) {
    install(engine);
    engine.add_filter("safe", raw);
    engine.add_filter("tojson", |value: Value, indent: Option<Value>| -> Result<Value, Error> {
        let text = as_json(&escaped_for_json(converted(&value)?), indent)?;
        Ok(Value::from_safe_string(text))
    });
}

/// The filters where nothing is escaped.
pub(super) fn install_untouched(engine: &mut Environment<'static>) {
    engine.add_filter("raw", |value: Value| value);
}

fn raw(value: Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Ok(value);
    }
    match value.as_str() {
        Some(text) => Ok(Value::from(as_author(&without_marks(text)))),
        None => Ok(from_json(&with_texts(converted(&value)?, &as_author))),
    }
}

/// The formatter of a text whose values are marked.
pub(super) fn print_marked(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    out.write_str(&printed(value)?).map_err(Error::from)
}

/// The formatter of a `.j2` file whose values are marked: a whole JSON value.
pub(super) fn print_marked_json(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        // The engine's own error names the value.
        return value.get_attr("").map(|_| ());
    }
    let text = match value.as_str().filter(|_| value.is_safe()) {
        Some(text) => restored(text),
        None => mark_all(converted(value)?).to_string(),
    };
    out.write_str(&text).map_err(Error::from)
}

/// Strings as they are, null as nothing, anything else as JSON.
fn printed(value: &Value) -> Result<Cow<'static, str>, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => "".into(),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            if value.is_safe() { restored(text).into() } else { mark(text).into() }
        }
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => mark(&converted(value)?.to_string()).into(),
        _ => mark(&value.to_string()).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_punctuation_has_two_marks_of_its_own() {
        for character in (0..128_u8).map(char::from) {
            assert_eq!(number(character).is_some(), character.is_ascii_punctuation(), "{character:?}");
            assert_eq!(written(of_author(character)), character);
            assert_eq!(without_marks(&of_event(character).to_string()), character.to_string());
            let has_mark = character.is_ascii_punctuation() || character == '\n';
            assert_eq!(is_of_event(of_event(character)), has_mark);
            assert_eq!(is_of_author(of_author(character)), character.is_ascii_punctuation());
        }
        assert_eq!(mark("é汉😀"), "é汉😀");
        assert_eq!(mark(&mark("<b>")), mark("<b>"), "marking twice is marking once");
        assert_eq!(mark(&as_author("<b>")), "<b>");
    }

    #[test]
    fn a_line_that_could_open_a_block_has_a_mark_before_it() {
        for line in
            ["    code", "\tcode", "- a", "+", "* a", "12. a", "7) a", "---", "===", "--|--", "| -- |:-: |"]
        {
            assert!(opens_block(line), "{line}");
            assert_eq!(without_marks(&mark(&format!("a\r\n{line}"))), format!("a\n{line}"));
            assert_eq!(mark(&mark(line)), mark(line));
        }
        for line in
            ["", "   ", "      ", "a - b", "-5", "+1", "*b*", "1.5", "12", "3.", "=x", "| a | b |", "# h"]
        {
            assert_eq!(opens_block(line), line == "3.", "{line}");
        }
    }

    #[test]
    fn no_event_can_hold_a_mark() {
        let forged = json!({"a": [as_author("<"), mark("<")], "\u{fffe}": 1, "b": "汉"});
        assert_eq!(clean(&forged), Some(json!({"a": ["\u{fffd}", "\u{fffd}"], "\u{fffd}": 1, "b": "汉"})));
        assert_eq!(clean(&json!({"a": ["<!here>", "汉字😀"]})), None);
    }
}
