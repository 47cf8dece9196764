//! A value on the bad side that has not been there for long enough yet.

use super::state::Kept;
use crate::clock::Moment;
use std::time::Duration;

/// It is kept over a restart once this part of `for` has passed, and so much time: a value that flaps is not
/// worth a transaction each time.
const KEPT_AFTER_PART: u32 = 8;
const KEPT_AFTER: Duration = Duration::from_secs(5);

/// One that began longer ago than so many times `for` is no part of what goes on now.
const MAX_AGE: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pending {
    start: Moment,
    /// How long it was there before, in an earlier process and between the two.
    before: Duration,
    kept: bool,
}

impl Pending {
    pub fn since(now: Moment) -> Pending {
        Pending { start: now, before: Duration::ZERO, kept: false }
    }

    /// Takes back what an earlier process kept; `None` for what is too old to go on.
    pub fn restored(kept: &Kept, hold: Duration, now: Moment) -> Option<Pending> {
        let before = Duration::from_millis(u64::try_from(now.unix_ms - kept.since).ok()?);
        (before <= hold * MAX_AGE).then_some(Pending { start: now, before, kept: true })
    }

    /// When there is something to do, by the monotonic clock: to keep it, then to fire.
    pub fn due(&self, hold: Duration) -> Duration {
        let keep_at = self.start.monotonic + KEPT_AFTER.max(hold / KEPT_AFTER_PART);
        if self.kept { self.fires_at(hold) } else { keep_at.min(self.fires_at(hold)) }
    }

    pub fn fires_at(&self, hold: Duration) -> Duration {
        self.start.monotonic + hold.saturating_sub(self.before)
    }

    /// Notes that the spool is to have it.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// When the value went to the bad side, in Unix milliseconds.
    pub fn began(&self) -> i64 {
        self.start.unix_ms - self.before.as_millis() as i64
    }
}
