//! Batches, which all instances on a spool count together: each transaction counts its tasks in the spool, and
//! reports the batches that this completes. Both are durable, or neither is.

use super::commit::Transaction;
use crate::clock::Moment;
use crate::spool::{Batch, BatchCounts, BatchWatch, SpoolError};
use std::time::Duration;

/// Between two attempts to look for batches.
const RETRY: Duration = Duration::from_secs(1);

/// When to look for batches of which something is told a certain time after they last moved, or were last told of.
pub struct BatchTimer {
    due: Option<Duration>,
    // While the host was down, nobody waited.
    began_ms: i64,
}

impl BatchTimer {
    /// Looks at once, for batches of earlier runs.
    pub fn new(now: Moment) -> BatchTimer {
        BatchTimer { due: Some(now.monotonic), began_ms: now.unix_ms }
    }

    pub fn look_by(&mut self, at: Duration) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    pub fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Looks if that is due: `first` reads when the first such batch moved, in Unix milliseconds. Returns the time
    /// since when it has not, if that is long enough.
    pub fn look(
        &mut self,
        first: impl FnOnce() -> Result<Option<i64>, SpoolError>,
        after: Duration,
        now: Moment,
    ) -> Option<i64> {
        if self.due.is_none_or(|due| due > now.monotonic) {
            return None;
        }
        let after_ms = after.as_millis() as i64;
        let moved_at = match first() {
            Ok(Some(moved_at)) => moved_at,
            none => {
                self.due = none.err().map(|_| now.monotonic + RETRY);
                return None;
            }
        };
        let wait = moved_at.max(self.began_ms) + after_ms - now.unix_ms;
        self.due = Some(now.monotonic + Duration::from_millis(wait.max(0) as u64));
        (wait <= 0).then_some(now.unix_ms - after_ms)
    }
}

impl Transaction {
    /// Whether it has tasks of batches, which may end when it is written.
    pub fn counts_batches(&self) -> bool {
        self.events.iter().any(|event| event.batch_task.is_some())
    }

    /// Counts its tasks in their batches, and looks for those that stall and those whose progress is told.
    pub fn count_in_batches(&self, batch: &mut impl Batch, unix_ms: i64) -> Result<BatchCounts, SpoolError> {
        let tasks = self.events.iter().filter_map(|event| event.batch_task.as_deref());
        let watch = BatchWatch { stalled_since: self.stalled_since, untold_since: self.untold_since };
        batch.count_batches(tasks, watch, unix_ms)
    }
}

#[cfg(test)]
mod tests;
