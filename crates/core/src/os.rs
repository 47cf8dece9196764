//! What differs between operating systems: threads with blocked signals, forks, staying mapped,
//! and what the system tells of itself.

#![allow(unsafe_code)]

#[cfg(unix)]
pub mod command;
#[cfg(windows)]
pub mod console;
#[cfg(windows)]
pub(crate) mod event;
mod fork;
mod signals;
#[cfg(unix)]
pub(crate) mod wait;

pub use fork::{ForkSafeLock, forks, watch_forks};
pub(crate) use signals::WriteSignals;

use signals::{Blocked, Mask};
use std::io;
use std::sync::OnceLock;
use std::thread::{self, Builder, JoinHandle, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// The longest thread name Linux keeps, in bytes.
const MAX_THREAD_NAME: usize = 15;

/// Our threads need little: no recursion on foreign input goes deeper than the parsers' own limits.
const STACK_BYTES: usize = 1024 * 1024;

/// The stack of a thread that compiles or renders templates. It is reserved, and takes memory only as far as it is used.
const RENDER_STACK_BYTES: usize = 16 * 1024 * 1024;

/// Starts a thread named `name` (cut to 15 bytes) with every signal blocked, so that no handler of
/// the host ever runs on it.
///
/// # Errors
/// When the system has no room for another thread.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    spawn_masked(name, Blocked::Every, STACK_BYTES, Box::new(run))
}

/// As [`spawn`], with the stack that templates may need.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_to_render(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    spawn_masked(name, Blocked::Every, RENDER_STACK_BYTES, Box::new(run))
}

/// Runs this on a thread of its own, with the stack that templates may need, and waits for the result. The host's
/// threads may have small stacks, and an overflow ends its process.
///
/// # Errors
/// When the system has no room for another thread.
pub fn run_to_render<T: Send>(name: &str, run: impl FnOnce() -> T + Send) -> io::Result<T> {
    let mut result = None;
    run_to_end(name, Box::new(|| result = Some(run())))?;
    result.ok_or_else(|| io::Error::other("the thread ended without a result"))
}

fn run_to_end(name: &str, run: Box<dyn FnOnce() + Send + '_>) -> io::Result<()> {
    let done = thread::scope(|scope| {
        let mask = Mask::set(Blocked::Every);
        let thread =
            Builder::new().name(name.to_owned()).stack_size(RENDER_STACK_BYTES).spawn_scoped(scope, run);
        drop(mask);
        thread.map(ScopedJoinHandle::join)
    })?;
    done.or_else(|panic| std::panic::resume_unwind(panic))
}

/// As [`spawn`], for a thread that runs the host's own code. Mono, and others that collect garbage, stop
/// a thread that has run managed code by a signal, and wait for ever where it is blocked: so those signals
/// stay open.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_for_host(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    spawn_masked(name, Blocked::AllButRuntimes, STACK_BYTES, Box::new(run))
}

fn spawn_masked(
    name: &str,
    blocked: Blocked,
    stack_bytes: usize,
    run: Box<dyn FnOnce() + Send>,
) -> io::Result<JoinHandle<()>> {
    let mut end = name.len().min(MAX_THREAD_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    // A thread starts with its creator's mask, so the creator's is set for just this moment.
    let _mask = Mask::set(blocked);
    Builder::new().name(name[..end].to_owned()).stack_size(stack_bytes).spawn(run)
}

/// The user this process acts as; `None` where users have no number.
pub fn user_id() -> Option<u32> {
    #[cfg(unix)]
    {
        // SAFETY: it takes nothing and cannot fail.
        Some(unsafe { libc::geteuid() })
    }
    #[cfg(not(unix))]
    None
}

/// How many file descriptors this process may have open.
pub fn descriptor_limit() -> u64 {
    #[cfg(unix)]
    {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `limit` is writable for the length of the call.
        if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } == 0 {
            // The type has another sign on other systems.
            #[allow(clippy::unnecessary_cast)]
            return limit.rlim_cur as u64;
        }
    }
    8192
}

/// How many bytes are free in the memory-backed file system that holds this folder; `None` when files
/// there are not in memory alone, or when that cannot be told.
pub fn memory_backed_room(folder: &std::path::Path) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
        // SAFETY: all zeros is a valid value of this plain struct; `name` ends with a NUL.
        let about = unsafe {
            let mut about: libc::statfs = std::mem::zeroed();
            (libc::statfs(name.as_ptr(), &mut about) == 0).then_some(about)
        }?;
        let in_memory = i128::from(about.f_type) == i128::from(libc::TMPFS_MAGIC);
        in_memory.then(|| (about.f_bavail as u64).saturating_mul(about.f_bsize as u64))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        None
    }
}

/// Time since a fixed point of this boot that never goes backwards. On Linux it goes on while the machine
/// is suspended; costs no system call.
pub fn monotonic() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is writable, and the clock exists since Linux 2.6.39.
        if unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut now) } == 0 {
            return Duration::new(now.tv_sec as u64, now.tv_nsec as u32);
        }
    }
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed()
}

/// Keeps the library mapped after the host unloads it: a thread that was detached at a deadline must
/// not return into unmapped code. On ELF systems the linker flag `-z nodelete` does the same.
pub fn stay_mapped() {
    #[cfg(windows)]
    {
        use windows_sys::Win32::System::LibraryLoader::{
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
        };
        let mut module = std::ptr::null_mut();
        // SAFETY: the address is one inside this module, and `module` outlives the call.
        unsafe {
            GetModuleHandleExW(
                GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                stay_mapped as *const u16,
                &mut module,
            );
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn blocked_signals() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    }

    #[test]
    fn our_threads_block_every_signal_and_the_creator_keeps_its_mask() {
        let before = blocked_signals();
        let (send, receive) = std::sync::mpsc::channel();
        let name = "taskbell-\u{e9}\u{e9}\u{e9}\u{e9}";
        spawn(name, move || {
            send.send((blocked_signals(), std::thread::current().name().map(str::to_owned))).unwrap();
        })
        .unwrap();
        let (inside, name) = receive.recv().unwrap();
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGUSR1, libc::SIGCHLD] {
            assert_ne!(inside & (1 << (signal - 1)), 0, "signal {signal} reaches our thread");
        }
        assert_eq!(name.as_deref(), Some("taskbell-\u{e9}\u{e9}\u{e9}"));
        assert_eq!(blocked_signals(), before);
    }

    #[test]
    fn a_thread_that_runs_the_hosts_code_can_be_stopped_by_its_runtime() {
        let (send, receive) = std::sync::mpsc::channel();
        spawn_for_host("taskbell-log", move || send.send(blocked_signals()).unwrap()).unwrap();
        let inside = receive.recv().unwrap();
        let is_blocked = |signal: libc::c_int| inside & (1 << (signal - 1)) != 0;
        assert!(is_blocked(libc::SIGTERM) && is_blocked(libc::SIGINT));
        assert!(!is_blocked(libc::SIGPWR) && !is_blocked(libc::SIGXCPU) && !is_blocked(libc::SIGRTMIN()));
    }
}
