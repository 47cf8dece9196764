//! The process of a command: its output is copied on the way, signals are passed on.
//!
//! It stays in the group of this process, so that the terminal and the shell treat both as one: Ctrl-C, Ctrl-Z, `fg`
//! and `bg` are the kernel's. Input is inherited. An output that goes to a terminal goes through another one, so that
//! the command sees a terminal of the same size and modes.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub use elsewhere::PreparedProcess as Prepared;
#[cfg(unix)]
pub use unix::PreparedCommand as Prepared;

use serde_json::{Value as Json, json};
use std::process::ExitStatus;

/// How a command ended.
#[derive(Debug)]
pub struct End {
    status: ExitStatus,
    /// The signals that asked it to end.
    pub caught: Vec<i32>,
    peak_bytes: u64,
    cpu_s: f64,
}

impl End {
    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        #[cfg(unix)]
        return std::os::unix::process::ExitStatusExt::signal(&self.status);
        #[cfg(not(unix))]
        None
    }

    /// The exit code as a shell shows it.
    pub fn code(&self) -> i32 {
        self.status.code().or_else(|| self.signal().map(|signal| 128 + signal)).unwrap_or(1)
    }

    /// Ends this process by the same signal, if one ended the command.
    pub fn repeat_signal(&self) {
        #[cfg(unix)]
        if let Some(signal) = self.signal() {
            taskbell_core::os::command::end_by(signal);
        }
    }

    /// What it used, as far as the system says.
    pub fn metrics(&self) -> Json {
        let mut metrics = json!({});
        if self.peak_bytes > 0 {
            metrics["peak_memory_mb"] = ((self.peak_bytes as f64 / 1e5).round() / 10.0).into();
        }
        if self.peak_bytes > 0 || self.cpu_s > 0.0 {
            metrics["cpu_s"] = ((self.cpu_s * 100.0).round() / 100.0).into();
        }
        metrics
    }
}
