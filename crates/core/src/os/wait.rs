//! Waiting for several things at once, named pipes among them.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

/// Makes a named pipe that only its owner may use.
pub fn make_fifo(path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path ends with NUL and outlives the call.
    match unsafe { libc::mkfifo(path.as_ptr(), 0o600) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether a socket is open and has nothing to be read: no byte, no end, no error.
pub fn is_silent(socket: BorrowedFd<'_>) -> bool {
    let mut entry = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry that is writable, and a descriptor that is open for the call.
    unsafe { libc::poll(&raw mut entry, 1, 0) == 0 }
}

/// Waits until one of these can be read, `limit` at most (rounded up to a millisecond), or for ever.
/// May return early.
pub fn await_readable(files: &[BorrowedFd<'_>], limit: Option<Duration>) {
    let mut entries: Vec<libc::pollfd> = files
        .iter()
        .map(|file| libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    let millis = |limit: Duration| limit.as_micros().div_ceil(1000).try_into().unwrap_or(libc::c_int::MAX);
    let timeout = limit.map_or(-1, millis);
    // SAFETY: the entries are as many as said and writable, and the descriptors are open for the call.
    unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, timeout) };
}
