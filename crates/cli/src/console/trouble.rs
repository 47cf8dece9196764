//! Why a page cannot be shown or an action is refused: a status, what happened, and what to do.

use crate::failure::Failure;
use taskbell_core::spool::{SpoolError, SpoolErrorKind};

#[derive(Debug)]
pub struct Trouble {
    pub status: u16,
    pub what: String,
    pub next: String,
}

impl Trouble {
    pub fn new(status: u16, what: impl Into<String>, next: impl Into<String>) -> Trouble {
        Trouble { status, what: what.into(), next: next.into() }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        match failure {
            Failure::Message { what, next } => Trouble::new(503, what, next),
            _ => Trouble::new(500, "a defect of Taskbell occurred", "please report it"),
        }
    }
}

impl From<SpoolError> for Trouble {
    fn from(error: SpoolError) -> Trouble {
        let status = if error.kind() == SpoolErrorKind::Ambiguous { 404 } else { 503 };
        Trouble::new(status, error.to_string(), "follow the advice; the page tries again when it is reloaded")
    }
}
