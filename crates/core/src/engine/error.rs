//! Errors of the public API, with a sentence for the host's programmer.

use std::fmt;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// The kind.
    pub kind: ErrorKind,
    /// A sentence without secrets.
    pub message: String,
}

/// The kinds of [`Error`], with the numbers of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum ErrorKind {
    /// NULL, broken UTF-8, a name out of pattern, a number out of range.
    InvalidArgument = 1,
    /// The payload is not one JSON object.
    InvalidJson = 2,
    /// The event is too large.
    TooLarge = 3,
    /// Events wait for the spool, and there is no room for another now.
    QueueFull = 4,
    /// The instance was closed.
    Closed = 5,
    /// The configuration has a fault.
    Config = 6,
    /// The time limit was reached.
    Timeout = 7,
    /// The spool cannot be used.
    Spool = 8,
    /// This process was forked from the one that opened the instance.
    Forked = 9,
    /// The caller's buffer is too small.
    BufferTooSmall = 10,
    /// The signature is invalid.
    Signature = 11,
    /// A defect of Taskbell was caught.
    Panic = 12,
    /// It does not exist.
    NotFound = 13,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
