//! How the texts of a template are read, and what a value in them becomes.

use super::{block, inline};
use crate::platform::escape::{
    self, LinkForm, Spot, TextMarkup, begins_entity, is_inside_word, is_structure, opens_line,
};

pub(super) fn markup_of(spot: &Spot<'_>) -> Option<&'static TextMarkup> {
    if spot.is_at(&["markdown_v2", "content"]) {
        return Some(&TABLE_TEXT);
    }
    if spot.is_at(&["markdown", "content"]) {
        return Some(&MARKDOWN_TEXT);
    }
    let is_list = spot.path.iter().any(|name| name.starts_with("mentioned_"));
    (!is_list && !is_structure(spot.name())).then_some(&PLAIN_TEXT)
}

/// A text pings whom it names in angle brackets.
static PLAIN_TEXT: TextMarkup = TextMarkup {
    escape: |_, c, _| if matches!(c, '<' | '>') { inline(c) } else { None },
    in_code: None,
    links: LinkForm::Bare,
    in_url: escape::in_url,
};

static MARKDOWN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '_' if !is_inside_word(before, after) => Some("＿"),
        '~' if before == Some('~') || after == Some('~') => Some("～"),
        '&' if begins_entity(after) => Some("&\u{200b}"),
        '#' if !opens_line(before) => None,
        c => block(c),
    },
    in_code: Some(|_, c, _| if matches!(c, '`' | '<' | '>') { inline(c) } else { None }),
    links: LinkForm::Markdown,
    in_url: escape::in_url,
};

/// The newer markdown has tables, whose cells end at a bar.
static TABLE_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| if c == '|' { Some("｜") } else { (MARKDOWN_TEXT.escape)(before, c, after) },
    ..MARKDOWN_TEXT
};
