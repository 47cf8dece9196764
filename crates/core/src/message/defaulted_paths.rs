//! `task.metrics.loss | default("-")` for a task without `metrics`. The engine is strict: it stops at the missing parent,
//! before `default` is asked. So a path directly before `default`, or before `is defined`, is rewritten to a filter
//! that takes the steps and yields undefined where one is missing.

use super::source_tokens::{self, SourceToken};
use minijinja::machinery::Token;
use minijinja::value::Rest;
use minijinja::{Environment, Value};
use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

/// The filter that [`of_expression`] and [`of_text`] write.
pub(super) const FILTER: &str = "taskbell_path";

pub(super) fn install(engine: &mut Environment<'static>) {
    engine.add_filter(FILTER, |root: Value, steps: Rest<Value>| -> Value {
        steps.iter().fold(root, |value, step| value.get_item(step).unwrap_or(Value::UNDEFINED))
    });
}

/// Rewrites the paths of an expression.
pub(super) fn of_expression(source: &str) -> Cow<'_, str> {
    rewrite(source, source_tokens::of_expression(source).unwrap_or_default())
}

/// Rewrites the paths of a text with `{{ … }}` and `{% … %}`.
pub(super) fn of_text(source: &str) -> Cow<'_, str> {
    rewrite(source, source_tokens::of_text(source).unwrap_or_default())
}

fn rewrite<'s>(source: &'s str, tokens: Vec<SourceToken<'_>>) -> Cow<'s, str> {
    let mut written = String::new();
    let mut done = 0;
    for index in 0..tokens.len() {
        if !asks_whether_defined(&tokens, index) {
            continue;
        }
        let Some((at, call)) = path_before(source, &tokens, index) else { continue };
        if at.start < done {
            continue;
        }
        written += source.get(done..at.start).unwrap_or_default();
        written += &call;
        done = at.end;
    }
    if done == 0 {
        return Cow::Borrowed(source);
    }
    Cow::Owned(written + source.get(done..).unwrap_or_default())
}

/// Whether `| default`, `is defined` or `is not defined` begins at this token.
fn asks_whether_defined(tokens: &[SourceToken<'_>], index: usize) -> bool {
    let word = |at: usize, words: &[&str]| {
        tokens.get(at).is_some_and(|token| words.iter().any(|word| token.is_word(word)))
    };
    match tokens[index].token {
        Token::Pipe => word(index + 1, &["default", "d"]),
        Token::Ident("is") => {
            let test = index + 1 + usize::from(word(index + 1, &["not"]));
            word(test, &["defined", "undefined"])
        }
        _ => false,
    }
}

/// The range of the path that ends before this token, and the call that replaces it; `None` when there is no path of
/// two steps or more.
fn path_before(source: &str, tokens: &[SourceToken<'_>], end: usize) -> Option<(Range<usize>, String)> {
    let text = |range: Range<usize>| source.get(range).unwrap_or_default();
    let mut steps: Vec<String> = Vec::new();
    let mut at = end;
    loop {
        let last = tokens.get(at.checked_sub(1)?)?;
        let before = at.checked_sub(2).and_then(|before| tokens.get(before));
        let after_dot = before.is_some_and(|before| matches!(before.token, Token::Dot));
        match last.token {
            Token::Ident(name) if after_dot => {
                steps.push(format!("'{name}'"));
                at -= 2;
            }
            Token::Int(number) if after_dot => {
                steps.push(number.to_string());
                at -= 2;
            }
            Token::BracketClose => {
                let open = opening(tokens, at - 1)?;
                let inside = tokens.get(open + 1..at - 1)?;
                let owner = tokens.get(open.checked_sub(1)?)?;
                let is_subscript = matches!(owner.token, Token::Ident(_) | Token::BracketClose);
                let first = inside.first()?;
                if !is_subscript
                    || inside.iter().any(|token| matches!(token.token, Token::Colon | Token::Comma))
                {
                    return None;
                }
                steps.push(text(first.at.start..inside.last()?.at.end).to_owned());
                at = open;
            }
            Token::Ident(root) => {
                let follows_mark =
                    before.is_some_and(|before| matches!(before.token, Token::Pipe) || before.is_word("is"));
                if steps.is_empty()
                    || follows_mark
                    || matches!(root, "in" | "and" | "or" | "not" | "if" | "else")
                {
                    return None;
                }
                let mut call = format!("({root}|{FILTER}(");
                for (index, step) in steps.iter().rev().enumerate() {
                    // Writing to a string cannot fail.
                    let _ = write!(call, "{}{step}", if index == 0 { "" } else { ", " });
                }
                call += "))";
                return Some((last.at.start..tokens.get(end - 1)?.at.end, call));
            }
            _ => return None,
        }
    }
}

fn opening(tokens: &[SourceToken<'_>], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    (0..=close).rev().find(|index| {
        match tokens[*index].token {
            Token::BracketClose | Token::ParenClose | Token::BraceClose => depth += 1,
            Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_before_default_is_rewritten_and_nothing_else() {
        for (source, rewritten) in [
            ("task.metrics.loss | default('-')", "(task|taskbell_path('metrics', 'loss')) | default('-')"),
            ("task.outputs[0].url|d", "(task|taskbell_path('outputs', 0, 'url'))|d"),
            ("a.b['c d'][-1]|default", "(a|taskbell_path('b', 'c d', -1))|default"),
            ("1 + a.b is not defined", "1 + (a|taskbell_path('b')) is not defined"),
            ("-a.0.1|default(a.b|d)", "-(a|taskbell_path(0, 1))|default((a|taskbell_path('b'))|d)"),
        ] {
            assert_eq!(of_expression(source), rewritten);
            let text = |inner: &str| format!("x {{{{ {inner} }}}} y.z|default");
            assert_eq!(of_text(&text(source)), text(rewritten));
        }
        for same in
            ["a|default(1)", "a.b|clip(3)|default(1)", "f(a)|default", "a.b[1:]|default", "a.b is defin", "|"]
        {
            assert_eq!(of_expression(same), same);
        }
    }
}
