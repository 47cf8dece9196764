//! HTTP over ureq: resolve, vet the address, connect, send, and read a bounded answer, all under one
//! deadline.

use crate::config::Endpoint;
use crate::platform::Answer;
use std::fmt;
use url::Url;

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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

/// The connections to one endpoint. Shared by the threads of its lane.
#[derive(Debug)]
pub struct Client {}

impl Client {
    /// Prepares TLS, proxy and the connection pool. Opens no connection.
    pub fn new(_endpoint: &Endpoint, _reach: Reach) -> Result<Client, Fault> {
        unimplemented!()
    }

    /// Sends one POST and reads the answer, within the endpoint's timeout. Never follows a redirect.
    pub fn post(&self, _url: &Url, _headers: &[(String, String)], _body: &[u8]) -> (Result<Answer, Fault>, Phases) {
        unimplemented!()
    }

    /// Breaks every exchange in flight and refuses new ones. Returns at once.
    pub fn shutdown(&self) {
        unimplemented!()
    }
}
