//! Escapes the values in the body of a template: each for the markup of the place it stands in. What the template's
//! author wrote keeps its meaning, and a URL stays one.

use super::Platform;
use super::limits::{EscapeBetween, is_unseen};
use crate::message::marks::{has_marks, opens_block, without_marks};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Where a text stands in a body.
pub struct Spot<'a> {
    /// The names around it, from the outside; its own is the last. Places in lists are left out.
    pub path: &'a [String],
    /// The object that has it.
    pub holder: &'a Map<String, Value>,
}

impl Spot<'_> {
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// The text of a member next to it.
    pub fn beside(&self, name: &str) -> &str {
        self.holder.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn is_at(&self, path: &[&str]) -> bool {
        self.path == path
    }
}

/// The markup that a platform reads in a place; `None` where it reads none, or the text is no text for people.
pub type MarkupOf = fn(&Spot<'_>) -> Option<&'static TextMarkup>;

/// The same, for the body at hand.
pub(super) type Markups<'a> = dyn Fn(&Spot<'_>) -> Option<&'static TextMarkup> + 'a;

/// How a platform reads the texts of one kind.
pub struct TextMarkup {
    pub escape: EscapeBetween,
    /// The same between backticks, where the platform knows them.
    pub in_code: Option<EscapeBetween>,
    pub links: LinkForm,
    /// The same in a URL.
    pub in_url: EscapeBetween,
}

/// How an author writes a link to an address of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkForm {
    /// By the bare address only.
    Bare,
    /// `[label](address)`, in a markdown whose lines may begin code, lists and headings.
    Markdown,
    /// The same in a markdown without them.
    InlineMarkdown,
    /// The same, where the inside of a link, of bold and of italics knows no escapes, and ends at its sign.
    UnescapedMarkdown,
    /// `<address|label>`.
    Angled,
}

/// Whether the name of a member says that its text is none for people: an address, an id, a kind, a colour.
pub(super) fn is_structure(name: &str) -> bool {
    const ENDS: [&str; 12] =
        ["url", "Url", "URL", "_id", "Id", "ID", "_key", "Key", "_link", "Link", "_type", "Type"];
    const NAMES: &str = "\
        id key link type href src tag color colour style ts timestamp parse_mode channel username \
        icon_emoji emoji schema version";
    ENDS.iter().any(|end| name.ends_with(end)) || NAMES.split(' ').any(|known| known == name)
}

/// Escapes the values in a body with marks, and takes all marks out.
fn escape_values(body: &mut Value, markup_of: &Markups<'_>) {
    visit(body, &mut Vec::new(), &Map::new(), markup_of);
}

fn visit(node: &mut Value, path: &mut Vec<String>, holder: &Map<String, Value>, markup_of: &Markups<'_>) {
    match node {
        // A blank has no mark, and ends an address.
        Value::String(text)
            if has_marks(text)
                || text.contains("](")
                || text.contains("<http")
                || text.contains(is_unseen) =>
        {
            *text = match markup_of(&Spot { path, holder }) {
                Some(markup) => markup.escaped(text),
                None => without_marks(text),
            };
        }
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, path, holder, markup_of)),
        Value::Object(fields) => {
            if fields.keys().any(|key| has_marks(key)) {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(key, field)| (without_marks(&key), field))
                    .collect();
            }
            // A member next to a text may choose its markup.
            let words = fields.iter().filter(|(_, field)| field.is_string() || field.is_boolean());
            let words = words.filter(|(_, field)| field.as_str().is_none_or(|word| word.len() < 64));
            let beside: Map<String, Value> =
                words.map(|(name, field)| (name.clone(), field.clone())).collect();
            for (name, field) in fields.iter_mut() {
                path.push(name.clone());
                visit(field, path, &beside, markup_of);
                path.pop();
            }
        }
        _ => {}
    }
}

/// A text in CommonMark.
pub(super) static COMMON_MARK: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '&' if begins_entity(after) => Some("&amp;"),
        '_' if is_inside_ascii_word(before, after) => None,
        '-' | '+' | '#' if !opens_line(before) => None,
        '&' | '.' | '=' | '{' | '}' => None,
        c => backslashed(c),
    },
    in_code: Some(in_code),
    links: LinkForm::Markdown,
    in_url: in_url_with_entities,
};

/// Percent signs in the place of what markdown would read, or a mention begins with.
pub(super) fn in_url(_: Option<char>, character: char, _: Option<char>) -> Option<&'static str> {
    const SIGNS: &str = "!\"'()*<>@[\\]^`{|}";
    const ENCODED: &str = "%21%22%27%28%29%2A%3C%3E%40%5B%5C%5D%5E%60%7B%7C%7D";
    let at = 3 * SIGNS.find(character)?;
    ENCODED.get(at..at + 3)
}

/// The same where an ampersand begins an entity.
pub(super) fn in_url_with_entities(
    before: Option<char>,
    character: char,
    after: Option<char>,
) -> Option<&'static str> {
    if character == '&' { Some("&amp;") } else { in_url(before, character, after) }
}

/// Code ends at a backtick, so one of a value becomes another sign; nobody is pinged in it either.
pub(super) fn in_code(_: Option<char>, character: char, _: Option<char>) -> Option<&'static str> {
    match character {
        '`' => Some("ˋ"),
        '@' => Some("@\u{200b}"),
        _ => None,
    }
}

/// A backslash before what markdown reads.
pub(super) fn backslashed(character: char) -> Option<&'static str> {
    const SIGNS: &str = r"\*_~`|#[]()!<>-+={}.";
    const ESCAPED: &str = r"\\\*\_\~\`\|\#\[\]\(\)\!\<\>\-\+\=\{\}\.";
    let at = 2 * SIGNS.find(character)?;
    ESCAPED.get(at..at + 2)
}

/// Whether both neighbours are letters or digits, as in `frame_07`, where an underscore is no markup.
pub(super) fn is_inside_word(before: Option<char>, after: Option<char>) -> bool {
    before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
}

/// The same where only letters of ASCII make a word, as in JavaScript.
pub(super) fn is_inside_ascii_word(before: Option<char>, after: Option<char>) -> bool {
    [before, after].iter().all(|c| c.is_some_and(|c| c.is_ascii_alphanumeric()))
}

/// Whether the word before has no letter at its end, so that a mark can begin something.
pub(super) fn follows_no_letter(before: Option<char>) -> bool {
    !before.is_some_and(|before| before.is_ascii_alphanumeric())
}

/// Whether an ampersand before this begins an entity.
pub(super) fn begins_entity(after: Option<char>) -> bool {
    after.is_some_and(|after| after == '#' || after.is_ascii_alphabetic())
}

/// A text with a sign of no width before each line that markdown would read as more than a line.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if !text.lines().any(opens_block) {
        return Cow::Borrowed(text);
    }
    let guarded = |line: &str| if opens_block(line) { format!("\u{200b}{line}") } else { line.to_owned() };
    Cow::Owned(text.split('\n').map(guarded).collect::<Vec<_>>().join("\n"))
}

/// Whether a line can begin here, where a mark opens a heading, a quote or a list.
pub(super) fn opens_line(before: Option<char>) -> bool {
    before.is_none_or(char::is_whitespace)
}

/// The body of a template whose values are marked, finished for the platform.
pub(super) fn finish(platform: &dyn Platform, body: &mut Value) {
    if let Some(markup_of) = platform.markup_in(body) {
        escape_values(body, &*markup_of);
    }
    platform.add_defaults(body);
}

/// The same; `None` for a platform that gets values as they are.
pub fn finish_template(platform: &'static dyn Platform) -> Option<impl Fn(&mut Value)> {
    platform.description().markup?;
    Some(move |body: &mut Value| finish(platform, body))
}

/// What HTML reads as it is, in a text and between quotation marks of either kind.
pub(super) fn html_entity(character: char) -> Option<&'static str> {
    Some(match character {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}
