//! What must hold at a `fork`: the child knows that it is one, waits for no thread of its parent, and can open a spool of
//! its own.
//!
//! The child has one thread, and the memory as all threads of the parent left it. Two things that SQLite keeps for the
//! whole process would be wrong there: a lock that another thread held at that moment would never be released, and the
//! files the parent had open would count as open, with locks that the child does not have (POSIX record locks are not
//! inherited: `fcntl(2)`; <https://www.sqlite.org/howtocorrupt.html>, section 2.6).

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// Between two looks whether a lock is free.
const PAUSE: Duration = Duration::from_millis(1);

/// How often this process has been forked off since the library was loaded: 0 in the process that
/// loaded it, one more in each child. Costs one load.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// How often this process has been forked off since [`watch_forks`] was first called.
pub fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Starts counting forks, and makes them safe for SQLite in the child. Further calls do nothing.
pub fn watch_forks() {
    #[cfg(unix)]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            extern "C" fn count() {
                FORKS.fetch_add(1, Ordering::Relaxed);
            }
            sqlite::tell_files_of_a_child_apart();
            // SAFETY: `count` only touches an atomic; the other handlers lock and unlock SQLite's mutexes, which its
            // initialization has made. The library stays mapped for the life of the process.
            unsafe {
                libc::pthread_atfork(None, None, Some(count));
                libc::pthread_atfork(Some(sqlite::lock), Some(sqlite::unlock), Some(sqlite::unlock));
            }
        });
    }
}

/// A lock of the whole process, for what takes milliseconds or longer. A child of `fork` does not wait for a thread
/// that exists only in its parent.
pub struct ForkSafeLock {
    /// The process (as counted by [`forks`], plus 1) whose thread holds it; 0 for none.
    holder: AtomicU32,
}

/// Gives the lock back when it is dropped.
pub struct ForkSafeGuard<'a>(&'a ForkSafeLock);

impl ForkSafeLock {
    /// A free lock.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> ForkSafeLock {
        ForkSafeLock { holder: AtomicU32::new(0) }
    }

    /// Waits until no thread of this process holds it.
    pub fn lock(&self) -> ForkSafeGuard<'_> {
        let own = forks().wrapping_add(1);
        loop {
            let holder = self.holder.load(Ordering::Relaxed);
            if holder != own
                && self.holder.compare_exchange(holder, own, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return ForkSafeGuard(self);
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for ForkSafeGuard<'_> {
    fn drop(&mut self) {
        self.0.holder.store(0, Ordering::Release);
    }
}

#[cfg(unix)]
mod sqlite {
    use super::forks;
    use libc::{c_char, c_int, dev_t, stat};
    use rusqlite::ffi;
    use std::mem::transmute;

    /// The locks that SQLite shares between connections, in the order in which it takes one while it holds another:
    /// the list of files before memory, the page cache before memory. It holds each for a few instructions, or for one
    /// system call on a file.
    const SHARED_LOCKS: [c_int; 9] = [
        ffi::SQLITE_MUTEX_STATIC_MAIN,
        ffi::SQLITE_MUTEX_STATIC_OPEN,
        ffi::SQLITE_MUTEX_STATIC_VFS1,
        ffi::SQLITE_MUTEX_STATIC_VFS2,
        ffi::SQLITE_MUTEX_STATIC_VFS3,
        ffi::SQLITE_MUTEX_STATIC_PRNG,
        ffi::SQLITE_MUTEX_STATIC_LRU,
        ffi::SQLITE_MUTEX_STATIC_PMEM,
        ffi::SQLITE_MUTEX_STATIC_MEM,
    ];

    /// Before a fork: no other thread is inside what these locks guard, so the child gets it whole.
    pub(super) extern "C" fn lock() {
        for number in SHARED_LOCKS {
            // SAFETY: a static mutex exists from SQLite's initialization on; the call gives it and makes none.
            unsafe { ffi::sqlite3_mutex_enter(ffi::sqlite3_mutex_alloc(number)) };
        }
    }

    /// After a fork, in parent and child: the calling thread is the one that locked.
    pub(super) extern "C" fn unlock() {
        for number in SHARED_LOCKS.into_iter().rev() {
            // SAFETY: as in `lock`, which this thread has called.
            unsafe { ffi::sqlite3_mutex_leave(ffi::sqlite3_mutex_alloc(number)) };
        }
    }

    /// SQLite knows a file it has open by device and inode. In a child every file gets another device, so that it finds
    /// none of those its parent had open, with their locks.
    pub(super) fn tell_files_of_a_child_apart() {
        type Call = unsafe extern "C" fn();
        type ByPath = unsafe extern "C" fn(*const c_char, *mut stat) -> c_int;
        type ByFile = unsafe extern "C" fn(c_int, *mut stat) -> c_int;
        // SAFETY: the functions have the signatures that SQLite calls these names by (`os_unix.c`, `aSyscall`), and
        // nothing of SQLite runs before this in a process that uses this library's copy.
        unsafe {
            ffi::sqlite3_initialize();
            let files = ffi::sqlite3_vfs_find(std::ptr::null());
            let Some(replace) = files.as_ref().and_then(|files| files.xSetSystemCall) else { return };
            replace(files, c"stat".as_ptr(), Some(transmute::<ByPath, Call>(status_by_path)));
            replace(files, c"fstat".as_ptr(), Some(transmute::<ByFile, Call>(status)));
        }
    }

    unsafe extern "C" fn status_by_path(path: *const c_char, into: *mut stat) -> c_int {
        // SAFETY: SQLite passes a path and room for the answer, which is there after a success.
        unsafe {
            let result = libc::stat(path, into);
            mark_device(into.as_mut().filter(|_| result == 0));
            result
        }
    }

    unsafe extern "C" fn status(file: c_int, into: *mut stat) -> c_int {
        // SAFETY: SQLite passes a descriptor and room for the answer, which is there after a success.
        unsafe {
            let result = libc::fstat(file, into);
            mark_device(into.as_mut().filter(|_| result == 0));
            result
        }
    }

    /// The upper bits of a device's number are free.
    fn mark_device(status: Option<&mut stat>) {
        if let Some(status) = status {
            status.st_dev ^= dev_t::from(forks() as u16) << (dev_t::BITS - 16);
        }
    }
}
