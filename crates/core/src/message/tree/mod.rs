//! JSON templates: a tree whose text leaves are templates, with `$if` and `$for` for structure.

mod compile;
mod node;
mod render;

use super::render_budget::RenderBudget;
use super::template_error::{RenderError, TemplateError};
use compile::compile;
use minijinja::Value;
use node::TemplateNode;
use render::RenderedNode;
use serde_json::Value as Json;
use std::collections::HashSet;

pub(super) struct TemplateTree {
    place: String,
    root: TemplateNode,
}

impl TemplateTree {
    pub(super) fn compile(place: &str, json: &Json) -> Result<TemplateTree, TemplateError> {
        Ok(TemplateTree { place: place.to_owned(), root: compile(place, json, 0)? })
    }

    pub(super) fn render(&self, scope: &Value, run: &mut RenderBudget<'_>) -> Result<Json, RenderError> {
        let yielded = self.root.render(scope, run).map_err(|error| match error.place.as_str() {
            "" => RenderError::at(&self.place, error.line, error.reason),
            _ => error,
        })?;
        match yielded {
            RenderedNode::One(json) => Ok(json),
            RenderedNode::Items(items) => Ok(Json::Array(items)),
            RenderedNode::Nothing => Err(RenderError::at(
                &self.place,
                None,
                "the template renders to nothing: add an `else` to its outer `$if`",
            )),
        }
    }

    /// Rejects a name that no event has, in any branch.
    pub(super) fn check_names(&self) -> Result<(), RenderError> {
        self.root.check_names(&mut Vec::new())
    }

    /// What is allowed and probably a mistake.
    pub(super) fn doubts(&self) -> Vec<RenderError> {
        let mut found = Vec::new();
        self.root.doubts(&self.place, &mut found);
        found
    }

    /// The names that it reads, with their attributes.
    pub(super) fn names(&self) -> HashSet<String> {
        let mut names = HashSet::new();
        self.root.names(&mut names);
        names
    }
}
