//! The dispatcher: the one thread that moves events from the ring into the spool, and on into the lanes.
//!
//! The way of an event is one `turn`: ingest → decide → commit → release the ring → dispatch.
//! The order matters: the ring keeps an event until its transaction is durable. A lane gets a job after that, or
//! before, where the ring alone can bring it back (see [`EarlyDispatch`]); then the transaction stays open for a few
//! turns, until most of its deliveries have ended. Whatever kills the process in between, the event is in the ring, in
//! the spool, or in both, where its id tells.

use super::collect_reports::collect_reports;
use super::commit::{Committer, Transaction};
use super::decide::Decider;
use super::dispatch::{self, EarlyDispatch};
use super::endpoints;
use super::guarded_decision;
use super::housekeeping::Housekeeping;
use super::idle::Idle;
use super::ingest::Ingest;
use super::log::Level;
use super::parts::Parts;
use super::peers::Peers;
use super::phase::Phase;
use super::posted::PostedEvents;
use super::sending_marks::SendingMarks;
use super::supervise::missing_threads::MissingThreads;
use crate::clock::Moment;
use crate::spool::{DamagedFile, Spool, Store, transaction_bytes};
use std::sync::Arc;
use taskbell_ring::failpoint;

/// Events that are decided about before lanes get theirs.
const GROUP: usize = 32;

/// Owns everything that only this thread uses.
pub struct Dispatcher<S = Spool> {
    pub(super) parts: Arc<Parts>,
    pub(super) ingest: Ingest,
    pub(super) decider: Decider,
    pub(super) transaction: Transaction,
    pub(super) committer: Committer<S>,
    pub(super) early: EarlyDispatch,
    pub(super) peers: Peers,
    pub(super) housekeeping: Housekeeping,
    pub(super) idle: Idle,
    pub(super) missing_threads: MissingThreads,
    pub(super) sending_marks: SendingMarks,
    pub(super) posted: PostedEvents,
    /// A damaged spool that the start moved aside; it is read before anything else.
    pub(super) damaged: Option<DamagedFile>,
}

impl<S: Store> Dispatcher<S> {
    /// The way of events, once. `false` when the transaction could not be committed.
    pub(super) fn turn(&mut self, phase: Phase) -> bool {
        self.collect();
        let is_done = self.send_early(phase) || self.commit(phase);
        if self.transaction.is_empty() {
            endpoints::note_open_queues(&self.decider.config, &self.parts, self.decider.tally.is_at_work());
        }
        is_done
    }

    /// Gives deliveries to their lanes before they are in the spool. Whether the transaction stays open for them.
    fn send_early(&mut self, phase: Phase) -> bool {
        let now = self.parts.clock.now();
        if phase != Phase::Open || self.committer.retry_at.is_some() {
            return false;
        }
        self.early.send(&self.parts, &mut self.committer.spool, &mut self.transaction, now);
        let most = transaction_bytes(self.decider.config.spool.max_bytes);
        let window = match (&self.parts.relay, self.decider.is_in_memory()) {
            (Some(_), _) => EarlyDispatch::WINDOW_OF_POSTS,
            (None, true) => EarlyDispatch::WINDOW_IN_MEMORY,
            (None, false) => EarlyDispatch::WINDOW,
        };
        self.early.may_wait(&self.parts, &self.transaction, window, most)
    }

    /// Fills the transaction. Takes no event while the spool is full, and nothing while the last transaction
    /// has not succeeded.
    pub(super) fn collect(&mut self) {
        self.ingest.skip();
        if self.committer.retry_at.is_some() {
            return;
        }
        let now = self.parts.clock.now();
        if !self.parts.spool_health.is_full() {
            if !self.early.is_enough() {
                self.ingest.read(self.early.read_bytes());
                let states = self.posted.read(&mut self.ingest, &mut self.decider, &self.parts, now);
                self.transaction.states.extend(states);
            }
            while self.decide_events(GROUP) {
                self.send_decided();
            }
            self.keep_decisions();
            self.end_due(now);
            let is_last = self.parts.phase.get() >= Phase::Draining && self.decider.is_in_memory();
            let spool = &self.committer.spool;
            // A spool that cannot say so does not silence it.
            let went_on = |id: &str| spool.batch_went_on(id).unwrap_or(false);
            self.decider.shaping.release_late_batches(now.unix_ms, went_on);
            self.decider.close_windows(now, is_last);
            let escalation = self.committer.waiting_fallbacks.next_due;
            self.transaction.fallback_due = escalation.is_some_and(|at| at <= now.unix_ms);
            self.transaction.taken_ticket = self.ingest.taken_ticket();
        }
        self.keep_decisions();
        let marks = self.committer.has_file.then_some(&mut self.sending_marks);
        let (early, config) = (&mut self.early, &self.decider.config);
        collect_reports(&self.parts, config, early, marks, &mut self.transaction, now);
    }

    /// Decides about the next events, at most so many. Whether more are to be decided in this transaction.
    pub(super) fn decide_events(&mut self, events: usize) -> bool {
        // Later than the time that ends are due by, so that an end without delay counts in the next round.
        let now = self.parts.clock.now();
        let most = transaction_bytes(self.decider.config.spool.max_bytes).saturating_sub(self.early.bytes());
        let mut bytes = 0;
        for _ in 0..events {
            if bytes >= most {
                return false;
            }
            let next = match self.posted.next(&mut self.ingest, &self.committer.spool) {
                Ok(Some(next)) => next,
                Ok(None) => return false,
                Err(error) => {
                    self.committer.could_not_read(&error, now);
                    return false;
                }
            };
            bytes += guarded_decision::decide(&mut self.decider, next, &self.parts, now);
            self.parts.note_step();
        }
        true
    }

    /// Lets lanes begin with what is decided, while the next events are decided about.
    fn send_decided(&mut self) {
        self.keep_decisions();
        let phase = self.parts.phase.get();
        self.send_early(phase);
    }

    /// Ends queues that are due. The ends of their batches come first, and the present transaction may find some.
    pub(super) fn end_due(&mut self, now: Moment) {
        self.committer.find_silent_batches(&self.decider, &mut self.transaction, now);
        if self.transaction.counts_batches() {
            return;
        }
        if self.decider.tally.next_due().is_some_and(|due| due <= now.monotonic) {
            self.committer.release_asked(&mut self.decider);
        }
        self.decider.end_due(now);
    }

    /// Moves the decisions into the transaction.
    pub(super) fn keep_decisions(&mut self) {
        let mut decisions = self.decider.take_decisions();
        self.parts.counters.add_decisions(decisions.counts);
        decisions.remarks.iter().for_each(|remark| self.parts.log.write(Level::Warn, remark));
        self.transaction.add(&mut decisions);
        self.decider.reuse(decisions);
    }

    /// Makes the transaction durable, and does what follows. `false` when that failed.
    pub(super) fn commit(&mut self, phase: Phase) -> bool {
        // With the events that changed them; only now, because most change again until then.
        self.transaction.add_changes(&mut self.decider, self.parts.intake.instance());
        if self.transaction.is_empty() {
            // Records of the ring that hold no event leave room, too.
            self.posted.release(&self.ingest, &self.parts);
            return true;
        }
        let (now, is_last) = (self.parts.clock.now(), phase == Phase::Stopping);
        let committed = self.committer.commit(&mut self.transaction, &mut self.decider, now, is_last);
        let Some(committed) = committed else { return false };
        self.ingest.set_commit_time(self.parts.clock.monotonic() - now.monotonic);
        self.early.committed(&self.parts);
        self.parts.lanes.reports.recorded();
        self.posted.release(&self.ingest, &self.parts);
        failpoint::reach("after-ring-release");
        let transaction = std::mem::take(&mut self.transaction);
        self.housekeeping.wrote(transaction.bytes());
        self.committer.refresh_fallbacks(&transaction);
        if transaction.counts_batches() {
            self.end_queues_after_batches(now);
        }
        dispatch::publish(&self.parts, &self.decider.config, transaction, committed);
        self.idle.worked(now.monotonic);
        true
    }

    /// Ends queues whose ends waited for those of their batches, which are durable now.
    fn end_queues_after_batches(&mut self, now: Moment) {
        self.committer.note_counted_batches(&self.decider, now);
        self.end_due(now);
        self.keep_decisions();
    }
}
