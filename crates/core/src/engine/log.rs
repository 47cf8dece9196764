//! The host's log function, called on a thread of its own so that a slow one delays neither the dispatcher nor
//! a lane; or messages that are kept until the host asks for them.

use super::lock::lock;
use crate::os;
use std::collections::VecDeque;
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

/// Why a function was not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSet {
    /// The former function is still running, or is the caller.
    StillRunning,
    NoThread,
    Closed,
    /// A function has the messages, so none is kept for [`Log::next`].
    HasFunction,
}

/// Passes messages to the host's function.
#[derive(Default)]
pub struct Log {
    set: AtomicBool,
    current: Mutex<CurrentFunction>,
}

#[derive(Default)]
struct CurrentFunction {
    /// Also of a function that was removed while it ran on.
    queue: Option<Arc<LogQueue>>,
    closed: bool,
}

#[derive(Default)]
struct LogQueue {
    /// No function: the host asks for each message.
    is_kept: bool,
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

impl LogQueueState {
    /// The next message: the oldest that waits, then the number of dropped ones.
    fn pop(&mut self) -> Option<(Level, String)> {
        if self.waiting.is_empty() && self.dropped > 0 {
            let text = format!("{} log messages were dropped: the log function is slow", self.dropped);
            self.dropped = 0;
            return Some((Level::Warn, text));
        }
        self.waiting.pop_front()
    }
}

impl Log {
    /// Queues a message. Never waits; costs one load when no function is set. Messages are dropped while the
    /// function is being changed.
    pub fn write(&self, level: Level, message: &str) {
        if !self.set.load(Ordering::Acquire) {
            return;
        }
        if let Ok(current) = self.current.try_lock()
            && let Some(queue) = &current.queue
        {
            queue.push(level, message);
        }
    }

    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Sets or removes the function. The former one first gets its waiting messages; once this succeeds, it does
    /// not run and will not run again. After a failure no function is set, except for a function that called
    /// this itself.
    ///
    /// # Errors
    /// When the former function still runs after `limit` or is the caller, when there is no thread for the new
    /// one, or when the log was closed.
    pub fn set(&self, sink: Option<Sink>, limit: Duration) -> Result<(), NotSet> {
        let deadline = Instant::now() + limit;
        loop {
            let mut current = lock(&self.current);
            let former = current.queue.clone().filter(|former| !former.has_ended());
            let Some(former) = former else {
                self.set.store(false, Ordering::Release);
                current.queue = None;
                return sink.map_or(Ok(()), |sink| self.start(&mut current, sink));
            };
            if former.is_this_thread() {
                return Err(NotSet::StillRunning);
            }
            // Nobody waits for this lock while a slow function is awaited.
            self.set.store(false, Ordering::Release);
            drop(current);
            if !former.end(deadline) {
                return Err(NotSet::StillRunning);
            }
        }
    }

    /// Keeps messages for [`Log::next`] from now on. Whether this call began it.
    ///
    /// # Errors
    /// When a function has the messages, or the log was closed.
    pub fn keep(&self) -> Result<bool, NotSet> {
        let mut current = lock(&self.current);
        match &current.queue {
            _ if current.closed => Err(NotSet::Closed),
            Some(queue) if queue.is_kept => Ok(false),
            Some(queue) if !queue.has_ended() => Err(NotSet::HasFunction),
            _ => {
                let state = LogQueueState { ended: true, ..LogQueueState::default() };
                let queue = LogQueue { is_kept: true, state: Mutex::new(state), ..LogQueue::default() };
                current.queue = Some(Arc::new(queue));
                self.set.store(true, Ordering::Release);
                Ok(true)
            }
        }
    }

    /// Passes the oldest kept message to `take`, and removes it if that returns `true`. Whether there was one.
    pub fn next(&self, take: impl FnOnce(Level, &str) -> bool) -> bool {
        let Some(queue) = lock(&self.current).queue.clone().filter(|queue| queue.is_kept) else {
            return false;
        };
        queue.pass(take)
    }

    /// Every kept message, oldest first; none when a function has them.
    pub fn rest(&self) -> Vec<(Level, String)> {
        let mut rest = Vec::new();
        while self.next(|level, message| {
            rest.push((level, message.to_owned()));
            true
        }) {}
        rest
    }

    /// Removes the function for good. Whether it has ended within `limit`; one that has not is called no more.
    pub fn close(&self, limit: Duration) -> bool {
        let queue = {
            let mut current = lock(&self.current);
            current.closed = true;
            self.set.store(false, Ordering::Release);
            current.queue.clone()
        };
        let deadline = Instant::now() + limit;
        // A function that closes its own bell is not awaited.
        queue.is_none_or(|queue| queue.end(if queue.is_this_thread() { Instant::now() } else { deadline }))
    }

    fn start(&self, current: &mut CurrentFunction, sink: Sink) -> Result<(), NotSet> {
        if current.closed {
            return Err(NotSet::Closed);
        }
        let queue = Arc::new(LogQueue::default());
        let served = Arc::clone(&queue);
        os::spawn_for_host("taskbell-log", move || served.run(sink)).map_err(|_| NotSet::NoThread)?;
        current.queue = Some(queue);
        self.set.store(true, Ordering::Release);
        Ok(())
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
    fn run(&self, sink: Sink) {
        lock(&self.state).thread = Some(thread::current().id());
        while let Some((level, message)) = self.next() {
            sink(level, &message);
        }
        // What it holds may be the host's as well.
        drop(sink);
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }

    /// Passes the oldest message to `take`, and removes it if that returns `true`. Whether there was one.
    fn pass(&self, take: impl FnOnce(Level, &str) -> bool) -> bool {
        let mut state = lock(&self.state);
        let Some((level, message)) = state.pop() else { return false };
        if !take(level, &message) {
            state.waiting.push_front((level, message));
        }
        true
    }

    fn next(&self) -> Option<(Level, String)> {
        let mut state = lock(&self.state);
        loop {
            if let Some(next) = state.pop() {
                return Some(next);
            }
            if state.ending {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends after the waiting messages; those left at the deadline are dropped. Whether the thread has ended.
    fn end(&self, deadline: Instant) -> bool {
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

    fn has_ended(&self) -> bool {
        lock(&self.state).ended
    }

    fn is_this_thread(&self) -> bool {
        lock(&self.state).thread == Some(thread::current().id())
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
        log.set(Some(sink), SOON).unwrap();
        (0..100).for_each(|number| log.write(Level::Warn, &number.to_string()));
        log.set(None, SOON).unwrap();
        log.write(Level::Warn, "late");
        let arrived: Vec<_> = receive.iter().collect();
        assert_eq!(arrived.len(), 100);
        assert_eq!(arrived[99], (Level::Warn, "99".to_owned()));
    }

    #[test]
    fn messages_are_kept_until_the_host_asks_and_a_function_takes_their_place() {
        let log = Log::default();
        log.write(Level::Info, "before anybody asked");
        assert_eq!((log.keep(), log.keep()), (Ok(true), Ok(false)));
        (0..MAX_WAITING + 2).for_each(|number| log.write(Level::Warn, &number.to_string()));
        assert!(log.next(|_, text| text != "0"), "refused by a buffer that is too small");
        let mut texts = Vec::new();
        while log.next(|_, text| {
            texts.push(text.to_owned());
            true
        }) {}
        assert_eq!((texts.len(), texts[0].as_str()), (MAX_WAITING + 1, "0"));
        assert!(texts[MAX_WAITING].starts_with("2 log messages were dropped"), "{}", texts[MAX_WAITING]);
        log.set(Some(Box::new(|_, _| ())), SOON).unwrap();
        assert_eq!(log.keep(), Err(NotSet::HasFunction));
        log.set(None, SOON).unwrap();
        assert_eq!(log.keep(), Ok(true));
        log.write(Level::Error, "the last");
        assert!(log.close(SOON));
        assert_eq!(log.rest(), [(Level::Error, "the last".to_owned())]);
        assert_eq!(log.keep(), Err(NotSet::Closed));
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
        log.set(Some(sink), SOON).unwrap();
        log.write(Level::Error, "x");
        assert_eq!(inside.recv().unwrap(), Err(NotSet::StillRunning), "the function's own call is refused");
        // Writing goes on at once, whatever the function does.
        (0..MAX_WAITING * 2).for_each(|_| log.write(Level::Error, "y"));
        let stuck = log.set(None, Duration::from_millis(20));
        assert_eq!(stuck, Err(NotSet::StillRunning));
        drop(go);
        log.set(None, SOON).unwrap();
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
        log.set(Some(sink), SOON).unwrap();
        (0..MAX_WAITING + 50).for_each(|_| log.write(Level::Info, "m"));
        drop(go);
        log.set(None, SOON).unwrap();
        let last = receive.iter().last().unwrap();
        assert!(last.ends_with("log messages were dropped: the log function is slow"), "{last}");
    }

    #[test]
    fn closing_tells_whether_the_function_has_ended_and_lets_none_be_set_again() {
        let log = Log::default();
        let (entered, inside) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let sink: Sink = Box::new(move |_, text| {
            entered.send(text.to_owned()).unwrap();
            let _ = wait.recv();
        });
        log.set(Some(sink), SOON).unwrap();
        log.write(Level::Warn, "first");
        inside.recv().unwrap();
        log.write(Level::Warn, "second");
        assert!(!log.close(Duration::from_millis(20)), "the first call still runs");
        drop(go);
        assert!(log.close(SOON));
        assert!(inside.recv().is_err(), "a message that waited at the deadline is never passed on");
        assert_eq!(log.set(Some(Box::new(|_, _| ())), SOON), Err(NotSet::Closed));
    }

    #[test]
    fn a_function_that_closes_its_own_log_is_told_that_it_runs_and_ends_when_it_returns() {
        let log = Arc::new(Log::default());
        let inner = Arc::clone(&log);
        let (closed, told) = mpsc::channel();
        let sink: Sink = Box::new(move |_, _| closed.send(inner.close(SOON)).unwrap());
        log.set(Some(sink), SOON).unwrap();
        log.write(Level::Warn, "x");
        assert!(!told.recv().unwrap());
        assert!(log.close(SOON));
    }
}
