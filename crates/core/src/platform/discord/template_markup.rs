//! How the texts of a template are read, and what a value in them becomes.

use super::block;
use crate::platform::escape::{
    self, LinkForm, Spot, TextMarkup, follows_no_letter, is_inside_ascii_word, is_structure,
};

pub(super) fn markup_of(spot: &Spot<'_>) -> Option<&'static TextMarkup> {
    let (name, parent) = (spot.name(), spot.path.iter().rev().nth(1).map_or("", String::as_str));
    match (parent, name) {
        ("footer", "text")
        | ("author", "name")
        | (_, "thread_name" | "label" | "placeholder" | "filename") => None,
        ("question" | "poll_media", "text") => None,
        _ if is_structure(name) => None,
        _ => Some(&MARKDOWN_TEXT),
    }
}

static MARKDOWN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '_' if is_inside_ascii_word(before, after) => None,
        '-' | '#' if !follows_no_letter(before) => None,
        // A spoiler ends at its bars, whatever stands before them.
        '|' if after == Some('|') => Some("\\|\u{200b}"),
        '@' => Some("@\u{200b}"),
        c => block(c),
    },
    in_code: Some(escape::in_code),
    links: LinkForm::Markdown,
    in_url: escape::in_url,
};
