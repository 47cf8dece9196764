//! Processors and memory where Taskbell cannot ask.

use super::meter::{CpuTimes, Memory};

/// Whether this system tells.
pub(super) const MEASURES: bool = false;

const NOT_AVAILABLE: &str = "it is not available on this system";

/// Of all processors together.
pub(super) fn cpu_times() -> Result<CpuTimes, String> {
    Err(NOT_AVAILABLE.to_owned())
}

/// Of the machine.
pub(super) fn memory() -> Result<Memory, String> {
    Err(NOT_AVAILABLE.to_owned())
}

/// Of this process.
pub(super) fn resident_bytes() -> Result<u64, String> {
    Err(NOT_AVAILABLE.to_owned())
}
