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
// Miri sees the ring and what it is made of, and none of those who use it.
#![cfg_attr(miri, allow(dead_code, unused_imports))]

#[cfg(not(miri))]
mod alerts;
pub mod apart;
pub mod clock;
#[cfg(not(miri))]
pub mod config;
#[cfg(not(miri))]
pub mod endpoint;
#[cfg(not(miri))]
pub mod engine;
pub mod event;
mod failpoint;
pub mod hash;
#[cfg(not(miri))]
mod hooks;
mod intake;
mod json;
#[cfg(not(miri))]
pub mod lanes;
#[cfg(not(miri))]
pub mod message;
mod name_index;
pub mod os;
#[cfg(not(miri))]
pub mod platform;
#[cfg(test)]
mod property;
#[cfg(not(miri))]
pub mod secret;
#[cfg(not(miri))]
mod shaping;
#[cfg(not(miri))]
pub mod sign;
#[cfg(not(miri))]
pub mod spool;
#[cfg(not(miri))]
mod tally;
#[cfg(not(miri))]
pub mod transport;

#[cfg(not(miri))]
pub use hooks::{Notify, TaskParams};
#[cfg(not(miri))]
pub use tally::Task;

/// The version of this library, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
