//! Work that may hang in the system and cannot be interrupted there: it runs on a thread of its own,
//! and whoever waits for it walks away at the deadline or at shutdown.

use crate::os;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The most threads of one client that nobody waits for any more.
const MOST_ADRIFT: usize = 4;

/// Why an errand has no result.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// The deadline passed first.
    Late,
    /// `Client::shutdown` was called.
    Cancelled,
    /// Too many earlier errands still hang.
    TooMany,
    /// The thread could not be started, or it panicked.
    Lost(io::Error),
}

/// The errands of one client.
#[derive(Debug, Default)]
pub(super) struct Errands {
    gate: Mutex<Gate>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Gate {
    closed: bool,
    /// Running errands that nobody waits for.
    adrift: usize,
}

/// Where an errand leaves its result. Only touched while the gate is held.
enum Slot<T> {
    Running,
    Done(Option<T>),
    Adrift,
}

impl Errands {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends everybody home who waits, and starts nothing any more.
    pub(super) fn close(&self) {
        self.gate().closed = true;
        self.bell.notify_all();
    }

    /// Runs `job` on a thread of this name and waits for it until `until`.
    pub(super) fn run<T: Send + 'static>(
        self: &Arc<Self>,
        name: &str,
        until: Instant,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        {
            let gate = self.gate();
            if gate.closed {
                return Err(Unfinished::Cancelled);
            }
            if gate.adrift >= MOST_ADRIFT {
                return Err(Unfinished::TooMany);
            }
        }
        let slot = Arc::new(Mutex::new(Slot::Running));
        let (errands, theirs) = (Arc::clone(self), Arc::clone(&slot));
        os::spawn(name, move || {
            let result = catch_unwind(AssertUnwindSafe(job)).ok();
            errands.deliver(&theirs, result);
        })
        .map_err(Unfinished::Lost)?;
        self.collect(&slot, until)
    }

    fn deliver<T>(&self, slot: &Mutex<Slot<T>>, result: Option<T>) {
        let mut gate = self.gate();
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*slot, Slot::Adrift) {
            gate.adrift = gate.adrift.saturating_sub(1);
        }
        *slot = Slot::Done(result);
        self.bell.notify_all();
    }

    fn collect<T>(&self, slot: &Mutex<Slot<T>>, until: Instant) -> Result<T, Unfinished> {
        let mut gate = self.gate();
        loop {
            let mut found = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let late = Instant::now() >= until;
            if let Slot::Done(result) = &mut *found {
                let panicked = || Unfinished::Lost(io::Error::other("the work was broken off"));
                return result.take().ok_or_else(panicked);
            }
            if gate.closed || late {
                *found = Slot::Adrift;
                gate.adrift += 1;
                return Err(if gate.closed { Unfinished::Cancelled } else { Unfinished::Late });
            }
            drop(found);
            let left = until.saturating_duration_since(Instant::now());
            gate = self.bell.wait_timeout(gate, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(30)
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[test]
    fn an_errand_brings_its_result_back() {
        let errands = Arc::new(Errands::default());
        assert_eq!(errands.run("taskbell-test", later(), || 6 * 7).unwrap(), 42);
        assert!(matches!(
            errands.run("taskbell-test", later(), || -> i32 { std::panic::resume_unwind(Box::new(())) }),
            Err(Unfinished::Lost(_))
        ));
    }

    #[test]
    fn hanging_errands_are_left_behind_and_only_so_many() {
        let errands = Arc::new(Errands::default());
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        for _ in 0..MOST_ADRIFT {
            let held = Arc::clone(&held);
            let hang = move || held.lock().unwrap().recv().is_ok();
            assert!(matches!(errands.run("taskbell-test", soon(), hang), Err(Unfinished::Late)));
        }
        assert!(matches!(errands.run("taskbell-test", later(), || 1), Err(Unfinished::TooMany)));
        drop(release);
        let limit = later();
        while errands.gate().adrift > 0 {
            assert!(Instant::now() < limit, "the errands never came home");
            std::thread::yield_now();
        }
        assert_eq!(errands.run("taskbell-test", later(), || 1).unwrap(), 1);
    }

    #[test]
    fn closing_sends_the_waiting_home() {
        let errands = Arc::new(Errands::default());
        let (started, running) = mpsc::channel::<()>();
        let (_release, held) = mpsc::channel::<()>();
        let closer = {
            let errands = Arc::clone(&errands);
            std::thread::spawn(move || {
                running.recv().unwrap();
                errands.close();
            })
        };
        let job = move || {
            started.send(()).unwrap();
            held.recv().is_ok()
        };
        assert!(matches!(errands.run("taskbell-test", later(), job), Err(Unfinished::Cancelled)));
        closer.join().unwrap();
        assert!(matches!(errands.run("taskbell-test", later(), || ()), Err(Unfinished::Cancelled)));
    }
}
