//! The calls that a running host makes.

use super::boundary::guard;
use super::handles::NoBell;
use super::text::{bytes, c_bytes, invalid, required, write};
use super::{default_bell, handles, log_of_closed, taskbell_log_fn, taskbell_t};
use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;
use std::time::Duration;
use taskbell_core::engine::{Bell, Error, ErrorKind, Level, Sink};

/// Reports a completed task to the default bell, which opens itself on first use from the file that
/// `TASKBELL_CONFIG` names, else `./taskbell.toml`. `task_json` is a JSON object with the fields of a task,
/// or NULL for none. Does not wait.
///
/// # Safety
/// `task_json` is NULL or a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn on_task_complete(task_json: *const c_char) -> i32 {
    // SAFETY: the caller's word.
    guard(|| unsafe { plug_in("task.complete", task_json) })
}

/// Reports to the default bell that the queue is empty. `queue_json` may be NULL: Taskbell counts the queue
/// itself. Does not wait.
///
/// # Safety
/// `queue_json` is NULL or a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn on_queue_end(queue_json: *const c_char) -> i32 {
    // SAFETY: the caller's word.
    guard(|| unsafe { plug_in("queue.end", queue_json) })
}

/// Reports an event of any type. `json` is a JSON object of `json_len` bytes, or NULL with a length of 0.
/// `ticket` receives the event's number for `taskbell_wait`, and may be NULL. Does not wait.
///
/// # Safety
/// `type` is a NUL-terminated string, `json` points to `json_len` bytes or is NULL with 0, `ticket`
/// is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_emit(
    bell: *mut taskbell_t,
    r#type: *const c_char,
    json: *const c_char,
    json_len: usize,
    ticket: *mut u64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's word.
        let (kind, payload) = unsafe { (required(r#type, "type")?, bytes(json, json_len, "json")?) };
        let given = emit(bell, kind, payload)?;
        if !ticket.is_null() {
            // SAFETY: not NULL, and writable by the caller's word.
            unsafe { ticket.write(given) };
        }
        Ok(())
    })
}

/// Reports the current value of a metric, for `[[alerts]]`. Does not wait.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_metric(bell: *mut taskbell_t, name: *const c_char, value: f64) -> i32 {
    guard(|| {
        // SAFETY: the caller's word.
        let name = unsafe { required(name, "name")? };
        find(bell)?.metric(name, value)
    })
}

/// Waits until every delivery of an event has ended, `timeout_ms` milliseconds at most.
#[unsafe(no_mangle)]
pub extern "C" fn taskbell_wait(bell: *mut taskbell_t, ticket: u64, timeout_ms: u32) -> i32 {
    guard(|| find(bell)?.wait(ticket, millis(timeout_ms)))
}

/// Waits until all accepted events are on the disk, `timeout_ms` milliseconds at most.
#[unsafe(no_mangle)]
pub extern "C" fn taskbell_sync(bell: *mut taskbell_t, timeout_ms: u32) -> i32 {
    guard(|| find(bell)?.sync(millis(timeout_ms)))
}

/// Waits until all accepted events have been tried once, `timeout_ms` milliseconds at most. The end of a
/// queue is tried after `queue.end_delay`.
#[unsafe(no_mangle)]
pub extern "C" fn taskbell_flush(bell: *mut taskbell_t, timeout_ms: u32) -> i32 {
    guard(|| find(bell)?.flush(millis(timeout_ms)))
}

/// Gives the next report of an ended delivery as JSON: `event`, `type`, `endpoint`, `hook`, `state`
/// (`delivered` or `dead`), `attempts`, `status`, `reason`, `ticket`. Returns `TASKBELL_ERR_NOT_FOUND` when
/// none is available. A report that does not fit the buffer is given again by the next call.
///
/// # Safety
/// `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_poll(
    bell: *mut taskbell_t,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        let mut written = Ok(());
        let next = find(bell)?.poll(|report| {
            // SAFETY: the caller's word.
            written = unsafe { write(report, buf, cap, needed) };
            written.is_ok()
        });
        match next {
            Some(_) => written,
            None => Err(Error::new(ErrorKind::NotFound, "no delivery report is available")),
        }
    })
}

/// Gives counters and gauges as JSON.
///
/// # Safety
/// `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_stats(
    bell: *mut taskbell_t,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's word.
    guard(|| unsafe { write(&find(bell)?.stats().to_string(), buf, cap, needed) })
}

/// Sets the log function, or removes it with NULL. The former function never runs after this call or
/// `taskbell_close` has returned `TASKBELL_OK`; after `TASKBELL_ERR_TIMEOUT` its last call may still run.
///
/// # Safety
/// `fn` and `userdata` stay valid until another function is set or the bell is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_set_log(
    bell: *mut taskbell_t,
    r#fn: taskbell_log_fn,
    userdata: *mut c_void,
) -> i32 {
    guard(|| {
        let bell = find(bell)?;
        let Some(function) = r#fn else { return bell.set_log(None) };
        let host = HostLog { function, userdata };
        let sink: Sink = Box::new(move |level, message| host.write(level, message));
        bell.set_log(Some(sink))
    })
}

/// Gives the next message of the log, for a language whose functions must not be called from another thread. The first
/// call turns the log on and finds what is in force at the start. `level` receives its level, and may be NULL. Returns
/// `TASKBELL_ERR_NOT_FOUND` when none waits: 1024 are kept, and a message reports how many were dropped after them.
/// Refused while a log function is set; `taskbell_set_log` with NULL turns the log off. A bell that was closed still gives
/// the lines of its end. Does not wait.
///
/// # Safety
/// `level` is NULL or writable; `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_poll_log(
    bell: *mut taskbell_t,
    level: *mut i32,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        let mut written = Ok(());
        let take = |given: Level, message: &str| {
            // SAFETY: the caller's word.
            written = unsafe { write(&message.replace('\0', "\u{fffd}"), buf, cap, needed) };
            if !level.is_null() {
                // SAFETY: not NULL, and writable by the caller's word.
                unsafe { level.write(given as i32) };
            }
            written.is_ok()
        };
        let next = match find(bell) {
            Ok(bell) => bell.poll_log(take)?,
            Err(closed) if closed.kind == ErrorKind::Closed => {
                log_of_closed::next(handles::from_pointer(bell), take)
            }
            Err(error) => return Err(error),
        };
        if next { written } else { Err(Error::new(ErrorKind::NotFound, "no log message waits")) }
    })
}

/// The bell of a handle; NULL for the default one, which must be open.
pub(super) fn find(bell: *mut taskbell_t) -> Result<Arc<Bell>, Error> {
    let handle = if bell.is_null() { default_bell::get()? } else { handles::from_pointer(bell) };
    let bell = handles::get(handle)?;
    if bell.is_closed() { Err(NoBell::Closed.into()) } else { Ok(bell) }
}

fn emit(bell: *mut taskbell_t, kind: &str, payload: Option<&[u8]>) -> Result<u64, Error> {
    let handle =
        if bell.is_null() { default_bell::open_on_first_use()? } else { handles::from_pointer(bell) };
    handles::with(handle, |bell| bell.emit(kind, payload.unwrap_or(b"{}")).map(|accepted| accepted.ticket))?
}

pub(super) fn millis(timeout_ms: u32) -> Duration {
    Duration::from_millis(u64::from(timeout_ms))
}

/// # Safety
/// `json` is NULL or a NUL-terminated string.
unsafe fn plug_in(kind: &str, json: *const c_char) -> Result<(), Error> {
    // SAFETY: the caller's word.
    let json = unsafe { c_bytes(json) };
    emit(std::ptr::null_mut(), kind, json).map(drop)
}

struct HostLog {
    function: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    userdata: *mut c_void,
}

// SAFETY: the host promises that its function may be called from any thread with this pointer, and the
// log calls it from one thread at a time.
unsafe impl Send for HostLog {}

impl HostLog {
    fn write(&self, level: Level, message: &str) {
        let Ok(message) = CString::new(message.replace('\0', "\u{fffd}")) else { return };
        // SAFETY: function and userdata are usable by the host's word, and the message outlives the call.
        unsafe { (self.function)(self.userdata, level as i32, message.as_ptr()) };
    }
}

/// A pointer that must not be NULL.
pub(super) fn not_null<T>(pointer: *mut T, name: &str) -> Result<*mut T, Error> {
    if pointer.is_null() { Err(invalid(format!("`{name}` is NULL"))) } else { Ok(pointer) }
}
