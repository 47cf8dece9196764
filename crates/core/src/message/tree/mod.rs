//! JSON templates: data whose text leaves are templates, with `$if` and `$for` for structure. All of
//! it is compiled when it is loaded.

mod compile;
mod render;

use super::ROOTS;
use super::condition::{Condition, unknown_root};
use super::formula::{Formula, Phrase, is_builtin};
use super::template::{RenderError, Run, TemplateError};
use compile::compile;
use minijinja::Value;
use render::Yield;
use serde_json::Value as Json;
use std::collections::HashSet;

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

impl Node {
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

fn known(at: &str, names: HashSet<String>, locals: &[String]) -> Result<(), RenderError> {
    let unknown = names
        .iter()
        .filter(|name| !ROOTS.contains(&name.as_str()) && !locals.contains(name) && !is_builtin(name))
        .min();
    unknown.map_or(Ok(()), |name| Err(RenderError::at(at, None, unknown_root(name))))
}
