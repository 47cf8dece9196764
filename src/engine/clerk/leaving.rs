//! The clerk's end: what it leaves to the next start.

use super::super::log::Level;
use super::super::shared::Phase;
use super::super::work::{NOBODY, SHAPE, TALLY, alert_key};
use super::{Clerk, PATIENCE};
use crate::spool::SpoolError;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

impl Clerk {
    /// Leaves alerts that fire to the next start, which may come before this instance counts as dead.
    fn leave_alerts(&mut self) -> Result<(), SpoolError> {
        let own = alert_key(self.shared.intake.instance(), "");
        let states = self.spool.states(&own)?;
        if states.is_empty() {
            return Ok(());
        }
        let mut batch = self.spool.batch()?;
        for (key, kept) in states {
            batch.put_state(&alert_key(NOBODY, &key[own.len()..]), Some(&kept))?;
            batch.put_state(&key, None)?;
        }
        batch.commit()
    }

    /// Counts and windows are nobody's from now on, though the ring may be held a little longer.
    fn leave(&mut self) -> Result<(), SpoolError> {
        let instance = self.shared.intake.instance();
        let mut batch = self.spool.batch()?;
        for kind in [TALLY, SHAPE] {
            batch.rename_states(&format!("{kind}{instance}/"), &format!("{kind}{instance}-closed/"))?;
        }
        batch.commit()
    }

    /// Leaves the spool so that the next start takes over at once.
    pub(super) fn end(mut self) {
        let left = self.leave_alerts().and_then(|()| self.leave());
        if let Err(error) = left.and_then(|()| self.spool.release()) {
            let text = format!("the spool could not be left in order; the next start mends it: {error}");
            self.shared.log.write(Level::Warn, &text);
        }
        drop(self.spool);
        // A thread that is still inside a call may yet add an event: then the ring is this instance's until
        // that thread is out.
        if self.shared.gate.is_empty() {
            self.shared.intake.leave();
        }
        self.shared.progress.update().closed();
        self.shared.advance(Phase::Ended);
        // Giving up the ring waits for the file system, which is nothing for a host's thread: so this one
        // leaves last.
        let patience = self.shared.clock.monotonic() + PATIENCE;
        while Arc::strong_count(&self.shared) > 1 && self.shared.clock.monotonic() < patience {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
