//! Text across the boundary: strings in, the caller's buffers out.

use std::ffi::{CStr, c_char};
use std::slice;
use taskbell_core::engine::{Error, ErrorKind};

/// A NUL-terminated string that must not be NULL.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that lives and does not change for `'a`.
pub unsafe fn required<'a>(text: *const c_char, name: &str) -> Result<&'a str, Error> {
    // SAFETY: passed on to the caller.
    unsafe { optional(text, name)? }.ok_or_else(|| invalid(format!("`{name}` is NULL")))
}

/// A NUL-terminated string that may be NULL.
///
/// # Safety
/// As [`required`].
pub unsafe fn optional<'a>(text: *const c_char, name: &str) -> Result<Option<&'a str>, Error> {
    // SAFETY: passed on to the caller.
    let Some(bytes) = (unsafe { c_bytes(text) }) else { return Ok(None) };
    let text = std::str::from_utf8(bytes)
        .map_err(|fault| invalid(format!("`{name}` is not UTF-8 at byte {}", fault.valid_up_to())))?;
    Ok(Some(text))
}

/// What stands before the NUL of a string, which may be NULL.
///
/// # Safety
/// As [`required`].
pub unsafe fn c_bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: not NULL, and NUL-terminated by the caller's word.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// Bytes with a length; `None` for NULL, which is valid only with a length of 0.
///
/// # Safety
/// `bytes` is NULL or points to `len` bytes that live and do not change for `'a`.
pub unsafe fn bytes<'a>(bytes: *const c_char, len: usize, name: &str) -> Result<Option<&'a [u8]>, Error> {
    if bytes.is_null() {
        return if len == 0 {
            Ok(None)
        } else {
            Err(invalid(format!("`{name}` is NULL but has {len} bytes")))
        };
    }
    if len > isize::MAX as usize {
        return Err(invalid(format!("`{name}` has an impossible length of {len} bytes")));
    }
    // SAFETY: not NULL, and `len` bytes long by the caller's word.
    Ok(Some(unsafe { slice::from_raw_parts(bytes.cast(), len) }))
}

/// Writes text and a NUL into the caller's buffer. A buffer that is too small stays unchanged.
///
/// # Safety
/// `buf` is NULL or points to `cap` writable bytes; `needed` is NULL or writable.
pub unsafe fn write(text: &str, buf: *mut c_char, cap: usize, needed: *mut usize) -> Result<(), Error> {
    if buf.is_null() && cap > 0 {
        return Err(invalid(format!("`buf` is NULL but `cap` is {cap}")));
    }
    let size = text.len() + 1;
    if !needed.is_null() {
        // SAFETY: not NULL, and writable by the caller's word.
        unsafe { needed.write(size) };
    }
    if cap < size {
        let message = format!("the text takes {size} bytes and the buffer has {cap}");
        return Err(Error::new(ErrorKind::BufferTooSmall, message));
    }
    // SAFETY: `buf` has room for `size` bytes, and the caller's buffer cannot overlap our own text.
    unsafe {
        buf.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        buf.add(text.len()).write(0);
    }
    Ok(())
}

/// An error for an invalid argument.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
