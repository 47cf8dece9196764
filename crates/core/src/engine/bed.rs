//! Where the clerk sleeps. A push costs 0.05 µs and a wake-up 2 to 15 µs, so hosts' threads wake the
//! clerk only out of deep sleep; while events flow it looks into the ring by itself.
//!
//! In deep sleep it also hears the calls of other processes.

use super::shared::lock;
use crate::intake::PeerSignal;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

/// The clerk's bed.
#[derive(Debug, Default)]
pub struct Bed {
    deep: AtomicBool,
    sleeper: OnceLock<Thread>,
    ear: Mutex<Option<PeerSignal>>,
    #[cfg(unix)]
    bell_pull: OnceLock<BellPull>,
}

impl Bed {
    /// Calls of other processes are heard here from now on.
    pub fn listen(&self, ear: PeerSignal) {
        *lock(&self.ear) = Some(ear);
    }

    /// Calls are not heard any more.
    pub fn deafen(&self) {
        lock(&self.ear).take();
    }

    /// Whether calls of other processes are heard.
    pub fn hears(&self) -> bool {
        cfg!(unix) && lock(&self.ear).is_some()
    }

    /// Whether another process has called since the last question. Costs a system call.
    pub fn called(&self) -> bool {
        lock(&self.ear).as_ref().is_some_and(PeerSignal::heard)
    }

    /// The clerk's thread lies down here from now on.
    pub fn belongs_to_this_thread(&self) {
        #[cfg(unix)]
        if let Ok((outlet, inlet)) = std::io::pipe() {
            let _ = self.bell_pull.set(BellPull { outlet, inlet });
        }
        self.sleeper.get_or_init(thread::current);
    }

    /// Sleeps for this time, or until [`Bed::wake`].
    pub fn doze(&self, limit: Duration) {
        thread::park_timeout(limit);
    }

    /// Sleeps until there is something to do or another process calls, `limit` at most. `busy` is asked
    /// once more after hosts' threads can see that the clerk sleeps, so that nothing slips through
    /// between.
    pub fn sleep(&self, limit: Option<Duration>, busy: impl FnOnce() -> bool) {
        self.deep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !busy() {
            self.sleep_deeply(limit);
        }
        if !self.deep.swap(false, Ordering::AcqRel) {
            self.after_waking();
        }
    }

    /// After something was put where the clerk looks: wakes it out of deep sleep only.
    pub fn rouse(&self) {
        fence(Ordering::SeqCst);
        if self.deep.load(Ordering::Relaxed) && self.deep.swap(false, Ordering::AcqRel) {
            self.pull();
        }
    }

    /// Wakes the clerk at once.
    pub fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.deep.swap(false, Ordering::AcqRel) {
            self.pull();
        } else if let Some(sleeper) = self.sleeper.get() {
            sleeper.unpark();
        }
    }

    #[cfg(unix)]
    fn sleep_deeply(&self, limit: Option<Duration>) {
        use std::os::fd::AsFd;
        let Some(pull) = self.bell_pull.get() else { return self.park(limit) };
        let mut files = vec![pull.outlet.as_fd()];
        // Nobody else wants the ear while the clerk sleeps.
        let ear = lock(&self.ear);
        files.extend(ear.as_ref().map(AsFd::as_fd));
        crate::os::wait::await_readable(&files, limit);
    }

    #[cfg(not(unix))]
    fn sleep_deeply(&self, limit: Option<Duration>) {
        self.park(limit);
    }

    fn park(&self, limit: Option<Duration>) {
        match limit {
            Some(limit) => thread::park_timeout(limit),
            None => thread::park(),
        }
    }

    /// Whoever takes the clerk out of deep sleep does this once.
    fn pull(&self) {
        #[cfg(unix)]
        if let Some(pull) = self.bell_pull.get() {
            let _ = std::io::Write::write(&mut &pull.inlet, b"!");
            return;
        }
        if let Some(sleeper) = self.sleeper.get() {
            sleeper.unpark();
        }
    }

    /// One byte was written, or is about to be, by the one who ended the deep sleep.
    fn after_waking(&self) {
        #[cfg(unix)]
        if let Some(pull) = self.bell_pull.get() {
            let _ = std::io::Read::read(&mut &pull.outlet, &mut [0]);
        }
    }
}

/// A pipe with one byte in it at most.
#[cfg(unix)]
#[derive(Debug)]
struct BellPull {
    outlet: std::io::PipeReader,
    inlet: std::io::PipeWriter,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;
    use std::time::Instant;

    #[test]
    fn whatever_wakes_a_deep_sleeper_wakes_it_once_and_nothing_is_missed() {
        let bed = Arc::new(Bed::default());
        let work = Arc::new(AtomicU32::new(0));
        let (sleeper, todo) = (Arc::clone(&bed), Arc::clone(&work));
        let clerk = thread::spawn(move || {
            sleeper.belongs_to_this_thread();
            let mut done = 0;
            while done < 20_000 {
                let waiting = || todo.load(Ordering::Acquire) > done;
                sleeper.sleep(Some(Duration::from_secs(60)), waiting);
                done = todo.load(Ordering::Acquire);
            }
        });
        let start = Instant::now();
        for turn in 0..20_000 {
            work.fetch_add(1, Ordering::Release);
            if turn % 3 == 0 { bed.wake() } else { bed.rouse() }
        }
        clerk.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(30), "it slept through a call");
    }

    #[cfg(unix)]
    #[test]
    fn a_call_of_another_process_ends_deep_sleep() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("bell.db");
        let bed = Arc::new(Bed::default());
        bed.listen(PeerSignal::open(&spool, "00112233445566aa").unwrap());
        let sleeper = Arc::clone(&bed);
        let clerk = thread::spawn(move || {
            sleeper.belongs_to_this_thread();
            sleeper.sleep(Some(Duration::from_secs(60)), || false);
            sleeper.called()
        });
        let start = Instant::now();
        while !clerk.is_finished() && start.elapsed() < Duration::from_secs(20) {
            crate::intake::call(&spool, None);
            thread::sleep(Duration::from_millis(5));
        }
        assert!(clerk.is_finished() && clerk.join().unwrap());
    }
}
