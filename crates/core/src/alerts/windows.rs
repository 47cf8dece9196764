//! Processors and memory on Windows.

use super::meter::{CpuTimes, Memory};
use crate::os::usage;
use std::io;

/// Whether this system tells.
pub(super) const MEASURES: bool = true;

/// Of all processors together.
pub(super) fn cpu_times() -> Result<CpuTimes, String> {
    let (idle, all) = usage::processors().map_err(failure)?;
    Ok(CpuTimes { busy: all.saturating_sub(idle), all })
}

/// Of the machine. Windows tells of memory and page file together, so swap is what is left without the
/// memory.
pub(super) fn memory() -> Result<Memory, String> {
    let status = usage::memory().map_err(failure)?;
    let swap_total = status.ullTotalPageFile.saturating_sub(status.ullTotalPhys);
    let swap_free = status.ullAvailPageFile.saturating_sub(status.ullAvailPhys).min(swap_total);
    Ok(Memory { total: status.ullTotalPhys, available: status.ullAvailPhys, swap_total, swap_free })
}

/// Of this process.
pub(super) fn resident_bytes() -> Result<u64, String> {
    usage::resident_bytes().map_err(failure)
}

fn failure(error: io::Error) -> String {
    format!("Windows does not tell: {error}")
}
