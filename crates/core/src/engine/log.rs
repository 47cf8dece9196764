//! The host's log function, called on a thread of its own so that a slow one delays neither the dispatcher nor
//! a lane.

use super::lock::lock;
use crate::os;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Messages that wait for a slow function. Further ones are dropped, and their number is logged.
const MAX_WAITING: usize = 1024;

/// The severity of a log message; the numbers of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Something was lost or is about to be.
    Error = 1,
    /// Something is wrong and goes on.
    Warn = 2,
    /// Something happened that operators want to know.
    Info = 3,
    /// Every attempt.
    Debug = 4,
}

/// Receives the messages.
pub type Sink = Box<dyn Fn(Level, &str) + Send>;

/// Passes messages to the host's function.
#[derive(Default)]
pub struct Log {
    set: AtomicBool,
    queue: Mutex<Option<Arc<LogQueue>>>,
}

/// The messages for one function.
#[derive(Default)]
struct LogQueue {
    state: Mutex<LogQueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct LogQueueState {
    waiting: VecDeque<(Level, String)>,
    dropped: u64,
    thread: Option<ThreadId>,
    ending: bool,
    ended: bool,
}

impl Log {
    /// Queues a message. Never waits; costs one load when no function is set. Messages are dropped while the
    /// function is being changed.
    pub fn write(&self, level: Level, message: &str) {
        if !self.set.load(Ordering::Acquire) {
            return;
        }
        if let Ok(queue) = self.queue.try_lock()
            && let Some(queue) = queue.as_ref()
        {
            queue.push(level, message);
        }
    }

    /// Whether a function is set.
    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Sets or removes the function. The former one first gets its waiting messages; once this returns `true`,
    /// it does not run and will not run again. `false` when it is still running after `limit`, when it is
    /// the caller, or when the system has no thread left; no function is set then.
    pub fn set(&self, sink: Option<Sink>, limit: Duration) -> bool {
        let mut queue = lock(&self.queue);
        if queue.as_ref().is_some_and(|queue| lock(&queue.state).thread == Some(thread::current().id())) {
            return false;
        }
        self.set.store(false, Ordering::Release);
        if let Some(former) = queue.take()
            && !former.end(limit)
        {
            *queue = Some(former);
            return false;
        }
        let Some(sink) = sink else { return true };
        let fresh = Arc::new(LogQueue::default());
        let served = Arc::clone(&fresh);
        if os::spawn_for_host("taskbell-log", move || served.run(&sink)).is_err() {
            return false;
        }
        *queue = Some(fresh);
        self.set.store(true, Ordering::Release);
        true
    }
}

impl LogQueue {
    fn push(&self, level: Level, message: &str) {
        let mut state = lock(&self.state);
        if state.waiting.len() >= MAX_WAITING {
            state.dropped += 1;
        } else {
            state.waiting.push_back((level, message.to_owned()));
            self.changed.notify_all();
        }
    }

    /// Calls the function until [`LogQueue::end`]. Runs on a thread of its own.
    fn run(&self, sink: &Sink) {
        lock(&self.state).thread = Some(thread::current().id());
        while let Some((level, message)) = self.next() {
            sink(level, &message);
        }
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }

    fn next(&self) -> Option<(Level, String)> {
        let mut state = lock(&self.state);
        loop {
            if let Some(next) = state.waiting.pop_front() {
                return Some(next);
            }
            if state.dropped > 0 {
                let text = format!("{} log messages were dropped: the log function is slow", state.dropped);
                state.dropped = 0;
                return Some((Level::Warn, text));
            }
            if state.ending {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends after the waiting messages; those left at the deadline are dropped. Whether the thread has ended.
    fn end(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = lock(&self.state);
        state.ending = true;
        self.changed.notify_all();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.waiting.clear();
                state.dropped = 0;
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
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
    use std::sync::mpsc;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn every_message_before_the_end_arrives_and_none_after_it() {
        let log = Log::default();
        let (send, receive) = mpsc::channel();
        let sink: Sink = Box::new(move |level, text| send.send((level, text.to_owned())).unwrap());
        assert!(log.set(Some(sink), SOON));
        (0..100).for_each(|number| log.write(Level::Warn, &number.to_string()));
        assert!(log.set(None, SOON));
        log.write(Level::Warn, "late");
        let arrived: Vec<_> = receive.iter().collect();
        assert_eq!(arrived.len(), 100);
        assert_eq!(arrived[99], (Level::Warn, "99".to_owned()));
    }

    #[test]
    fn a_function_that_calls_back_is_refused_and_a_stuck_one_delays_nobody() {
        let log = Arc::new(Log::default());
        let inner = Arc::clone(&log);
        let (entered, inside) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let sink: Sink = Box::new(move |_, _| {
            entered.send(inner.set(None, SOON)).unwrap();
            let _ = wait.recv();
        });
        assert!(log.set(Some(sink), SOON));
        log.write(Level::Error, "x");
        assert!(!inside.recv().unwrap(), "the function's own call is refused");
        // Writing goes on at once, whatever the function does.
        (0..MAX_WAITING * 2).for_each(|_| log.write(Level::Error, "y"));
        assert!(!log.set(None, Duration::from_millis(20)), "the function is stuck");
        drop(go);
        assert!(log.set(None, SOON));
    }

    #[test]
    fn a_slow_function_gets_the_number_of_dropped_messages() {
        let log = Log::default();
        let (send, receive) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let sink: Sink = Box::new(move |_, text| {
            let _ = wait.recv();
            send.send(text.to_owned()).unwrap();
        });
        assert!(log.set(Some(sink), SOON));
        (0..MAX_WAITING + 50).for_each(|_| log.write(Level::Info, "m"));
        drop(go);
        assert!(log.set(None, SOON));
        let last = receive.iter().last().unwrap();
        assert!(last.ends_with("log messages were dropped: the log function is slow"), "{last}");
    }
}
