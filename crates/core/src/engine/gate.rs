//! The gate before intake: closing waits for the calls that are inside, and they never wait.

use std::sync::atomic::{AtomicUsize, Ordering};

const CLOSED: usize = 1 << (usize::BITS - 1);

/// Counts the calls inside; once closed it lets nobody in.
#[derive(Debug, Default)]
pub struct Gate {
    inside: AtomicUsize,
}

/// A call inside the gate.
#[derive(Debug)]
pub struct Pass<'a>(&'a Gate);

impl Gate {
    /// Goes in; `None` when the gate is closed.
    pub fn enter(&self) -> Option<Pass<'_>> {
        let before = self.inside.fetch_add(1, Ordering::Acquire);
        let pass = Pass(self);
        (before & CLOSED == 0).then_some(pass)
    }

    /// Lets nobody in any more. `false` when it was closed already.
    pub fn close(&self) -> bool {
        self.inside.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED == 0
    }

    /// Whether it is closed and nobody is inside.
    pub fn is_empty(&self) -> bool {
        self.inside.load(Ordering::Acquire) == CLOSED
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_gate_lets_nobody_in_and_knows_who_is_inside() {
        let gate = Gate::default();
        let inside = gate.enter().unwrap();
        assert!(gate.close());
        assert!(!gate.close());
        assert!(gate.enter().is_none());
        assert!(!gate.is_empty());
        drop(inside);
        assert!(gate.is_empty());
    }
}
