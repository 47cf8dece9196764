//! A text of a template, read as its platform reads it: each value becomes what is shown as it was written, in the place
//! where it stands.

use super::escape::{LinkForm, TextMarkup};
use super::limits::{EscapeBetween, is_unseen};
use crate::message::marks::{GUARD, MarkedChar, marked_chars};

/// With what the author began the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineStart {
    Nothing,
    Text,
    Quote,
    /// A heading, or the row of a table: it ends with the line.
    OneLine,
    /// What may become the sign of a list.
    Number,
    Sign,
    List,
}

/// A text, and where it is read.
struct EscapedText<'a> {
    markup: &'a TextMarkup,
    given: &'a [MarkedChar],
    line: LineStart,
    /// Where the author's label ends.
    label_end: usize,
    /// Whether the brackets of values in it are no pairs.
    has_odd_brackets: bool,
    out: String,
}

impl TextMarkup {
    /// The text without marks.
    pub(super) fn escaped(&self, text: &str) -> String {
        let mut given = marked_chars(text);
        // Some receivers refuse them.
        given.retain(|marked| !is_unseen(marked.character));
        let out = String::with_capacity(text.len());
        let mut text = EscapedText {
            markup: self,
            given: &given,
            line: LineStart::Nothing,
            label_end: 0,
            has_odd_brackets: false,
            out,
        };
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
        if self.given[at].character == GUARD {
            self.guard(at);
            return at + 1;
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
        if let Some(end) = self.bare_url(at) {
            self.copy(at, end, self.markup.in_url);
            // A backslash behind it would be read as its end. This is the blank without width.
            let next = self.given.get(end).filter(|marked| marked.of_event).map(|marked| marked.character);
            let escape = |c| (self.markup.escape)(self.before(end), c, self.after(end));
            let goes_on = |c: char| "\"|>".contains(c) || escape(c).is_some();
            if self.markup.links == LinkForm::Markdown && next.is_some_and(goes_on) {
                self.out.push('\u{feff}');
            }
            return end;
        }
        if let Some(end) = self.label(at) {
            (self.label_end, self.has_odd_brackets) = (end, !self.pairs(at, end));
        }
        let in_label = self.given[at].of_event && at < self.label_end;
        match self.given[at].character {
            '\n' if in_label => self.out.push(' '),
            '[' if in_label && self.has_odd_brackets => self.out.push('［'),
            ']' if in_label && self.has_odd_brackets => self.out.push('］'),
            _ => self.copy(at, at + 1, self.markup.escape),
        }
        at + 1
    }

    /// A sign of no width, where the line that follows would be more than a line.
    fn guard(&mut self, at: usize) {
        let next = self.after(at).filter(|c| !c.is_whitespace());
        let is_escaped = next.is_some_and(|c| (self.markup.escape)(self.before(at), c, None).is_some());
        let begins_line = match self.line {
            LineStart::Nothing | LineStart::Quote | LineStart::List => true,
            LineStart::OneLine => false,
            _ => at > 0 && self.is_break(at - 1),
        };
        if self.markup.links == LinkForm::Markdown && begins_line && !is_escaped {
            self.out.push('\u{200b}');
        }
    }

    fn before(&self, at: usize) -> Option<char> {
        self.given[..at].iter().rev().map(|marked| marked.character).find(|c| *c != GUARD)
    }

    fn after(&self, at: usize) -> Option<char> {
        self.given[at + 1..].iter().map(|marked| marked.character).find(|c| *c != GUARD)
    }

    /// The end of a label that the author begins here.
    fn label(&self, at: usize) -> Option<usize> {
        if self.markup.links != LinkForm::Markdown || !self.is_own(at, '[') {
            return None;
        }
        let end = (at + 1..self.given.len()).find(|at| self.is_own(*at, ']'))?;
        self.is_own(end + 1, '(').then_some(end)
    }

    /// Whether each bracket of a value between these places has its other half.
    fn pairs(&self, from: usize, to: usize) -> bool {
        let depths =
            self.given[from..to].iter().filter(|marked| marked.of_event).scan(0_i32, |depth, marked| {
                *depth += i32::from(marked.character == '[') - i32::from(marked.character == ']');
                Some(*depth)
            });
        depths.clone().all(|depth| depth >= 0) && depths.last().unwrap_or(0) == 0
    }

    fn copy(&mut self, from: usize, to: usize, escape: EscapeBetween) {
        for index in from..to {
            let Some(marked) = self.given.get(index).filter(|marked| marked.character != GUARD) else {
                continue;
            };
            let escape = |c| escape(self.before(index), c, self.after(index));
            let replaced = match marked.of_event {
                true if marked.character == '\n' => self.broken_line().or_else(|| escape('\n')),
                true => escape(marked.character),
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
            (LineStart::Nothing, false, '-' | '*' | '+') => LineStart::Sign,
            (LineStart::Nothing | LineStart::Number, _, c) if c.is_ascii_digit() => LineStart::Number,
            (LineStart::Number, false, '.' | ')') => LineStart::Sign,
            (LineStart::Sign, _, ' ') => LineStart::List,
            (LineStart::Nothing | LineStart::Number | LineStart::Sign, ..) => LineStart::Text,
            (line, ..) => line,
        }
    }

    /// What a line break of a value becomes where the author's line shall not end with it.
    fn broken_line(&self) -> Option<&'static str> {
        match (self.markup.links, self.line) {
            (LinkForm::Bare, _) => None,
            (_, LineStart::Quote) => Some("\n> "),
            (LinkForm::Markdown, LineStart::OneLine) => Some(" "),
            (LinkForm::Markdown, LineStart::List) => Some("\n   "),
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
            LinkForm::Markdown | LinkForm::InlineMarkdown | LinkForm::UnescapedMarkdown
                if self.is_own(at, ']') && self.is_own(at + 1, '(') =>
            {
                (at + 2, &[')'])
            }
            // `<!date^…>` and its like are words for Slack, and no address.
            LinkForm::Angled if self.is_own(at, '<') && !self.is_own(at + 1, '!') => (at + 1, &['|', '>']),
            _ => return None,
        };
        let end = (begin..self.given.len()).find(|at| ends.iter().any(|end| self.is_own(*at, *end)))?;
        // As in `a < b`.
        let is_blank = self.given.get(begin).is_some_and(|marked| marked.character.is_whitespace());
        (!is_blank).then_some((begin, end))
    }

    /// The end of an address in the text that begins here. What follows it in a sentence is no part of it.
    fn bare_url(&self, at: usize) -> Option<usize> {
        if self.before(at).is_some_and(char::is_alphanumeric) {
            return None;
        }
        let begins = |scheme: &str| {
            let end = at + scheme.len();
            self.given.get(at..end).is_some_and(|given| given.iter().map(|m| m.character).eq(scheme.chars()))
        };
        if !begins("http://") && !begins("https://") {
            return None;
        }
        // What stands around it in the sentence of a value ends it too.
        let closers = match self.before(at) {
            Some('<') => "|>",
            Some('"') => "\"",
            Some('`') => "`",
            _ => "",
        };
        let ends = |at: &usize| {
            let marked = self.given[*at];
            marked.character.is_whitespace()
                || closers.contains(marked.character)
                || !marked.of_event && "()[]{}'*_~".contains(marked.character)
        };
        let mut end = (at..self.given.len()).find(ends).unwrap_or(self.given.len());
        let count = |wanted: char, end: usize| {
            self.given[at..end].iter().filter(|marked| marked.character == wanted).count()
        };
        while let Some(MarkedChar { character, of_event: true }) = self.given[..end].last() {
            let is_of_sentence = match character {
                ')' => count('(', end) < count(')', end),
                ']' => count('[', end) < count(']', end),
                '}' => count('{', end) < count('}', end),
                _ => ".,:;!?'*_~".contains(*character),
            };
            if !is_of_sentence {
                break;
            }
            end -= 1;
        }
        Some(end)
    }
}

/// An at sign that no name follows.
fn unpinged(character: char) -> Option<&'static str> {
    (character == '@').then_some("@\u{200b}")
}
