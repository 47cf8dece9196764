//! Evaluation under watch: a template or a condition runs in the host's process, and whatever the engine's bounds miss
//! may end it. The thread that decides about events says what it evaluates before it does, so that the next start
//! knows.

use super::engine_error::EngineError;
use minijinja::ErrorKind;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use taskbell_ring::failpoint;

/// Notes what a thread works on.
pub trait Watcher: Send + Sync {
    /// This subject is decided about from now on; 0 for none.
    fn subject(&self, subject: u64);

    /// This template or condition is evaluated from now on; 0 for none.
    ///
    /// # Errors
    /// It ended the process before, and is not evaluated; a sentence says so.
    fn piece(&self, piece: u64) -> Result<(), String>;

    /// A panic was caught.
    fn caught_panic(&self);
}

thread_local! {
    static WATCHER: RefCell<Option<Arc<dyn Watcher>>> = const { RefCell::new(None) };
    static SUBJECT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Lets this one watch what this thread evaluates.
pub fn watch(watcher: Arc<dyn Watcher>) {
    WATCHER.set(Some(watcher));
}

fn watcher() -> Option<Arc<dyn Watcher>> {
    WATCHER.with_borrow(Clone::clone)
}

/// While this value lives, its subject is decided about.
#[must_use]
pub struct SubjectInHand {
    before: u64,
}

/// Says what is decided about, by a number that it has in every process.
pub fn subject(subject: u64) -> SubjectInHand {
    let before = SUBJECT.replace(subject);
    if let Some(watcher) = watcher() {
        watcher.subject(subject);
    }
    SubjectInHand { before }
}

impl Drop for SubjectInHand {
    fn drop(&mut self) {
        SUBJECT.set(self.before);
        if let Some(watcher) = watcher() {
            watcher.subject(self.before);
        }
    }
}

/// Evaluates a piece of a template or a condition. A panic on a watched thread becomes an error.
pub(super) fn watched<T>(
    piece: u64,
    source: &str,
    work: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let Some(watcher) = watcher() else { return work() };
    let fail = |reason| EngineError { kind: ErrorKind::InvalidOperation, line: None, reason };
    watcher.piece(piece).map_err(fail)?;
    let done = panic::catch_unwind(AssertUnwindSafe(|| {
        failpoint::reach_in("in-evaluation", source);
        work()
    }));
    let _ = watcher.piece(0);
    done.unwrap_or_else(|_| {
        watcher.caught_panic();
        Err(fail("a defect of Taskbell occurred in its evaluation; please report it".to_owned()))
    })
}
