//! Where the dispatcher's thread sleeps. A push into the ring costs 0.05 µs and a wake-up 2 to 15 µs, so host
//! threads wake the dispatcher only out of deep sleep; while events flow it polls the ring.
//!
//! Signals of other processes (see `intake::peer_signal`) end deep sleep too.

use super::lock::lock;
use crate::intake::PeerSignal;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

/// Puts one thread to sleep and wakes it.
#[derive(Default)]
pub struct Waker {
    deep: AtomicBool,
    sleeper: OnceLock<Thread>,
    peer_signal: Mutex<Option<PeerSignal>>,
    own_signal: OnceLock<OwnSignal>,
}

impl Waker {
    /// Lets signals of other processes end deep sleep.
    pub fn listen(&self, signal: PeerSignal) {
        *lock(&self.peer_signal) = Some(signal);
    }

    pub fn stop_listening(&self) {
        lock(&self.peer_signal).take();
    }

    /// Whether signals of other processes end deep sleep.
    pub fn is_listening(&self) -> bool {
        lock(&self.peer_signal).is_some()
    }

    /// Whether another process has signalled since the last call. Costs a system call.
    pub fn was_signalled(&self) -> bool {
        lock(&self.peer_signal).as_ref().is_some_and(PeerSignal::heard)
    }

    /// Makes the calling thread the one that sleeps here.
    pub fn attach_this_thread(&self) {
        if let Ok(signal) = OwnSignal::new() {
            let _ = self.own_signal.set(signal);
        }
        self.sleeper.get_or_init(thread::current);
    }

    /// Sleeps for this time, or until [`Waker::wake`].
    pub fn nap(&self, limit: Duration) {
        thread::park_timeout(limit);
    }

    /// Sleeps until woken or signalled, at most for `limit`. Asks `busy` once more after other threads can see
    /// the sleep, so that nothing is missed in between.
    pub fn sleep(&self, limit: Option<Duration>, busy: impl FnOnce() -> bool) {
        self.deep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !busy() {
            self.sleep_deeply(limit);
        }
        if !self.deep.swap(false, Ordering::AcqRel) {
            self.take_signal();
        }
    }

    /// Ends deep sleep, after the caller has left work for the dispatcher. Does nothing while it is awake.
    pub fn notify(&self) {
        fence(Ordering::SeqCst);
        self.end_deep_sleep();
    }

    /// The same for a caller that has learnt in another way that the dispatcher may sleep.
    pub fn end_deep_sleep(&self) {
        if self.deep.load(Ordering::Relaxed) && self.deep.swap(false, Ordering::AcqRel) {
            self.end_sleep();
        }
    }

    /// Ends deep sleep and naps.
    pub fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.deep.swap(false, Ordering::AcqRel) {
            self.end_sleep();
        } else if let Some(sleeper) = self.sleeper.get() {
            sleeper.unpark();
        }
    }

    fn sleep_deeply(&self, limit: Option<Duration>) {
        let Some(own) = self.own_signal.get() else { return self.park(limit) };
        // Only the sleeping thread itself uses the signal, so nobody waits for this lock.
        own.wait(lock(&self.peer_signal).as_ref(), limit);
    }

    fn park(&self, limit: Option<Duration>) {
        match limit {
            Some(limit) => thread::park_timeout(limit),
            None => thread::park(),
        }
    }

    /// Called once per deep sleep, by the thread that ended it.
    fn end_sleep(&self) {
        if let Some(own) = self.own_signal.get() {
            own.send();
        } else if let Some(sleeper) = self.sleeper.get() {
            sleeper.unpark();
        }
    }

    /// The thread that ended the deep sleep has sent one signal, or is about to.
    fn take_signal(&self) {
        if let Some(own) = self.own_signal.get() {
            own.receive();
        }
    }
}

/// What other threads of this process send; it can be waited for together with a signal of another process. Holds one
/// byte at most.
#[cfg(unix)]
struct OwnSignal {
    read: std::io::PipeReader,
    write: std::io::PipeWriter,
}

#[cfg(unix)]
impl OwnSignal {
    fn new() -> std::io::Result<OwnSignal> {
        std::io::pipe().map(|(read, write)| OwnSignal { read, write })
    }

    fn send(&self) {
        let _ = std::io::Write::write(&mut &self.write, b"!");
    }

    fn receive(&self) {
        let _ = std::io::Read::read(&mut &self.read, &mut [0]);
    }

    fn wait(&self, peer: Option<&PeerSignal>, limit: Option<Duration>) {
        use std::os::fd::AsFd;
        let mut files = vec![self.read.as_fd()];
        files.extend(peer.map(AsFd::as_fd));
        crate::os::wait::await_readable(&files, limit);
    }
}

/// The same by an event.
#[cfg(windows)]
struct OwnSignal(crate::os::event::Event);

#[cfg(windows)]
impl OwnSignal {
    fn new() -> std::io::Result<OwnSignal> {
        crate::os::event::Event::unnamed().map(OwnSignal)
    }

    fn send(&self) {
        self.0.set();
    }

    fn receive(&self) {
        self.0.wait();
    }

    fn wait(&self, peer: Option<&PeerSignal>, limit: Option<Duration>) {
        let mut events = vec![&self.0];
        events.extend(peer.map(PeerSignal::event));
        crate::os::event::await_any(&events, limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::in_flight::InFlight;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;
    use std::time::Instant;

    #[test]
    fn every_wake_up_ends_deep_sleep_once_and_none_is_missed() {
        let waker = Arc::new(Waker::default());
        let work = Arc::new(AtomicU32::new(0));
        let (sleeper, todo) = (Arc::clone(&waker), Arc::clone(&work));
        let dispatcher = thread::spawn(move || {
            sleeper.attach_this_thread();
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
            if turn % 3 == 0 { waker.wake() } else { waker.notify() }
        }
        dispatcher.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(30), "it missed a wake-up");
    }

    #[test]
    fn every_call_that_ends_in_deep_sleep_ends_it_and_none_is_missed() {
        let (waker, in_flight) = (Arc::new(Waker::default()), Arc::new(InFlight::default()));
        let (sleeper, calls) = (Arc::clone(&waker), Arc::clone(&in_flight));
        let dispatcher = thread::spawn(move || {
            sleeper.attach_this_thread();
            let mut done = 0;
            while done < 20_000 {
                sleeper.sleep(Some(Duration::from_secs(60)), || {
                    calls.fall_asleep();
                    calls.events() > done
                });
                calls.awake();
                done = calls.events();
            }
        });
        let start = Instant::now();
        for _ in 0..20_000 {
            if in_flight.enter().unwrap().end_with_event() {
                waker.end_deep_sleep();
            }
        }
        dispatcher.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(30), "it missed a wake-up");
    }

    #[test]
    fn a_signal_of_another_process_ends_deep_sleep() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("bell.db");
        let waker = Arc::new(Waker::default());
        let instance = "00112233445566aa";
        #[cfg(windows)]
        std::fs::write(folder.path().join(format!("bell.db.{instance}.ring")), "").unwrap();
        waker.listen(PeerSignal::open(&spool, instance).unwrap());
        let sleeper = Arc::clone(&waker);
        let dispatcher = thread::spawn(move || {
            sleeper.attach_this_thread();
            sleeper.sleep(Some(Duration::from_secs(60)), || false);
            sleeper.was_signalled()
        });
        let start = Instant::now();
        while !dispatcher.is_finished() && start.elapsed() < Duration::from_secs(20) {
            crate::intake::call(&spool, None);
            thread::sleep(Duration::from_millis(5));
        }
        assert!(dispatcher.is_finished() && dispatcher.join().unwrap());
    }
}
