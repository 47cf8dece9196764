//! The host's log: one function at a time, called on a thread of its own, so that a slow one holds up
//! neither the clerk nor a lane.

use super::shared::lock;
use crate::os;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// The most messages that wait for a slow function; further ones are dropped, and it is told how many.
const MAX_WAITING: usize = 1024;

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

/// Hands messages to the host's function.
#[derive(Default)]
pub struct Log {
    set: AtomicBool,
    post: Mutex<Option<Arc<Post>>>,
}

/// The messages on their way to one function.
#[derive(Default)]
struct Post {
    state: Mutex<PostState>,
    changed: Condvar,
}

#[derive(Default)]
struct PostState {
    waiting: VecDeque<(Level, String)>,
    dropped: u64,
    carrier: Option<ThreadId>,
    ending: bool,
    ended: bool,
}

impl Log {
    /// Sends a message. Never waits; costs one load when nobody listens. While the function is being
    /// changed, messages go nowhere.
    pub fn write(&self, level: Level, message: &str) {
        if !self.set.load(Ordering::Acquire) {
            return;
        }
        if let Ok(post) = self.post.try_lock()
            && let Some(post) = post.as_ref()
        {
            post.put(level, message);
        }
    }

    /// Whether anybody listens.
    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Sets the function, or takes it away. The former one first gets what waits for it; once this has
    /// returned `true`, it does not run and will not run again. `false` when it is still running after
    /// `limit`, when it is itself what calls, or when the system has no thread left: then none is set.
    pub fn set(&self, sink: Option<Sink>, limit: Duration) -> bool {
        let mut post = lock(&self.post);
        if post.as_ref().is_some_and(|post| lock(&post.state).carrier == Some(thread::current().id())) {
            return false;
        }
        self.set.store(false, Ordering::Release);
        if let Some(former) = post.take()
            && !former.end(limit)
        {
            *post = Some(former);
            return false;
        }
        let Some(sink) = sink else { return true };
        let fresh = Arc::new(Post::default());
        let carried = Arc::clone(&fresh);
        if os::spawn_for_host("taskbell-log", move || carried.carry(&sink)).is_err() {
            return false;
        }
        *post = Some(fresh);
        self.set.store(true, Ordering::Release);
        true
    }
}

impl Post {
    fn put(&self, level: Level, message: &str) {
        let mut state = lock(&self.state);
        if state.waiting.len() >= MAX_WAITING {
            state.dropped += 1;
        } else {
            state.waiting.push_back((level, message.to_owned()));
            self.changed.notify_all();
        }
    }

    /// Carries messages until the end. Runs on a thread of its own.
    fn carry(&self, sink: &Sink) {
        lock(&self.state).carrier = Some(thread::current().id());
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

    /// Ends after what waits; what cannot be carried by the deadline is dropped. Whether it has ended.
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
    fn a_function_that_calls_back_is_refused_and_a_stuck_one_holds_nobody() {
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
    fn a_slow_function_hears_how_much_it_missed() {
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
