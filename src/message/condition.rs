//! `when`.
use super::Context;

/// A compiled condition.
#[derive(Debug)]
pub struct Condition {
    source: String,
}

/// What a condition says of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It could not be evaluated: the hook fires, and this is logged.
    Broken(String),
}

impl Condition {
    /// Compiles an expression; the fault in words otherwise.
    pub fn compile(source: &str) -> Result<Condition, String> {
        Ok(Condition { source: source.to_owned() })
    }
    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.source
    }
    /// Evaluates it.
    pub fn holds(&self, _context: &Context) -> Verdict {
        Verdict::True
    }
}
