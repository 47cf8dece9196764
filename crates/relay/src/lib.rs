//! The relay of a farm: takes the events that nodes post, decides about all of them, and delivers for all.
//!
//! A crate of its own, which the command has and the library does not: a guest starts no server in its host.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod answer;
mod candidate;
mod connections;
mod leadership;
mod log;
mod open_bell;
pub mod postgres;
mod read_post;
mod relay;
mod relay_error;
mod reload;
mod tls;
mod trust;

pub use leadership::{LeaderLock, is_led};
pub use relay::RelayServer;
pub use relay_error::RelayError;
