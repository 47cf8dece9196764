//! How long the dispatcher rests when it has nothing to do.

use super::phase::Phase;
use std::time::Duration;

/// Time without work before deep sleep.
const SETTLE: Duration = Duration::from_millis(50);

/// The nap while events flow, or a transaction is open: an event waits for half of it on average.
const TICK: Duration = Duration::from_millis(1);

/// The nap while the spool is full: only deliveries that end make room.
const FULL_PAUSE: Duration = Duration::from_millis(100);

/// The longest sleep before something that is due by the wall clock, which may be set.
const MAX_WALL_CLOCK_SLEEP_MS: i64 = 60_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// More waits in the ring, and lanes wait for it.
    None,
    Nap(Duration),
    /// Until woken, or something is due.
    DeepSleep,
}

/// What the length of a rest depends on.
pub struct Idle {
    busy_until: Duration,
}

impl Idle {
    pub fn new(now: Duration) -> Idle {
        Idle { busy_until: now + SETTLE }
    }

    /// A transaction was committed.
    pub fn worked(&mut self, now: Duration) {
        self.busy_until = now + SETTLE;
    }

    pub fn rest(
        &self,
        now: Duration,
        phase: Phase,
        retry_in: Option<Duration>,
        has_more: bool,
        is_open: bool,
        is_full: bool,
    ) -> Rest {
        match retry_in {
            Some(wait) => Rest::Nap(wait),
            None if phase == Phase::Open && has_more => Rest::None,
            None if phase != Phase::Open || is_open || now < self.busy_until => Rest::Nap(TICK),
            None if is_full => Rest::Nap(FULL_PAUSE),
            None => Rest::DeepSleep,
        }
    }
}

/// A due time by the wall clock as one of the monotonic clock.
pub fn by_monotonic(due_ms: i64, now: crate::clock::Moment) -> Duration {
    let wait = (due_ms - now.unix_ms).clamp(0, MAX_WALL_CLOCK_SLEEP_MS);
    now.monotonic + Duration::from_millis(wait as u64)
}
