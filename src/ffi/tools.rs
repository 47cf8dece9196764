//! The functions that report no event: checking, previewing, verifying, the last error, versions.

use super::boundary::{guard, last_error};
use super::config::load;
use super::text::{bytes, required, write};
use std::ffi::c_char;
use std::sync::Arc;
use taskbell_core::engine::{self, Error, ErrorKind};
use taskbell_core::{clock, sign};

/// Checks a configuration: gives a JSON report with `ok`, `errors` and `warnings`, each with `file`, `line`,
/// `column`, `key` and `message`. Tries templates and conditions on sample events. Returns
/// `TASKBELL_ERR_CONFIG`, with the report, when there are errors.
///
/// # Safety
/// `config` is a NUL-terminated string; `buf` points to `cap` writable bytes or is NULL with 0; `needed`
/// is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_check(
    config: *const c_char,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's word.
        let config = unsafe { required(config, "config")? };
        let report = engine::check(config);
        // SAFETY: the caller's word.
        unsafe { write(&report.to_json().to_string(), buf, cap, needed)? };
        match report.first_error() {
            None => Ok(()),
            Some(message) => Err(Error::new(ErrorKind::Config, message)),
        }
    })
}

/// Gives the requests that an event would cause, as JSON, with every secret removed. Sends and writes
/// nothing. `json` may be NULL for a sample event of that type.
///
/// # Safety
/// `config` and `type` are NUL-terminated strings; `json` is NULL or a NUL-terminated string; `buf` points to `cap`
/// writable bytes or is NULL with 0; `needed` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_preview(
    config: *const c_char,
    r#type: *const c_char,
    json: *const c_char,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's word.
        let (config, kind, json) = unsafe {
            (required(config, "config")?, required(r#type, "type")?, super::text::optional(json, "json")?)
        };
        let preview = engine::preview(&Arc::new(load(config)?), kind, json)?;
        // SAFETY: the caller's word.
        unsafe { write(&preview.to_string(), buf, cap, needed) }
    })
}

/// Verifies a signed request, for receivers. `scheme_json` is an object like one of `sign` in the
/// configuration, with an optional `tolerance` (default 5 minutes); `headers_json` is an object of header
/// names and values; `now_unix_s` is the time in Unix seconds, 0 for the clock. Returns `TASKBELL_OK` when
/// the signature is valid and fresh, else `TASKBELL_ERR_SIGNATURE`.
///
/// # Safety
/// `scheme_json` and `headers_json` are NUL-terminated strings, `body` points to `body_len` bytes or is
/// NULL with 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_verify(
    scheme_json: *const c_char,
    headers_json: *const c_char,
    body: *const c_char,
    body_len: usize,
    now_unix_s: u64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's word.
        let (scheme, headers, body) = unsafe {
            (
                required(scheme_json, "scheme_json")?,
                required(headers_json, "headers_json")?,
                bytes(body, body_len, "body")?.unwrap_or_default(),
            )
        };
        let now = if now_unix_s == 0 { clock::unix_ms() / 1000 } else { now_unix_s as i64 };
        sign::verify(scheme, headers, body, now).map(drop).map_err(|error| {
            let kind = if error.is_usage() { ErrorKind::InvalidArgument } else { ErrorKind::Signature };
            Error::new(kind, error.to_string())
        })
    })
}

/// Gives the reason of this thread's last failed call as a sentence; empty before the first.
///
/// # Safety
/// `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn taskbell_last_error(buf: *mut c_char, cap: usize, needed: *mut usize) -> i32 {
    let message = last_error();
    // Not through `guard`: a buffer that is too small must not become the last error.
    // SAFETY: the caller's word.
    match unsafe { write(&message.replace('\0', "\u{fffd}"), buf, cap, needed) } {
        Ok(()) => super::TASKBELL_OK,
        Err(error) => error.kind as i32,
    }
}

/// Returns the version of this ABI: `TASKBELL_ABI_VERSION` of the header the library was built with.
#[unsafe(no_mangle)]
pub extern "C" fn taskbell_abi_version() -> u32 {
    super::TASKBELL_ABI_VERSION
}

/// Returns the version of the library, a static string.
#[unsafe(no_mangle)]
pub extern "C" fn taskbell_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}
