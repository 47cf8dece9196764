//! What the engine keeps of an endpoint over a restart, and what an operator changes in the spool.

use super::{Inner, Lane};
use crate::lanes::endpoint_health::{EndpointHealth, Pause};
use crate::lanes::job::Job;
use crate::lanes::relay_cycle::RelayCycle;
use std::sync::Arc;
use std::time::Duration;

/// An attempt in flight for so long, in milliseconds, is no usual one.
const HANGS_MS: i64 = 1000;

/// What waits behind a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub count: u64,
    pub reason: String,
    /// Whether they end with the process, because nothing is kept on disk.
    pub is_lost: bool,
}

impl Lane {
    /// Goes on with the health that an earlier run left.
    pub fn resume(&self, health: EndpointHealth) {
        let (now, unix_ms) = (self.clock.monotonic(), self.clock.unix_ms());
        let mut inner = self.lock();
        if let Some(quiet) = health.quiet {
            inner.paused_until = now + self.bounded(quiet.left(unix_ms));
        }
        if let Some(probe) = health.breaker {
            inner.breaker.resume(now + probe.left(unix_ms), probe.whole());
        }
        inner.health = health;
        inner.health_reported = health;
    }

    /// Replaces an earlier lane to the same endpoint: what that one sent counts for the rate, and what it knows of relays stays known.
    pub fn follow(&self, earlier: &Lane) {
        let now = self.clock.monotonic();
        let (mut inner, earlier) = (self.lock(), earlier.lock());
        inner.pace.resume(&earlier.pace);
        let timeline = earlier.relays.as_ref().and_then(RelayCycle::timeline);
        if let (Some(cycle), Some(timeline)) = (&mut inner.relays, timeline) {
            cycle.resume_timeline(timeline.to_owned(), now);
        }
    }

    /// The endpoint's health, if it has changed since the last call, with a quiet that is new; empty when all is
    /// good again.
    pub fn changed_health(&self) -> Option<(EndpointHealth, Option<Pause>)> {
        let mut inner = self.lock();
        let (before, health) = (inner.health_reported, inner.health);
        inner.health_reported = health;
        let new_quiet = health.quiet.filter(|quiet| before.quiet != Some(*quiet));
        (health != before).then_some((health, new_quiet))
    }

    /// The quiet that a receiver may ask for: no message outlives a longer one, and later ones would wait in vain.
    pub(super) fn bounded(&self, quiet: Duration) -> Duration {
        quiet.min(self.endpoint.retry.max_age)
    }

    /// Whether it is in a pause that the engine knows of: as its receiver asked, or behind the breaker.
    pub fn is_paused(&self) -> bool {
        let inner = self.lock();
        if inner.post_pause(self.clock.monotonic()).is_some() {
            return true;
        }
        let is_quiet = inner.health_reported.quiet.is_some() && inner.paused_until > self.clock.monotonic();
        is_quiet || inner.health_reported.breaker.is_some() && inner.breaker.is_open()
    }

    /// Ends the pause: what waits as the receiver asked is due now.
    pub fn end_pause(self: &Arc<Self>) {
        let (now, unix_ms) = (self.clock.monotonic(), self.clock.unix_ms());
        let mut inner = self.lock();
        inner.paused_until = now;
        if let Some(cycle) = &mut inner.relays {
            cycle.hurry(now);
            inner.queue.hurry(now, |_| true);
        }
        inner.throttled = false;
        inner.breaker.succeeded();
        inner.queue.hurry(now, |job| job.requested_waits > 0);
        inner.note_health(now, unix_ms);
        inner.health_reported = inner.health;
        drop(inner);
        self.ask_for_sender();
    }

    /// Makes these deliveries due now that wait for their next attempt.
    pub fn hurry(self: &Arc<Self>, is_meant: impl Fn(&Job) -> bool) {
        let now = self.clock.monotonic();
        self.lock().queue.hurry(now, is_meant);
        self.ask_for_sender();
    }

    /// Takes deliveries that ended elsewhere out of what waits. One in flight stays.
    pub fn forget(self: &Arc<Self>, is_meant: &dyn Fn(i64) -> bool) -> Vec<Job> {
        let forgotten = self.lock().queue.remove(is_meant);
        if !forgotten.is_empty() {
            self.ask_for_sender();
        }
        forgotten
    }

    pub fn waiting(&self) -> Vec<Job> {
        self.lock().queue.copies()
    }

    /// Whether the endpoint answered that it will never take anything again.
    pub fn is_gone(&self) -> bool {
        self.lock().gone.is_some()
    }

    /// The endpoint is tried again although it answered that it is gone.
    pub fn revive(&self) {
        self.lock().gone = None;
    }
}

impl Lane {
    /// What waits behind a failed attempt, or behind one that is not answered; `None` where all goes well.
    pub fn failing(&self) -> Option<Failing> {
        let inner = self.lock();
        let failed = inner.queue.jobs().any(|job| job.failures + job.requested_waits > 0);
        let now = self.clock.unix_ms();
        let hangs = inner.sending.first().is_some_and(|attempt| now - attempt.started_at >= HANGS_MS);
        let reason = match &inner.last_failure {
            Some(reason) => self.scrubber().scrub(reason),
            None if hangs => "the receiver did not answer in time".to_owned(),
            None => "an attempt of an earlier start failed".to_owned(),
        };
        let count = (inner.queue.len() + inner.in_flight) as u64;
        (failed || hangs).then(|| Failing { count, reason, is_lost: inner.queue.keeps_bodies() })
    }
}

impl Inner {
    pub(super) fn note_health(&mut self, now: Duration, unix_ms: i64) {
        let pause = |until: Duration, noted: Option<Pause>| {
            let seen = Pause::from(unix_ms, until.saturating_sub(now));
            noted.filter(|noted| noted.is_same(&seen)).unwrap_or(seen)
        };
        let probe = self.breaker.next_probe().map(|at| pause(at, self.health.breaker));
        let quiet = (self.paused_until > now).then(|| pause(self.paused_until, self.health.quiet));
        self.health = EndpointHealth { quiet, breaker: probe };
    }
}
