//! Processor time, memory and wake-ups, as the system counts them.

#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::time::Duration;

/// Processor time of this process so far.
#[cfg(unix)]
pub fn own() -> Duration {
    time_of(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Processor time of the calling thread so far.
#[cfg(unix)]
pub fn of_thread() -> Duration {
    time_of(libc::CLOCK_THREAD_CPUTIME_ID)
}

#[cfg(unix)]
fn time_of(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes to the value that it gets.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Not known here.
#[cfg(not(unix))]
pub fn own() -> Duration {
    Duration::ZERO
}

/// Not known here.
#[cfg(not(unix))]
pub fn of_thread() -> Duration {
    Duration::ZERO
}

/// Processor time of the children that have ended, in steps of 10 ms (proc(5), fields 16 and 17 of `stat`).
pub fn children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// A field of `/proc/self/status` in MiB.
pub fn memory_mib(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(f64::NAN) / 1024.0
}

/// How often each thread of this process has begun to run.
pub struct WakeUps(HashMap<OsString, u64>);

impl WakeUps {
    pub fn now() -> WakeUps {
        let switches = |status: String| -> u64 {
            let fields = status.lines().filter(|line| line.contains("ctxt_switches"));
            fields.filter_map(|line| line.rsplit('\t').next()?.parse::<u64>().ok()).sum()
        };
        let of = |task: DirEntry| {
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            Some((task.file_name(), switches(status)))
        };
        WakeUps(fs::read_dir("/proc/self/task").into_iter().flatten().flatten().filter_map(of).collect())
    }

    /// How many there were since an earlier time, of the threads that still run.
    pub fn since(&self, earlier: &WakeUps) -> u64 {
        let before = |task: &OsString| earlier.0.get(task).copied().unwrap_or_default();
        self.0.iter().map(|(task, now)| now.saturating_sub(before(task))).sum()
    }
}
