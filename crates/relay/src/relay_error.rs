//! Why a relay cannot run, and what to do about it.

use crate::postgres::DatabaseFault;
use std::fmt;

/// Why a relay cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayError {
    /// What happened.
    pub what: String,
    /// What to do about it.
    pub next: &'static str,
}

impl RelayError {
    pub(crate) fn new(what: impl Into<String>, next: &'static str) -> RelayError {
        RelayError { what: what.into(), next }
    }

    pub(crate) fn of_database(fault: &DatabaseFault) -> RelayError {
        RelayError::new(
            fault.to_string(),
            "correct `[farm] store` or the database; `taskbell check` tries it",
        )
    }

    pub(crate) fn defect() -> RelayError {
        RelayError::new("a defect of Taskbell occurred", "please report it")
    }
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.next)
    }
}

impl std::error::Error for RelayError {}
