//! Renders compiled nodes to JSON within the budget.

use super::super::condition::Condition;
use super::super::expr::{Expression, InlineTemplate};
use super::super::json_value::{charge, take, to_json, written_len};
use super::super::marks::mark_all;
use super::super::render_budget::RenderBudget;
use super::super::template_error::RenderError;
use super::node::{TemplateKey, TemplateNode};
use minijinja::Value;
use minijinja::value::{ValueKind, merge_maps};
use serde_json::{Map, Value as Json};

pub(super) enum RenderedNode {
    One(Json),
    /// From a `$for`: spliced into a list, a list anywhere else.
    Items(Vec<Json>),
    /// From a false `$if` without an `else`.
    Nothing,
}

/// The error of a node without a path; the tree adds its own.
fn too_large(reason: String) -> RenderError {
    RenderError::at("", None, reason)
}

impl TemplateNode {
    pub(super) fn render(
        &self,
        scope: &Value,
        run: &mut RenderBudget<'_>,
    ) -> Result<RenderedNode, RenderError> {
        match self {
            TemplateNode::Plain(json) => {
                charge(json, &mut run.room).map_err(too_large)?;
                Ok(RenderedNode::One(json.clone()))
            }
            TemplateNode::Typed { place, expression, marking } => {
                let value = evaluate(place, if run.marks { marking } else { expression }, scope, run)?;
                let marks = run.marks && !value.is_safe();
                to_json(&value, &mut run.room)
                    .map(|json| RenderedNode::One(if marks { mark_all(json) } else { json }))
                    .map_err(|reason| RenderError::at(place, None, reason))
            }
            TemplateNode::Text { place, inline, marking } => {
                print(place, if run.marks { marking } else { inline }, scope, run)
                    .map(|text| RenderedNode::One(Json::String(text)))
            }
            TemplateNode::List(nodes) => render_list(nodes, scope, run),
            TemplateNode::Object(fields) => render_object(fields, scope, run),
            TemplateNode::If { place, condition, then, otherwise } => {
                render_if(place, condition, then, otherwise.as_deref(), scope, run)
            }
            TemplateNode::For { place, names, over, each } => {
                render_for(place, names, over, each, scope, run)
            }
        }
    }
}

fn evaluate(
    at: &str,
    expression: &Expression,
    scope: &Value,
    run: &mut RenderBudget<'_>,
) -> Result<Value, RenderError> {
    run.begin();
    match expression.evaluate(scope) {
        Ok((value, steps)) => run.spend(at, steps).map(|()| value),
        Err(error) if run.excuses(&error) => Ok(Value::from(())),
        Err(error) => Err(RenderError::at(at, error.line, error.reason)),
    }
}

fn print(
    at: &str,
    inline: &InlineTemplate,
    scope: &Value,
    run: &mut RenderBudget<'_>,
) -> Result<String, RenderError> {
    run.begin();
    match inline.print(scope, run.room) {
        Ok((text, steps)) => {
            run.spend(at, steps)?;
            take(&mut run.room, written_len(&text)).map_err(|reason| RenderError::at(at, None, reason))?;
            Ok(text)
        }
        Err(error) if run.excuses(&error) => Ok(String::new()),
        Err(error) => Err(RenderError::at(at, error.line, error.reason)),
    }
}

fn render_list(
    nodes: &[TemplateNode],
    scope: &Value,
    run: &mut RenderBudget<'_>,
) -> Result<RenderedNode, RenderError> {
    take(&mut run.room, 2).map_err(too_large)?;
    let mut list = Vec::new();
    for node in nodes {
        match node.render(scope, run)? {
            RenderedNode::One(json) => list.push(json),
            RenderedNode::Items(items) => list.extend(items),
            RenderedNode::Nothing => {}
        }
    }
    Ok(RenderedNode::One(Json::Array(list)))
}

fn render_object(
    fields: &[(TemplateKey, TemplateNode)],
    scope: &Value,
    run: &mut RenderBudget<'_>,
) -> Result<RenderedNode, RenderError> {
    take(&mut run.room, 2).map_err(too_large)?;
    let mut object = Map::new();
    for (key, node) in fields {
        let value = match node.render(scope, run)? {
            RenderedNode::One(json) => json,
            RenderedNode::Items(items) => Json::Array(items),
            RenderedNode::Nothing => continue,
        };
        let name = match key {
            TemplateKey::Plain(name) => {
                take(&mut run.room, written_len(name)).map_err(too_large)?;
                name.clone()
            }
            TemplateKey::Text { place, inline } => print(place, inline, scope, run)?,
        };
        object.insert(name, value);
    }
    Ok(RenderedNode::One(Json::Object(object)))
}

fn render_if(
    at: &str,
    condition: &Condition,
    then: &TemplateNode,
    otherwise: Option<&TemplateNode>,
    scope: &Value,
    run: &mut RenderBudget<'_>,
) -> Result<RenderedNode, RenderError> {
    run.begin();
    let mut steps = 0;
    let holds = match condition.decide(scope, &mut steps) {
        Ok(holds) => holds,
        Err(_) if run.was_guessed() => true,
        Err(reason) => return Err(RenderError::at(at, None, reason)),
    };
    run.spend(at, steps)?;
    let (taken, left) = if holds { (Some(then), otherwise) } else { (otherwise, Some(then)) };
    if let (Some(left), Some(_)) = (left, run.sample()) {
        left.render(scope, run)?;
    }
    taken.map_or(Ok(RenderedNode::Nothing), |node| node.render(scope, run))
}

fn render_for(
    at: &str,
    names: &[String],
    over: &Expression,
    each: &TemplateNode,
    scope: &Value,
    run: &mut RenderBudget<'_>,
) -> Result<RenderedNode, RenderError> {
    let value = evaluate(at, over, scope, run)?;
    let guessed = run.was_guessed();
    let turns = if guessed { Vec::new() } else { turns(at, names, &value, run)? };
    let mut list = Vec::new();
    match run.sample() {
        // The body is checked even if there is nothing to loop over.
        Some(open) if turns.is_empty() => {
            let turn = names.iter().map(|_| open.guess()).collect();
            run.guessing(|run| each.render(&turn_scope(names, turn, 0, 1, scope), run))?;
        }
        _ => {}
    }
    let length = turns.len();
    for (index, turn) in turns.into_iter().enumerate() {
        run.turn(at)?;
        match each.render(&turn_scope(names, turn, index, length, scope), run)? {
            RenderedNode::One(json) => list.push(json),
            RenderedNode::Items(items) => list.extend(items),
            RenderedNode::Nothing => {}
        }
    }
    Ok(RenderedNode::Items(list))
}

/// The values of the loop's names for each turn.
fn turns(
    at: &str,
    names: &[String],
    value: &Value,
    run: &RenderBudget<'_>,
) -> Result<Vec<Vec<Value>>, RenderError> {
    let fail = |reason: String| RenderError::at(at, None, reason);
    let kind = value.kind();
    match kind {
        ValueKind::None | ValueKind::Undefined => return Ok(Vec::new()),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {}
        _ => return Err(fail(format!("`$for` needs a list or an object, found a {kind}"))),
    }
    let mut turns = Vec::new();
    for item in value.try_iter().map_err(|error| fail(error.to_string()))? {
        if turns.len() > run.turns() {
            return Err(fail(format!("`$for` needs more turns than the {} that are left", run.turns())));
        }
        turns.push(if names.len() == 1 {
            vec![item]
        } else if kind == ValueKind::Map {
            let found = value.get_item(&item).map_err(|error| fail(error.to_string()))?;
            vec![item, found]
        } else {
            pair(&item)
                .ok_or_else(|| fail("`$for` with two names needs an object or a list of pairs".to_owned()))?
        });
    }
    Ok(turns)
}

fn pair(item: &Value) -> Option<Vec<Value>> {
    let is_pair = item.kind() == ValueKind::Seq && item.len() == Some(2);
    is_pair.then(|| item.try_iter().ok().map(Iterator::collect))?
}

/// The scope of one turn: its names and `loop` shadow all others.
fn turn_scope(names: &[String], turn: Vec<Value>, index: usize, length: usize, scope: &Value) -> Value {
    let place = Value::from_pairs([
        ("index", Value::from(index + 1)),
        ("index0", Value::from(index)),
        ("first", Value::from(index == 0)),
        ("last", Value::from(index + 1 == length)),
        ("length", Value::from(length)),
    ]);
    let locals = Value::from_pairs(names.iter().map(String::as_str).zip(turn).chain([("loop", place)]));
    merge_maps([locals, scope.clone()])
}
