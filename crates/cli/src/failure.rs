//! Why a command failed, and the next step.

use super::terminal::{Style, Terminal};
use serde_json::json;
use std::io;
use std::path::Path;
use taskbell_core::config::is_bare_url;
use taskbell_core::engine::{self, ErrorKind};

#[derive(Debug)]
pub enum Failure {
    /// The reader of the output is gone, as with `| head`.
    BrokenPipe,
    /// The command has printed everything itself.
    Reported,
    /// The command has printed everything itself, and ends with this exit code.
    Ended(i32),
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

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::BrokenPipe;
        }
        Failure::new(format!("cannot write the output: {error}"), "check where standard output leads")
    }
}

/// A configuration as messages name it: a URL is a secret, also one that lacks its scheme.
pub fn shown(given: &str) -> &str {
    let path = Path::new(given);
    let is_file =
        path.extension().is_some_and(|name| ["toml", "json", "db"].iter().any(|known| name == *known));
    match given.starts_with("env:") || !is_bare_url(given) && (is_file || path.exists()) {
        true => given,
        false => "URL",
    }
}

/// The errors in a configuration, for every command that reads one.
pub fn bad_config(path: &str, errors: &impl ToString) -> Failure {
    Failure::new(
        errors.to_string(),
        format!("correct the configuration; `taskbell check {}` shows all its errors", shown(path)),
    )
}

/// An event that the library refuses, with the next step.
pub fn bad_event(error: engine::Error) -> Failure {
    let next = match error.kind {
        ErrorKind::InvalidJson => {
            "give one JSON object; `@file` reads it from a file, without the quotes of a shell"
        }
        ErrorKind::InvalidArgument => {
            "event types are `task.complete`, `queue.end` and others, or a name of your own"
        }
        ErrorKind::Spool => "correct what the message names; `[spool] path` is the path of the spool",
        ErrorKind::TooLarge => "raise `[queue] max_event_bytes`, or send less",
        _ => "run `taskbell check` on the configuration",
    };
    Failure::new(error.message, next)
}
