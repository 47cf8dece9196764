//! What is said: conditions and templates over the context of an event, and the body they make.

mod condition;
mod context;
mod notice;
mod template;

pub use condition::{Condition, Verdict};
pub use context::Context;
pub use notice::{Notice, Tone, default_body};
pub use template::{RenderError, Syntax, Template, TemplateError};

/// A rendered message, the same for every attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The `content-type` of the body.
    pub content_type: String,
    /// The body, byte for byte as it is signed and sent.
    pub body: Vec<u8>,
}
