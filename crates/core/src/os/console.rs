//! What a process needs that runs another one in its place, on Windows.

use std::os::windows::io::AsRawHandle;
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use windows_sys::Win32::System::Console::{CTRL_CLOSE_EVENT, SetConsoleCtrlHandler};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};

static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);

/// Counts Ctrl-C and Ctrl-Break, and leaves them to the command. When the window is closed, or Windows shuts down, the
/// process ends as soon as this returns, within five seconds at the latest: until then the message may be sent.
unsafe extern "system" fn count(event: u32) -> i32 {
    INTERRUPTS.fetch_add(1, Ordering::AcqRel);
    while event >= CTRL_CLOSE_EVENT {
        std::thread::park();
    }
    1
}

/// Keeps Ctrl-C and Ctrl-Break from ending this process, and a closed window from ending it at once.
pub fn keep_interrupts() {
    // SAFETY: the function lives as long as the process.
    unsafe { SetConsoleCtrlHandler(Some(count), 1) };
}

/// How many there were.
pub fn interrupts() -> usize {
    INTERRUPTS.load(Ordering::Acquire)
}

/// The most memory that a process has used, in bytes; 0 when that is not known.
pub fn peak_memory(process: &Child) -> u64 {
    // SAFETY: the handle is the child's, which is kept open; the counters are plain data that the call fills in.
    unsafe {
        let mut counters: PROCESS_MEMORY_COUNTERS = std::mem::zeroed();
        let size = size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
        match K32GetProcessMemoryInfo(process.as_raw_handle(), &mut counters, size) {
            0 => 0,
            _ => counters.PeakWorkingSetSize as u64,
        }
    }
}
