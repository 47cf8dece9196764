//! How the clerk rests, and how it ends.

use super::super::log::Level;
use super::super::shared::Phase;
use super::super::work::{NOBODY, alert_key};
use super::{Clerk, SPOOL_PAUSE};
use crate::spool::SpoolError;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// How long it sleeps while the spool is full: only what ends makes room.
const FULL_PAUSE: Duration = Duration::from_millis(100);

/// How long the clerk waits, after the end, for the host to let go of the bell.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the clerk dozes between two looks while events flow: half of what a group commit may take,
/// and more.
const TICK: Duration = Duration::from_millis(10);

impl Clerk {
    /// Rests for as long as nothing is to be done; says whether that was deep sleep.
    pub(super) fn rest(&self, phase: Phase) -> bool {
        let now = self.shared.clock.monotonic();
        let nap = match self.retry_at {
            Some(at) => Some(at.saturating_sub(now).min(SPOOL_PAUSE)),
            // A burst: what waits in the ring is next, and lanes wait for it.
            None if phase == Phase::Open && self.is_full => return false,
            None if phase != Phase::Open || now < self.busy_until => Some(TICK),
            None if self.shared.spool_full.load(Ordering::Acquire) => Some(FULL_PAUSE),
            None => None,
        };
        if let Some(nap) = nap {
            self.shared.bed.doze(nap);
            return false;
        }
        let unix_ms = self.shared.clock.unix_ms();
        let shaped = [self.shape.next_due(), self.standing_by.1].into_iter().flatten().min();
        let shaped = shaped.map(|at| now + Duration::from_millis((at - unix_ms).clamp(0, 60_000) as u64));
        let armed = self.shared.watchman.arm(&self.shared);
        let stall = self.next_stall_look();
        let due = [self.tally.next_due(), stall, armed, Some(self.prune_at), self.watch.next_look(), shaped];
        let limit = due.into_iter().flatten().min().map(|due| due.saturating_sub(now));
        self.spool.rest();
        self.shared.bed.sleep(limit, || self.shared.has_work());
        true
    }

    /// Leaves alerts that fire to the next start, which may come before this instance counts as dead.
    fn leave_alerts(&mut self) -> Result<(), SpoolError> {
        let own = alert_key(self.shared.intake.instance(), "");
        let states = self.spool.states(&own)?;
        if states.is_empty() {
            return Ok(());
        }
        let mut batch = self.spool.begin()?;
        for (key, kept) in states {
            batch.put_state(&alert_key(NOBODY, &key[own.len()..]), Some(&kept))?;
            batch.put_state(&key, None)?;
        }
        batch.commit()
    }

    /// Leaves the spool so that the next start takes over at once.
    pub(super) fn end(mut self) {
        if let Err(error) = self.leave_alerts().and_then(|()| self.spool.release()) {
            let text = format!("the spool could not be left in order; the next start mends it: {error}");
            self.shared.log.write(Level::Warn, &text);
        }
        // Before the writer: the last one to leave the file tidies up, and a reader may not.
        self.shared.replace_reader(None, &HashMap::new());
        self.shared.bed.deafen();
        self.call_others();
        self.spool.close();
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
