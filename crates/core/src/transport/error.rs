//! Why a request has no answer.

use std::fmt;

/// The kind of a transport error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// The name could not be resolved.
    Resolve,
    /// The request is not allowed or not possible; trying again cannot change that.
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

/// Why a request has no answer. The text contains no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    /// The kind.
    pub kind: TransportErrorKind,
    /// The text.
    pub reason: String,
}

impl TransportErrorKind {
    pub(super) fn error(self, reason: impl Into<String>) -> TransportError {
        TransportError { kind: self, reason: reason.into() }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for TransportError {}
