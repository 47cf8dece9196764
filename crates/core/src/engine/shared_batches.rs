//! Batches, which all instances on a spool count together: each transaction counts its tasks in the spool, and
//! tells of the batches that this completes. Both are durable, or neither is.

use super::clerk::Clerk;
use super::prepare::{Prepared, Preparer};
use super::work::Work;
use crate::spool::{BatchCounts, SpoolError, SpoolTransaction, ToldBatch};
use std::time::Duration;

/// How long it waits before it asks the spool again for standstills when that failed.
const RETRY: Duration = Duration::from_secs(1);

/// When to look for batches that stand still.
#[derive(Debug)]
pub(super) struct StallTimer {
    due: Option<Duration>,
    /// A host that was down was not waited for.
    began_ms: i64,
}

impl StallTimer {
    /// Looks at once for what earlier runs left.
    pub(super) fn new(now: Duration, unix_ms: i64) -> StallTimer {
        StallTimer { due: Some(now), began_ms: unix_ms }
    }

    /// Looks at this time at the latest.
    pub(super) fn look_by(&mut self, at: Duration) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}

impl Work {
    /// Whether it has tasks of batches, which may end when it is written.
    pub(super) fn counts_batches(&self) -> bool {
        self.events.iter().any(|event| event.batch_task.is_some())
    }

    /// Counts its tasks in their batches; the second value is the batches that stand still.
    pub(super) fn count_in_batches(
        &self,
        batch: &mut SpoolTransaction<'_>,
        unix_ms: i64,
    ) -> Result<(BatchCounts, Vec<ToldBatch>), SpoolError> {
        let counts = if self.counts_batches() {
            let tasks = self.events.iter().filter_map(|event| event.batch_task.as_deref());
            batch.count_in_batches(tasks, unix_ms)?
        } else {
            BatchCounts::default()
        };
        let stalled = match self.stalled_since {
            Some(since) => batch.stalled_batches(since)?,
            None => Vec::new(),
        };
        Ok((counts, stalled))
    }
}

impl Preparer<'_> {
    /// The ends and standstills of these batches.
    pub(super) fn tell_of_batches(&mut self, ended: &[ToldBatch], stalled: &[ToldBatch]) -> Vec<Prepared> {
        let now = self.unix_ms;
        let mut events: Vec<Prepared> = ended.iter().map(|batch| self.end_batch(batch, now)).collect();
        events.extend(stalled.iter().map(|batch| self.stall_batch(batch, now)));
        events
    }
}

impl Clerk {
    /// When to look for batches that stand still, if anybody is to hear of them.
    pub(super) fn next_stall_look(&self) -> Option<Duration> {
        self.config.queue.batch_stall.and(self.stalls.due)
    }

    /// Lets the next transaction tell of batches that stand still, if there are any.
    pub(super) fn look_for_stalls(&mut self, now: Duration) {
        let Some(after) = self.config.queue.batch_stall else { return };
        if self.stalls.due.is_none_or(|due| due > now) {
            return;
        }
        let (unix_ms, after_ms) = (self.shared.clock.unix_ms(), after.as_millis() as i64);
        self.stalls.due = match self.spool.stillest_batch() {
            Ok(None) => None,
            Err(_) => Some(now + RETRY),
            Ok(Some(moved_at)) => {
                let wait = moved_at.max(self.stalls.began_ms) + after_ms - unix_ms;
                if wait <= 0 {
                    self.work.stalled_since = Some(unix_ms - after_ms);
                }
                Some(now + Duration::from_millis(wait.max(0) as u64))
            }
        };
    }

    /// The transaction is durable: queues whose ends waited for those of their batches end now.
    pub(super) fn follow_up_counts(&mut self, work: &Work, now: Duration) {
        if !work.counts_batches() {
            return;
        }
        if let Some(after) = self.config.queue.batch_stall {
            self.stalls.look_by(now + after);
        }
        self.end_queues(now);
        self.keep_counts();
        self.keep_shape();
    }

    /// Lets go of what tasks asked to be told at the end of their queue, where the end of their batch has told it:
    /// another instance may have done that.
    pub(super) fn release_told(&mut self) {
        let spool = &self.spool;
        // What cannot be read is told twice rather than never.
        self.tally.release_asked(|batch, key| spool.batch_has_told(batch, key).unwrap_or(false));
    }
}

#[cfg(test)]
mod tests;
