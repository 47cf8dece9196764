//! Finds what an author wrote in quotes inside `{{ … }}` and `{% set … %}`, and marks it as his: `{{ "*" ~ task.name }}`
//! keeps its star. What is compared, looked up or given to a filter stays as it is, because its meaning would change.
//! A text that is not found is escaped like a value, so an oversight here shows a character too much and pings nobody.

use super::marks::as_author;
use std::collections::HashSet;
use std::ops::Range;

pub(super) fn marked_text(source: &str) -> Option<String> {
    let mut found = Literals::default();
    let mut at = 0;
    while let Some(open) = source.get(at..).and_then(|rest| rest.find('{')).map(|open| at + open) {
        let body = open + 2;
        at = match source.as_bytes().get(open + 1) {
            Some(b'#') => source[body..].find("#}").map_or(source.len(), |end| body + end + 2),
            Some(b'{') => {
                let (tokens, end) = tokens(source, body, "}}");
                let own = found.flow(source, &tokens);
                found.edits.extend(own.into_iter().map(|range| (range, None)));
                end
            }
            Some(b'%') => {
                let (tokens, end) = tokens(source, body, "%}");
                if found.statement(source, &tokens) == Some("raw") {
                    source[end..].find("endraw").map_or(source.len(), |raw| end + raw)
                } else {
                    end
                }
            }
            _ => open + 1,
        };
    }
    found.applied(source)
}

pub(super) fn marked_expression(source: &str) -> Option<String> {
    let mut found = Literals::default();
    let (tokens, _) = tokens(source, 0, "\0");
    let own = found.flow(source, &tokens);
    found.edits.extend(own.into_iter().map(|range| (range, None)));
    found.applied(source)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    Text,
    Word,
    Comparison,
    Open,
    Close,
    Comma,
    Other,
}

#[derive(Debug, Clone)]
struct LiteralToken {
    kind: TokenKind,
    at: Range<usize>,
}

/// The tokens up to the end of the braces, and what follows them.
fn tokens(source: &str, from: usize, end: &str) -> (Vec<LiteralToken>, usize) {
    let (mut tokens, mut at, mut depth) = (Vec::new(), from, 0_usize);
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let dashed = rest.strip_prefix(['-', '+']).is_some_and(|rest| rest.starts_with(end));
        if depth == 0 && (rest.starts_with(end) || dashed) {
            return (tokens, at + end.len() + usize::from(dashed));
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let (kind, length) = match first {
            '\'' | '"' => (TokenKind::Text, text_length(rest, first)),
            '=' | '!' | '<' | '>' if rest[1..].starts_with('=') => (TokenKind::Comparison, 2),
            '<' | '>' => (TokenKind::Comparison, 1),
            '(' | '[' | '{' => (TokenKind::Open, 1),
            ')' | ']' | '}' => (TokenKind::Close, 1),
            ',' => (TokenKind::Comma, 1),
            c if is_word(c) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let kind = match &rest[..length] {
                    "in" | "is" => TokenKind::Comparison,
                    "if" | "else" | "and" | "or" => TokenKind::Comma,
                    _ => TokenKind::Word,
                };
                (kind, length)
            }
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            c => (TokenKind::Other, c.len_utf8()),
        };
        match kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        tokens.push(LiteralToken { kind, at: at..at + length });
        at += length;
    }
    (tokens, source.len())
}

/// The bytes of a text in quotes, with both of them.
fn text_length(source: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in source.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    source.len()
}

/// What is known of the open bracket around a token.
struct Bracket {
    /// A lookup, or arguments whose meaning a mark would change.
    is_argument: bool,
    accepted: Vec<Range<usize>>,
    segment: Vec<Range<usize>>,
    words: Vec<Range<usize>>,
    is_compared: bool,
}

impl Bracket {
    fn new(is_argument: bool) -> Bracket {
        let none = Vec::new;
        Bracket { is_argument, accepted: none(), segment: none(), words: none(), is_compared: false }
    }
}

#[derive(Default)]
struct Literals {
    /// Each with the name that `set` gives it.
    edits: Vec<(Range<usize>, Option<String>)>,
    /// Names that are compared somewhere.
    compared: HashSet<String>,
}

impl Literals {
    fn flow(&mut self, source: &str, tokens: &[LiteralToken]) -> Vec<Range<usize>> {
        let mut open = vec![Bracket::new(false)];
        for (index, token) in tokens.iter().enumerate() {
            let text = &source[token.at.clone()];
            let before = index.checked_sub(1).and_then(|before| tokens.get(before));
            let Some(top) = open.last_mut() else { break };
            match token.kind {
                TokenKind::Text => top.segment.push(token.at.clone()),
                TokenKind::Word => top.words.push(token.at.clone()),
                TokenKind::Comparison => top.is_compared = true,
                TokenKind::Comma => self.end_segment(source, top),
                // The key of a map.
                TokenKind::Other if text == ":" => top.segment.clear(),
                TokenKind::Other => {}
                TokenKind::Open => {
                    let follows_value = before.is_some_and(|before| {
                        matches!(before.kind, TokenKind::Word | TokenKind::Close | TokenKind::Text)
                    });
                    let name = before.map_or("", |before| &source[before.at.clone()]);
                    let is_default = text == "(" && matches!(name, "default" | "d");
                    open.push(Bracket::new(follows_value && name != "not" && !is_default));
                }
                TokenKind::Close => {
                    let Some(mut inner) = (open.len() > 1).then(|| open.pop()).flatten() else { continue };
                    self.end_segment(source, &mut inner);
                    if let Some(outer) = open.last_mut().filter(|_| !inner.is_argument) {
                        outer.segment.extend(inner.accepted);
                    }
                }
            }
        }
        let Some(mut whole) = open.into_iter().next() else { return Vec::new() };
        self.end_segment(source, &mut whole);
        whole.accepted
    }

    fn end_segment(&mut self, source: &str, bracket: &mut Bracket) {
        let (texts, words) = (std::mem::take(&mut bracket.segment), std::mem::take(&mut bracket.words));
        if std::mem::take(&mut bracket.is_compared) {
            self.compared.extend(words.into_iter().map(|word| source[word].to_owned()));
        } else {
            bracket.accepted.extend(texts);
        }
    }

    /// Reads `{% … %}`, and gives its first word.
    fn statement<'s>(&mut self, source: &'s str, tokens: &[LiteralToken]) -> Option<&'s str> {
        let is_sign = |token: &&LiteralToken| matches!(&source[token.at.clone()], "-" | "+");
        let skip = tokens.iter().take_while(is_sign).count();
        let (first, rest) = tokens.get(skip..)?.split_first()?;
        let own = self.flow(source, rest);
        let first = &source[first.at.clone()];
        if first == "set"
            && let [name, equals, ..] = rest
            && &source[equals.at.clone()] == "="
        {
            let name = source[name.at.clone()].to_owned();
            self.edits.extend(own.into_iter().map(|range| (range, Some(name.clone()))));
        }
        Some(first)
    }

    fn applied(self, source: &str) -> Option<String> {
        let mut edits = self.edits;
        edits.retain(|(_, name)| name.as_ref().is_none_or(|name| !self.compared.contains(name)));
        edits.sort_by_cached_key(|(range, _)| range.start);
        let mut out = String::with_capacity(source.len());
        let mut at = 0;
        for (range, _) in edits {
            out.push_str(&source[at..range.start]);
            out.push_str(&marked_literal(&source[range.clone()]));
            at = range.end;
        }
        out.push_str(&source[at..]);
        (out != source).then_some(out)
    }
}

/// A text in quotes whose punctuation is marked, except for what is an escape of the language.
fn marked_literal(quoted: &str) -> String {
    let Some(inner) = quoted.get(1..quoted.len() - 1) else { return quoted.to_owned() };
    let mut out = quoted[..1].to_owned();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                let next = characters.next();
                match next.filter(char::is_ascii_punctuation) {
                    Some(punctuation) => out.push_str(&as_author(&punctuation.to_string())),
                    None => out.extend(std::iter::once('\\').chain(next)),
                }
            }
            c => out.push_str(&as_author(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push_str(&quoted[quoted.len() - 1..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The source with what is marked in upper-case angle quotes.
    fn shown(source: &str) -> String {
        let marked = marked_text(source).unwrap_or_else(|| source.to_owned());
        let plain = |c: char| as_author(&c.to_string()) != c.to_string();
        let back: Vec<(char, String)> =
            (' '..='~').filter(|c| plain(*c)).map(|c| (c, as_author(&c.to_string()))).collect();
        back.iter().fold(marked, |text, (c, mark)| text.replace(mark.as_str(), &format!("«{c}»")))
    }

    #[test]
    fn what_an_author_prints_is_his_and_what_he_compares_stays() {
        for (source, marked) in [
            ("*a* {{ task.name }} 'b*'", "*a* {{ task.name }} 'b*'"),
            ("{{ '*' ~ task.name ~ \"*\" }}", "{{ '«*»' ~ task.name ~ \"«*»\" }}"),
            (
                "{{ '<b>' if task.kind == 'a_b' else '-' }}",
                "{{ '«<»b«>»' if task.kind == 'a_b' else '«-»' }}",
            ),
            ("{{ x | default('*') | replace('_', '*') }}", "{{ x | default('«*»') | replace('_', '*') }}"),
            ("{{ task.params['a_b'] }}", "{{ task.params['a_b'] }}"),
            ("{{ ('a_b') == x }}{{ x in ['a_b'] }}", "{{ ('a_b') == x }}{{ x in ['a_b'] }}"),
            ("{{ ('*' ~ x) | upper }}", "{{ ('«*»' ~ x) | upper }}"),
            ("{{ x or '*' }}", "{{ x or '«*»' }}"),
            ("{# '*' #}{% raw %}{{ '*' }}{% endraw %}", "{# '*' #}{% raw %}{{ '*' }}{% endraw %}"),
            ("{% set a = '<!here>' %}{{ a }}", "{% set a = '«<»«!»here«>»' %}{{ a }}"),
            ("{% set a = 'a_b' %}{{ 1 if a == x }}", "{% set a = 'a_b' %}{{ 1 if a == x }}"),
            ("{% if x == '*' %}{{ '\\n\\'*' }}{% endif %}", "{% if x == '*' %}{{ '\\n«'»«*»' }}{% endif %}"),
            ("{{ {'a*': '*'} }}", "{{ {'a*': '«*»'} }}"),
            ("{{ 'a}}*' }} {{- '*' -}}", "{{ 'a«}»«}»«*»' }} {{- '«*»' -}}"),
        ] {
            assert_eq!(shown(source), marked);
        }
        assert_eq!(marked_expression("'*'"), Some(format!("'{}'", as_author("*"))));
        assert_eq!(marked_expression("task.name"), None);
    }
}
