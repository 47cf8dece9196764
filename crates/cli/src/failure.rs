//! Why a command failed, and the next step.

use super::terminal::{Style, Terminal};
use serde_json::json;
use std::io;

/// A command that failed.
#[derive(Debug)]
pub enum Failure {
    /// The reader of the output is gone, as with `| head`.
    BrokenPipe,
    /// The command has printed everything itself.
    Reported,
    /// What happened, and what to do about it.
    Message { what: String, next: String },
}

impl Failure {
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::Message { what: what.into(), next: next.into() }
    }

    /// Prints it: on stderr for people, on stdout as JSON for scripts.
    pub fn print(&self, terminal: &mut Terminal) {
        let Failure::Message { what, next } = self else { return };
        if terminal.json() {
            let _ = terminal.object(&json!({ "ok": false, "error": what, "next": next }));
        } else {
            let mut stderr = Terminal::stderr();
            let label = stderr.paint(Style::Error, "error:");
            let arrow = stderr.paint(Style::Muted, "next: ");
            let _ = stderr.line(&format!("{label} {what}"));
            let _ = stderr.line(&format!("{arrow} {next}"));
        }
    }
}

/// For what is written to the terminal.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::BrokenPipe;
        }
        Failure::new(format!("cannot write the output: {error}"), "check where standard output leads")
    }
}

/// The errors in a configuration, for every command that reads one.
pub fn bad_config(path: &str, errors: &impl ToString) -> Failure {
    Failure::new(
        errors.to_string(),
        format!("correct the configuration; `taskbell check {path}` shows all its errors"),
    )
}
