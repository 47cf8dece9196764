//! Counts the host's calls: those in flight, so that closing can wait for them, and the events they brought. The calls
//! themselves never wait.
//!
//! A call also learns from its counter whether the dispatcher sleeps deeply. Both change the same word in one step each, so
//! one of them comes second and sees the other: a call needs no fence, which costs more than the copy of its event.

use std::sync::atomic::{AtomicU64, Ordering};
use taskbell_ring::apart::Striped;

/// In each part of the counter: set once new calls are refused. Below it are the calls in flight.
const CLOSED: u64 = 1 << 24;
/// Set while the dispatcher sleeps deeply. Above it are the events.
const ASLEEP: u64 = CLOSED << 1;
const EVENT: u64 = ASLEEP << 1;
const CALLS: u64 = CLOSED - 1;

/// The number of calls in flight, whether new ones are refused, and the number of accepted events.
#[derive(Debug, Default)]
pub struct InFlight {
    calls: Striped,
}

pub struct Call<'a> {
    calls: &'a AtomicU64,
}

impl InFlight {
    /// Begins a call; `None` once closed.
    pub fn enter(&self) -> Option<Call<'_>> {
        let calls = self.calls.mine();
        let before = calls.fetch_add(1, Ordering::Acquire);
        let call = Call { calls };
        (before & CLOSED == 0).then_some(call)
    }

    /// Refuses new calls. `false` when they were refused already.
    pub fn close(&self) -> bool {
        let open = self.calls.all().map(|calls| calls.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED == 0);
        // The first part decides between two that close at once.
        open.fold(None, |first, open| first.or(Some(open))).unwrap_or(false)
    }

    pub fn is_closed(&self) -> bool {
        self.calls.all().any(|calls| calls.load(Ordering::Acquire) & CLOSED != 0)
    }

    /// Whether new calls are refused and none is in flight.
    pub fn is_empty(&self) -> bool {
        self.calls.all().all(|calls| calls.load(Ordering::Acquire) & (CALLS | CLOSED) == CLOSED)
    }

    /// The events that ended calls have brought.
    pub fn events(&self) -> u64 {
        self.calls.all().map(|calls| calls.load(Ordering::Relaxed) / EVENT).sum()
    }

    /// The dispatcher falls asleep. Events of calls that have ended can be seen after this; those that end later wake it.
    pub fn fall_asleep(&self) {
        for calls in self.calls.all() {
            calls.fetch_or(ASLEEP, Ordering::AcqRel);
        }
    }

    /// The dispatcher is awake.
    pub fn awake(&self) {
        for calls in self.calls.all() {
            calls.fetch_and(!ASLEEP, Ordering::Relaxed);
        }
    }
}

impl Call<'_> {
    /// Ends a call that has brought an event. Whether the dispatcher is to be woken for it.
    pub fn end_with_event(self) -> bool {
        let before = self.calls.fetch_add(EVENT - 1, Ordering::AcqRel);
        std::mem::forget(self);
        before & ASLEEP != 0
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.calls.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_calls_are_refused_once_closed_and_earlier_ones_counted() {
        let in_flight = InFlight::default();
        let call = in_flight.enter().unwrap();
        assert!(in_flight.close());
        assert!(!in_flight.close());
        assert!(in_flight.enter().is_none());
        assert!(in_flight.is_closed() && !in_flight.is_empty());
        drop(call);
        assert!(in_flight.is_empty());
    }

    #[test]
    fn events_of_all_threads_are_counted_and_refusals_are_not() {
        let in_flight = InFlight::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for turn in 0..100 {
                        let call = in_flight.enter().unwrap();
                        if turn % 2 == 0 {
                            call.end_with_event();
                        } else {
                            drop(call);
                        }
                    }
                });
            }
        });
        assert_eq!(in_flight.events(), 1000);
        assert!(in_flight.close() && in_flight.is_empty());
        assert_eq!(in_flight.events(), 1000);
    }

    #[test]
    fn a_call_that_ends_while_the_dispatcher_sleeps_wakes_it_and_no_other_does() {
        let in_flight = InFlight::default();
        assert!(!in_flight.enter().unwrap().end_with_event());
        in_flight.fall_asleep();
        assert!(in_flight.enter().unwrap().end_with_event());
        assert!(!in_flight.is_closed());
        in_flight.awake();
        assert!(!in_flight.enter().unwrap().end_with_event());
        in_flight.fall_asleep();
        assert!(in_flight.close() && in_flight.is_empty());
        assert_eq!(in_flight.events(), 3);
    }
}
