//! Messages: conditions and templates over the context of an event, and the bodies they render.

mod as_given;
mod boolean_expr;
mod comparison;
mod condition;
mod context;
mod default_body;
mod defaulted_paths;
mod digest_notice;
mod doubts;
mod engine_error;
mod evaluation;
mod event_notice;
mod expr;
mod expr_ast;
mod failure_groups;
mod fields;
mod filters;
mod foreign_syntax;
mod given_tree;
mod host_info;
mod json_text;
mod json_value;
mod key_expression;
pub(crate) mod known_fields;
mod literals;
mod long_number;
pub(crate) mod marks;
mod never_true;
mod notice;
mod notice_value;
mod ordinary_samples;
mod output_url;
pub(crate) mod plain_text;
mod quantities;
mod render_budget;
mod rendered_message;
mod repetition;
pub(crate) mod sample;
mod source_bounds;
mod source_tokens;
mod sparkline;
mod strftime;
mod strings;
mod summary_line;
mod swarmui;
mod task_notice;
mod template;
mod template_error;
mod template_path;
mod text_template;
mod time_filters;
mod tree;
mod words;
mod work_notice;

pub use condition::{Condition, ConditionResult};
pub use context::{Context, ContextSource, Several};
pub use default_body::default_body;
pub(crate) use default_body::default_text;
pub use evaluation::{Watcher, subject, watch};
pub(crate) use filters::clip;
pub use host_info::{HostInfo, TaskWords};
pub use key_expression::KeyExpression;
pub use notice::{Fact, FailureGroup, Image, Link, Notice, Tone, WorkProgress};
pub use rendered_message::{Drawing, Extras, Message};
pub use strings::Language;
pub(crate) use strings::Strings;
pub use summary_line::{SummaryLine, SummaryPart};
pub use template::Template;
pub use template_error::{MAX_BODY_BYTES, RenderError, TemplateError};

/// What a card would say of the event of a context, as a template reads it.
fn notice_of(context: &Context) -> serde_json::Value {
    Notice::from_context(context.kind(), context).to_json(context)
}

#[cfg(test)]
mod tests;
