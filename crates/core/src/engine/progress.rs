//! How far the events of this run have come: what `wait`, `sync` and `flush` wait for.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is left to do for one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    /// Deliveries that have not ended.
    deliveries: u32,
    /// Of these, deliveries that have not been tried.
    untried: u32,
}

#[derive(Debug, Default)]
struct State {
    spooled: u64,
    left: BTreeMap<u64, Left>,
    closed: bool,
}

/// Why a wait ended without what it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Time was up.
    Timeout,
    /// The bell was closed.
    Closed,
}

/// What the clerk has done, by ticket.
#[derive(Debug, Default)]
pub struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

/// Changes that the clerk makes in one go.
#[derive(Debug)]
pub struct Update<'a> {
    progress: &'a Progress,
    state: MutexGuard<'a, State>,
}

impl Progress {
    /// Starts a change; waiters see it when it is dropped.
    pub fn update(&self) -> Update<'_> {
        Update { progress: self, state: self.lock() }
    }

    /// Waits until everything up to this ticket is in the spool.
    pub fn await_spooled(&self, ticket: u64, limit: Duration) -> Result<(), Cut> {
        self.await_state(limit, |state| state.spooled >= ticket)
    }

    /// Waits until every delivery of the event with this ticket has ended.
    pub fn await_ended(&self, ticket: u64, limit: Duration) -> Result<(), Cut> {
        self.await_state(limit, |state| state.spooled >= ticket && !state.left.contains_key(&ticket))
    }

    /// Waits until everything up to this ticket has been tried once, earlier runs included.
    pub fn await_tried(&self, ticket: u64, limit: Duration) -> Result<(), Cut> {
        self.await_state(limit, |state| {
            state.spooled >= ticket && state.left.range(..=ticket).all(|(_, left)| left.untried == 0)
        })
    }

    fn await_state(&self, limit: Duration, done: impl Fn(&State) -> bool) -> Result<(), Cut> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if done(&state) {
                return Ok(());
            }
            if state.closed {
                return Err(Cut::Closed);
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return Err(Cut::Timeout);
            };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Update<'_> {
    /// Everything up to this ticket is in the spool.
    pub fn spooled(&mut self, ticket: u64) {
        self.state.spooled = self.state.spooled.max(ticket);
    }

    /// The event with this ticket has so many deliveries to make, none of them tried.
    pub fn owes(&mut self, ticket: u64, deliveries: u32) {
        self.owes_of_which(ticket, deliveries, deliveries);
    }

    /// As [`Update::owes`], with `untried` of them not tried yet.
    pub fn owes_of_which(&mut self, ticket: u64, deliveries: u32, untried: u32) {
        if deliveries > 0 {
            let left = self.state.left.entry(ticket).or_insert(Left { deliveries: 0, untried: 0 });
            left.deliveries += deliveries;
            left.untried += untried;
        }
    }

    /// A delivery of this event was tried for the first time.
    pub fn tried(&mut self, ticket: u64) {
        if let Some(left) = self.state.left.get_mut(&ticket) {
            left.untried = left.untried.saturating_sub(1);
        }
    }

    /// A delivery of this event has ended; `tried` when it was tried before.
    pub fn ended(&mut self, ticket: u64, tried: bool) {
        if let Some(left) = self.state.left.get_mut(&ticket) {
            left.deliveries = left.deliveries.saturating_sub(1);
            left.untried = left.untried.saturating_sub(u32::from(!tried));
            if left.deliveries == 0 {
                self.state.left.remove(&ticket);
            }
        }
    }

    /// Nothing more will happen.
    pub fn closed(&mut self) {
        self.state.closed = true;
    }
}

impl Drop for Update<'_> {
    fn drop(&mut self) {
        self.progress.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn a_wait_ends_when_every_delivery_has_and_a_flush_when_each_was_tried() {
        let progress = Progress::default();
        assert_eq!(progress.await_ended(5, NOW), Err(Cut::Timeout), "not spooled yet");
        {
            let mut update = progress.update();
            update.owes(5, 2);
            update.spooled(7);
        }
        assert_eq!(progress.await_ended(5, NOW), Err(Cut::Timeout));
        assert_eq!(progress.await_ended(7, NOW), Ok(()), "nothing to deliver");
        progress.update().tried(5);
        assert_eq!(progress.await_tried(7, NOW), Err(Cut::Timeout));
        progress.update().ended(5, false);
        assert_eq!(progress.await_tried(7, NOW), Ok(()));
        assert_eq!(progress.await_ended(5, NOW), Err(Cut::Timeout));
        progress.update().ended(5, true);
        assert_eq!(progress.await_ended(5, NOW), Ok(()));
        progress.update().owes_of_which(0, 2, 1);
        progress.update().tried(0);
        assert_eq!(progress.await_tried(7, NOW), Ok(()), "what an earlier run tried is tried");
        progress.update().closed();
        assert_eq!(progress.await_spooled(8, Duration::from_secs(60)), Err(Cut::Closed));
    }
}
