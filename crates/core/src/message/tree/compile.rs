//! Compiles a JSON tree to nodes. An error names the place in the tree.

use super::super::condition::Condition;
use super::super::engine_error::EngineError;
use super::super::expr::{Expression, InlineTemplate};
use super::super::foreign_syntax;
use super::super::template_error::TemplateError;
use super::super::template_path;
use super::node::{TemplateKey, TemplateNode};
use serde_json::{Map, Value as Json};

const MAX_DEPTH: usize = 64;

/// `at` is the path of the node, `depth` the number of nodes around it.
pub(super) fn compile(at: &str, json: &Json, depth: usize) -> Result<TemplateNode, TemplateError> {
    if depth > MAX_DEPTH {
        return Err(TemplateError::at(
            at,
            None,
            format!("the template is nested more than {MAX_DEPTH} levels deep"),
        ));
    }
    match json {
        Json::String(text) => compile_text(at, text),
        Json::Array(items) => {
            let items = items
                .iter()
                .enumerate()
                .map(|(index, item)| compile(&template_path::item(at, index), item, depth + 1));
            Ok(TemplateNode::List(items.collect::<Result<_, _>>()?))
        }
        Json::Object(fields) if fields.contains_key("$if") => compile_if(at, fields, depth),
        Json::Object(fields) if fields.contains_key("$for") => compile_for(at, fields, depth),
        Json::Object(fields) => compile_object(at, fields, depth),
        plain => Ok(TemplateNode::Plain(plain.clone())),
    }
}

fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

fn compile_error(at: &str) -> impl Fn(EngineError) -> TemplateError + '_ {
    move |error| TemplateError::at(at, error.line, error.reason)
}

fn compile_text(at: &str, text: &str) -> Result<TemplateNode, TemplateError> {
    if !is_template(text) {
        return Ok(TemplateNode::Plain(Json::String(text.to_owned())));
    }
    if let Some(inner) = sole_expression(text)
        && let Ok(expression) = Expression::compile(inner, false)
    {
        let marking = Expression::compile_marking(inner).map_err(compile_error(at))?;
        return Ok(TemplateNode::Typed { place: at.to_owned(), expression, marking });
    }
    let explained = |error: EngineError| EngineError {
        reason: foreign_syntax::why_not_compiled(text)
            .filter(|_| error.is_of_syntax())
            .unwrap_or(error.reason),
        ..error
    };
    let inline = InlineTemplate::compile(text).map_err(explained).map_err(compile_error(at))?;
    let marking = InlineTemplate::compile_marking(text).map_err(compile_error(at))?;
    Ok(TemplateNode::Text { place: at.to_owned(), inline, marking })
}

/// The source between `{{` and `}}`, if the text may be a single expression.
fn sole_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(inner.strip_suffix(['-', '+']).unwrap_or(inner))
}

fn compile_object(at: &str, fields: &Map<String, Json>, depth: usize) -> Result<TemplateNode, TemplateError> {
    let mut compiled = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let at = template_path::key(at, name);
        // Every card of Teams names its schema.
        if name.starts_with('$') && name != "$schema" {
            let meant = match name.as_str() {
                "$when" => "`$when` is of Adaptive Cards' own templates; write `$if`. ",
                "$data" => "`$data` is of Adaptive Cards' own templates; write `$for`. ",
                _ => "",
            };
            let reason = format!(
                "{meant}unknown directive `{name}`: use `$if` with `then` and `else`, or `$for` with `do`. \
                 Write a key that starts with `$` as `{{{{ '{name}' }}}}`"
            );
            return Err(TemplateError::at(&at, None, reason));
        }
        let key = if is_template(name) {
            TemplateKey::Text {
                inline: InlineTemplate::compile(name).map_err(compile_error(&at))?,
                place: at.clone(),
            }
        } else {
            TemplateKey::Plain(name.clone())
        };
        compiled.push((key, compile(&at, value, depth + 1)?));
    }
    Ok(TemplateNode::Object(compiled))
}

/// Rejects keys that do not belong to a directive.
fn only(at: &str, fields: &Map<String, Json>, directive: &str, others: &[&str]) -> Result<(), TemplateError> {
    match fields.keys().find(|key| *key != directive && !others.contains(&key.as_str())) {
        None => Ok(()),
        Some(extra) => {
            let allowed = others.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ");
            let reason = format!("`{extra}` is not allowed next to `{directive}`, only {allowed}");
            Err(TemplateError::at(at, None, reason))
        }
    }
}

fn directive<'a>(at: &str, fields: &'a Map<String, Json>, name: &str) -> Result<&'a str, TemplateError> {
    fields.get(name).and_then(Json::as_str).ok_or_else(|| {
        TemplateError::at(
            &template_path::key(at, name),
            None,
            format!("`{name}` must be a text with an expression"),
        )
    })
}

fn branch(
    at: &str,
    fields: &Map<String, Json>,
    owner: &str,
    name: &str,
    depth: usize,
) -> Result<Box<TemplateNode>, TemplateError> {
    let json =
        fields.get(name).ok_or_else(|| TemplateError::at(at, None, format!("`{owner}` needs `{name}`")))?;
    compile(&template_path::key(at, name), json, depth + 1).map(Box::new)
}

fn compile_if(at: &str, fields: &Map<String, Json>, depth: usize) -> Result<TemplateNode, TemplateError> {
    only(at, fields, "$if", &["then", "else"])?;
    let place = template_path::key(at, "$if");
    let condition = Condition::compile(directive(at, fields, "$if")?)
        .map_err(|reason| TemplateError::at(&place, None, reason))?;
    let then = branch(at, fields, "$if", "then", depth)?;
    let otherwise =
        if fields.contains_key("else") { Some(branch(at, fields, "$if", "else", depth)?) } else { None };
    Ok(TemplateNode::If { place, condition, then, otherwise })
}

fn compile_for(at: &str, fields: &Map<String, Json>, depth: usize) -> Result<TemplateNode, TemplateError> {
    only(at, fields, "$for", &["do"])?;
    let place = template_path::key(at, "$for");
    let source = directive(at, fields, "$for")?;
    let (names, over) = loop_head(source).ok_or_else(|| {
        TemplateError::at(
            &place,
            None,
            format!("`{source}` is not of the form `x in expression` or `k, v in expression`"),
        )
    })?;
    let over = Expression::compile(over, false).map_err(compile_error(&place))?;
    let each = branch(at, fields, "$for", "do", depth)?;
    Ok(TemplateNode::For { place, names, over, each })
}

/// The names and the expression of `x in expression`.
fn loop_head(source: &str) -> Option<(Vec<String>, &str)> {
    let at = source.match_indices("in").map(|(at, _)| at).find(|at| {
        let blank = |part: Option<char>| part.is_some_and(char::is_whitespace);
        blank(source[..*at].chars().next_back()) && !source[at + 2..].chars().next().is_some_and(is_name_char)
    })?;
    let names: Vec<String> = source[..at].split(',').map(|name| name.trim().to_owned()).collect();
    let valid = names.len() <= 2 && names.iter().all(|name| is_name(name) && name != "loop");
    let distinct = names.first() != names.get(1);
    (valid && distinct).then_some((names, &source[at + 2..]))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_name(name: &str) -> bool {
    name.chars().all(is_name_char) && name.chars().next().is_some_and(|first| !first.is_ascii_digit())
}
