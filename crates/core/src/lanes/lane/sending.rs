//! The attempts in flight, so that those which last can be shown to an operator.

use super::Lane;
use crate::lanes::job::Job;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendingAttempt {
    /// The number of each of its deliveries, several in a summary, and of the delivery's attempt.
    pub deliveries: Vec<(i64, u32)>,
    /// When it began, in Unix milliseconds.
    pub started_at: i64,
    /// When it began, by the monotonic clock.
    pub since: Duration,
}

impl Lane {
    /// The attempts in flight, the oldest first.
    pub fn sending(&self) -> Vec<SendingAttempt> {
        self.lock().sending.clone()
    }

    pub(in crate::lanes) fn begin_sending(&self, jobs: &[Job], started_at: i64) {
        let deliveries = jobs.iter().map(|job| (job.seq, job.attempts + 1)).collect();
        let since = self.clock.monotonic();
        self.lock().sending.push(SendingAttempt { deliveries, started_at, since });
        self.sink.attempt_begins();
    }

    /// The attempt of these deliveries has ended. Called before it is reported.
    pub(in crate::lanes) fn end_sending(&self, jobs: &[Job]) {
        let first = jobs.first().map(|job| job.seq);
        self.lock()
            .sending
            .retain(|attempt| attempt.deliveries.first().map(|(delivery, _)| *delivery) != first);
    }
}
