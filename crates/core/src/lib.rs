//! Taskbell: a notification bell inside a long-running host.
//!
//! The host says what happened; Taskbell decides whether anybody should hear of it, renders the
//! message, signs it and delivers it over HTTP from its own threads. An event walks down the rooms
//! of this crate once and never back up:
//!
//! `ffi` → `intake` → `tally` → `hooks` → `shaping` → `message` → `spool` → `lanes` → `transport` → `platform`.
//!
//! Hosts use the C functions in `include/taskbell.h`. The Rust API below is what the command line
//! and the tests use.

#![deny(unsafe_code)]
#![deny(missing_docs)]

mod alerts;
pub mod clock;
pub mod config;
pub mod endpoint;
pub mod engine;
pub mod event;
pub mod farm;
pub mod hash;
mod hooks;
mod intake;
mod json;
pub mod lanes;
pub mod message;
mod name_index;
pub mod os;
pub mod platform;
#[cfg(test)]
mod property;
pub mod secret;
mod shaping;
pub mod sign;
pub mod spool;
mod tally;
pub mod transport;

pub use hooks::{Notify, TaskParams};
pub use tally::Task;
pub use taskbell_ring::apart;

/// The version of this library, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
