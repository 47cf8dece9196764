//! The senders: a bounded pool of threads that serves all lanes of a bell. A thread works for a lane only while an
//! attempt is made; a lane that waits, for a time or for something to send, holds none.

mod turns;

use super::report::LaneSink;
use crate::{os, transport};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use turns::{Seated, Turns, WorkId};

pub(super) use turns::Seat;

/// A thread without work ends after this time, and a connection without use is closed.
pub(super) const IDLE: Duration = Duration::from_secs(10);

/// The pool of one bell.
pub struct Senders {
    sink: Arc<dyn LaneSink>,
    most: usize,
    pool: Mutex<Pool>,
    /// Something asks.
    called: Condvar,
    /// For the thread that waits for the next alarm.
    alarm_called: Condvar,
}

struct Pool {
    turns: Turns<Arc<dyn Served>>,
    threads: usize,
    /// Threads that sleep and are not called yet.
    idle: usize,
    /// Threads that were called and still sleep.
    called: usize,
    /// One thread sleeps until the next alarm.
    alarm_kept: bool,
    stopped: bool,
}

/// What a sender works for, until it gives it back.
pub(super) struct Turn {
    lane: Arc<dyn Served>,
    id: WorkId,
}

/// A lane, as the senders see it.
pub(super) trait Served: Send + Sync {
    fn seat(&self) -> &Seat;

    /// Makes attempts until there is nothing to do, or [`Senders::goes_on`] says so.
    fn serve(self: Arc<Self>, turn: &Turn);
}

impl Seated for Arc<dyn Served> {
    fn seat(&self) -> &Seat {
        Served::seat(&**self)
    }
}

impl Senders {
    /// A pool without threads: they start when something asks.
    pub fn new(sink: Arc<dyn LaneSink>) -> Arc<Senders> {
        Senders::with(sink, transport::most_senders())
    }

    /// One with at most so many threads.
    pub(super) fn with(sink: Arc<dyn LaneSink>, most: usize) -> Arc<Senders> {
        let (turns, called) = (Turns::new(most), Condvar::new());
        let pool = Pool { turns, threads: 0, idle: 0, called: 0, alarm_kept: false, stopped: false };
        Arc::new(Senders { sink, most, pool: Mutex::new(pool), called, alarm_called: Condvar::new() })
    }

    pub fn threads(&self) -> usize {
        self.lock().threads
    }

    /// Lets the threads end. Returns at once.
    pub fn stop(&self) {
        let mut pool = self.lock();
        pool.stopped = true;
        pool.turns.clear();
        drop(pool);
        self.called.notify_all();
        self.alarm_called.notify_all();
    }

    /// Starts the thread that the system had no room for, if something waits for it.
    pub fn start_missing_thread(self: &Arc<Self>) {
        let mut pool = self.lock();
        let is_needed = pool.turns.any_asks() || pool.turns.next_alarm().is_some() && !pool.alarm_kept;
        let starts = is_needed && self.call(&mut pool);
        drop(pool);
        self.start_if(starts);
    }

    /// A lane may have something to send: a sender looks.
    pub(super) fn ask(self: &Arc<Self>, lane: Arc<dyn Served>) {
        let mut pool = self.lock();
        if pool.stopped {
            return;
        }
        pool.turns.ask(lane);
        let starts = self.call(&mut pool);
        drop(pool);
        self.start_if(starts);
    }

    /// A sender looks at the lane after this time.
    pub(super) fn ask_after(&self, turn: &Turn, time: Duration) {
        let mut pool = self.lock();
        if !pool.stopped {
            self.set_alarm(&mut pool, turn, time, Instant::now());
        }
    }

    fn set_alarm(&self, pool: &mut Pool, turn: &Turn, time: Duration, now: Instant) {
        let before = pool.turns.next_alarm();
        pool.turns.ask_after(&turn.lane, time, now);
        // Without a keeper this thread becomes it, when it has nothing to do.
        if pool.alarm_kept && pool.turns.next_alarm() != before {
            self.alarm_called.notify_one();
        }
    }

    /// The lane has stopped.
    pub(super) fn forget(&self, turn: &Turn) {
        self.lock().turns.forget(&turn.lane);
    }

    /// After an attempt: whether the sender looks at the same lane again. One that is left asks for another sender; where
    /// nothing waits in it, only in time to close its connections.
    pub(super) fn goes_on(&self, turn: &Turn, is_empty: bool) -> bool {
        let now = Instant::now();
        let mut pool = self.lock();
        let goes_on = pool.turns.goes_on(turn.id, &turn.lane, now) && !pool.stopped;
        if !goes_on && !pool.stopped {
            match is_empty {
                true => self.set_alarm(&mut pool, turn, IDLE, now),
                false => pool.turns.ask(Arc::clone(&turn.lane)),
            }
        }
        goes_on
    }

    /// Gives a turn back, and waits for the next; `None` when the thread ends.
    fn next(self: &Arc<Self>, ended: Option<Turn>) -> Option<Turn> {
        let mut pool = self.lock();
        if let Some(ended) = ended {
            pool.turns.end(ended.id, &ended.lane);
        }
        let mut now = Instant::now();
        let idle_until = now + IDLE;
        loop {
            if pool.stopped {
                pool.threads -= 1;
                return None;
            }
            if let Some((id, lane)) = pool.turns.begin(now) {
                let needs_keeper = !pool.alarm_kept && pool.turns.next_alarm().is_some();
                let starts = (needs_keeper || pool.turns.any_asks()) && self.call(&mut pool);
                drop(pool);
                self.start_if(starts);
                return Some(Turn { lane, id });
            }
            match pool.turns.next_alarm() {
                Some(at) if !pool.alarm_kept => {
                    pool.alarm_kept = true;
                    pool = self.sleep(&self.alarm_called, pool, at - now);
                    pool.alarm_kept = false;
                }
                _ if now >= idle_until => {
                    pool.threads -= 1;
                    return None;
                }
                _ => {
                    pool.idle += 1;
                    pool = self.sleep(&self.called, pool, idle_until - now);
                    // A call is for one thread, whichever wakes first.
                    match pool.called {
                        0 => pool.idle -= 1,
                        _ => pool.called -= 1,
                    }
                }
            }
            now = Instant::now();
        }
    }

    fn sleep<'p>(
        &self,
        until: &Condvar,
        pool: MutexGuard<'p, Pool>,
        limit: Duration,
    ) -> MutexGuard<'p, Pool> {
        until.wait_timeout(pool, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Wakes a thread that sleeps. When all are at work and one more is allowed, counts it and gives `true`: the
    /// caller starts it.
    ///
    /// One thread wakes at a time, and calls the next if more lanes ask: meanwhile those at work may have served them.
    fn call(&self, pool: &mut Pool) -> bool {
        if pool.called > 0 {
            return false;
        }
        if pool.idle > 0 {
            pool.idle -= 1;
            pool.called += 1;
            self.called.notify_one();
            return false;
        }
        if pool.alarm_kept {
            self.alarm_called.notify_one();
            return false;
        }
        let starts = pool.threads < self.most;
        pool.threads += usize::from(starts);
        starts
    }

    fn start_if(self: &Arc<Self>, starts: bool) {
        let senders = Arc::clone(self);
        if starts && os::spawn("taskbell-sender", move || senders.run()).is_err() {
            self.lock().threads -= 1;
            self.sink.lacks_thread();
        }
    }

    fn run(self: &Arc<Self>) {
        let mut turn = None;
        while let Some(next) = self.next(turn) {
            Arc::clone(&next.lane).serve(&next);
            turn = Some(next);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Body, LaneReport};
    use crate::secret::Scrubber;
    use std::sync::mpsc::{Sender, channel};

    struct Nowhere;

    impl LaneSink for Nowhere {
        fn report(&self, _: LaneReport) {}
        fn await_room(&self) {}
        fn body(&self, _: i64) -> Result<Option<Body>, String> {
            Ok(None)
        }
        fn attempt_begins(&self) {}
        fn lacks_thread(&self) {}
        fn scrubber(&self) -> Scrubber {
            Scrubber::default()
        }
    }

    /// A lane that makes one attempt when it is served, in which the next lane asks.
    struct OneAttempt {
        name: &'static str,
        is_empty: bool,
        seat: Seat,
        next: Option<Arc<OneAttempt>>,
        senders: Arc<Senders>,
        served: Sender<&'static str>,
    }

    impl Served for OneAttempt {
        fn seat(&self) -> &Seat {
            &self.seat
        }

        fn serve(self: Arc<Self>, turn: &Turn) {
            let _ = self.served.send(self.name);
            if let Some(next) = &self.next {
                self.senders.ask(Arc::clone(next) as _);
                assert!(!self.senders.goes_on(turn, self.is_empty), "another asks");
            }
        }
    }

    /// Which lanes the one sender serves: `first` is empty after its attempt or not, the other two have no more.
    fn served(is_empty: bool) -> Vec<&'static str> {
        let senders = Senders::with(Arc::new(Nowhere), 1);
        let (send, receive) = channel();
        let lane = |name, is_empty, next| {
            let (seat, senders, served) = (Seat::default(), Arc::clone(&senders), send.clone());
            Arc::new(OneAttempt { name, is_empty, seat, next, senders, served })
        };
        let last = lane("last", true, None);
        let first = lane("first", is_empty, Some(lane("second", true, Some(last))));
        senders.ask(first);
        let mut names = Vec::new();
        while names.last() != Some(&"last") {
            names.push(receive.recv_timeout(Duration::from_secs(60)).unwrap());
        }
        senders.stop();
        names
    }

    #[test]
    fn a_lane_that_gives_way_is_served_again_only_if_something_waits_in_it() {
        assert_eq!(served(true), ["first", "second", "last"]);
        assert_eq!(served(false), ["first", "second", "first", "last"]);
    }
}
