//! How the texts of a template are read, and what a value in them becomes.

use super::block;
use crate::platform::escape::{self, LinkForm, Spot, TextMarkup, backslashed};

pub(super) fn markup_of(spot: &Spot<'_>) -> Option<&'static TextMarkup> {
    if !spot.is_at(&["text"]) && !spot.is_at(&["caption"]) {
        return None;
    }
    Some(match spot.beside("parse_mode").to_ascii_lowercase().as_str() {
        "html" => &HTML_TEXT,
        "markdownv2" => &MARKDOWN_V2_TEXT,
        "markdown" => &MARKDOWN_TEXT,
        _ => &PLAIN_TEXT,
    })
}

static PLAIN_TEXT: TextMarkup = TextMarkup {
    escape: |_, c, _| (c == '@').then_some("@\u{200b}"),
    in_code: None,
    links: LinkForm::Bare,
    in_url: |_, c, _| (c == '@').then_some("%40"),
};

static HTML_TEXT: TextMarkup = TextMarkup {
    // An attribute may have quotes of either kind.
    escape: |_, c, _| match c {
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        c => block(c),
    },
    in_code: None,
    links: LinkForm::Bare,
    in_url: |_, c, _| match c {
        '"' => Some("&quot;"),
        '\'' => Some("%27"),
        '@' => Some("%40"),
        c => block(c),
    },
};

/// A backslash is read before every sign, in code and in an address too.
static MARKDOWN_V2_TEXT: TextMarkup = TextMarkup {
    escape: |_, c, _| if c == '@' { Some("@\u{200b}") } else { backslashed(c) },
    in_code: Some(|_, c, _| if matches!(c, '`' | '\\') { backslashed(c) } else { None }),
    links: LinkForm::InlineMarkdown,
    in_url: |_, c, _| if c == '@' { Some("%40") } else { backslashed(c) },
};

/// The old mode reads no backslash inside of a link, of bold or of italics, and elsewhere one before a mark only.
static MARKDOWN_TEXT: TextMarkup = TextMarkup {
    escape: |_, c, after| match c {
        '\\' if after.is_some_and(|after| "_*`[".contains(after)) => Some("\\\u{200b}"),
        '_' | '*' | '`' | '[' => backslashed(c),
        '@' => Some("@\u{200b}"),
        _ => None,
    },
    in_code: Some(escape::in_code),
    links: LinkForm::UnescapedMarkdown,
    in_url: |before, c, after| if c == '_' { Some("%5F") } else { escape::in_url(before, c, after) },
};
