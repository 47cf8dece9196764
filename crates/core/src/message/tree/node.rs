//! The nodes of a compiled JSON template.

use super::super::condition::{Condition, unknown_root};
use super::super::context::ROOTS;
use super::super::expr::{Expression, InlineTemplate, is_builtin};
use super::super::template_error::RenderError;
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
            TemplateNode::Text { place, inline, .. } => known(place, inline.names(), locals),
            TemplateNode::List(nodes) => nodes.iter().try_for_each(|node| node.check_names(locals)),
            TemplateNode::Object(fields) => fields.iter().try_for_each(|(key, node)| {
                if let TemplateKey::Text { place, inline } = key {
                    known(place, inline.names(), locals)?;
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

fn known(at: &str, names: HashSet<String>, locals: &[String]) -> Result<(), RenderError> {
    let unknown = names
        .iter()
        .filter(|name| !ROOTS.contains(&name.as_str()) && !locals.contains(name) && !is_builtin(name))
        .min();
    unknown.map_or(Ok(()), |name| Err(RenderError::at(at, None, unknown_root(name))))
}
