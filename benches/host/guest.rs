//! The shared library as a host loads it: by its file, at run time, over the C ABI.

#![allow(unsafe_code)]

use libloading::{Library, Symbol};
use std::ffi::{CString, c_char};
use std::path::Path;
use taskbell::ffi::TASKBELL_OK;

/// A loaded library with its default bell.
pub struct Guest(Library);

impl Guest {
    /// Loads the library of this path.
    pub fn load(path: &Path) -> Result<Guest, libloading::Error> {
        // SAFETY: the library has no initialisers of its own.
        unsafe { Library::new(path) }.map(Guest)
    }

    /// Opens the default bell.
    pub fn init(&self, config: &str) {
        self.call_with_text(b"taskbell_init", config);
    }

    /// Reports a task.
    pub fn on_task_complete(&self, task: &str) {
        self.call_with_text(b"on_task_complete", task);
    }

    /// Closes the default bell within this time in milliseconds.
    pub fn shutdown(&self, limit_ms: u32) {
        // SAFETY: the type is that of `include/taskbell.h`.
        let shutdown: Symbol<'_, unsafe extern "C" fn(u32) -> i32> =
            unsafe { self.0.get(b"taskbell_shutdown") }.expect("the library exports it");
        // SAFETY: takes a number only.
        assert_eq!(unsafe { shutdown(limit_ms) }, TASKBELL_OK);
    }

    fn call_with_text(&self, name: &[u8], text: &str) {
        // SAFETY: the type is that of `include/taskbell.h`.
        let call: Symbol<'_, unsafe extern "C" fn(*const c_char) -> i32> =
            unsafe { self.0.get(name) }.expect("the library exports it");
        let text = CString::new(text).expect("no NUL");
        // SAFETY: NUL-terminated, and alive until after the call.
        assert_eq!(unsafe { call(text.as_ptr()) }, TASKBELL_OK);
    }
}
