//! The lane of a node to the relays of its farm: when the next post begins, with which events, and what its answer
//! changes.

use super::{Inner, Lane, NextStep};
use crate::clock::Moment;
use crate::lanes::job::Job;
use crate::lanes::relay_cycle::{Forgotten, PostPause, RelayCycle};
use crate::lanes::report::{Disposition, LaneReport};
use crate::spool::AttemptRow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// What a post came to.
pub(in crate::lanes) enum PostResult {
    /// On this history of a database, if the relay leads on one.
    Taken(Option<String>),
    /// Nothing of the post, before what the relay lacks.
    SendAgain(Forgotten, String),
    /// Of these events each is dead, for this reason, and the others go in another post.
    Refused(HashMap<i64, String>),
    TooLarge(String),
    Wait(Duration, String),
    Unauthorized(String),
    Elsewhere(String),
}

impl Lane {
    /// Whether the node has open queues: then the relay hears of it also without events.
    pub fn set_at_work(self: &Arc<Self>, works: bool) {
        let mut inner = self.lock();
        let Some(cycle) = inner.relays.as_mut().filter(|cycle| cycle.is_at_work() != works) else { return };
        cycle.set_at_work(works);
        drop(inner);
        if works {
            self.ask_for_sender();
        }
    }

    /// The place of the relay that is next, how many events wait, those of the post that has begun left out, and the
    /// history of the relays' database that the node knows.
    pub(in crate::lanes) fn next_relay(&self) -> (usize, usize, Option<String>) {
        let inner = self.lock();
        let timeline = inner.relays.as_ref().and_then(|cycle| cycle.timeline().map(str::to_owned));
        (inner.relays.as_ref().map_or(0, RelayCycle::relay), inner.queue.len(), timeline)
    }

    /// Goes on with a history of the relays' database, which the spool has.
    pub fn resume_timeline(self: &Arc<Self>, timeline: String) {
        let now = self.clock.monotonic();
        if let Some(cycle) = self.lock().relays.as_mut() {
            cycle.resume_timeline(timeline, now);
            cycle.hurry(now);
        }
        self.ask_for_sender();
    }

    /// The history that the spool is to keep, once; before what was posted on it is written as delivered.
    pub fn changed_timeline(&self) -> Option<String> {
        self.lock().relays.as_mut().and_then(RelayCycle::changed_timeline)
    }

    /// What a relay lacks, until [`Lane::resume_timeline`].
    pub fn forgotten(&self) -> Option<Forgotten> {
        self.lock().relays.as_ref().and_then(|cycle| cycle.forgotten().cloned())
    }

    /// A post is over. The events that it carried are delivered or dead, or wait for the next one.
    pub(in crate::lanes) fn settle_post(&self, jobs: Vec<Job>, result: PostResult, row: AttemptRow) {
        let now = Moment { monotonic: self.clock.monotonic(), unix_ms: self.clock.unix_ms() };
        let (mut ended, mut waiting) = (Vec::new(), Vec::new());
        let mut failed = None;
        let mut inner = self.lock();
        if let Some(cycle) = &mut inner.relays {
            match result {
                PostResult::Taken(timeline) => {
                    cycle.took(now.monotonic);
                    if !jobs.is_empty() {
                        cycle.took_on(timeline, now.monotonic);
                    }
                    ended.extend(jobs.into_iter().map(|job| (job, Disposition::Delivered)));
                }
                PostResult::Refused(mut reasons) => {
                    cycle.took(now.monotonic);
                    for job in jobs {
                        match reasons.remove(&job.seq) {
                            Some(reason) => ended.push((job, Disposition::Dead(reason))),
                            None => waiting.push(job),
                        }
                    }
                }
                PostResult::SendAgain(forgotten, reason) => {
                    cycle.asked_to_resend(forgotten, now.monotonic);
                    (waiting, failed) = (jobs, Some(reason));
                    self.sink.has_news();
                }
                PostResult::TooLarge(reason) => match jobs.as_slice() {
                    [] => cycle.failed(now.monotonic),
                    // Nothing is left to halve.
                    [_] => ended.extend(jobs.into_iter().map(|job| (job, Disposition::Dead(reason.clone())))),
                    several => {
                        cycle.halve(several.len());
                        waiting = jobs;
                    }
                },
                PostResult::Wait(wait, reason) => {
                    cycle.asked_to_wait(wait, now.monotonic);
                    (waiting, failed) = (jobs, Some(reason));
                }
                PostResult::Unauthorized(reason) => {
                    cycle.unauthorized(now.monotonic);
                    (waiting, failed) = (jobs, Some(reason));
                }
                PostResult::Elsewhere(reason) => {
                    cycle.failed(now.monotonic);
                    (waiting, failed) = (jobs, Some(reason));
                }
            }
            let due = cycle.not_before();
            waiting.iter_mut().for_each(|job| job.due = due);
            // A sign of life has no row to be recorded in.
            let is_news = |reason: &String| !waiting.is_empty() && cycle.is_news(reason, now.monotonic);
            let is_news = failed.as_ref().is_some_and(is_news);
            inner.last_failure.clone_from(&failed);
            drop(inner);
            if let (Some(first), true) = (waiting.first_mut(), is_news) {
                // Only this one of the post: hours of outage would fill the outbox with attempts of all.
                let next_at = Some(now.unix_ms + due.saturating_sub(now.monotonic).as_millis() as i64);
                let row =
                    AttemptRow { delivery: first.seq, number: first.attempts + 1, next_at, ..row.clone() };
                (first.attempts, first.failures) = (first.attempts + 1, first.failures + 1);
                self.sink.report(LaneReport::FollowUp { endpoint: self.endpoint.name.clone(), row });
            }
        }
        for (mut job, disposition) in ended {
            job.body = None;
            let (delivery, number) = (job.seq, job.attempts + 1);
            // Whoever waits until it was tried waits until the relay has it.
            job.attempts = 0;
            let row = AttemptRow { delivery, number, next_at: None, ..row_of(&row, &disposition) };
            let endpoint = self.endpoint.name.clone();
            self.sink.report(LaneReport::Attempt { endpoint, job, row, disposition });
        }
        if !waiting.is_empty() {
            self.requeue(waiting);
        }
        // Now the next post may begin: what comes later must not overtake what waits.
        self.lock().in_flight -= 1;
    }
}

/// The row of an event that ended with a post.
fn row_of(row: &AttemptRow, disposition: &Disposition) -> AttemptRow {
    let (outcome, error) = match disposition {
        Disposition::Dead(reason) => ("final", Some(reason.clone())),
        Disposition::Delivered | Disposition::Again(_) => ("delivered", None),
    };
    AttemptRow { outcome, error, response: None, ..row.clone() }
}

impl Inner {
    /// The next step towards a relay: one post at a time, in the order of the events.
    pub(super) fn next_post(&mut self, now: Duration) -> NextStep {
        let Some(cycle) = self.relays.as_ref().filter(|_| self.in_flight == 0) else { return NextStep::Idle };
        let events = self.queue.next_due().map(|due| due.max(cycle.not_before()));
        let Some(start) = events.into_iter().chain(cycle.sign_of_life_due()).min() else {
            return NextStep::Idle;
        };
        if start > now {
            return NextStep::Wait(start - now);
        }
        let most = cycle.most_events();
        let mut jobs = Vec::new();
        while jobs.len() < most && self.queue.any_due(now) {
            jobs.extend(self.queue.take());
        }
        self.in_flight += 1;
        NextStep::Post(jobs)
    }

    /// The state of a lane to relays that does not send; `None` when it may.
    pub(super) fn post_pause(&self, now: Duration) -> Option<PostPause> {
        self.relays.as_ref()?.pause(now)
    }
}
