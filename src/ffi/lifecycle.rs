//! Opening, reloading and closing bells.

use super::boundary::{guard, quiet_panics, set_last_error};
use super::calls::{find, millis, not_null};
use super::config::load;
use super::text::required;
use super::{default_bell, handles, log_of_closed, taskbell_t};
use std::ffi::c_char;
use std::time::Duration;
use taskbell_core::engine::{Bell, Error, ErrorKind};

/// Opens the default bell. `config` is the path of a `.toml` or `.json` file, the URL of a receiver, or the text itself, which
/// starts with `{` (JSON) or contains a newline (TOML).
///
/// # Safety
/// `config` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_init(config: *const c_char) -> i32 {
    quiet_panics();
    guard(|| {
        // SAFETY: the caller's word.
        let config = unsafe { required(config, "config")? };
        default_bell::init(config)
    })
}

/// Closes the default bell like `taskbell_close`.
#[unsafe(no_mangle)]
pub extern "C" fn taskbell_shutdown(timeout_ms: u32) -> i32 {
    guard(|| close(std::ptr::null_mut(), millis(timeout_ms), &mut None))
}

/// Opens a bell. `config` is the same as for `taskbell_init`.
///
/// # Safety
/// `config` is a NUL-terminated string, `out` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_open(config: *const c_char, out: *mut *mut taskbell_t) -> i32 {
    quiet_panics();
    guard(|| {
        // SAFETY: the caller's word.
        let config = unsafe { required(config, "config")? };
        let out = not_null(out, "out")?;
        let bell = handles::insert(Bell::open(load(config)?)?)?;
        // SAFETY: not NULL, and writable by the caller's word.
        unsafe { out.write(handles::to_pointer(bell)) };
        Ok(())
    })
}

/// Closes a bell: refuses new events, delivers what it can within `timeout_ms` milliseconds, stops, and
/// leaves the rest in the spool for the next start. Returns within `timeout_ms` + 250 ms whatever the
/// network does. `undelivered` receives the number of deliveries left, and may be NULL.
///
/// After `TASKBELL_OK`, `taskbell_last_error` has one line about the messages that did not arrive, and is empty
/// when none is missing.
///
/// Returns `TASKBELL_ERR_TIMEOUT` when the bell is closed but a call of its log function has not returned; none
/// begins any more. Call it again to wait for that one, before the function or its `userdata` goes.
///
/// # Safety
/// `undelivered` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_close(
    bell: *mut taskbell_t,
    timeout_ms: u32,
    undelivered: *mut u64,
) -> i32 {
    guard(|| {
        let mut left = None;
        let closed = close(bell, millis(timeout_ms), &mut left);
        if let Some(left) = left.filter(|_| !undelivered.is_null()) {
            // SAFETY: not NULL, and writable by the caller's word.
            unsafe { undelivered.write(left) };
        }
        closed
    })
}

/// Closes a bell. Its handle goes only with success: after a timeout the host may wait again.
fn close(bell: *mut taskbell_t, limit: Duration, left: &mut Option<u64>) -> Result<(), Error> {
    let is_default = bell.is_null();
    let handle = if is_default { default_bell::handle()? } else { handles::from_pointer(bell) };
    let bell = handles::get(handle)?;
    let closed = bell.close(limit);
    if !matches!(&closed, Err(error) if error.kind != ErrorKind::Timeout) {
        *left = bell.undelivered();
    }
    closed?;
    set_last_error(bell.missing().unwrap_or_default());
    log_of_closed::keep(if is_default { 0 } else { handle }, bell.rest_of_log());
    if is_default {
        default_bell::forget(handle);
    }
    // Another thread may have removed it.
    handles::remove(handle).map(drop).or(Ok(()))
}

/// Applies another configuration, as a whole or not at all: on an error the old one stays.
///
/// # Safety
/// `config` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_reload(bell: *mut taskbell_t, config: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the caller's word.
        let config = unsafe { required(config, "config")? };
        find(bell)?.reload(load(config)?)
    })
}
