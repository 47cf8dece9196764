//! The progress of this run's events by ticket: `wait`, `sync` and `flush` wait on it.

use crate::engine::lock::lock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OpenDeliveries {
    total: u32,
    untried: u32,
}

#[derive(Debug, Default)]
struct ProgressState {
    spooled: u64,
    open: BTreeMap<u64, OpenDeliveries>,
    closed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitError {
    Timeout,
    Closed,
}

/// Written by the dispatcher, awaited by host threads.
#[derive(Debug, Default)]
pub struct Progress {
    state: Mutex<ProgressState>,
    changed: Condvar,
    /// Threads that wait for the spool, and all that wait.
    await_spooled: AtomicUsize,
    awaiting: AtomicUsize,
}

/// A group of changes.
pub struct ProgressUpdate<'a> {
    progress: &'a Progress,
    state: MutexGuard<'a, ProgressState>,
}

impl Progress {
    /// Begins a group of changes; waiters see it when it is dropped.
    pub fn update(&self) -> ProgressUpdate<'_> {
        ProgressUpdate { progress: self, state: lock(&self.state) }
    }

    /// Waits until everything up to this ticket is in the spool.
    pub fn await_spooled(&self, ticket: u64, limit: Duration) -> Result<(), WaitError> {
        self.await_spooled.fetch_add(1, Ordering::Relaxed);
        let spooled = self.await_state(limit, |state| state.spooled >= ticket);
        self.await_spooled.fetch_sub(1, Ordering::Relaxed);
        spooled
    }

    /// Whether a thread waits for any progress.
    pub fn is_awaited(&self) -> bool {
        self.awaiting.load(Ordering::Relaxed) > 0
    }

    /// Whether a thread waits for events to be in the spool.
    pub fn is_spooling_awaited(&self) -> bool {
        self.await_spooled.load(Ordering::Relaxed) > 0
    }

    /// Waits until every delivery of the event with this ticket has ended.
    pub fn await_ended(&self, ticket: u64, limit: Duration) -> Result<(), WaitError> {
        self.await_state(limit, |state| state.spooled >= ticket && !state.open.contains_key(&ticket))
    }

    /// Waits until all deliveries up to this ticket, and of earlier runs, have been tried once.
    pub fn await_tried(&self, ticket: u64, limit: Duration) -> Result<(), WaitError> {
        self.await_state(limit, |state| {
            state.spooled >= ticket && state.open.range(..=ticket).all(|(_, open)| open.untried == 0)
        })
    }

    fn await_state(&self, limit: Duration, done: impl Fn(&ProgressState) -> bool) -> Result<(), WaitError> {
        self.awaiting.fetch_add(1, Ordering::Relaxed);
        let end = self.await_until(limit, done);
        self.awaiting.fetch_sub(1, Ordering::Relaxed);
        end
    }

    fn await_until(&self, limit: Duration, done: impl Fn(&ProgressState) -> bool) -> Result<(), WaitError> {
        let deadline = Instant::now() + limit;
        let mut state = lock(&self.state);
        loop {
            if done(&state) {
                return Ok(());
            }
            if state.closed {
                return Err(WaitError::Closed);
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return Err(WaitError::Timeout);
            };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl ProgressUpdate<'_> {
    /// Everything up to this ticket is in the spool.
    pub fn spooled(&mut self, ticket: u64) {
        self.state.spooled = self.state.spooled.max(ticket);
    }

    /// The event with this ticket has this many deliveries, none of them tried.
    pub fn adds(&mut self, ticket: u64, deliveries: u32) {
        self.adds_tried(ticket, deliveries, deliveries);
    }

    /// As [`ProgressUpdate::adds`], with `untried` of them not tried yet.
    pub fn adds_tried(&mut self, ticket: u64, deliveries: u32, untried: u32) {
        if deliveries > 0 {
            let open = self.state.open.entry(ticket).or_insert(OpenDeliveries { total: 0, untried: 0 });
            open.total += deliveries;
            open.untried += untried;
        }
    }

    /// A delivery of this event was tried for the first time.
    pub fn tried(&mut self, ticket: u64) {
        if let Some(open) = self.state.open.get_mut(&ticket) {
            open.untried = open.untried.saturating_sub(1);
        }
    }

    /// A delivery of this event has ended; `tried` when it was tried before.
    pub fn ended(&mut self, ticket: u64, tried: bool) {
        if let Some(open) = self.state.open.get_mut(&ticket) {
            open.total = open.total.saturating_sub(1);
            open.untried = open.untried.saturating_sub(u32::from(!tried));
            if open.total == 0 {
                self.state.open.remove(&ticket);
            }
        }
    }

    /// Nothing more will happen.
    pub fn closed(&mut self) {
        self.state.closed = true;
    }
}

impl Drop for ProgressUpdate<'_> {
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
        assert_eq!(progress.await_ended(5, NOW), Err(WaitError::Timeout), "not spooled yet");
        {
            let mut update = progress.update();
            update.adds(5, 2);
            update.spooled(7);
        }
        assert_eq!(progress.await_ended(5, NOW), Err(WaitError::Timeout));
        assert_eq!(progress.await_ended(7, NOW), Ok(()), "nothing to deliver");
        progress.update().tried(5);
        assert_eq!(progress.await_tried(7, NOW), Err(WaitError::Timeout));
        progress.update().ended(5, false);
        assert_eq!(progress.await_tried(7, NOW), Ok(()));
        assert_eq!(progress.await_ended(5, NOW), Err(WaitError::Timeout));
        progress.update().ended(5, true);
        assert_eq!(progress.await_ended(5, NOW), Ok(()));
        progress.update().adds_tried(0, 2, 1);
        progress.update().tried(0);
        assert_eq!(progress.await_tried(7, NOW), Ok(()), "what an earlier run tried is tried");
        progress.update().closed();
        assert_eq!(progress.await_spooled(8, Duration::from_secs(60)), Err(WaitError::Closed));
    }
}
