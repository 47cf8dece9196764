//! Parses a condition into `and`, `or`, `not` and comparisons, so that an undefined name makes only its own comparison
//! false. minijinja evaluates whole expressions only; this splits its tokens at as much of its grammar as that rule needs
//! and leaves anything else as one comparison.

use super::source_tokens::{self, SourceToken};
use minijinja::machinery::Token as Lexed;
use std::ops::Range;

/// Anything nested deeper is one comparison.
const MAX_DEPTH: usize = 50;

/// A condition, as ranges of its source.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExprAst {
    All(Vec<ExprAst>),
    Any(Vec<ExprAst>),
    Not(Box<ExprAst>),
    Comparison(ComparisonAst),
}

/// Anything but `and`, `or` and `not`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ComparisonAst {
    pub source: Range<usize>,
    /// One operand without an operator; none when the expression has an `if`.
    pub operands: Vec<Range<usize>>,
    pub operators: Vec<Comparator>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `in` and `not in`.
    Membership,
}

impl Comparator {
    fn of_symbol(symbol: &str) -> Option<Comparator> {
        Some(match symbol {
            "==" => Comparator::Equal,
            "!=" => Comparator::NotEqual,
            "<" => Comparator::Less,
            "<=" => Comparator::LessOrEqual,
            ">" => Comparator::Greater,
            ">=" => Comparator::GreaterOrEqual,
            _ => return None,
        })
    }
}

pub(super) fn parse(source: &str) -> ExprAst {
    let tokens = tokens(source);
    expr(source, &tokens, 0..source.len(), 0)
}

#[derive(Debug)]
struct Token {
    at: Range<usize>,
    /// The number of open brackets around it; a bracket is outside of itself.
    depth: usize,
}

impl Token {
    fn text<'a>(&self, source: &'a str) -> &'a str {
        source.get(self.at.clone()).unwrap_or("")
    }
}

fn expr(source: &str, tokens: &[Token], range: Range<usize>, nesting: usize) -> ExprAst {
    let whole = ComparisonAst { source: range, operands: Vec::new(), operators: Vec::new() };
    let Some(level) = tokens.first().map(|token| token.depth) else { return ExprAst::Comparison(whole) };
    let words = keywords(source, tokens, level);
    let positions = |word: &str| -> Vec<usize> {
        words.iter().filter(|(_, keyword)| *keyword == word).map(|(index, _)| *index).collect()
    };
    if nesting > MAX_DEPTH || !positions("if").is_empty() {
        return ExprAst::Comparison(whole);
    }
    let parts = |at: &[usize]| -> Vec<ExprAst> {
        split(tokens, at).map(|(part, range)| expr(source, part, range, nesting + 1)).collect()
    };
    let (ors, ands) = (positions("or"), positions("and"));
    if !ors.is_empty() {
        return ExprAst::Any(parts(&ors));
    }
    if !ands.is_empty() {
        return ExprAst::All(parts(&ands));
    }
    match tokens {
        [first, rest @ ..] if !rest.is_empty() && first.text(source) == "not" => {
            ExprAst::Not(Box::new(expr(source, rest, span(rest), nesting + 1)))
        }
        [open, inner @ .., close] if is_group(source, open, inner, close, level) => {
            expr(source, inner, span(inner), nesting + 1)
        }
        _ => ExprAst::Comparison(comparison(source, tokens, level)),
    }
}

/// Whether the whole is one expression in parentheses, not a call, a tuple or two groups.
fn is_group(source: &str, open: &Token, inner: &[Token], close: &Token, level: usize) -> bool {
    open.text(source) == "("
        && close.text(source) == ")"
        && !inner.is_empty()
        && inner.iter().all(|token| token.depth > level)
        && !inner.iter().any(|token| token.depth == level + 1 && token.text(source) == ",")
}

fn comparison(source: &str, tokens: &[Token], level: usize) -> ComparisonAst {
    let words = keywords(source, tokens, level);
    let mut operands = Vec::new();
    let mut operators = Vec::new();
    let mut start = 0;
    let mut index = 0;
    while index < tokens.len() {
        let word = words.iter().find(|(at, _)| *at == index).map(|(_, word)| *word);
        let symbol = if tokens[index].depth == level { tokens[index].text(source) } else { "" };
        let (operator, width) = match (word, Comparator::of_symbol(symbol)) {
            (_, Some(operator)) => (operator, 1),
            (Some("in"), _) => (Comparator::Membership, 1),
            (Some("not"), _) if index > start => (Comparator::Membership, 2),
            _ => {
                index += 1;
                continue;
            }
        };
        operands.push(span(&tokens[start..index]));
        operators.push(operator);
        index += width;
        start = index;
    }
    operands.push(span(tokens.get(start..).unwrap_or(&[])));
    ComparisonAst { source: span(tokens), operands, operators }
}

/// The keywords at this level with their positions: not a name after a dot or a bar, and not the name of a test
/// after `is`.
fn keywords<'a>(source: &'a str, tokens: &[Token], level: usize) -> Vec<(usize, &'a str)> {
    let text =
        |index: Option<usize>| index.and_then(|index| tokens.get(index)).map_or("", |t| t.text(source));
    let mut words = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let word = token.text(source);
        if token.depth != level || !matches!(word, "and" | "or" | "not" | "if" | "in") {
            continue;
        }
        let (before, earlier) = (text(index.checked_sub(1)), text(index.checked_sub(2)));
        let is_name = matches!(before, "." | "|" | "is") || (before == "not" && earlier == "is");
        if !is_name {
            words.push((index, word));
        }
    }
    words
}

fn split<'a>(tokens: &'a [Token], at: &[usize]) -> impl Iterator<Item = (&'a [Token], Range<usize>)> {
    let starts = std::iter::once(0).chain(at.iter().map(|index| index + 1));
    let ends = at.iter().copied().chain(std::iter::once(tokens.len()));
    starts.zip(ends).map(|(start, end)| {
        let part = tokens.get(start..end).unwrap_or(&[]);
        (part, span(part))
    })
}

fn span(tokens: &[Token]) -> Range<usize> {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => first.at.start..last.at.end,
        _ => 0..0,
    }
}

/// The engine's own tokens with their nesting; none when it cannot read the source.
fn tokens(source: &str) -> Vec<Token> {
    let mut depth = 0_usize;
    let place = |read: SourceToken<'_>| {
        if matches!(read.token, Lexed::ParenClose | Lexed::BracketClose | Lexed::BraceClose) {
            depth = depth.saturating_sub(1);
        }
        let token = Token { at: read.at, depth };
        if matches!(read.token, Lexed::ParenOpen | Lexed::BracketOpen | Lexed::BraceOpen) {
            depth += 1;
        }
        token
    };
    source_tokens::of_expression(source).unwrap_or_default().into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(source: &str) -> String {
        fn show(source: &str, expr: &ExprAst) -> String {
            let list = |parts: &[ExprAst]| {
                parts.iter().map(|part| show(source, part)).collect::<Vec<_>>().join(", ")
            };
            match expr {
                ExprAst::All(parts) => format!("all({})", list(parts)),
                ExprAst::Any(parts) => format!("any({})", list(parts)),
                ExprAst::Not(part) => format!("not({})", show(source, part)),
                ExprAst::Comparison(test) => {
                    let operands: Vec<_> = test.operands.iter().map(|range| &source[range.clone()]).collect();
                    if operands.is_empty() {
                        format!("<{}>", &source[test.source.clone()])
                    } else {
                        operands.join(" ? ")
                    }
                }
            }
        }
        show(source, &parse(source))
    }

    #[test]
    fn a_condition_is_split_at_its_keywords_only() {
        let table = [
            ("a >= 10 or b >= 3", "any(a ? 10, b ? 3)"),
            ("a or b and not c", "any(a, all(b, not(c)))"),
            ("(a or b) and c", "all(any(a, b), c)"),
            ("(a or b) == c", "(a or b) ? c"),
            ("not (a in b)", "not(a ? b)"),
            ("a not in b and c.or", "all(a ? b, c.or)"),
            ("a is not in [1, 2] or x", "any(a is not in [1, 2], x)"),
            ("a is not defined", "a is not defined"),
            ("'x or y' == a", "'x or y' ? a"),
            (r"'it\'s or' in a", r"'it\'s or' ? a"),
            ("a if b or c else d", "<a if b or c else d>"),
            ("f(a or b) and c[d or e]", "all(f(a or b), c[d or e])"),
            ("(a, b) == c", "(a, b) ? c"),
            ("1 < a <= 2.5", "1 ? a ? 2.5"),
            ("a|default(0) > 1", "a|default(0) ? 1"),
        ];
        for (source, expected) in table {
            assert_eq!(shape(source), expected, "{source}");
        }
    }

    #[test]
    fn invalid_and_deep_input_does_not_panic() {
        for odd in ["", "or", "and and", "not", "((", "))", "a <", "'", "\\", "a not", "in in in", "ä or"] {
            parse(odd);
        }
        parse(&format!("{}a{}", "(".repeat(500), ")".repeat(500)));
        parse(&"not ".repeat(500));
    }
}
