//! The clerk's part in shaping: windows that are due, and what shaping remembers in the spool.

use super::super::shared::Phase;
use super::super::work::Work;
use super::Clerk;
use crate::config::SpoolPath;

impl Clerk {
    /// Whether nothing survives the end of this bell.
    pub(super) fn forgets(&self) -> bool {
        self.config.spool.path == SpoolPath::Memory
    }

    /// Windows of digests that are due. At the end of a bell that forgets, even in quiet hours.
    pub(super) fn end_windows(&mut self) {
        let now = self.shared.clock.unix_ms();
        let last = self.forgets() && self.shared.phase() >= Phase::Draining;
        let due = self.shape.due(&self.config, now, last);
        let digests: Vec<_> =
            self.prepare(now, |preparer| due.iter().map(|window| preparer.digest(window)).collect());
        self.work.events.extend(digests);
        self.work.call_due = self.standing_by.1.is_some_and(|at| at <= now);
    }

    /// What shaping remembers goes into the transaction of the events that changed it.
    pub(in super::super) fn keep_shape(&mut self) {
        self.work.keep_shape(&mut self.shape, self.shared.intake.instance());
    }

    pub(super) fn look_who_stands_by(&mut self, work: &Work) {
        let mut made = work.events.iter().flat_map(|event| &event.deliveries);
        if work.standing_by || made.any(|delivery| !delivery.reserves.is_empty()) {
            self.standing_by = self.spool.standing_by().unwrap_or((true, self.standing_by.1));
        }
    }
}
