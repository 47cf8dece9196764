//! Signed, retried webhooks for programs that run for hours: image generators, renderers, trainers.
//!
//! The host reports that a task is complete and that the queue is empty. Taskbell decides which events matter, writes
//! the message, signs it, and delivers it over HTTP from its own threads until it arrives. A call never waits for a disk
//! or a network, and what it accepted survives the end of the process, however it ends.
//!
//! ```no_run
//! use serde_json::json;
//! use std::time::Duration;
//!
//! fn main() -> Result<(), taskbell::Error> {
//!     let bell = taskbell::Bell::open("taskbell.toml")?; // or just the URL of a webhook
//!     for frame in 1..=12 {
//!         bell.on_task_complete(&json!({ "name": format!("frame {frame}"), "duration_s": 41.5 }))?;
//!     }
//!     bell.on_queue_end(&json!({}))?;
//!     bell.close(Duration::from_secs(5))?; // waits up to 5 s for deliveries
//!     Ok(())
//! }
//! ```
//!
//! A configuration and the fields of a task are those of every other language:
//! <https://github.com/taskbell/taskbell/tree/main/docs>.
//!
//! # Features
//! - `command`, on by default: the `taskbell` command, for `cargo install taskbell`. A program that uses the library turns
//!   it off, and compiles no HTTP server: `taskbell = { version = "0.1", default-features = false }`.
//! - `failpoints`: places at which tests end the process. For Taskbell's own tests.
//!
//! Everything behind this interface is in `taskbell-core`, whose own may change with any version.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod bell;

pub use bell::{Bell, Event, check, preview, verify};
pub use taskbell_core::VERSION;
pub use taskbell_core::engine::{Error, ErrorKind, Level, Sink};
