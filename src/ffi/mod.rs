//! The C ABI: pointers in, status out. `include/taskbell.h` is generated from this room.
//!
//! Every function may be called from any thread, catches panics, and leaves the reason of its last failure
//! in [`taskbell_last_error`](tools::taskbell_last_error) of the calling thread.

#![allow(unsafe_code)]
// The header's names are C's.
#![allow(non_camel_case_types)]

mod boundary;
mod config;
mod default_bell;
mod handles;
mod log_of_closed;
mod text;

pub mod calls;
pub mod lifecycle;
pub mod tools;

use std::ffi::{c_char, c_void};

/// The version of this ABI, as `taskbell_abi_version` returns it.
pub const TASKBELL_ABI_VERSION: u32 = 1;

/// Success. An event is accepted and will be delivered.
pub const TASKBELL_OK: i32 = 0;
/// NULL for a required value, invalid UTF-8, an invalid name, a number out of range.
pub const TASKBELL_ERR_INVALID_ARGUMENT: i32 = 1;
/// The event is not one JSON object.
pub const TASKBELL_ERR_INVALID_JSON: i32 = 2;
/// The event is larger than `queue.max_event_bytes`.
pub const TASKBELL_ERR_TOO_LARGE: i32 = 3;
/// Events come faster than the spool takes them; try again in a few milliseconds.
pub const TASKBELL_ERR_QUEUE_FULL: i32 = 4;
/// The bell is closed.
pub const TASKBELL_ERR_CLOSED: i32 = 5;
/// The configuration has an error.
pub const TASKBELL_ERR_CONFIG: i32 = 6;
/// The timeout passed.
pub const TASKBELL_ERR_TIMEOUT: i32 = 7;
/// The spool cannot be opened or written.
pub const TASKBELL_ERR_SPOOL: i32 = 8;
/// This process was forked from the one that opened the bell; `taskbell_init` opens its own.
pub const TASKBELL_ERR_FORKED: i32 = 9;
/// The buffer is too small; `*needed` is the size in bytes, including the NUL.
pub const TASKBELL_ERR_BUFFER_TOO_SMALL: i32 = 10;
/// The signature is invalid or too old.
pub const TASKBELL_ERR_SIGNATURE: i32 = 11;
/// Taskbell caught a defect of its own; `taskbell_last_error` has its message.
pub const TASKBELL_ERR_PANIC: i32 = 12;
/// No report is available, or the ticket was never returned.
pub const TASKBELL_ERR_NOT_FOUND: i32 = 13;

/// Level of a log message: something was lost or is about to be.
pub const TASKBELL_LOG_ERROR: i32 = 1;
/// Level of a log message: something is wrong, and Taskbell continues.
pub const TASKBELL_LOG_WARN: i32 = 2;
/// Level of a log message: information for operators.
pub const TASKBELL_LOG_INFO: i32 = 3;
/// Level of a log message: every attempt.
pub const TASKBELL_LOG_DEBUG: i32 = 4;

/// A bell: an open instance. NULL means the process-wide default one. It is not a pointer to memory: a
/// closed handle is recognised and refused.
pub struct taskbell_t {
    _opaque: (),
}

/// Receives log messages on a thread of Taskbell's, one at a time. `message` is NUL-terminated UTF-8 and
/// lives until the function returns. The function must return soon and must not call Taskbell.
pub type taskbell_log_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, level: i32, message: *const c_char)>;
