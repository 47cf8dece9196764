//! The kinds of markup that a field of a description can have.

use super::super::escape::{self, COMMON_MARK, LinkForm, TextMarkup, begins_entity, html_entity, opens_line};

/// The markup of a name in `markup`; `None` for `plain`, which has none.
///
/// # Errors
/// The names that there are.
pub(super) fn dialect(name: &str) -> Result<Option<&'static TextMarkup>, String> {
    Ok(match name {
        "plain" => None,
        "html" => Some(&HTML),
        "markdown" => Some(&COMMON_MARK),
        "signs" => Some(&SIGNS),
        _ => return Err("the kinds of markup are `plain`, `html`, `markdown` and `signs`".to_owned()),
    })
}

pub(super) fn is_html(markup: &'static TextMarkup) -> bool {
    std::ptr::eq(markup, &HTML)
}

/// HTML, where a line ends with `<br>`.
static HTML: TextMarkup = TextMarkup {
    escape: |_, c, after| match c {
        '&' if !begins_entity(after) => None,
        '\n' => Some("<br>"),
        c => html_entity(c),
    },
    in_code: None,
    links: LinkForm::Bare,
    in_url: |_, c, _| html_entity(c),
};

/// A chat's own markdown, of which no escapes are known: its signs become others that look alike, and nobody is pinged.
static SIGNS: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '_' if escape::is_inside_ascii_word(before, after) => None,
        '-' | '+' if !opens_line(before) => None,
        '#' if !opens_line(before) => None,
        '$' if after == Some('$') => Some("$\u{200b}"),
        '/' if before.is_none() => Some("\u{200b}/"),
        '*' => Some("＊"),
        '_' => Some("＿"),
        '~' => Some("～"),
        '`' => Some("ˋ"),
        '[' => Some("［"),
        ']' => Some("］"),
        '<' => Some("＜"),
        '>' => Some("＞"),
        '|' => Some("｜"),
        '#' => Some("＃"),
        '-' => Some("－"),
        '!' => Some("！"),
        '\\' => Some("＼"),
        '@' => Some("@\u{200b}"),
        '&' if begins_entity(after) => Some("&\u{200b}"),
        _ => None,
    },
    in_code: Some(escape::in_code),
    links: LinkForm::Markdown,
    in_url: escape::in_url,
};
