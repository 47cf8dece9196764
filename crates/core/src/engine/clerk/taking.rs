//! How the clerk takes events: out of its own ring, and out of those of dead processes.

use super::super::log::Level;
use super::super::shared::Phase;
use super::{Clerk, alert_state};
use crate::intake::Intake;
use std::path::Path;

impl Clerk {
    /// Takes what the rings of dead processes hold. A record that its process had spooled before it died
    /// is known by its id.
    pub(in super::super) fn adopt_orphans(&mut self, spool_file: &Path) {
        let report = Intake::adopt_orphans(spool_file, |instance, records| {
            let found = records.len();
            for mut record in records {
                record.ticket = 0;
                if !self.spool.knows(record.id).unwrap_or(false) {
                    let alert = self.shared.watchman.take_over(&self.shared, &record);
                    self.work.states.extend(alert.map(|kept| alert_state(&self.shared, kept)));
                    self.records.push_back(record);
                }
            }
            let text =
                format!("took {found} event(s) over from instance {instance}, which ended without closing");
            self.shared.log.write(Level::Info, &text);
            loop {
                self.prepare_records();
                self.end_queues(self.shared.clock.monotonic());
                // In the same transaction as the events: after that these are known, and not counted again.
                self.keep_counts();
                self.keep_shape();
                if !self.commit(Phase::Open) {
                    self.records.clear();
                    return false;
                }
                if self.records.is_empty() {
                    return true;
                }
            }
        });
        for trouble in report.troubles {
            self.shared.log.write(Level::Warn, &trouble);
        }
    }

    /// Reads on in the ring, unless something that was read is not prepared yet.
    pub(super) fn take_from_ring(&mut self) {
        if self.records.is_empty() {
            let mut records = Vec::from(std::mem::take(&mut self.records));
            self.shared.intake.read(self.batch_bytes, &mut records);
            self.records = records.into();
        }
        let read: usize = self.records.iter().map(|record| record.payload.len()).sum();
        self.prepare_records();
        self.is_full = read >= self.batch_bytes / 2 || !self.records.is_empty();
    }

    /// Everything up to this ticket is prepared.
    pub(super) fn taken_ticket(&self) -> u64 {
        let next = self.records.front().map(|record| record.ticket.saturating_sub(1));
        next.unwrap_or_else(|| self.shared.intake.read_ticket())
    }

    /// Gives the ring the room of what is in the spool back.
    pub(super) fn release(&self) {
        if self.records.is_empty() {
            self.shared.intake.release();
        }
    }

    /// Prepares what was read.
    fn prepare_records(&mut self) {
        let (now, unix_ms) = (self.shared.clock.monotonic(), self.shared.clock.unix_ms());
        while let Some(record) = self.records.pop_front() {
            let taken = self.prepare(unix_ms, |preparer| preparer.take(record, now));
            self.work.superseded.extend(taken.superseded);
            self.work.events.extend(taken.before);
            self.work.events.push(taken.event);
        }
    }
}
