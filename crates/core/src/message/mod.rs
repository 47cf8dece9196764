//! What is said: conditions and templates over the context of an event, and the body they make.

mod clauses;
mod condition;
mod context;
mod default_body;
mod extras;
mod filters;
mod formula;
mod host;
mod key;
mod notice;
mod place;
pub mod sample;
mod swarmui;
mod template;
mod text;
mod tree;
mod typed;
mod wording;

pub use condition::{Condition, Verdict};
pub use context::{Context, Late};
pub use default_body::default_body;
pub(crate) use default_body::default_text;
pub use extras::{Extras, Line};
pub(crate) use filters::clip;
pub use host::HostInfo;
pub use key::Key;
pub use notice::{Notice, Tone};
pub use template::{MAX_BODY_BYTES, RenderError, Template, TemplateError};
pub use wording::Language;
pub(crate) use wording::Wording;

/// A rendered message, the same for every attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The `content-type` of the body.
    pub content_type: String,
    /// The body, byte for byte as it is signed and sent.
    pub body: Vec<u8>,
    /// Whether the task's first output goes with it as a file, beside the JSON.
    pub attach_first_output: bool,
    /// What goes with it.
    pub extras: Extras,
}

/// The names at the top of a context. Which of them an event has depends on its type.
pub(crate) const ROOTS: &[&str] = &["event", "task", "queue", "batch", "alert", "digest", "host", "vars"];

#[cfg(test)]
mod tests;
