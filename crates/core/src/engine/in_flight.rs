//! Counts the host's calls in flight, so that closing can wait for them; the calls themselves never wait.

use std::sync::atomic::{AtomicUsize, Ordering};

const CLOSED: usize = 1 << (usize::BITS - 1);

/// The number of calls in flight, and whether new ones are refused.
#[derive(Debug, Default)]
pub struct InFlight {
    calls: AtomicUsize,
}

pub struct Call<'a>(&'a InFlight);

impl InFlight {
    /// Begins a call; `None` once closed.
    pub fn enter(&self) -> Option<Call<'_>> {
        let before = self.calls.fetch_add(1, Ordering::Acquire);
        let call = Call(self);
        (before & CLOSED == 0).then_some(call)
    }

    /// Refuses new calls. `false` when they were refused already.
    pub fn close(&self) -> bool {
        self.calls.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED == 0
    }

    pub fn is_closed(&self) -> bool {
        self.calls.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Whether new calls are refused and none is in flight.
    pub fn is_empty(&self) -> bool {
        self.calls.load(Ordering::Acquire) == CLOSED
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Release);
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
}
