//! The host's log: one sink at a time, fed from Taskbell's own threads only.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// How grave a message is; the numbers of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Something was lost or is about to be.
    Error = 1,
    /// Something is wrong and goes on.
    Warn = 2,
    /// Something happened that operators like to know.
    Info = 3,
    /// Every attempt.
    Debug = 4,
}

/// What messages go to.
pub type Sink = Box<dyn Fn(Level, &str) + Send>;

/// Hands messages to the host's sink, one at a time.
#[derive(Default)]
pub struct Log {
    sink: Mutex<Option<Sink>>,
    inside: Mutex<Option<ThreadId>>,
    set: AtomicBool,
}

impl Log {
    /// Sends a message. Costs one load when nobody listens.
    pub fn write(&self, level: Level, message: &str) {
        if !self.set.load(Ordering::Acquire) {
            return;
        }
        let sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = sink.as_ref() {
            *self.inside.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
            sink(level, message);
            *self.inside.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Sets the sink, or takes it away. Once this has returned `true`, the former sink does not run and
    /// will not run again. `false` when it is still running after `limit`, or when the sink itself calls:
    /// then nothing new starts, and nothing was set.
    pub fn set(&self, sink: Option<Sink>, limit: Duration) -> bool {
        let on_this_thread = thread::current().id();
        if *self.inside.lock().unwrap_or_else(PoisonError::into_inner) == Some(on_this_thread) {
            return false;
        }
        self.set.store(false, Ordering::Release);
        let deadline = Instant::now() + limit;
        loop {
            let mut current = match self.sink.try_lock() {
                Ok(current) => current,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                }
                Err(TryLockError::WouldBlock) => return false,
            };
            self.set.store(sink.is_some(), Ordering::Release);
            *current = sink;
            return true;
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log(set: {})", self.set.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, mpsc};

    #[test]
    fn no_message_reaches_a_sink_that_was_taken_away() {
        let log = Arc::new(Log::default());
        let (send, receive) = mpsc::channel();
        assert!(log.set(
            Some(Box::new(move |level, text| send.send((level, text.to_owned())).unwrap())),
            Duration::ZERO
        ));
        log.write(Level::Warn, "one");
        assert!(log.set(None, Duration::from_secs(5)));
        log.write(Level::Warn, "two");
        assert_eq!(receive.iter().collect::<Vec<_>>(), vec![(Level::Warn, "one".to_owned())]);
    }

    #[test]
    fn a_sink_that_calls_back_is_refused_and_a_stuck_one_does_not_hold_the_caller() {
        let log = Arc::new(Log::default());
        let inner = Arc::clone(&log);
        let (entered, inside) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let sink: Sink = Box::new(move |_, _| {
            entered.send(inner.set(None, Duration::from_secs(60))).unwrap();
            wait.recv().unwrap();
        });
        assert!(log.set(Some(sink), Duration::ZERO));
        let writer = Arc::clone(&log);
        let thread = thread::spawn(move || writer.write(Level::Error, "x"));
        assert!(!inside.recv().unwrap(), "the sink's own call is refused");
        assert!(!log.set(None, Duration::from_millis(20)), "the sink is stuck");
        go.send(()).unwrap();
        thread.join().unwrap();
        assert!(log.set(None, Duration::from_secs(5)));
    }
}
