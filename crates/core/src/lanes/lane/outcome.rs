//! What the end of an attempt changes: for its deliveries, for what waits, and for the endpoint.

use super::Lane;
use crate::clock::Moment;
use crate::event::EventId;
use crate::lanes::coalesce;
use crate::lanes::job::Job;
use crate::lanes::report::{Disposition, LaneReport};
use crate::lanes::schedule::{self, DeliveryHistory, RetryDecision};
use crate::platform::Outcome;
use crate::spool::AttemptRow;
use std::time::Duration;

impl Lane {
    /// An attempt is over: decides what follows for each of its deliveries, and reports it. Without an outcome
    /// a shutdown cut it off, and they wait on.
    pub(in crate::lanes) fn settle(&self, jobs: Vec<Job>, outcome: Option<Outcome>, row: AttemptRow) {
        let now = self.clock.now();
        let Some(outcome) = outcome else { return self.put_back(jobs, now.monotonic) };
        let (counted, outcome) = (HistoryStep::of(&outcome), self.note(&jobs, outcome, now));
        let rows = coalesce::rows(row, &jobs);
        self.note_reports(rows.len());
        let mut waiting = Vec::new();
        for (mut job, mut row) in jobs.into_iter().zip(rows) {
            let (disposition, due) = self.disposition(&job, &outcome, counted, now);
            if let Disposition::Again(at) = disposition {
                row.next_at = Some(at);
                waiting.push(Job {
                    attempts: job.attempts + 1,
                    failures: job.failures + counted.failures,
                    requested_waits: job.requested_waits + counted.requested_waits,
                    due,
                    ..job.clone()
                });
            }
            job.body = None;
            let endpoint = self.endpoint.name.clone();
            self.sink.report(LaneReport::Attempt { endpoint, job, row, disposition });
        }
        if !waiting.is_empty() {
            self.requeue(waiting);
        }
        // Now another attempt may begin: what comes later must not overtake what waits.
        self.lock().in_flight -= 1;
        if let Outcome::Gone(reason) = outcome {
            self.close_for_good(&reason);
        }
    }

    /// Notes what an outcome says about the endpoint. One that requests a wait again right after one gets a longer one
    /// where its platform is known to punish.
    fn note(&self, jobs: &[Job], outcome: Outcome, now: Moment) -> Outcome {
        let Moment { monotonic: now, unix_ms } = now;
        let mut inner = self.lock();
        let requests_wait = matches!(outcome, Outcome::RetryAfter(..));
        let again = std::mem::replace(&mut inner.throttled, requests_wait);
        let outcome = match outcome {
            Outcome::RetryAfter(wait, reason) if again => {
                Outcome::RetryAfter(wait.max(self.endpoint.platform.description().penalty), reason)
            }
            outcome => outcome,
        };
        match &outcome {
            Outcome::Delivered
            | Outcome::Final(_)
            | Outcome::Gone(_)
            | Outcome::Degrade(..)
            | Outcome::Moved(..) => {
                if inner.breaker.is_open() {
                    inner.ramp.begin(now);
                }
                inner.breaker.succeeded();
            }
            Outcome::Retry(_) => {
                inner.ramp.failed();
                jobs.iter().take(1).for_each(|job| inner.breaker.failed(job.seq, now));
            }
            Outcome::RetryAfter(wait, _) => {
                // It holds for everything that waits for the endpoint.
                inner.paused_until = inner.paused_until.max(now + self.bounded(*wait));
                inner.breaker.abandoned();
                let from = inner.paused_until;
                inner.ramp.begin(from);
            }
        }
        inner.last_failure = match &outcome {
            Outcome::Retry(reason) | Outcome::RetryAfter(_, reason) => Some(reason.to_string()),
            _ => None,
        };
        inner.note_health(now, unix_ms);
        outcome
    }

    /// What follows for a delivery, and when its next attempt is due.
    fn disposition(
        &self,
        job: &Job,
        outcome: &Outcome,
        counted: HistoryStep,
        now: Moment,
    ) -> (Disposition, Duration) {
        let history = DeliveryHistory {
            failures: (job.failures + counted.failures) as usize,
            requested_waits: job.requested_waits + counted.requested_waits,
            age: Duration::from_millis((now.unix_ms - job.created_at).max(0) as u64),
        };
        let disposition = match schedule::next(&self.endpoint.retry, outcome, history, counted.jitter) {
            RetryDecision::Delivered => Disposition::Delivered,
            RetryDecision::Dead(reason) => Disposition::Dead(self.scrubber().scrub(&reason)),
            RetryDecision::Again(wait) => {
                // One that will be stale by then ends when it is.
                let left = job.expires_at.map(|at| Duration::from_millis((at - now.unix_ms).max(0) as u64));
                let wait = left.map_or(wait, |left| wait.min(left));
                let at = now.unix_ms + wait.as_millis() as i64;
                return (Disposition::Again(at), now.monotonic + wait);
            }
        };
        (disposition, Duration::ZERO)
    }

    /// The receiver gets the message once more at once, changed as `remark` says: logs the attempt, and counts
    /// the next one.
    pub(in crate::lanes) fn log_retry_at_once(&self, jobs: &mut [Job], remark: &str, mut row: AttemptRow) {
        let now = self.clock.unix_ms();
        {
            let mut inner = self.lock();
            inner.breaker.succeeded();
            inner.pace.take(self.clock.monotonic());
        }
        let reason = row.error.take().unwrap_or_default();
        row.error = Some(format!("{reason}; {remark}"));
        row.next_at = Some(now);
        let rows = coalesce::rows(row, jobs);
        self.note_reports(rows.len());
        for (job, row) in jobs.iter_mut().zip(rows) {
            let (endpoint, disposition) = (self.endpoint.name.clone(), Disposition::Again(now));
            self.sink.report(LaneReport::Attempt { endpoint, job: job.clone(), row, disposition });
            job.attempts += 1;
        }
    }

    /// Nothing was attempted.
    pub(in crate::lanes) fn release(&self) {
        let mut inner = self.lock();
        inner.in_flight -= 1;
        inner.breaker.abandoned();
    }

    /// Nothing was attempted, and these wait until `due`.
    pub(in crate::lanes) fn put_back(&self, jobs: Vec<Job>, due: Duration) {
        self.let_wait(jobs, due);
        self.release();
    }

    /// These were not a part of what is in flight, and wait until `due`.
    pub(in crate::lanes) fn let_wait(&self, jobs: impl IntoIterator<Item = Job>, due: Duration) {
        self.requeue(jobs.into_iter().map(|job| Job { due, ..job }).collect());
    }

    pub(super) fn requeue(&self, jobs: Vec<Job>) {
        let mut inner = self.lock();
        if inner.retired {
            drop(inner);
            for job in jobs {
                let endpoint = self.endpoint.name.clone();
                self.sink.report(LaneReport::Returned { endpoint, job });
            }
            return;
        }
        let older: Vec<_> = jobs.into_iter().filter_map(|job| inner.queue.put(job)).collect();
        drop(inner);
        self.supersede(older);
    }

    /// A newer state of a living message waits, that of the event `by`.
    pub(in crate::lanes) fn supersede(&self, older: Vec<(Job, EventId)>) {
        for (job, by) in older {
            let endpoint = self.endpoint.name.clone();
            self.sink.report(LaneReport::Superseded { endpoint, job, by });
        }
    }

    /// A state of a living message whose turn it is not: what the attempt would have used is free for others.
    pub(in crate::lanes) fn let_pass(&self, jobs: Vec<Job>, wait: Duration) {
        self.lock().pace.give_back();
        self.put_back(jobs, self.clock.monotonic() + wait);
    }

    /// The delivery becomes a dead letter without an attempt.
    pub(in crate::lanes) fn drop_job(&self, job: Job, reason: &str) {
        let endpoint = self.endpoint.name.clone();
        self.sink.report(LaneReport::Dropped { endpoint, job, reason: reason.to_owned() });
    }

    /// The endpoint is gone: nothing is tried any more, and what waits is dead.
    fn close_for_good(&self, reason: &str) {
        let reason = format!("the endpoint is gone: {}", self.scrubber().scrub(reason));
        let waiting = {
            let mut inner = self.lock();
            if inner.retired {
                // Its replacement may have another address, and finds out by itself.
                return;
            }
            inner.gone = Some(reason.clone());
            inner.queue.drain()
        };
        self.sink.report(LaneReport::Gone { endpoint: self.endpoint.name.clone(), reason: reason.clone() });
        waiting.into_iter().for_each(|job| self.drop_job(job, &reason));
    }

    /// The chat that replaced the configured one, if the platform said so in this run.
    pub(in crate::lanes) fn moved_to(&self) -> Option<i64> {
        self.lock().moved_to
    }

    pub(in crate::lanes) fn move_to(&self, chat: i64) {
        self.lock().moved_to = Some(chat);
    }

    /// A file follows a message that is about to be settled: the lane is not quiet until it is sent.
    pub(in crate::lanes) fn begin_follow_up(&self) {
        self.lock().following_up += 1;
    }

    pub(in crate::lanes) fn end_follow_up(&self) {
        self.lock().following_up -= 1;
    }

    /// A request that follows a delivered message is logged, and uses the rate where it `is_message`. A wait that its
    /// answer requests is kept, and an endpoint that is gone is closed.
    pub(in crate::lanes) fn log_follow_up(
        &self,
        row: AttemptRow,
        outcome: Option<Outcome>,
        is_message: bool,
    ) {
        let now = self.clock.monotonic();
        let mut inner = self.lock();
        if is_message {
            inner.pace.take(now);
        }
        if let Some(Outcome::RetryAfter(wait, _)) = &outcome {
            inner.paused_until = inner.paused_until.max(now + self.bounded(*wait));
            inner.note_health(now, self.clock.unix_ms());
        }
        drop(inner);
        self.note_reports(1);
        self.sink.report(LaneReport::FollowUp { endpoint: self.endpoint.name.clone(), row });
        if let Some(Outcome::Gone(reason)) = outcome {
            self.close_for_good(&reason);
        }
    }
}

/// What an attempt adds to the history of each of its deliveries.
#[derive(Debug, Clone, Copy)]
struct HistoryStep {
    failures: u32,
    requested_waits: u32,
    /// From 0 to 1; one for a whole summary, so that it comes back together.
    jitter: f64,
}

impl HistoryStep {
    fn of(outcome: &Outcome) -> HistoryStep {
        let (failures, requested_waits) = (
            u32::from(matches!(outcome, Outcome::Retry(_))),
            u32::from(matches!(outcome, Outcome::RetryAfter(..))),
        );
        let jitter = match failures + requested_waits {
            0 => 0.0,
            // A system call, which a delivered message does without.
            _ => getrandom::u64().unwrap_or_default() as f64 / u64::MAX as f64,
        };
        HistoryStep { failures, requested_waits, jitter }
    }
}
