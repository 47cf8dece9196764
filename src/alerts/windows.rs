//! Processors and memory on Windows.

#![allow(unsafe_code)]

use super::meter::{CpuTimes, Memory};
use std::io;
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetSystemTimes};

/// Whether this system tells.
pub(super) const MEASURES: bool = true;

/// Of all processors together. Time in the kernel includes the idle time.
pub(super) fn cpu_times() -> Result<CpuTimes, String> {
    let zero = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let (mut idle, mut kernel, mut user) = (zero, zero, zero);
    // SAFETY: the three are writable for the length of the call.
    if unsafe { GetSystemTimes(&mut idle, &mut kernel, &mut user) } == 0 {
        return Err(failure("GetSystemTimes"));
    }
    let all = ticks(kernel) + ticks(user);
    Ok(CpuTimes { busy: all.saturating_sub(ticks(idle)), all })
}

/// Of the machine. Windows tells of memory and page file together, so swap is what is left without the
/// memory.
pub(super) fn memory() -> Result<Memory, String> {
    let length = size_of::<MEMORYSTATUSEX>() as u32;
    let mut status = MEMORYSTATUSEX { dwLength: length, ..Default::default() };
    // SAFETY: the structure is writable and says its own size, as the call asks.
    if unsafe { GlobalMemoryStatusEx(&mut status) } == 0 {
        return Err(failure("GlobalMemoryStatusEx"));
    }
    let swap_total = status.ullTotalPageFile.saturating_sub(status.ullTotalPhys);
    let swap_free = status.ullAvailPageFile.saturating_sub(status.ullAvailPhys).min(swap_total);
    Ok(Memory { total: status.ullTotalPhys, available: status.ullAvailPhys, swap_total, swap_free })
}

/// Of this process.
pub(super) fn resident_bytes() -> Result<u64, String> {
    let size = size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
    let mut counters = PROCESS_MEMORY_COUNTERS { cb: size, ..Default::default() };
    // SAFETY: the handle of the own process needs no closing, and the structure has the size given.
    if unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &mut counters, size) } == 0 {
        return Err(failure("K32GetProcessMemoryInfo"));
    }
    Ok(counters.WorkingSetSize as u64)
}

fn ticks(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}

fn failure(call: &str) -> String {
    format!("{call} failed: {}", io::Error::last_os_error())
}
