//! Commits transactions, retries failed ones, and recovers a spool whose file was lost or damaged.

use super::transaction::{Committed, Transaction};
use crate::clock::Moment;
use crate::engine::decide::{Decider, Decisions};
use crate::engine::log::Level;
use crate::engine::parts::Parts;
use crate::engine::shared_batches::BatchTimer;
use crate::engine::spool_recovery;
use crate::shaping::ShapingState;
use crate::spool::{Batch, BatchNews, FileFault, SpoolError, SpoolErrorKind, Store};
use crate::tally::Tally;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use taskbell_ring::failpoint;

/// Between two attempts to commit.
const RETRY: Duration = Duration::from_secs(1);

/// Owns the spool.
pub struct Committer<S> {
    pub spool: S,
    pub stalls: BatchTimer,
    pub batch_progress: BatchTimer,
    pub has_file: bool,
    pub parts: Arc<Parts>,
    pub waiting_fallbacks: WaitingFallbacks,
    pub retry_at: Option<Duration>,
}

/// The fallbacks and escalations in the spool that wait for other deliveries.
#[derive(Debug, Clone, Copy)]
pub struct WaitingFallbacks {
    pub any: bool,
    /// When the first escalation is due, in Unix milliseconds.
    pub next_due: Option<i64>,
}

impl WaitingFallbacks {
    pub fn read(spool: &impl Store) -> Result<WaitingFallbacks, SpoolError> {
        spool.waiting_fallbacks().map(|(any, next_due)| WaitingFallbacks { any, next_due })
    }
}

impl<S: Store> Committer<S> {
    /// Makes a transaction durable. `None` when that failed, or is not to be tried again yet.
    pub fn commit(
        &mut self,
        transaction: &mut Transaction,
        decider: &mut Decider,
        now: Moment,
        is_last: bool,
    ) -> Option<Committed> {
        if self.retry_at.is_some_and(|at| now.monotonic < at) && !is_last {
            return None;
        }
        transaction.has_fallbacks = self.waiting_fallbacks.any;
        match self.transact_or_recover(transaction, decider, now) {
            Ok(committed) => {
                self.retry_at = None;
                decider.tally.usuals.settled();
                self.parts.spool_health.succeeded();
                Some(committed)
            }
            Err(error) => {
                self.retry_after(now);
                if let (SpoolErrorKind::Deposed, Some(relay)) = (error.kind(), &self.parts.relay) {
                    relay.is_deposed.store(true, Ordering::Relaxed);
                }
                self.parts.counters.spool_errors.one();
                self.parts.spool_health.failed(&error);
                None
            }
        }
    }

    /// Pauses before the next attempt.
    pub fn retry_after(&mut self, now: Moment) {
        self.retry_at = Some(now.monotonic + RETRY);
    }

    /// Ends the pause after a fault, once it is over and there is nothing to write: then only the next question shows
    /// whether the spool answers again.
    pub fn ask_again(&mut self, has_something_to_write: bool) {
        let now = self.parts.clock.now().monotonic;
        self.retry_at = self.retry_at.filter(|at| has_something_to_write || now < *at);
    }

    /// The spool could not be read: the transaction waits.
    pub fn could_not_read(&mut self, error: &SpoolError, now: Moment) {
        self.parts.spool_health.failed(error);
        self.retry_after(now);
    }

    /// The time until the next attempt, if the last one failed.
    pub fn retry_in(&self, now: Duration) -> Option<Duration> {
        self.retry_at.map(|at| at.saturating_sub(now).min(RETRY))
    }

    /// Writes to a file that was deleted or replaced would be lost, so that is checked first.
    fn transact_or_recover(
        &mut self,
        transaction: &mut Transaction,
        decider: &mut Decider,
        now: Moment,
    ) -> Result<Committed, SpoolError> {
        if let Some(cause) = self.file_fault() {
            self.recover(cause, transaction, decider)?;
        }
        match self.transact(transaction, decider, now) {
            Err(fault) if fault.kind() == SpoolErrorKind::Corrupt && self.has_file => {
                self.recover(FileFault::Damaged, transaction, decider)?;
                self.transact(transaction, decider, now)
            }
            committed => committed,
        }
    }

    /// Writes the transaction, and what it makes of batches. When that fails, the decisions about batches are
    /// undone: the next attempt counts again, with what other instances have counted meanwhile.
    pub fn transact(
        &mut self,
        transaction: &mut Transaction,
        decider: &mut Decider,
        now: Moment,
    ) -> Result<Committed, SpoolError> {
        failpoint::reach("before-transaction");
        let extent = transaction.extent();
        let mut before = None;
        let committed = self.write_and_commit(transaction, decider, now, &mut before);
        if let (Err(_), Some((tally, shaping))) = (&committed, before) {
            transaction.truncate(extent);
            (decider.tally, decider.shaping) = (tally, shaping);
        }
        committed
    }

    fn write_and_commit(
        &mut self,
        transaction: &mut Transaction,
        decider: &mut Decider,
        now: Moment,
        before: &mut Option<(Tally, ShapingState)>,
    ) -> Result<Committed, SpoolError> {
        let mut batch = self.spool.begin()?;
        let counts = transaction.count_in_batches(&mut batch, now.unix_ms)?;
        let mut decisions = Decisions::default();
        if counts.is_news() {
            *before = Some((decider.tally.clone(), decider.shaping.clone()));
            decider.report_batches(&counts, now);
            decisions = decider.take_decisions();
            transaction.add(&mut decisions);
            transaction.add_changes(decider, self.parts.intake.instance());
        }
        transaction.supersede(&self.parts.lanes);
        transaction.join_usuals(&mut batch, &mut decider.tally.usuals)?;
        let committed = transaction.write(&mut batch, now)?;
        failpoint::reach("before-commit");
        batch.commit()?;
        failpoint::reach("after-commit");
        let remarks = counts.remarks.into_iter().chain(decisions.remarks).collect();
        Ok(Committed { remarks, counts: decisions.counts, ..committed })
    }

    /// Another connection has met damage in the file.
    pub fn note_damage(&mut self) {
        if let Some(spool) = self.spool.file() {
            spool.note_damage();
        }
    }

    /// Whether damage was met since the file was opened.
    pub fn is_damaged(&mut self) -> bool {
        self.spool.file().is_some_and(|spool| spool.is_damaged())
    }

    fn file_fault(&mut self) -> Option<FileFault> {
        self.spool.file()?.file_fault()
    }

    /// Recreates the spool if its file is not the one that was opened. A failure is logged, and the next
    /// transaction tries again.
    pub fn recover_if_faulty(&mut self, transaction: &mut Transaction, decider: &mut Decider) {
        if let Some(cause) = self.file_fault()
            && let Err(error) = self.recover(cause, transaction, decider)
        {
            self.retry_after(self.parts.clock.now());
            self.parts.log.write(Level::Error, &format!("the spool cannot be recovered: {error}"));
        }
    }

    /// Recreates the spool, and writes into it what the former file holds and what is in memory.
    fn recover(
        &mut self,
        cause: FileFault,
        transaction: &mut Transaction,
        decider: &mut Decider,
    ) -> Result<(), SpoolError> {
        let Some(spool) = self.spool.file() else { return Ok(()) };
        spool_recovery::recreate(spool, cause, &self.parts)?;
        let rows = &self.parts.lanes.reports;
        transaction.renumber_early(spool, rows)?;
        transaction.lane_reports.iter_mut().for_each(|report| rows.name_present_row(report));
        self.parts.counters.spool_renewed.one();
        decider.tally.touch_all();
        decider.shaping.touch_all();
        transaction.add_changes(decider, self.parts.intake.instance());
        self.waiting_fallbacks = WaitingFallbacks::read(&self.spool)?;
        Ok(())
    }

    /// Has the transaction report batches that made no progress, and the progress of those of which nobody heard.
    pub fn find_silent_batches(&mut self, decider: &Decider, transaction: &mut Transaction, now: Moment) {
        let Committer { stalls, batch_progress, spool, .. } = self;
        if let Some(after) = decider.config.queue.batch_stall {
            let stalled = stalls.look(|| spool.batch_waits_since(BatchNews::Standstill), after, now);
            transaction.stalled_since = transaction.stalled_since.or(stalled);
        }
        if let Some(interval) = decider.batch_progress() {
            let untold = batch_progress.look(|| spool.batch_waits_since(BatchNews::Progress), interval, now);
            transaction.untold_since = transaction.untold_since.or(untold);
        }
    }

    /// Looks for silent batches again in time, since tasks of batches were counted just now.
    pub fn note_counted_batches(&mut self, decider: &Decider, now: Moment) {
        if let Some(after) = decider.config.queue.batch_stall {
            self.stalls.look_by(now.monotonic + after);
        }
        if let Some(interval) = decider.batch_progress() {
            self.batch_progress.look_by(now.monotonic + interval);
        }
    }

    /// Forgets what tasks asked for at the end of their queue, where the end of their batch has sent it: another
    /// instance may have done that. What cannot be read is sent twice rather than never.
    pub fn release_asked(&self, decider: &mut Decider) {
        let has_sent = |batch: &str, task: &str| self.spool.batch_has_told(batch, task).unwrap_or(false);
        decider.tally.release_asked(has_sent);
    }

    /// Looks up the waiting fallbacks again if this transaction may have changed them.
    pub fn refresh_fallbacks(&mut self, transaction: &Transaction) {
        let mut deliveries = transaction.events.iter().flat_map(|event| &event.deliveries);
        if transaction.has_fallbacks || deliveries.any(|delivery| !delivery.fallbacks.is_empty()) {
            let next_due = self.waiting_fallbacks.next_due;
            let read = WaitingFallbacks::read(&self.spool);
            self.waiting_fallbacks = read.unwrap_or(WaitingFallbacks { any: true, next_due });
        }
    }
}
