//! The shared library as a host sees it: loaded at run time, called over the C ABI. The `demo` of the
//! command line is such a host; another Rust program may be one too.

use super::{TASKBELL_ABI_VERSION, TASKBELL_ERR_BUFFER_TOO_SMALL, TASKBELL_ERR_NOT_FOUND, TASKBELL_OK};
use super::{TASKBELL_ERR_INVALID_ARGUMENT, taskbell_t};
use libloading::Library;
use std::ffi::{CString, c_char};
use std::fmt;
use std::path::Path;
use std::ptr;
use std::time::Duration;

type TakesText = unsafe extern "C" fn(*const c_char) -> i32;
type TakesTime = unsafe extern "C" fn(*mut taskbell_t, u32) -> i32;
type FillsBuffer = unsafe extern "C" fn(*mut taskbell_t, *mut c_char, usize, *mut usize) -> i32;

/// A loaded library with its default bell. Every method may be called from any thread. Dropping it
/// closes nothing: call [`Guest::shutdown`] first, as a host would.
pub struct Guest {
    init: TakesText,
    on_task_complete: TakesText,
    on_queue_end: TakesText,
    flush: TakesTime,
    poll: FillsBuffer,
    stats: FillsBuffer,
    shutdown: unsafe extern "C" fn(u32) -> i32,
    last_error: unsafe extern "C" fn(*mut c_char, usize, *mut usize) -> i32,
    /// Keeps the code of the functions above mapped.
    _library: Library,
}

/// A call that did not return `TASKBELL_OK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The number, one of `TASKBELL_ERR_*`.
    pub code: i32,
    /// What `taskbell_last_error` said.
    pub message: String,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl std::error::Error for CallError {}

impl Guest {
    /// Loads the library of this path and looks up the functions.
    ///
    /// # Errors
    /// A sentence, when it cannot be loaded, lacks a function or has another ABI version.
    pub fn load(path: &Path) -> Result<Guest, String> {
        let place = path.display();
        // SAFETY: the library's initialisers run. The caller names a Taskbell, which has none of its own.
        let library =
            unsafe { Library::new(path) }.map_err(|error| format!("{place}: {}", reason(&error, path)))?;
        // SAFETY: `taskbell_abi_version` has had this type in every version of the ABI.
        let version: unsafe extern "C" fn() -> u32 = unsafe { symbol(&library, "taskbell_abi_version") }
            .map_err(|error| format!("{place} is no Taskbell: {}", reason(&error, path)))?;
        // SAFETY: it takes nothing and only returns a number.
        let version = unsafe { version() };
        if version != TASKBELL_ABI_VERSION {
            return Err(format!("{place} has ABI version {version}, and {TASKBELL_ABI_VERSION} is needed"));
        }
        // SAFETY: the types are those of `include/taskbell.h` for this ABI version.
        unsafe { Guest::look_up(library) }
            .map_err(|error| format!("{place} lacks a function: {}", reason(&error, path)))
    }

    /// # Safety
    /// The library is a Taskbell of this ABI version.
    unsafe fn look_up(library: Library) -> Result<Guest, libloading::Error> {
        // SAFETY: the caller's word; every type is that of the header.
        unsafe {
            Ok(Guest {
                init: symbol(&library, "taskbell_init")?,
                on_task_complete: symbol(&library, "on_task_complete")?,
                on_queue_end: symbol(&library, "on_queue_end")?,
                flush: symbol(&library, "taskbell_flush")?,
                poll: symbol(&library, "taskbell_poll")?,
                stats: symbol(&library, "taskbell_stats")?,
                shutdown: symbol(&library, "taskbell_shutdown")?,
                last_error: symbol(&library, "taskbell_last_error")?,
                _library: library,
            })
        }
    }

    /// Opens the default bell from a file or from the text of a configuration.
    ///
    /// # Errors
    /// What the call came back with.
    pub fn init(&self, config: &str) -> Result<(), CallError> {
        self.with_text(self.init, Some(config))
    }

    /// Reports a task; `None` for one without details.
    ///
    /// # Errors
    /// What the call came back with.
    pub fn on_task_complete(&self, task: Option<&str>) -> Result<(), CallError> {
        self.with_text(self.on_task_complete, task)
    }

    /// Reports that the queue is empty; `None` leaves the summary to Taskbell.
    ///
    /// # Errors
    /// What the call came back with.
    pub fn on_queue_end(&self, queue: Option<&str>) -> Result<(), CallError> {
        self.with_text(self.on_queue_end, queue)
    }

    /// Waits until all that was reported so far has been tried once.
    ///
    /// # Errors
    /// What the call came back with.
    pub fn flush(&self, limit: Duration) -> Result<(), CallError> {
        // SAFETY: NULL is the default bell.
        self.told(unsafe { (self.flush)(ptr::null_mut(), millis(limit)) })
    }

    /// The next delivery report as JSON; `None` when none waits.
    ///
    /// # Errors
    /// What the call came back with.
    pub fn poll(&self) -> Result<Option<String>, CallError> {
        match self.text(self.poll) {
            Err(error) if error.code == TASKBELL_ERR_NOT_FOUND => Ok(None),
            other => other.map(Some),
        }
    }

    /// Counters and gauges as JSON.
    ///
    /// # Errors
    /// What the call came back with.
    pub fn stats(&self) -> Result<String, CallError> {
        self.text(self.stats)
    }

    /// Closes the default bell: what cannot be delivered in this time stays in the spool.
    ///
    /// # Errors
    /// What the call came back with.
    pub fn shutdown(&self, limit: Duration) -> Result<(), CallError> {
        // SAFETY: takes a number only.
        self.told(unsafe { (self.shutdown)(millis(limit)) })
    }

    /// This thread's last failure, in words.
    pub fn last_error(&self) -> String {
        // SAFETY: `fill` gives a writable buffer with its size, or NULL with 0, and a writable `needed`.
        fill(|buf, cap, needed| unsafe { (self.last_error)(buf, cap, needed) }).unwrap_or_default()
    }

    fn with_text(&self, function: TakesText, text: Option<&str>) -> Result<(), CallError> {
        let text = text.map(CString::new).transpose().map_err(|_| CallError {
            code: TASKBELL_ERR_INVALID_ARGUMENT,
            message: "the text holds a NUL, which would end it in C".to_owned(),
        })?;
        let pointer = text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        // SAFETY: NULL, or NUL-terminated and alive until after the call.
        self.told(unsafe { function(pointer) })
    }

    fn text(&self, function: FillsBuffer) -> Result<String, CallError> {
        // SAFETY: NULL is the default bell; the buffer is as in `last_error`.
        let filled = fill(|buf, cap, needed| unsafe { function(ptr::null_mut(), buf, cap, needed) });
        filled.map_err(|code| self.error(code))
    }

    fn told(&self, code: i32) -> Result<(), CallError> {
        if code == TASKBELL_OK { Ok(()) } else { Err(self.error(code)) }
    }

    fn error(&self, code: i32) -> CallError {
        CallError { code, message: self.last_error() }
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guest")
    }
}

/// What the system's loader says, which stands below the error's own words. Some loaders begin with the
/// path, which the caller has told already.
fn reason(error: &libloading::Error, place: &Path) -> String {
    let said = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let path = format!("{}: ", place.display());
    said.strip_prefix(&path).unwrap_or(&said).to_owned()
}

/// # Safety
/// The function of this name has type `T`.
unsafe fn symbol<T: Copy>(library: &Library, name: &str) -> Result<T, libloading::Error> {
    // SAFETY: the caller's word. The copy is used only while the library is loaded.
    unsafe { library.get::<T>(name.as_bytes()).map(|symbol| *symbol) }
}

/// Calls with a buffer that grows until the text fits.
fn fill(call: impl Fn(*mut c_char, usize, *mut usize) -> i32) -> Result<String, i32> {
    let mut buffer = vec![0_u8; 1024];
    loop {
        let mut needed = 0;
        match call(buffer.as_mut_ptr().cast(), buffer.len(), &mut needed) {
            TASKBELL_OK => {
                buffer.truncate(needed.saturating_sub(1));
                return Ok(String::from_utf8_lossy(&buffer).into_owned());
            }
            TASKBELL_ERR_BUFFER_TOO_SMALL if needed > buffer.len() => buffer.resize(needed, 0),
            code => return Err(code),
        }
    }
}

fn millis(limit: Duration) -> u32 {
    u32::try_from(limit.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_longer_than_the_buffer_is_asked_for_again() {
        let long = "ä".repeat(3000);
        // SAFETY: `fill` gives a writable buffer of this size.
        let call = |buf, cap, needed| unsafe {
            match super::super::text::write(&long, buf, cap, needed) {
                Ok(()) => 0,
                Err(error) => error.kind as i32,
            }
        };
        assert_eq!(fill(call), Ok(long.clone()));
        assert_eq!(fill(|_, _, _| 13), Err(13));
    }

    #[test]
    fn a_file_that_is_no_library_is_named_in_the_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libtaskbell.so");
        std::fs::write(&path, "no library").unwrap();
        for path in [path.as_path(), Path::new("/missing/libtaskbell.so")] {
            let fault = Guest::load(path).unwrap_err();
            assert!(fault.contains("libtaskbell.so"), "{fault}");
        }
    }
}
