//! JSON templates: data whose text leaves are templates, with `$if` and `$for` for structure. All of
//! it is compiled when it is loaded.

use super::condition::{Condition, unknown_root};
use super::formula::{Fault, Formula, Phrase, is_builtin};
use super::template::{RenderError, Run, TemplateError};
use super::typed::{charge, take, to_json, written_len};
use super::{ROOTS, place};
use minijinja::Value;
use minijinja::value::{ValueKind, merge_maps};
use serde_json::{Map, Value as Json};

/// The deepest a template may be nested.
const MAX_DEPTH: usize = 64;

/// A compiled JSON template.
pub(super) struct Tree {
    place: String,
    root: Node,
}

enum Node {
    /// What is no template.
    Plain(Json),
    /// Exactly one `{{ … }}`: keeps the type of its value.
    Typed {
        place: String,
        formula: Formula,
    },
    /// Any other text.
    Text {
        place: String,
        phrase: Phrase,
    },
    List(Vec<Node>),
    Object(Vec<(Key, Node)>),
    If {
        place: String,
        condition: Condition,
        then: Box<Node>,
        otherwise: Option<Box<Node>>,
    },
    For {
        place: String,
        names: Vec<String>,
        over: Formula,
        each: Box<Node>,
    },
}

enum Key {
    Plain(String),
    Text { place: String, phrase: Phrase },
}

/// The fault of a node that has no place of its own; the tree puts its own there.
fn too_large(reason: String) -> RenderError {
    RenderError::at("", None, reason)
}

/// What a node comes to.
enum Yield {
    One(Json),
    /// Of a `$for`: spliced into a list, a list anywhere else.
    Items(Vec<Json>),
    /// Of an `$if` that does not hold and has no `else`.
    Nothing,
}

impl Tree {
    pub(super) fn compile(place: &str, json: &Json) -> Result<Tree, TemplateError> {
        Ok(Tree { place: place.to_owned(), root: compile(place, json, 0)? })
    }

    pub(super) fn render(&self, scope: &Value, run: &mut Run<'_>) -> Result<Json, RenderError> {
        let yielded = self.root.render(scope, run).map_err(|error| match error.place.as_str() {
            "" => RenderError::at(&self.place, error.line, error.reason),
            _ => error,
        })?;
        match yielded {
            Yield::One(json) => Ok(json),
            Yield::Items(items) => Ok(Json::Array(items)),
            Yield::Nothing => Err(RenderError::at(
                &self.place,
                None,
                "nothing is left of the template: give its outer `$if` an `else`",
            )),
        }
    }

    /// Refuses a name that no event has, in any branch.
    pub(super) fn check_names(&self) -> Result<(), RenderError> {
        self.root.check_names(&mut Vec::new())
    }
}

fn compile(at: &str, json: &Json, depth: usize) -> Result<Node, TemplateError> {
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
                .map(|(index, item)| compile(&place::item(at, index), item, depth + 1));
            Ok(Node::List(items.collect::<Result<_, _>>()?))
        }
        Json::Object(fields) if fields.contains_key("$if") => compile_if(at, fields, depth),
        Json::Object(fields) if fields.contains_key("$for") => compile_for(at, fields, depth),
        Json::Object(fields) => compile_object(at, fields, depth),
        plain => Ok(Node::Plain(plain.clone())),
    }
}

fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

fn refuse(at: &str) -> impl Fn(Fault) -> TemplateError + '_ {
    move |fault| TemplateError::at(at, fault.line, fault.reason)
}

fn compile_text(at: &str, text: &str) -> Result<Node, TemplateError> {
    if !is_template(text) {
        return Ok(Node::Plain(Json::String(text.to_owned())));
    }
    if let Some(inner) = sole_expression(text)
        && let Ok(formula) = Formula::compile(inner, false)
    {
        return Ok(Node::Typed { place: at.to_owned(), formula });
    }
    let phrase = Phrase::compile(text).map_err(refuse(at))?;
    Ok(Node::Text { place: at.to_owned(), phrase })
}

/// What stands between `{{` and `}}` when the text may be nothing else.
fn sole_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(inner.strip_suffix(['-', '+']).unwrap_or(inner))
}

fn compile_object(at: &str, fields: &Map<String, Json>, depth: usize) -> Result<Node, TemplateError> {
    let mut compiled = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let at = place::key(at, name);
        if name.starts_with('$') {
            let reason = format!(
                "`{name}` is not known: there are `$if` with `then` and `else`, and `$for` with `do`. \
                 A key that shall begin with `$` is written `{{{{ '{name}' }}}}`"
            );
            return Err(TemplateError::at(&at, None, reason));
        }
        let key = if is_template(name) {
            Key::Text { phrase: Phrase::compile(name).map_err(refuse(&at))?, place: at.clone() }
        } else {
            Key::Plain(name.clone())
        };
        compiled.push((key, compile(&at, value, depth + 1)?));
    }
    Ok(Node::Object(compiled))
}

/// Refuses keys beside those of a directive.
fn only(at: &str, fields: &Map<String, Json>, directive: &str, others: &[&str]) -> Result<(), TemplateError> {
    match fields.keys().find(|key| *key != directive && !others.contains(&key.as_str())) {
        None => Ok(()),
        Some(extra) => {
            let allowed = others.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ");
            let reason = format!("`{extra}` cannot stand beside `{directive}`, only {allowed} can");
            Err(TemplateError::at(at, None, reason))
        }
    }
}

fn directive<'a>(at: &str, fields: &'a Map<String, Json>, name: &str) -> Result<&'a str, TemplateError> {
    fields.get(name).and_then(Json::as_str).ok_or_else(|| {
        TemplateError::at(&place::key(at, name), None, format!("`{name}` is an expression in a text"))
    })
}

fn branch(
    at: &str,
    fields: &Map<String, Json>,
    owner: &str,
    name: &str,
    depth: usize,
) -> Result<Box<Node>, TemplateError> {
    let json = fields
        .get(name)
        .ok_or_else(|| TemplateError::at(at, None, format!("`{owner}` needs `{name}` beside it")))?;
    compile(&place::key(at, name), json, depth + 1).map(Box::new)
}

fn compile_if(at: &str, fields: &Map<String, Json>, depth: usize) -> Result<Node, TemplateError> {
    only(at, fields, "$if", &["then", "else"])?;
    let place = place::key(at, "$if");
    let condition = Condition::compile(directive(at, fields, "$if")?)
        .map_err(|reason| TemplateError::at(&place, None, reason))?;
    let then = branch(at, fields, "$if", "then", depth)?;
    let otherwise =
        if fields.contains_key("else") { Some(branch(at, fields, "$if", "else", depth)?) } else { None };
    Ok(Node::If { place, condition, then, otherwise })
}

fn compile_for(at: &str, fields: &Map<String, Json>, depth: usize) -> Result<Node, TemplateError> {
    only(at, fields, "$for", &["do"])?;
    let place = place::key(at, "$for");
    let source = directive(at, fields, "$for")?;
    let (names, over) = loop_head(source).ok_or_else(|| {
        TemplateError::at(
            &place,
            None,
            format!("`{source}` is not of the form `x in expression` or `k, v in expression`"),
        )
    })?;
    let over = Formula::compile(over, false).map_err(refuse(&place))?;
    let each = branch(at, fields, "$for", "do", depth)?;
    Ok(Node::For { place, names, over, each })
}

/// The names and the expression of `x in expression`.
fn loop_head(source: &str) -> Option<(Vec<String>, &str)> {
    let at = source.match_indices("in").map(|(at, _)| at).find(|at| {
        let blank = |part: Option<char>| part.is_some_and(char::is_whitespace);
        blank(source[..*at].chars().next_back()) && !source[at + 2..].chars().next().is_some_and(is_name_char)
    })?;
    let names: Vec<String> = source[..at].split(',').map(|name| name.trim().to_owned()).collect();
    let sound = names.len() <= 2 && names.iter().all(|name| is_name(name) && name != "loop");
    let distinct = names.first() != names.get(1);
    (sound && distinct).then_some((names, &source[at + 2..]))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_name(name: &str) -> bool {
    name.chars().all(is_name_char) && name.chars().next().is_some_and(|first| !first.is_ascii_digit())
}

impl Node {
    fn render(&self, scope: &Value, run: &mut Run<'_>) -> Result<Yield, RenderError> {
        match self {
            Node::Plain(json) => {
                charge(json, &mut run.room).map_err(too_large)?;
                Ok(Yield::One(json.clone()))
            }
            Node::Typed { place, formula } => {
                let value = evaluate(place, formula, scope, run)?;
                to_json(&value, &mut run.room)
                    .map(Yield::One)
                    .map_err(|reason| RenderError::at(place, None, reason))
            }
            Node::Text { place, phrase } => {
                print(place, phrase, scope, run).map(|text| Yield::One(Json::String(text)))
            }
            Node::List(nodes) => render_list(nodes, scope, run),
            Node::Object(fields) => render_object(fields, scope, run),
            Node::If { place, condition, then, otherwise } => {
                render_if(place, condition, then, otherwise.as_deref(), scope, run)
            }
            Node::For { place, names, over, each } => render_for(place, names, over, each, scope, run),
        }
    }

    fn check_names(&self, locals: &mut Vec<String>) -> Result<(), RenderError> {
        match self {
            Node::Plain(_) => Ok(()),
            Node::Typed { place, formula } => known(place, formula.names(false), locals),
            Node::Text { place, phrase } => known(place, phrase.names(), locals),
            Node::List(nodes) => nodes.iter().try_for_each(|node| node.check_names(locals)),
            Node::Object(fields) => fields.iter().try_for_each(|(key, node)| {
                if let Key::Text { place, phrase } = key {
                    known(place, phrase.names(), locals)?;
                }
                node.check_names(locals)
            }),
            Node::If { place, condition, then, otherwise } => {
                condition.check_names(locals).map_err(|reason| RenderError::at(place, None, reason))?;
                then.check_names(locals)?;
                otherwise.as_ref().map_or(Ok(()), |node| node.check_names(locals))
            }
            Node::For { place, names, over, each } => {
                known(place, over.names(false), locals)?;
                let outer = locals.len();
                locals.extend(names.iter().cloned().chain(["loop".to_owned()]));
                let checked = each.check_names(locals);
                locals.truncate(outer);
                checked
            }
        }
    }
}

fn known(at: &str, names: std::collections::HashSet<String>, locals: &[String]) -> Result<(), RenderError> {
    let unknown = names
        .iter()
        .filter(|name| !ROOTS.contains(&name.as_str()) && !locals.contains(name) && !is_builtin(name))
        .min();
    unknown.map_or(Ok(()), |name| Err(RenderError::at(at, None, unknown_root(name))))
}

fn evaluate(at: &str, formula: &Formula, scope: &Value, run: &mut Run<'_>) -> Result<Value, RenderError> {
    run.begin();
    match formula.evaluate(scope) {
        Ok((value, steps)) => run.spend(at, steps).map(|()| value),
        Err(fault) if run.excuses(&fault) => Ok(Value::from(())),
        Err(fault) => Err(RenderError::at(at, fault.line, fault.reason)),
    }
}

fn print(at: &str, phrase: &Phrase, scope: &Value, run: &mut Run<'_>) -> Result<String, RenderError> {
    run.begin();
    match phrase.print(scope, run.room) {
        Ok((text, steps)) => {
            run.spend(at, steps)?;
            take(&mut run.room, written_len(&text)).map_err(|reason| RenderError::at(at, None, reason))?;
            Ok(text)
        }
        Err(fault) if run.excuses(&fault) => Ok(String::new()),
        Err(fault) => Err(RenderError::at(at, fault.line, fault.reason)),
    }
}

fn render_list(nodes: &[Node], scope: &Value, run: &mut Run<'_>) -> Result<Yield, RenderError> {
    take(&mut run.room, 2).map_err(too_large)?;
    let mut list = Vec::new();
    for node in nodes {
        match node.render(scope, run)? {
            Yield::One(json) => list.push(json),
            Yield::Items(items) => list.extend(items),
            Yield::Nothing => {}
        }
    }
    Ok(Yield::One(Json::Array(list)))
}

fn render_object(fields: &[(Key, Node)], scope: &Value, run: &mut Run<'_>) -> Result<Yield, RenderError> {
    take(&mut run.room, 2).map_err(too_large)?;
    let mut object = Map::new();
    for (key, node) in fields {
        let value = match node.render(scope, run)? {
            Yield::One(json) => json,
            Yield::Items(items) => Json::Array(items),
            Yield::Nothing => continue,
        };
        let name = match key {
            Key::Plain(name) => {
                take(&mut run.room, written_len(name)).map_err(too_large)?;
                name.clone()
            }
            Key::Text { place, phrase } => print(place, phrase, scope, run)?,
        };
        object.insert(name, value);
    }
    Ok(Yield::One(Json::Object(object)))
}

fn render_if(
    at: &str,
    condition: &Condition,
    then: &Node,
    otherwise: Option<&Node>,
    scope: &Value,
    run: &mut Run<'_>,
) -> Result<Yield, RenderError> {
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
    taken.map_or(Ok(Yield::Nothing), |node| node.render(scope, run))
}

fn render_for(
    at: &str,
    names: &[String],
    over: &Formula,
    each: &Node,
    scope: &Value,
    run: &mut Run<'_>,
) -> Result<Yield, RenderError> {
    let value = evaluate(at, over, scope, run)?;
    let guessed = run.was_guessed();
    let turns = if guessed { Vec::new() } else { turns(at, names, &value, run)? };
    let mut list = Vec::new();
    match run.sample() {
        // The body is to be checked all the same.
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
            Yield::One(json) => list.push(json),
            Yield::Items(items) => list.extend(items),
            Yield::Nothing => {}
        }
    }
    Ok(Yield::Items(list))
}

/// The values of the loop's names, turn by turn.
fn turns(at: &str, names: &[String], value: &Value, run: &Run<'_>) -> Result<Vec<Vec<Value>>, RenderError> {
    let refuse = |reason: String| RenderError::at(at, None, reason);
    let kind = value.kind();
    match kind {
        ValueKind::None | ValueKind::Undefined => return Ok(Vec::new()),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {}
        _ => return Err(refuse(format!("`$for` runs over a list or an object, this is a {kind}"))),
    }
    let mut turns = Vec::new();
    for item in value.try_iter().map_err(|error| refuse(error.to_string()))? {
        if turns.len() > run.turns() {
            return Err(refuse(format!(
                "`$for` would take more turns than the {} that are left",
                run.turns()
            )));
        }
        turns.push(if names.len() == 1 {
            vec![item]
        } else if kind == ValueKind::Map {
            let found = value.get_item(&item).map_err(|error| refuse(error.to_string()))?;
            vec![item, found]
        } else {
            pair(&item).ok_or_else(|| {
                refuse("`$for` with two names runs over an object or a list of pairs".to_owned())
            })?
        });
    }
    Ok(turns)
}

fn pair(item: &Value) -> Option<Vec<Value>> {
    let is_pair = item.kind() == ValueKind::Seq && item.len() == Some(2);
    is_pair.then(|| item.try_iter().ok().map(Iterator::collect))?
}

/// The scope of one turn: its names and `loop` before all others.
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
