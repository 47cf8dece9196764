//! Finds the tags of a text and replaces them.

use super::super::text_template::ends_in_string;
use std::fmt::Write;

const MAX_TAG_CHARS: usize = 256;

/// Replaces tags with values, escaped for a JSON string. A tag without a value stays with both percent signs; the
/// second one may then start the next tag. `None` when the result exceeds `limit` bytes.
/// `value` also gets whether the tag stands in quotes.
pub(super) fn fill(text: &str, limit: usize, value: impl Fn(&str, bool) -> Option<String>) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some((before, after)) = rest.split_once('%') {
        filled.push_str(before);
        in_string = ends_in_string(before, in_string);
        let tag = after.split_once('%').filter(|(tag, _)| is_tag(tag));
        match tag.and_then(|(tag, behind)| value(tag, in_string).map(|value| (value, behind))) {
            Some((value, behind)) => {
                escape(&value, &mut filled);
                rest = behind;
            }
            None => {
                filled.push('%');
                rest = after;
            }
        }
        if filled.len() > limit {
            return None;
        }
    }
    filled.push_str(rest);
    (filled.len() <= limit).then_some(filled)
}

/// Whether the text between two percent signs can be a tag. `100% of 50%` has none: a tag starts and ends like a word,
/// and its last word contains a letter.
fn is_tag(text: &str) -> bool {
    let is_blank_at = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let last_word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    !(text.contains(['\\', '\n', '"'])
        || is_blank_at(text.chars().next())
        || is_blank_at(text.chars().next_back())
        || !last_word.contains(char::is_alphabetic)
        || text.chars().nth(MAX_TAG_CHARS).is_some())
}

/// Escapes like SwarmUI, including the slash.
fn escape(value: &str, into: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => into.push_str("\\\\"),
            '"' => into.push_str("\\\""),
            '/' => into.push_str("\\/"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '\u{8}' => into.push_str("\\b"),
            '\u{c}' => into.push_str("\\f"),
            control if (control as u32) < 32 => {
                // Writing to a string cannot fail.
                let _ = write!(into, "\\u{:04x}", control as u32);
            }
            plain => into.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let value = |tag: &str, _: bool| match tag {
            "prompt" => Some("a \"cat\"".to_owned()),
            "steps" | " steps 50" => Some("20".to_owned()),
            _ => None,
        };
        fill(text, 1000, value).unwrap()
    }

    #[test]
    fn a_value_is_escaped_and_not_read_for_tags_again() {
        assert_eq!(filled("%prompt%!"), "a \\\"cat\\\"!");
        assert_eq!(fill("%a%", 100, |_, _| Some("%a%".into())).unwrap(), "%a%");
        let mut escaped = String::new();
        escape("\\\"/\n\r\t\u{8}\u{c}\u{1}\u{1f}é", &mut escaped);
        assert_eq!(escaped, "\\\\\\\"\\/\\n\\r\\t\\b\\f\\u0001\\u001fé");
    }

    #[test]
    fn text_that_is_not_a_tag_stays() {
        for text in ["50%", "%", "%%", "%nothing%", "a%b%c", "% steps%", "%steps %", "100% steps 50%"] {
            assert_eq!(filled(text), text);
        }
        assert_eq!(filled("%%steps%%"), "%20%");
        assert_eq!(filled("%nothing%steps%"), "%nothing20");
    }

    #[test]
    fn the_result_is_bounded() {
        assert_eq!(fill("%a%%a%", 15, |_, _| Some("0123456789".into())), None);
        assert_eq!(fill("0123456789", 9, |_, _| None), None);
    }
}
