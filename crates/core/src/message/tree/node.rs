//! The nodes of a compiled JSON template.

use super::super::condition::{Condition, unknown_root};
use super::super::context::ROOTS;
use super::super::expr::{Expression, InlineTemplate, is_builtin};
use super::super::foreign_syntax;
use super::super::template_error::RenderError;
use super::super::template_path;
use serde_json::Value as Json;
use std::collections::HashSet;

pub(super) enum TemplateNode {
    /// Not a template. The other leaves are compiled twice: `marking` is for a platform that reads markup.
    Plain(Json),
    /// Exactly one `{{ … }}`, which keeps the type of its value.
    Typed {
        place: String,
        expression: Expression,
        marking: Expression,
    },
    /// Any other text.
    Text {
        place: String,
        inline: InlineTemplate,
        marking: InlineTemplate,
    },
    List(Vec<TemplateNode>),
    Object(Vec<(TemplateKey, TemplateNode)>),
    If {
        place: String,
        condition: Condition,
        then: Box<TemplateNode>,
        otherwise: Option<Box<TemplateNode>>,
    },
    For {
        place: String,
        names: Vec<String>,
        over: Expression,
        each: Box<TemplateNode>,
    },
}

pub(super) enum TemplateKey {
    Plain(String),
    Text { place: String, inline: InlineTemplate },
}

impl TemplateNode {
    pub fn check_names(&self, locals: &mut Vec<String>) -> Result<(), RenderError> {
        match self {
            TemplateNode::Plain(_) => Ok(()),
            TemplateNode::Typed { place, expression, .. } => known(place, expression.names(false), locals),
            TemplateNode::Text { place, inline, .. } => known(place, inline.names(false), locals),
            TemplateNode::List(nodes) => nodes.iter().try_for_each(|node| node.check_names(locals)),
            TemplateNode::Object(fields) => fields.iter().try_for_each(|(key, node)| {
                if let TemplateKey::Text { place, inline } = key {
                    known(place, inline.names(false), locals)?;
                }
                node.check_names(locals)
            }),
            TemplateNode::If { place, condition, then, otherwise } => {
                condition.check_names(locals).map_err(|reason| RenderError::at(place, None, reason))?;
                then.check_names(locals)?;
                otherwise.as_ref().map_or(Ok(()), |node| node.check_names(locals))
            }
            TemplateNode::For { place, names, over, each } => {
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

impl TemplateNode {
    /// What is allowed and probably a mistake, with the place of each. `at` is the place of this node.
    pub fn doubts(&self, at: &str, found: &mut Vec<RenderError>) {
        let mut add = |place: &str, doubts: Vec<String>| {
            found.extend(doubts.into_iter().map(|doubt| RenderError::at(place, None, doubt)));
        };
        match self {
            TemplateNode::Plain(Json::String(text)) => {
                add(at, foreign_syntax::placeholder(text, false).into_iter().collect());
            }
            TemplateNode::Plain(_) => {}
            TemplateNode::Typed { place, expression, .. } => add(place, expression.doubts()),
            TemplateNode::Text { place, inline, .. } => add(place, inline.doubts()),
            TemplateNode::List(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    node.doubts(&template_path::item(at, index), found);
                }
            }
            TemplateNode::Object(fields) => {
                for (key, node) in fields {
                    match key {
                        TemplateKey::Plain(name) => node.doubts(&template_path::key(at, name), found),
                        TemplateKey::Text { place, inline } => {
                            found.extend(
                                inline.doubts().into_iter().map(|doubt| RenderError::at(place, None, doubt)),
                            );
                            node.doubts(place, found);
                        }
                    }
                }
            }
            TemplateNode::If { place, condition, then, otherwise } => {
                add(place, condition.doubts());
                then.doubts(&template_path::key(at, "then"), found);
                if let Some(otherwise) = otherwise {
                    otherwise.doubts(&template_path::key(at, "else"), found);
                }
            }
            TemplateNode::For { place, over, each, .. } => {
                add(place, over.doubts());
                each.doubts(&template_path::key(at, "do"), found);
            }
        }
    }

    /// The names that it reads, with their attributes.
    pub fn names(&self, names: &mut HashSet<String>) {
        match self {
            TemplateNode::Plain(_) => {}
            TemplateNode::Typed { expression, .. } => names.extend(expression.names(true)),
            TemplateNode::Text { inline, .. } => names.extend(inline.names(true)),
            TemplateNode::List(nodes) => nodes.iter().for_each(|node| node.names(names)),
            TemplateNode::Object(fields) => fields.iter().for_each(|(key, node)| {
                if let TemplateKey::Text { inline, .. } = key {
                    names.extend(inline.names(true));
                }
                node.names(names);
            }),
            TemplateNode::If { then, otherwise, .. } => {
                then.names(names);
                otherwise.iter().for_each(|node| node.names(names));
            }
            TemplateNode::For { over, each, .. } => {
                names.extend(over.names(true));
                each.names(names);
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
