//! Catches panics at the C boundary, and keeps the last error of each thread.

use super::TASKBELL_OK;
use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use taskbell_core::engine::{Error, ErrorKind};

thread_local! {
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs the body of a C function: stores a failure for `taskbell_last_error` and returns its number; a panic
/// becomes `TASKBELL_ERR_PANIC`.
pub fn guard(body: impl FnOnce() -> Result<(), Error>) -> i32 {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => TASKBELL_OK,
        Ok(Err(error)) => failed(&error),
        Err(payload) => panicked(&*payload),
    }
}

#[cold]
fn failed(error: &Error) -> i32 {
    set_last_error(&error.message);
    error.kind as i32
}

#[cold]
fn panicked(payload: &(dyn Any + Send)) -> i32 {
    failed(&Error::new(ErrorKind::Panic, format!("a defect was caught: {}", message(payload))))
}

/// What `taskbell_last_error` gives this thread next.
pub fn set_last_error(words: &str) {
    // A thread that is ending has no storage for its last error; the caller still gets the number.
    let _ = LAST_ERROR.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            words.clone_into(&mut last);
        }
    });
}

/// Keeps panics of this library off the host's stderr: their messages go to `taskbell_last_error` and the
/// log. The hook is private to the shared library, which contains its own standard library.
pub fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| panic::set_hook(Box::new(|_| {})));
}

/// This thread's last failure; empty before the first.
pub fn last_error() -> String {
    LAST_ERROR.try_with(|last| last.borrow().clone()).unwrap_or_default()
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_and_its_message_the_last_error() {
        let code = guard(|| panic!("the {} broke", "spring"));
        assert_eq!((code, last_error().as_str()), (12, "a defect was caught: the spring broke"));
        assert_eq!(guard(|| Ok(())), 0);
        assert_eq!(guard(|| Err(Error::new(ErrorKind::NotFound, "none"))), 13);
        assert_eq!(last_error(), "none");
    }
}
