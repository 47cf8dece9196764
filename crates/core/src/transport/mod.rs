//! HTTP over ureq, and SMTP: resolve, vet the address, connect, send, and read a bounded answer, all within one
//! deadline.

mod answer;
mod blocking_task;
mod buffers;
mod certificate_error;
mod client;
mod connection;
mod connection_limit;
mod dial;
mod dns;
mod error;
mod error_text;
mod pinned;
mod pool;
mod process_count;
mod request_state;
mod route;
mod smtp;
mod smtp_stream;
mod socket;
mod tls;
mod tunnel;
mod vet;

#[cfg(test)]
pub(crate) mod tests;

pub use client::Client;
pub use connection_limit::most_senders;
pub use error::{TransportError, TransportErrorKind};
pub use request_state::Phases;
pub use vet::{Reach, vet};
