//! Where the clerk sleeps. A push costs 0.05 µs and a wake-up 2 to 15 µs, so hosts' threads wake the
//! clerk only out of deep sleep; while events flow it looks into the ring by itself.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

/// The clerk's bed.
#[derive(Debug, Default)]
pub struct Bed {
    deep: AtomicBool,
    sleeper: OnceLock<Thread>,
}

impl Bed {
    /// The clerk's thread lies down here from now on.
    pub fn belongs_to_this_thread(&self) {
        self.sleeper.get_or_init(thread::current);
    }

    /// Sleeps for this time, or until [`Bed::wake`].
    pub fn doze(&self, limit: Duration) {
        thread::park_timeout(limit);
    }

    /// Sleeps until there is something to do, `limit` at most. `busy` is asked once more after hosts'
    /// threads can see that the clerk sleeps, so that nothing slips through between.
    pub fn sleep(&self, limit: Option<Duration>, busy: impl FnOnce() -> bool) {
        self.deep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !busy() {
            match limit {
                Some(limit) => thread::park_timeout(limit),
                None => thread::park(),
            }
        }
        self.deep.store(false, Ordering::Relaxed);
    }

    /// After something was put where the clerk looks: wakes it out of deep sleep only.
    pub fn rouse(&self) {
        fence(Ordering::SeqCst);
        if self.deep.load(Ordering::Relaxed) && self.deep.swap(false, Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Wakes the clerk at once.
    pub fn wake(&self) {
        if let Some(sleeper) = self.sleeper.get() {
            sleeper.unpark();
        }
    }
}
