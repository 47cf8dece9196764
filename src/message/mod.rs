//! What is said: conditions and templates over the context of an event, and the body they make.

mod condition;
mod context;
mod template;

pub use condition::{Condition, Verdict};
pub use context::Context;
pub use template::{RenderError, Syntax, Template, TemplateError};

/// A rendered message, the same for every attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The `content-type` of the body.
    pub content_type: String,
    /// The body, byte for byte as it is signed and sent.
    pub body: Vec<u8>,
}

/// stub
pub fn compose(_: Option<&Template>, _: &crate::config::Endpoint, _: &Context) -> Result<Message, RenderError> { unimplemented!() }
impl std::fmt::Display for RenderError { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.reason) } }
