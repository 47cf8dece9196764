//! Why the engine refused a source or a value, in words for the author of a template.

use super::{filters, foreign_syntax};
use minijinja::{Error, ErrorKind};

/// The steps of one expression or text. The engine charges one per instruction and one per 64 bytes of output, so this
/// also bounds a value to about 3 MiB.
pub(super) const FUEL_PER_PIECE: u64 = 50_000;

#[derive(Debug, Clone)]
pub(super) struct EngineError {
    pub kind: ErrorKind,
    /// From 1.
    pub line: Option<usize>,
    pub reason: String,
}

impl EngineError {
    /// Whether the source cannot be read.
    pub(super) fn is_of_syntax(&self) -> bool {
        self.kind == ErrorKind::SyntaxError && self.reason.starts_with("syntax error")
    }

    /// Whether it reports an undefined name in the context itself, such as `task.nmae`, which cannot come from an
    /// unknown field that a host may add.
    pub(super) fn is_of_context(&self) -> bool {
        let name = self.reason.strip_prefix('`').and_then(|rest| rest.split_once("` is undefined"));
        name.and_then(|(name, _)| name.split(['.', '[']).next())
            .is_some_and(|root| super::context::ROOTS.contains(&root))
    }
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        let detail = error.detail().map(str::to_owned);
        let reason = match (kind, detail) {
            (ErrorKind::OutOfFuel, _) => {
                format!("stopped after {FUEL_PER_PIECE} steps; shorten the loop or the text")
            }
            (ErrorKind::UndefinedError, Some(detail)) => detail,
            (ErrorKind::UnknownFilter | ErrorKind::UnknownTest, Some(detail)) => {
                let name = detail.split_whitespace().nth(1).unwrap_or_default();
                let instead = foreign_syntax::of_filter(name).map(|here| format!("; there is {here}"));
                format!("{kind}: {detail}{}", instead.unwrap_or_default())
            }
            (ErrorKind::UnknownMethod, Some(detail)) => {
                let name = detail.rsplit(' ').next().unwrap_or_default();
                let instead = foreign_syntax::of_method(name).map(|here| format!("; write {here}"));
                format!("{kind}: {detail}{}", instead.unwrap_or_default())
            }
            (_, Some(detail)) => format!("{kind}: {detail}"),
            (_, None) => kind.to_string(),
        };
        EngineError { kind, line: error.line(), reason: filters::clip(&reason, 400) }
    }
}
