//! What a process needs that runs another one in its place, on Windows.

use std::os::windows::io::AsRawHandle;
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Console::{CTRL_CLOSE_EVENT, SetConsoleCtrlHandler};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::GetProcessTimes;

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

/// Whether there was one, or is within this time. Windows runs [`count`] in a thread that it starts for it, which may
/// come later than the end of a command by the same Ctrl-C.
pub fn is_interrupted_within(limit: Duration) -> bool {
    let end = Instant::now() + limit;
    while INTERRUPTS.load(Ordering::Acquire) == 0 {
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
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

/// The processor time that a process has used; zero when that is not known.
pub fn processor_time(process: &Child) -> Duration {
    // SAFETY: as above.
    let (kernel, user) = unsafe {
        let [mut created, mut exited, mut kernel, mut user]: [FILETIME; 4] = std::mem::zeroed();
        match GetProcessTimes(process.as_raw_handle(), &mut created, &mut exited, &mut kernel, &mut user) {
            0 => return Duration::ZERO,
            _ => (kernel, user),
        }
    };
    let hundred_ns = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    Duration::from_nanos((hundred_ns(kernel) + hundred_ns(user)).saturating_mul(100))
}
