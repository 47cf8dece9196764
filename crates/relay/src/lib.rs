//! The relay of a farm: takes the events that nodes post, decides about all of them, and delivers for all.
//!
//! A crate of its own, which the command has and the library does not: a guest starts no server in its host.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod answer;
mod connections;
mod leadership;
mod log;
pub mod postgres;
mod read_post;
mod relay;
mod reload;
mod tls;

pub use leadership::{LeaderLock, is_led};
pub use relay::{RelayError, RelayServer};
