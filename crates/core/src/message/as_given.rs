//! A number that is only printed keeps the digits with which it came: `{{ task.metrics.loss }}` for a loss of 0.10 or of
//! thirty digits. The engine calculates with floats, which forget them. So a name with which nothing is calculated is
//! rewritten to a filter that looks it up in the event.

use super::context;
use super::defaulted_paths;
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

/// Filters that yield the value itself.
const PASSES_ON: [&str; 4] = ["d", "default", "raw", "safe"];

/// Filters that make a text of it.
const PRINTS: &str = "\
    capitalize clip duration e escape indent lower number replace string title tojson trim upper \
    urlencode";

pub(super) fn install(engine: &mut Environment<'static>) {
    engine.add_filter(FILTER, |state: &State, value: Value, path: Rest<Value>| -> Value {
        let has_digits = matches!(value.kind(), ValueKind::Seq | ValueKind::Map) || is_float(&value);
        let given = has_digits.then(|| state.lookup(context::ROOTS_OF)).flatten();
        given.and_then(|roots| context::given(&roots, &path, |json| kept(&value, json))).unwrap_or(value)
    });
}

/// Rewrites the names that an expression yields.
pub(super) fn of_expression(source: &str) -> Cow<'_, str> {
    let tokens = source_tokens::of_expression(source).unwrap_or_default();
    rewrite(source, printed_names(&tokens))
}

/// Rewrites the names in the braces of a text.
pub(super) fn of_text(source: &str) -> Cow<'_, str> {
    let tokens = source_tokens::of_text(source).unwrap_or_default();
    let starts = tokens.iter().enumerate().filter(|(_, token)| matches!(token.token, Token::VariableStart));
    rewrite(source, starts.flat_map(|(at, _)| printed_names(&tokens[at + 1..])).collect())
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

/// The names that are printed up to the end of the braces: each with its end, and the filter for it.
fn printed_names(tokens: &[SourceToken<'_>]) -> Vec<(usize, String)> {
    let end = tokens.iter().position(|token| matches!(token.token, Token::VariableEnd));
    let tokens = &tokens[..end.unwrap_or(tokens.len())];
    let begins = |at: usize| match at.checked_sub(1).and_then(|before| tokens.get(before)) {
        None => true,
        Some(before) => matches!(before.token, Token::Tilde) || before.is_word("else"),
    };
    (0..tokens.len()).filter(|at| begins(*at)).filter_map(|at| printed_name(&tokens[at..])).collect()
}

/// The end of the name from this token on, and the filter for it, if nothing is calculated with it.
fn printed_name(tokens: &[SourceToken<'_>]) -> Option<(usize, String)> {
    let (path, rest) = optional_path(tokens).or_else(|| dotted_path(tokens))?;
    let end = tokens.get(tokens.len() - rest.len() - 1)?.at.end;
    is_printed(rest).then(|| (end, format!("|{FILTER}({})", path.join(", "))))
}

/// A path as the filter takes it, and what follows it.
type Path<'t, 's> = (Vec<String>, &'t [SourceToken<'s>]);

/// `root.step[0]['step']`.
fn dotted_path<'t, 's>(tokens: &'t [SourceToken<'s>]) -> Option<Path<'t, 's>> {
    let (root, mut rest) = tokens.split_first()?;
    if matches!(root.token, Token::ParenOpen) {
        let (path, rest) = dotted_path(rest)?;
        return rest
            .split_first()
            .filter(|(end, _)| matches!(end.token, Token::ParenClose))
            .map(|(_, rest)| (path, rest));
    }
    let Token::Ident(root) = root.token else { return None };
    let mut path = vec![format!("'{root}'")];
    loop {
        let (step, after) = match rest {
            [dot, step, after @ ..] if matches!(dot.token, Token::Dot) => match step.token {
                Token::Ident(name) => (Some(format!("'{name}'")), after),
                _ => (written(step), after),
            },
            [open, step, close, after @ ..]
                if matches!((&open.token, &close.token), (Token::BracketOpen, Token::BracketClose)) =>
            {
                (written(step), after)
            }
            _ => return Some((path, rest)),
        };
        path.push(step?);
        rest = after;
    }
}

/// What [`defaulted_paths`] makes of a path: `(root|taskbell_path('step', 0))`.
fn optional_path<'t, 's>(tokens: &'t [SourceToken<'s>]) -> Option<Path<'t, 's>> {
    let [open, root, _, filter, _, steps @ ..] = tokens else { return None };
    let Token::Ident(root) = root.token else { return None };
    if !matches!(open.token, Token::ParenOpen) || !filter.is_word(defaulted_paths::FILTER) {
        return None;
    }
    let mut path = vec![format!("'{root}'")];
    let end = steps.iter().position(|step| matches!(step.token, Token::ParenClose))?;
    for step in steps[..end].split(|token| matches!(token.token, Token::Comma)) {
        let [step] = step else { return None };
        path.push(written(step)?);
    }
    Some((path, steps.get(end + 2..)?))
}

/// A step that is written out, and not the value of a name.
fn written(step: &SourceToken<'_>) -> Option<String> {
    let is_plain = |name: &str| name.chars().all(|c| !matches!(c, '\'' | '\\') && !c.is_control());
    match &step.token {
        Token::Str(name) if is_plain(name) => Some(format!("'{name}'")),
        Token::Int(index) => Some(index.to_string()),
        _ => None,
    }
}

/// Whether what follows a name passes its value on until it is printed.
fn is_printed(mut rest: &[SourceToken<'_>]) -> bool {
    loop {
        match rest {
            [] => return true,
            [next, ..] if matches!(next.token, Token::Tilde) || next.is_word("if") => return true,
            [pipe, filter, after @ ..] if matches!(pipe.token, Token::Pipe) => match filter.token {
                Token::Ident(name) if PRINTS.split(' ').any(|filter| filter == name) => return true,
                Token::Ident(name) if PASSES_ON.contains(&name) => rest = after_arguments(after),
                _ => return false,
            },
            _ => return false,
        }
    }
}

/// What follows the arguments of a filter.
fn after_arguments<'t, 's>(tokens: &'t [SourceToken<'s>]) -> &'t [SourceToken<'s>] {
    let mut open = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.token {
            Token::ParenOpen => open += 1,
            Token::ParenClose => open -= 1,
            _ => {}
        }
        if open == 0 {
            return tokens
                .get(at + usize::from(matches!(token.token, Token::ParenClose))..)
                .unwrap_or_default();
        }
    }
    &[]
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
            ("a.b|default((1))|raw", "a.b|taskbell_given('a', 'b')|default((1))|raw"),
            ("a|default|string|length", "a|taskbell_given('a')|default|string|length"),
            (
                "(a|taskbell_path('b', 0)) | d(0)",
                "(a|taskbell_path('b', 0))|taskbell_given('a', 'b', 0) | d(0)",
            ),
            ("a['b'].c[0] | default(0)", "a['b'].c[0]|taskbell_given('a', 'b', 'c', 0) | default(0)"),
            ("(a.b)", "(a.b)|taskbell_given('a', 'b')"),
            ("a[0]['b']", "a[0]['b']|taskbell_given('a', 0, 'b')"),
            (
                "'x' ~ a ~ b if c else d",
                "'x' ~ a|taskbell_given('a') ~ b|taskbell_given('b') if c else d|taskbell_given('d')",
            ),
        ] {
            assert_eq!(of_expression(source), rewritten);
            assert_eq!(of_text(&format!("x {{{{-{source}}}}} y")), format!("x {{{{-{rewritten}}}}} y"));
        }
        for same in [
            "a + 1",
            "-a",
            "a|round",
            "a|default(0)|round",
            "a|default(0) * 2",
            "a[b]",
            "a.b[c].d",
            "f(a)",
            "'a'",
            "1 + a ~ b * 2",
            "",
            "|",
        ] {
            assert_eq!(of_expression(same), same);
            assert_eq!(
                of_text(&format!("{{{{ {same} }}}} {{% set x = a %}}")),
                format!("{{{{ {same} }}}} {{% set x = a %}}")
            );
        }
    }
}
