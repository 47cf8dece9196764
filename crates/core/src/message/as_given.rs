//! A number that is only printed keeps the digits with which it came: `{{ task.metrics.loss }}` for a loss of 0.10 or of
//! thirty digits. The engine calculates with floats, which forget them. So a name that is all of its braces, or has
//! only `tojson` behind it, is rewritten to a filter that looks it up in the event.

use super::context;
use super::given_tree::GivenTree;
use super::long_number::LongNumber;
use super::source_tokens::{self, SourceToken};
use minijinja::machinery::Token;
use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, State, Value};
use serde_json::{Number, Value as Json};
use std::borrow::Cow;

/// The filter that [`of_expression`] and [`of_text`] write.
const FILTER: &str = "taskbell_given";

pub(super) fn install(engine: &mut Environment<'static>) {
    engine.add_filter(FILTER, |state: &State, value: Value, path: Rest<Value>| -> Value {
        let has_digits = matches!(value.kind(), ValueKind::Seq | ValueKind::Map) || is_float(&value);
        let given = has_digits.then(|| state.lookup(context::ROOTS_OF)).flatten();
        given.and_then(|roots| context::given(&roots, &path, |json| kept(&value, json))).unwrap_or(value)
    });
}

/// Rewrites an expression that is a name.
pub(super) fn of_expression(source: &str) -> Cow<'_, str> {
    let tokens = source_tokens::of_expression(source).unwrap_or_default();
    rewrite(source, printed_name(&tokens).into_iter().collect())
}

/// Rewrites the names in the braces of a text.
pub(super) fn of_text(source: &str) -> Cow<'_, str> {
    let tokens = source_tokens::of_text(source).unwrap_or_default();
    let starts = tokens.iter().enumerate().filter(|(_, token)| matches!(token.token, Token::VariableStart));
    rewrite(source, starts.filter_map(|(at, _)| printed_name(&tokens[at + 1..])).collect())
}

/// Writes a filter behind each of these places.
fn rewrite(source: &str, edits: Vec<(usize, String)>) -> Cow<'_, str> {
    if edits.is_empty() {
        return Cow::Borrowed(source);
    }
    let (mut written, mut done) = (String::new(), 0);
    for (end, filter) in edits {
        written += source.get(done..end).unwrap_or_default();
        written += &filter;
        done = end;
    }
    Cow::Owned(written + source.get(done..).unwrap_or_default())
}

/// The end of the dotted name that is printed from this token on, and the filter for it.
fn printed_name(tokens: &[SourceToken<'_>]) -> Option<(usize, String)> {
    let Token::Ident(root) = tokens.first()?.token else { return None };
    let mut path = vec![format!("'{root}'")];
    let mut rest = &tokens[1..];
    while let [SourceToken { token: Token::Dot, .. }, step, after @ ..] = rest {
        path.push(match step.token {
            Token::Ident(name) => format!("'{name}'"),
            Token::Int(index) => index.to_string(),
            _ => return None,
        });
        rest = after;
    }
    let next = |at: usize| rest.get(at).map(|token| &token.token);
    let is_printed = match next(0) {
        None | Some(Token::VariableEnd) => true,
        Some(Token::Pipe) => {
            matches!(next(1), Some(Token::Ident("tojson")))
                && matches!(next(2), None | Some(Token::VariableEnd | Token::ParenOpen))
        }
        _ => false,
    };
    let end = tokens.get(tokens.len() - rest.len() - 1)?.at.end;
    is_printed.then(|| (end, format!("|{FILTER}({})", path.join(", "))))
}

fn is_float(value: &Value) -> bool {
    value.is_number() && !value.is_integer()
}

/// The value with the digits of the event; `None` where it has them, or is another one.
fn kept(value: &Value, json: &Json) -> Option<Value> {
    match json {
        Json::Number(number) if is_float(value) => {
            let is_same = number.as_f64().is_some_and(|float| Value::from(float) == *value);
            (is_same && number.as_str() != value.to_string())
                .then(|| Value::from_object(LongNumber::new(number)))
        }
        Json::Array(_) | Json::Object(_) if has_more_digits(json) => {
            Some(Value::from_object(GivenTree { value: value.clone(), json: json.clone() }))
        }
        _ => None,
    }
}

/// Whether a number in it is written otherwise than a float is.
fn has_more_digits(json: &Json) -> bool {
    match json {
        Json::Number(number) => {
            (number.as_i128().is_none() || number.as_str() == "-0")
                && number.as_f64().and_then(Number::from_f64).is_some_and(|float| float != *number)
        }
        Json::Array(items) => items.iter().any(has_more_digits),
        Json::Object(fields) => fields.values().any(has_more_digits),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_all_of_its_braces_is_rewritten_and_nothing_else() {
        for (source, rewritten) in [
            ("task", "task|taskbell_given('task')"),
            (" task.metrics.loss ", " task.metrics.loss|taskbell_given('task', 'metrics', 'loss') "),
            ("a.b.0 | tojson", "a.b.0|taskbell_given('a', 'b', 0) | tojson"),
            ("a|tojson(indent=2)", "a|taskbell_given('a')|tojson(indent=2)"),
        ] {
            assert_eq!(of_expression(source), rewritten);
            assert_eq!(of_text(&format!("x {{{{-{source}}}}} y")), format!("x {{{{-{rewritten}}}}} y"));
        }
        for same in ["a + 1", "-a", "a|round", "a if b", "a[0]", "f(a)", "'a'", "a.b|default(1)", "", "|"] {
            assert_eq!(of_expression(same), same);
            assert_eq!(
                of_text(&format!("{{{{ {same} }}}} {{% set x = a %}}")),
                format!("{{{{ {same} }}}} {{% set x = a %}}")
            );
        }
    }
}
