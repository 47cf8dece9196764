//! Escapes the values in the body of a template: each for the markup of the place it stands in. What the template's
//! author wrote keeps its meaning, and a URL stays one.

use super::Platform;
use crate::message::marks::{MarkedChar, has_marks, marked_chars, without_marks};
use serde_json::{Map, Value};

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

    /// The text of a member beside it.
    pub fn beside(&self, name: &str) -> &str {
        self.holder.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn is_at(&self, path: &[&str]) -> bool {
        self.path == path
    }
}

/// The markup that a platform reads in a place; `None` where it reads none, or the text is no text for people.
pub type MarkupOf = fn(&Spot<'_>) -> Option<&'static TextMarkup>;

/// What a character becomes that an event brought, given the ones before and after it; `None` leaves it as it is.
pub type EscapeBetween = fn(Option<char>, char, Option<char>) -> Option<&'static str>;

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
    /// `[label](address)`.
    Markdown,
    /// The same, where the inside of a link, of bold and of italics knows no escapes, and ends at its sign.
    UnescapedMarkdown,
    /// `<address|label>`.
    Angled,
}

/// Whether the name of a member says that its text is none for people: an address, an id, a kind, a colour.
pub(super) fn is_structure(name: &str) -> bool {
    const ENDS: [&str; 12] =
        ["url", "Url", "URL", "_id", "Id", "ID", "_key", "Key", "_link", "Link", "_type", "Type"];
    const NAMES: [&str; 19] = [
        "id",
        "key",
        "link",
        "type",
        "href",
        "src",
        "tag",
        "color",
        "colour",
        "style",
        "ts",
        "timestamp",
        "parse_mode",
        "channel",
        "username",
        "icon_emoji",
        "emoji",
        "schema",
        "version",
    ];
    ENDS.iter().any(|end| name.ends_with(end)) || NAMES.contains(&name)
}

/// Escapes the values in a body with marks, and takes all marks out.
pub(super) fn escape_values(body: &mut Value, markup_of: MarkupOf) {
    visit(body, &mut Vec::new(), &Map::new(), markup_of);
}

fn visit(node: &mut Value, path: &mut Vec<String>, holder: &Map<String, Value>, markup_of: MarkupOf) {
    match node {
        Value::String(text) if has_marks(text) => {
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
            // What stands beside a text is a word that chooses its markup.
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

/// With what the author began the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineStart {
    Nothing,
    Text,
    Quote,
    /// A heading, or the row of a table: it ends with the line.
    OneLine,
}

/// A text, and where it is read.
struct EscapedText<'a> {
    markup: &'a TextMarkup,
    given: &'a [MarkedChar],
    line: LineStart,
    out: String,
}

impl TextMarkup {
    fn escaped(&self, text: &str) -> String {
        let given = marked_chars(text);
        let out = String::with_capacity(text.len());
        let mut text = EscapedText { markup: self, given: &given, line: LineStart::Nothing, out };
        let mut at = 0;
        while at < given.len() {
            at = text.step(at);
        }
        text.out
    }
}

impl EscapedText<'_> {
    /// Writes what begins here, and gives where it ends.
    fn step(&mut self, at: usize) -> usize {
        if let Some((begin, end)) = self.code(at) {
            self.copy(at, begin, self.markup.escape);
            for inside in begin..end {
                // Code between single backticks is one line.
                match self.is_break(inside) && begin - at < 3 {
                    true => self.out.push(' '),
                    false => self.copy(inside, inside + 1, self.markup.in_code.unwrap_or(self.markup.escape)),
                }
            }
            let behind = end + (begin - at);
            self.copy(end, behind, self.markup.escape);
            return behind;
        }
        if let Some((end, escape)) = self.unescaped(at) {
            self.copy(at, at + 1, self.markup.escape);
            self.copy(at + 1, end, escape);
            // The bracket at the end of a label may begin an address.
            let behind = end + usize::from(!self.is_own(end, ']'));
            self.copy(end, behind, self.markup.escape);
            return behind;
        }
        if let Some((begin, end)) = self.target(at) {
            self.copy(at, begin, self.markup.escape);
            self.copy_address(begin, end);
            return end;
        }
        if let Some((begin, end)) = self.bare_url(at) {
            self.copy(at, begin, self.markup.escape);
            self.copy(begin, end, self.markup.in_url);
            return end;
        }
        self.copy(at, at + 1, self.markup.escape);
        at + 1
    }

    fn copy(&mut self, from: usize, to: usize, escape: EscapeBetween) {
        let at = |index: usize| self.given.get(index).map(|marked| marked.character);
        for index in from..to {
            let Some(marked) = self.given.get(index) else { break };
            let before = index.checked_sub(1).and_then(at);
            let replaced = match marked.of_event {
                true if marked.character == '\n' => {
                    self.broken_line().or_else(|| escape(before, '\n', at(index + 1)))
                }
                true => escape(before, marked.character, at(index + 1)),
                false => None,
            };
            self.note_line(*marked);
            match replaced {
                Some(replaced) => self.out.push_str(replaced),
                None => self.out.push(marked.character),
            }
        }
    }

    fn note_line(&mut self, marked: MarkedChar) {
        self.line = match (self.line, marked.of_event, marked.character) {
            (_, false, '\n') => LineStart::Nothing,
            (LineStart::Nothing, _, c) if c.is_whitespace() => LineStart::Nothing,
            (LineStart::Nothing, false, '>') => LineStart::Quote,
            (LineStart::Nothing, false, '#' | '|') => LineStart::OneLine,
            (LineStart::Nothing, ..) => LineStart::Text,
            (line, ..) => line,
        }
    }

    /// What a line break of a value becomes where the author's line shall not end with it.
    fn broken_line(&self) -> Option<&'static str> {
        match (self.markup.links, self.line) {
            (LinkForm::Bare, _) => None,
            (_, LineStart::Quote) => Some("\n> "),
            (LinkForm::Markdown, LineStart::OneLine) => Some(" "),
            _ => None,
        }
    }

    fn is_break(&self, at: usize) -> bool {
        self.given.get(at) == Some(&MarkedChar { character: '\n', of_event: true })
    }

    /// An address in its brackets, which ends at a blank unless the author has a title behind it.
    fn copy_address(&mut self, from: usize, to: usize) {
        let has_title = (from..to).any(|at| self.is_own(at, '"'));
        for at in from..to {
            match self.given.get(at).map(|marked| marked.character) {
                Some(blank) if blank.is_whitespace() && !has_title => {
                    let mut bytes = [0; 4];
                    for byte in blank.encode_utf8(&mut bytes).bytes() {
                        self.out.push_str(&format!("%{byte:02X}"));
                    }
                }
                _ => self.copy(at, at + 1, self.markup.in_url),
            }
        }
    }

    /// The end of bold, italics or a label that the author began here, and what a value is inside of it: only the sign
    /// that ends it becomes another.
    fn unescaped(&self, at: usize) -> Option<(usize, EscapeBetween)> {
        if self.markup.links != LinkForm::UnescapedMarkdown || at > 0 && self.is_own(at - 1, '\\') {
            return None;
        }
        let (ends, escape): (char, EscapeBetween) =
            match self.given.get(at).filter(|marked| !marked.of_event)?.character {
                '*' => ('*', |_, c, _| if c == '*' { Some("＊") } else { unpinged(c) }),
                '_' => ('_', |_, c, _| if c == '_' { Some("＿") } else { unpinged(c) }),
                '[' => (']', |_, c, _| if c == ']' { Some("］") } else { unpinged(c) }),
                _ => return None,
            };
        let end = (at + 1..self.given.len()).find(|at| self.is_own(*at, ends))?;
        Some((end, escape))
    }

    fn is_own(&self, at: usize, character: char) -> bool {
        self.given.get(at) == Some(&MarkedChar { character, of_event: false })
    }

    /// The inside of code that the author began here and ends further on. Code on one line ends with
    /// that.
    fn code(&self, at: usize) -> Option<(usize, usize)> {
        self.markup.in_code?;
        let run = |from: usize| (from..).take_while(|at| self.is_own(*at, '`')).count();
        let length = run(at);
        if length == 0 {
            return None;
        }
        let begin = at + length;
        let mut end = begin;
        while end < self.given.len() {
            match run(end) {
                0 if length < 3 && self.is_own(end, '\n') => return None,
                0 => end += 1,
                found if found == length => return Some((begin, end)),
                found => end += found,
            }
        }
        None
    }

    /// The address of a link whose form is the author's.
    fn target(&self, at: usize) -> Option<(usize, usize)> {
        let (begin, ends): (usize, &[char]) = match self.markup.links {
            LinkForm::Bare => return None,
            LinkForm::Markdown | LinkForm::UnescapedMarkdown
                if self.is_own(at, ']') && self.is_own(at + 1, '(') =>
            {
                (at + 2, &[')'])
            }
            LinkForm::Angled if self.is_own(at, '<') => (at + 1, &['|', '>']),
            _ => return None,
        };
        let end = (begin..self.given.len()).find(|at| ends.iter().any(|end| self.is_own(*at, *end)))?;
        Some((begin, end))
    }

    /// An address in the text.
    fn bare_url(&self, at: usize) -> Option<(usize, usize)> {
        let is_letter =
            |at: usize| self.given.get(at).is_some_and(|marked| marked.character.is_alphanumeric());
        if at > 0 && is_letter(at - 1) {
            return None;
        }
        let begins = |scheme: &str| {
            let end = at + scheme.len();
            self.given.get(at..end).is_some_and(|given| given.iter().map(|m| m.character).eq(scheme.chars()))
        };
        if !begins("http://") && !begins("https://") {
            return None;
        }
        let ends = |at: &usize| {
            let marked = self.given[*at];
            marked.character.is_whitespace()
                || !marked.of_event && "<>()[]{}|\"'`*_~".contains(marked.character)
        };
        Some((at, (at..self.given.len()).find(ends).unwrap_or(self.given.len())))
    }
}

/// An at sign that no name follows.
fn unpinged(character: char) -> Option<&'static str> {
    (character == '@').then_some("@\u{200b}")
}

/// Percent signs in the place of what markdown would read, or a mention begins with.
pub(super) fn in_url(_: Option<char>, character: char, _: Option<char>) -> Option<&'static str> {
    Some(match character {
        '!' => "%21",
        '"' => "%22",
        '\'' => "%27",
        '(' => "%28",
        ')' => "%29",
        '*' => "%2A",
        '<' => "%3C",
        '>' => "%3E",
        '@' => "%40",
        '[' => "%5B",
        '\\' => "%5C",
        ']' => "%5D",
        '^' => "%5E",
        '`' => "%60",
        '{' => "%7B",
        '|' => "%7C",
        '}' => "%7D",
        _ => return None,
    })
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
    Some(match character {
        '\\' => "\\\\",
        '*' => "\\*",
        '_' => "\\_",
        '~' => "\\~",
        '`' => "\\`",
        '|' => "\\|",
        '#' => "\\#",
        '[' => "\\[",
        ']' => "\\]",
        '(' => "\\(",
        ')' => "\\)",
        '!' => "\\!",
        '<' => "\\<",
        '>' => "\\>",
        '-' => "\\-",
        '+' => "\\+",
        '=' => "\\=",
        '{' => "\\{",
        '}' => "\\}",
        '.' => "\\.",
        _ => return None,
    })
}

/// Whether both neighbours are letters or digits, as in `frame_07`, where an underscore is no markup.
pub(super) fn is_inside_word(before: Option<char>, after: Option<char>) -> bool {
    before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
}

/// Whether a line can begin here, where a mark opens a heading, a quote or a list.
pub(super) fn opens_line(before: Option<char>) -> bool {
    before.is_none_or(char::is_whitespace)
}

/// The body of a template whose values are marked, finished for the platform; `None` for a platform that gets values as
/// they are.
pub fn finish_template(platform: &'static dyn Platform) -> Option<impl Fn(&mut Value)> {
    let markup_of = platform.template_markup()?;
    Some(move |body: &mut Value| {
        escape_values(body, markup_of);
        platform.add_defaults(body);
    })
}
