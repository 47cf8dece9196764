//! Why a command did not succeed, and what to do next.

use super::terminal::{Ink, Terminal};
use serde_json::json;
use std::io;

/// A command that did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// Nobody reads the output any more, as behind `| head`.
    Unread,
    /// The command has told everything itself.
    Told,
    /// What is wrong, and what to do about it.
    Said {
        /// A sentence or several lines.
        what: String,
        /// The next step.
        next: String,
    },
}

impl Failure {
    /// A failure with the next step.
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::Said { what: what.into(), next: next.into() }
    }

    /// Prints it: on stderr for people, on stdout as JSON for scripts.
    pub fn tell(&self, terminal: &mut Terminal) {
        let Failure::Said { what, next } = self else { return };
        if terminal.json() {
            let _ = terminal.object(&json!({ "ok": false, "error": what, "next": next }));
        } else {
            let mut stderr = Terminal::stderr();
            let label = stderr.paint(Ink::Bad, "error:");
            let arrow = stderr.paint(Ink::Quiet, "next: ");
            let _ = stderr.line(&format!("{label} {what}"));
            let _ = stderr.line(&format!("{arrow} {next}"));
        }
    }
}

impl From<io::Error> for Failure {
    /// For what is written to the terminal.
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::Unread
        } else {
            Failure::new(
                format!("the output cannot be written: {error}"),
                "check where standard output leads to",
            )
        }
    }
}

/// The faults of a configuration, as every command that reads one tells them.
pub fn bad_config(path: &str, errors: &impl ToString) -> Failure {
    Failure::new(
        errors.to_string(),
        format!("mend the configuration; `taskbell check {path}` shows all its faults"),
    )
}
