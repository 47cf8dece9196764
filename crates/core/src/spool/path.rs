//! Where the spool lives.

use std::path::PathBuf;

/// Where the spool lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpoolPath {
    /// A SQLite file.
    File(PathBuf),
    /// `":memory:"`: nothing survives the process.
    Memory,
}
