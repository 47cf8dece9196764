//! When messages were sent, so that the rate of an endpoint holds over a restart, also after a crash.
//!
//! The engine writes the times with the attempts that they are of. What was sent and not written yet when a process dies
//! is bounded: a lane with a rate starts nothing while more attempts than a part of its rate wait to be written.
//! The next process counts as many as sent, as far as deliveries come back that may have been among them.

use super::Lane;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What is kept of the messages to an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentTimes {
    /// When messages were sent that still count for the rate, in Unix milliseconds; the oldest first.
    pub sent: Vec<i64>,
    /// Whether nothing was sent after that: the process ended in order.
    pub is_whole: bool,
}

impl Lane {
    /// What to keep of the messages that were sent; `None` where there is no rate, or nothing that outlives the process.
    /// `is_whole` when the process ends in order.
    pub fn sent_times(&self, is_whole: bool) -> Option<SentTimes> {
        if !self.keeps_pace {
            return None;
        }
        let now = self.clock.now();
        let inner = self.lock();
        let ages = inner.pace.ages(now.monotonic);
        let sent = ages.iter().map(|age| now.unix_ms - age.as_millis() as i64).collect();
        Some(SentTimes { sent, is_whole: is_whole && inner.in_flight == 0 && inner.unrecorded == 0 })
    }

    /// Counts what earlier processes sent. Where the last one crashed, what it may have sent besides is counted as its
    /// deliveries come back.
    pub fn resume_rate(&self, kept: &SentTimes, has_crashed: bool) {
        let now = self.clock.now();
        // A time in the future is one of a clock that was set back.
        let age = |sent: &i64| Duration::from_millis((now.unix_ms - sent).max(0) as u64);
        let mut inner = self.lock();
        inner.pace.restore(kept.sent.iter().map(age), now.monotonic);
        if has_crashed && !kept.is_whole && self.keeps_pace {
            inner.in_doubt = inner.pace.most_unrecorded() + 2 * self.endpoint.concurrency;
        }
    }

    /// Deliveries come back that a process which crashed may have sent.
    pub fn recover(&self, deliveries: usize) {
        let mut inner = self.lock();
        let doubtful = deliveries.min(inner.in_doubt);
        inner.in_doubt -= doubtful;
        let now = self.clock.monotonic();
        (0..doubtful).for_each(|_| inner.pace.take(now));
    }

    /// So many attempts are about to be reported. Called before they are.
    pub(in crate::lanes) fn note_reports(&self, attempts: usize) {
        if self.keeps_pace {
            self.lock().unrecorded += attempts;
        }
    }

    /// So many attempts that were reported are durable.
    pub fn recorded(self: &Arc<Self>, attempts: usize) {
        if !self.keeps_pace {
            return;
        }
        let mut inner = self.lock();
        // Those of a lane that this one replaced are among them.
        inner.unrecorded = inner.unrecorded.saturating_sub(attempts);
        let may_begin = inner.queue.len() > 0 && !inner.stopping && !self.is_full(&inner);
        drop(inner);
        if may_begin {
            self.ask_for_sender();
        }
    }
}
