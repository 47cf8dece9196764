//! What the clerk does to a lane besides filling it: it keeps how we stand with the endpoint, and follows
//! what an operator did in the spool.

use super::super::Job;
use super::super::endpoint_health::{EndpointHealth, Rest};
use super::{Lane, State};
use std::time::Duration;

impl Lane {
    /// Goes on as an earlier run stood with this endpoint.
    pub fn resume(&self, standing: EndpointHealth) {
        let (now, unix_ms) = (self.clock.monotonic(), self.clock.unix_ms());
        let mut state = self.lock();
        if let Some(quiet) = standing.quiet {
            state.paused_until = now + quiet.left(unix_ms);
        }
        if let Some(probe) = standing.breaker {
            state.breaker.resume(now + probe.left(unix_ms), probe.whole());
        }
        state.standing = standing;
        state.standing_told = standing;
    }

    /// Takes the place of an earlier lane to the same endpoint: what that one sent counts for the rate.
    pub fn follow(&self, earlier: &Lane) {
        self.lock().pace.resume(&earlier.lock().pace);
    }

    /// How we stand with the endpoint, if that has changed since the last question; nothing in it when
    /// all is good again.
    pub fn changed_standing(&self) -> Option<EndpointHealth> {
        let mut state = self.lock();
        let changed = state.standing != state.standing_told;
        state.standing_told = state.standing;
        changed.then_some(state.standing)
    }

    /// Takes these deliveries out of what waits, because they ended elsewhere. One in flight stays.
    pub fn forget(&self, meant: impl Fn(i64) -> bool) -> Vec<Job> {
        let forgotten = self.lock().line.remove(meant);
        if !forgotten.is_empty() {
            self.changed.notify_all();
        }
        forgotten
    }

    /// What waits, without disturbing it.
    pub fn waiting(&self) -> Vec<Job> {
        self.lock().line.jobs().cloned().collect()
    }

    /// Whether the endpoint said that it will never take anything again.
    pub fn is_gone(&self) -> bool {
        self.lock().gone.is_some()
    }

    /// The endpoint is to be tried again although it said that it is gone.
    pub fn revive(&self) {
        self.lock().gone = None;
    }
}

impl State {
    /// Writes down how we stand with the endpoint.
    pub(super) fn note_standing(&mut self, now: Duration, unix_ms: i64) {
        let rest = |until: Duration, noted: Option<Rest>| {
            let seen = Rest::from(unix_ms, until.saturating_sub(now));
            noted.filter(|noted| noted.is_same(&seen)).unwrap_or(seen)
        };
        let probe = self.breaker.next_probe().map(|at| rest(at, self.standing.breaker));
        let quiet = (self.paused_until > now).then(|| rest(self.paused_until, self.standing.quiet));
        self.standing = EndpointHealth { quiet, breaker: probe };
    }
}
