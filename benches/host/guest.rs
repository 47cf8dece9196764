//! The shared library as a host loads it: by its file, at run time, over the C ABI.

#![allow(unsafe_code)]

use libloading::{Library, Symbol};
use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;

const OK: i32 = 0;

/// A loaded library with its default bell.
pub struct Guest(Library);

/// A call that takes one text.
type TextCall<'a> = Symbol<'a, unsafe extern "C" fn(*const c_char) -> i32>;

/// The release library, which `cargo xtask bench` builds before this program.
pub fn library() -> PathBuf {
    let program = std::env::current_exe().expect("a program knows its path");
    let folder = program.ancestors().nth(2).expect("a bench lies in target/release/deps");
    folder.join(libloading::library_filename("taskbell"))
}

impl Guest {
    /// Loads the library.
    pub fn load() -> Guest {
        let path = library();
        // SAFETY: the library has no initialisers of its own.
        let library = unsafe { Library::new(&path) };
        Guest(library.unwrap_or_else(|error| panic!("{}: {error}; use `cargo xtask bench`", path.display())))
    }

    /// Opens the default bell.
    pub fn init(&self, config: &str) {
        let config = CString::new(config).expect("no NUL");
        // SAFETY: NUL-terminated, and alive until after the call.
        assert_eq!(unsafe { self.text_call(b"taskbell_init")(config.as_ptr()) }, OK);
    }

    /// Reports a task with each call; false when it was not taken.
    pub fn on_task_complete(&self) -> impl Fn(&CStr) -> bool {
        let call = self.text_call(b"on_task_complete");
        // SAFETY: NUL-terminated, and alive until after the call.
        move |task| unsafe { call(task.as_ptr()) == OK }
    }

    /// Closes the default bell within this time in milliseconds.
    pub fn shutdown(&self, limit_ms: u32) {
        // SAFETY: the type is that of `include/taskbell.h`.
        let shutdown: Symbol<'_, unsafe extern "C" fn(u32) -> i32> =
            unsafe { self.0.get(b"taskbell_shutdown") }.expect("the library exports it");
        // SAFETY: takes a number only.
        assert_eq!(unsafe { shutdown(limit_ms) }, OK);
    }

    fn text_call(&self, name: &[u8]) -> TextCall<'_> {
        // SAFETY: the type is that of `include/taskbell.h`.
        unsafe { self.0.get(name) }.expect("the library exports it")
    }
}
