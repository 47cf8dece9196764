//! What a template made too long, cut to what its platform takes: a card keeps its limits by itself, and a
//! template may hold a prompt of any length.

use super::Platform;
use super::limits::{Unit, fit};
use serde_json::Value;

/// The body of a template, trimmed; `None` when nothing of it was too long.
pub fn trimmed(platform: &dyn Platform, body: &[u8]) -> Option<Vec<u8>> {
    let given: Value = serde_json::from_slice(body).ok()?;
    let mut fitting = given.clone();
    platform.trim(&mut fitting);
    (fitting != given).then(|| fitting.to_string().into_bytes())
}

/// Cuts the text at this path; `*` stands for every member of a list.
pub(super) fn cut(node: &mut Value, path: &[&str], max: usize, unit: Unit) {
    match path {
        [] => {
            if let Value::String(text) = node
                && unit.length(text) > max
            {
                *text = fit(text, max, unit, |_| None);
            }
        }
        ["*", rest @ ..] => {
            node.as_array_mut().into_iter().flatten().for_each(|member| cut(member, rest, max, unit));
        }
        [name, rest @ ..] => {
            if let Some(inner) = node.get_mut(*name) {
                cut(inner, rest, max, unit);
            }
        }
    }
}

/// Cuts the text at this path so that the whole body has at most `whole` bytes: what JSON escapes counts as
/// it is written.
pub(super) fn cut_whole(body: &mut Value, path: &[&str], whole: usize) {
    let over = body.to_string().len().saturating_sub(whole);
    let pointer: String = path.iter().map(|name| format!("/{name}")).collect();
    if let Some(Value::String(text)) = body.pointer_mut(&pointer)
        && over > 0
    {
        *text = fit(text, text.len().saturating_sub(over), Unit::Bytes, |_| None);
    }
}

/// Drops the members of the list at this path that are too many.
pub(super) fn shorten(node: &mut Value, path: &[&str], most: usize) {
    match path {
        [] => {
            if let Value::Array(members) = node {
                members.truncate(most);
            }
        }
        ["*", rest @ ..] => {
            node.as_array_mut().into_iter().flatten().for_each(|member| shorten(member, rest, most));
        }
        [name, rest @ ..] => {
            if let Some(inner) = node.get_mut(*name) {
                shorten(inner, rest, most);
            }
        }
    }
}

/// Takes away a tag that was cut in two, and closes `tag` where it was left open.
pub(super) fn close(text: &mut String, tag: &str, max: usize) {
    let end = format!("</{tag}>");
    let missing =
        |text: &str| text.matches(&format!("<{tag}")).count().saturating_sub(text.matches(&end).count());
    drop_half_a_tag(text);
    // A cut takes tags away and never adds one, so what is missing then has room.
    let room = max.saturating_sub(missing(text) * end.len());
    if text.len() > room {
        *text = fit(text, room, Unit::Bytes, |_| None);
        drop_half_a_tag(text);
    }
    let missing = missing(text);
    (0..missing).for_each(|_| text.push_str(&end));
}

fn drop_half_a_tag(text: &mut String) {
    if let Some(open) = text.rfind('<')
        && text[open..]
            .chars()
            .nth(1)
            .is_none_or(|next| next.is_ascii_alphabetic() || next == '/' || next == '…')
        && !text[open..].contains('>')
    {
        text.truncate(open);
    }
}

/// A text in pieces of at most `max` bytes, parted between lines where there are any.
pub(super) fn split(text: &str, max: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > max {
        let mut end = max;
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let at = rest[..end].rfind('\n').filter(|at| *at > 0).unwrap_or(end);
        pieces.push(rest[..at].to_owned());
        rest = rest[at..].trim_start_matches('\n');
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_cut_and_lists_shortened_where_a_path_leads() {
        let mut body = json!({"a": [{"b": "12345"}, {"b": 7}, {}], "c": "12345"});
        cut(&mut body, &["a", "*", "b"], 3, Unit::Bytes);
        shorten(&mut body, &["a"], 2);
        assert_eq!(body, json!({"a": [{"b": "…"}, {"b": 7}], "c": "12345"}));
    }

    #[test]
    fn markup_that_was_cut_is_closed_again_within_the_limit() {
        for (text, closed) in [
            ("<font color=\"info\">a", "<font color=\"info\">a</font>"),
            ("<font color=\"info\">a</font> <fo", "<font color=\"info\">a</font> "),
            ("a > b", "a > b"),
        ] {
            let mut text = text.to_owned();
            close(&mut text, "font", 100);
            assert_eq!(text, closed);
        }
        let mut text = format!("<font color=\"info\">{}", "汉".repeat(30));
        close(&mut text, "font", 100);
        assert!(text.len() <= 100 && text.ends_with("…</font>"), "{text}");
    }

    #[test]
    fn long_text_is_split_between_lines_and_characters() {
        assert_eq!(split("ab\ncd\nef", 6), ["ab\ncd", "ef"]);
        assert_eq!(split("汉汉汉", 7), ["汉汉", "汉"]);
        assert_eq!(split("", 5), Vec::<String>::new());
        assert_eq!(split("\nabcdef", 4).concat().replace('\n', ""), "abcdef");
    }
}
