//! Messages: conditions and templates over the context of an event, and the bodies they render.

mod as_given;
mod condition;
mod context;
mod default_body;
mod defaulted_paths;
mod digest_notice;
mod doubts;
mod expr;
mod expr_ast;
mod filters;
mod foreign_syntax;
mod host_info;
mod json_text;
mod json_value;
mod key_expression;
pub(crate) mod known_fields;
mod literals;
mod long_number;
pub(crate) mod marks;
mod notice;
mod ordinary_samples;
mod output_url;
mod render_budget;
mod rendered_message;
pub(crate) mod sample;
mod source_bounds;
mod source_tokens;
mod sparkline;
mod strftime;
mod strings;
mod summary_line;
mod swarmui;
mod template;
mod template_error;
mod template_path;
mod text_template;
mod time_filters;
mod tree;
mod work_notice;

pub use condition::{Condition, ConditionResult};
pub use context::{Context, LazyField, Several};
pub use default_body::default_body;
pub(crate) use default_body::default_text;
pub(crate) use filters::clip;
pub use host_info::HostInfo;
pub use key_expression::KeyExpression;
pub use notice::Notice;
pub use rendered_message::{Extras, Message, Tone};
pub use strings::Language;
pub(crate) use strings::Strings;
pub use summary_line::{SummaryLine, SummaryPart};
pub use template::Template;
pub use template_error::{MAX_BODY_BYTES, RenderError, TemplateError};

#[cfg(test)]
mod tests;
