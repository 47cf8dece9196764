//! The shared library as a host loads it: by its file, at run time, over the C ABI.

#![allow(unsafe_code)]

use libloading::{Library, Symbol};
use std::env;
use std::ffi::{CStr, CString, c_char, c_void};
use std::path::PathBuf;
use std::ptr::null_mut;

const OK: i32 = 0;

/// A loaded library with its default bell.
pub struct Guest(Library);

type TextCall = unsafe extern "C" fn(*const c_char) -> i32;
type EmitCall = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, usize, *mut u64) -> i32;
type WaitCall = unsafe extern "C" fn(*mut c_void, u32) -> i32;
type ShutdownCall = unsafe extern "C" fn(u32) -> i32;
type ErrorCall = unsafe extern "C" fn(*mut c_char, usize, *mut usize) -> i32;

/// The library that is measured: `$TASKBELL_LIBRARY`, else the one next to this program.
pub fn library() -> PathBuf {
    let beside = || {
        let program = env::current_exe().unwrap_or_default();
        program.with_file_name(libloading::library_filename("taskbell"))
    };
    env::var_os("TASKBELL_LIBRARY").map_or_else(beside, PathBuf::from)
}

impl Guest {
    /// Loads the library and opens the default bell.
    pub fn open(config: &str) -> Result<Guest, String> {
        let path = library();
        // SAFETY: the library has no initialisers of its own.
        let library =
            unsafe { Library::new(&path) }.map_err(|error| format!("{}: {error}", path.display()))?;
        let guest = Guest(library);
        let config = CString::new(config).map_err(|error| error.to_string())?;
        // SAFETY: the type is that of `include/taskbell.h`.
        let init = unsafe { guest.call::<TextCall>(b"taskbell_init")? };
        // SAFETY: NUL-terminated, and alive until after the call.
        if unsafe { init(config.as_ptr()) } != OK {
            return Err(guest.last_error());
        }
        Ok(guest)
    }

    /// Reports a task with each call; false when it was not taken.
    pub fn on_task_complete(&self) -> Result<impl Fn(&CStr) -> bool + Send + Sync, String> {
        // SAFETY: the type is that of `include/taskbell.h`.
        let call = unsafe { self.call::<TextCall>(b"on_task_complete")? };
        // SAFETY: NUL-terminated, and alive until after the call.
        Ok(move |task: &CStr| unsafe { call(task.as_ptr()) == OK })
    }

    /// Emits an event of this type with each call; false when it was not taken.
    pub fn emit(&self) -> Result<impl Fn(&CStr, &[u8]) -> bool, String> {
        // SAFETY: the type is that of `include/taskbell.h`.
        let call = unsafe { self.call::<EmitCall>(b"taskbell_emit")? };
        Ok(move |kind: &CStr, json: &[u8]| {
            let (kind, text) = (kind.as_ptr(), json.as_ptr().cast());
            // SAFETY: a NUL-terminated type, and as many bytes as the length says, alive until after the call.
            unsafe { call(null_mut(), kind, text, json.len(), null_mut()) == OK }
        })
    }

    /// Waits until every event is synced (`taskbell_sync`), or has been tried once (`taskbell_flush`).
    pub fn wait(&self, function: &str, limit_ms: u32) -> Result<(), String> {
        // SAFETY: both functions have the same type in `include/taskbell.h`.
        let call = unsafe { self.call::<WaitCall>(function.as_bytes())? };
        // SAFETY: NULL is the default bell.
        let status = unsafe { call(null_mut(), limit_ms) };
        if status == OK { Ok(()) } else { Err(format!("{function}: {}", self.last_error())) }
    }

    /// Closes the default bell within this time in milliseconds.
    pub fn shutdown(&self, limit_ms: u32) -> Result<(), String> {
        // SAFETY: the type is that of `include/taskbell.h`.
        let shutdown = unsafe { self.call::<ShutdownCall>(b"taskbell_shutdown")? };
        // SAFETY: takes a number only.
        let status = unsafe { shutdown(limit_ms) };
        if status == OK { Ok(()) } else { Err(self.last_error()) }
    }

    /// A function of the library.
    ///
    /// # Safety
    /// It has the type `T`.
    unsafe fn call<T>(&self, name: &[u8]) -> Result<Symbol<'_, T>, String> {
        // SAFETY: the caller knows the type.
        unsafe { self.0.get(name) }.map_err(|error| error.to_string())
    }

    fn last_error(&self) -> String {
        let mut text = vec![0_u8; 4096];
        // SAFETY: the type is that of `include/taskbell.h`.
        let Ok(call) = (unsafe { self.call::<ErrorCall>(b"taskbell_last_error") }) else {
            return "the library has no taskbell_last_error".to_owned();
        };
        // SAFETY: the buffer has the length that is passed.
        unsafe { call(text.as_mut_ptr().cast(), text.len(), null_mut()) };
        CStr::from_bytes_until_nul(&text).unwrap_or_default().to_string_lossy().into_owned()
    }
}
