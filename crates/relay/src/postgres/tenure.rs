//! Whether a relay that took the lease may go on: decided by what it sees and when, without a clock or a connection of its own.

use std::time::{Duration, Instant};

/// The part of its time after which a leader no longer trusts itself, of ten: clocks may differ in their speed.
const TRUSTED_TENTHS: u32 = 8;

/// The time in which a relay leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Larger than that of every leader before.
    pub epoch: i64,
    trusted_until: Instant,
}

impl Term {
    /// Of a lease that was asked for at `asked`, by the clock of this machine, and that holds for `time`.
    pub fn new(epoch: i64, asked: Instant, time: Duration) -> Term {
        Term { epoch, trusted_until: asked + time * TRUSTED_TENTHS / 10 }
    }

    /// Whether it certainly still leads. What it sends after that, another may send, too.
    pub fn is_trusted(&self, now: Instant) -> bool {
        now < self.trusted_until
    }
}

/// What a request to renew the lease came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// It holds for another term.
    Renewed(Term),
    /// Another relay leads.
    Deposed,
    /// Nobody knows, and the connection is gone.
    Unanswered,
}

/// A relay in office, from the lease that it took until it loses it.
#[derive(Debug)]
pub struct Tenure {
    time: Duration,
    term: Term,
    is_sure: bool,
    // Of the dispatcher, and when they were last others.
    steps: u64,
    moved_at: Instant,
}

impl Tenure {
    /// Begins with this term of a lease that holds for `time`.
    pub fn new(term: Term, time: Duration, now: Instant) -> Tenure {
        Tenure { time, term, is_sure: true, steps: 0, moved_at: now }
    }

    pub fn term(&self) -> &Term {
        &self.term
    }

    /// Until when it certainly leads, unless it sees anything else; `None` when nobody knows.
    pub fn trusted_until(&self) -> Option<Instant> {
        self.is_sure.then_some(self.term.trusted_until)
    }

    /// Whether the lease may be renewed now. Whoever sees that the session is gone may lead already; and a leader whose
    /// dispatcher, once it has one, made no step for the time of a lease does not stay in office.
    pub fn may_renew(&mut self, session_lasts: bool, steps: Option<u64>, now: Instant) -> bool {
        self.is_sure &= session_lasts;
        let Some(steps) = steps else { return true };
        if steps != self.steps {
            (self.steps, self.moved_at) = (steps, now);
        }
        now.saturating_duration_since(self.moved_at) < self.time
    }

    /// Goes on with what the request came to.
    pub fn answer(&mut self, renewal: Renewal) {
        if let Renewal::Renewed(term) = renewal {
            self.term = term;
        }
        self.is_sure = matches!(renewal, Renewal::Renewed(_));
    }
}

#[cfg(test)]
mod tests;
