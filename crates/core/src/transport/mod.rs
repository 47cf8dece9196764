//! HTTP over ureq: resolve, vet the address, connect, send, and read a bounded answer, all under one
//! deadline.

mod agents;
mod answer;
mod buffers;
mod client;
mod dial;
mod errand;
mod exchange;
mod names;
mod route;
mod sentence;
mod socket;
mod tls;
mod tunnel;
mod vet;
mod wire;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use vet::vet;

use std::fmt;

/// Which addresses may be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A configured endpoint: loopback and LAN too, never link-local or cloud metadata.
    Configured,
    /// A URL that a task named: public addresses only.
    Public,
}

/// How long the phases of an attempt took, in microseconds; 0 for one that did not take place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// Looking up the name.
    pub resolve_us: u32,
    /// Opening the TCP connection; 0 on a connection that was open already.
    pub connect_us: u32,
    /// The TLS handshake.
    pub tls_us: u32,
    /// From the start of the attempt to the first byte of the answer.
    pub first_byte_us: u32,
    /// The whole attempt.
    pub total_us: u32,
}

/// What kind of fault kept an attempt from an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The name could not be resolved.
    Resolve,
    /// The address may not be dialled; this cannot change by trying again.
    Refused,
    /// The connection could not be opened.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The deadline passed.
    Timeout,
    /// The connection broke.
    Broken,
    /// The answer is not HTTP, or its head is out of bounds.
    Protocol,
    /// `Client::shutdown` was called.
    Cancelled,
}

/// Why there is no answer, in words without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// The sentence.
    pub reason: String,
}

impl Fault {
    /// A fault of this kind.
    pub(crate) fn new(kind: FaultKind, reason: impl Into<String>) -> Self {
        Fault { kind, reason: reason.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}
