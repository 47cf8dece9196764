//! How far an instance is on the way from open to closed.

use std::sync::atomic::{AtomicU8, Ordering};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    Open = 0,
    /// Accepts no events, and delivers what it can in the time left.
    Draining = 1,
    /// Time is up: undelivered messages stay in the spool.
    Stopping = 2,
    Ended = 3,
}

/// The present phase, shared by all threads.
#[derive(Debug, Default)]
pub struct PhaseCell(AtomicU8);

impl PhaseCell {
    pub fn get(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Open,
            1 => Phase::Draining,
            2 => Phase::Stopping,
            _ => Phase::Ended,
        }
    }

    /// Moves to a later phase, never back.
    pub fn advance(&self, phase: Phase) {
        self.0.fetch_max(phase as u8, Ordering::AcqRel);
    }
}
