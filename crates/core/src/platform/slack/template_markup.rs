//! How the texts of a template are read, and what a value in them becomes.

use super::block;
use crate::platform::escape::{
    LinkForm, Spot, TextMarkup, backslashed, in_url_with_entities, is_inside_ascii_word, is_inside_word,
    is_structure, opens_line,
};
use serde_json::Value;

pub(super) fn markup_of(spot: &Spot<'_>) -> Option<&'static TextMarkup> {
    match (spot.name(), spot.beside("type")) {
        ("text", "plain_text") => Some(&PLAIN_TEXT),
        ("text", "markdown") => Some(&MARKDOWN_TEXT),
        // A part of a rich text is shown as it is.
        ("text", "text") => None,
        ("value", _) if spot.holder.contains_key("action_id") => None,
        ("alt_text" | "fallback" | "footer" | "author_name" | "title", _) => Some(&PLAIN_TEXT),
        (name, _) if is_structure(name) => None,
        ("text", _) if spot.holder.get("mrkdwn") == Some(&Value::Bool(false)) => Some(&PLAIN_TEXT),
        _ => Some(&MRKDWN_TEXT),
    }
}

/// Texts that read no markup, but Slack's control sequences.
pub(in crate::platform) static PLAIN_TEXT: TextMarkup = TextMarkup {
    escape: |_, c, _| block(c),
    in_code: None,
    links: LinkForm::Bare,
    in_url: in_url_with_entities,
};

static MRKDWN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '*' | '_' | '~' | '`' if is_inside_word(before, after) => None,
        '*' => Some("\u{200b}*\u{200b}"),
        '_' => Some("\u{200b}_\u{200b}"),
        '~' => Some("\u{200b}~\u{200b}"),
        '`' => Some("\u{200b}`\u{200b}"),
        // A name is looked up where the template sets `link_names`.
        '@' if !before.is_some_and(char::is_alphanumeric) => Some("@\u{200b}"),
        c => block(c),
    },
    in_code: Some(|_, c, _| if c == '`' { Some("ˋ") } else { block(c) }),
    links: LinkForm::Angled,
    in_url: in_url_with_entities,
};

/// The text of a `markdown` block.
static MARKDOWN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '&' | '<' | '>' => block(c),
        '_' if is_inside_ascii_word(before, after) => None,
        '-' | '+' | '#' if !opens_line(before) => None,
        '.' | '=' | '{' | '}' => None,
        c => backslashed(c),
    },
    in_code: Some(|_, c, _| if c == '`' { Some("ˋ") } else { block(c) }),
    links: LinkForm::Markdown,
    in_url: in_url_with_entities,
};
