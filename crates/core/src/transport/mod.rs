//! HTTP and SMTP: resolve, vet the address, connect, send, and read a bounded answer, all within one deadline. Plain
//! answers are read here, all others by ureq.

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
mod odd_answer;
mod pinned;
mod plain_answer;
mod pool;
mod process_count;
mod request_head;
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
pub use request_head::HeaderLine;
pub use request_state::Phases;
pub use tls::client_config;
pub use vet::{Reach, vet};
