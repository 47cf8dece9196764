//! The dispatcher: the one thread that moves events from the ring into the spool, and on into the lanes.
//!
//! The way of an event is one [`Dispatcher::turn`]: ingest → decide → commit → release the ring → dispatch.
//! The order matters: the ring keeps an event until its transaction is durable, and a lane gets a job only
//! after that. Whatever kills the process in between, the event is in the ring, in the spool, or in both, where
//! its id tells.

use super::commit::{Committed, Committer, Transaction, alert_key};
use super::decide::Decider;
use super::dispatch::Dispatch;
use super::housekeeping::Housekeeping;
use super::idle::{Idle, Rest, by_monotonic};
use super::ingest::Ingest;
use super::log::Level;
use super::parts::Parts;
use super::peers::Peers;
use super::phase::Phase;
use super::{company, endpoints, supervise};
use crate::clock::Moment;
use crate::failpoint;
use crate::intake::{Intake, Record};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Owns everything that only this thread uses.
#[derive(Debug)]
pub struct Dispatcher {
    pub(super) parts: Arc<Parts>,
    pub(super) ingest: Ingest,
    pub(super) decider: Decider,
    pub(super) transaction: Transaction,
    pub(super) committer: Committer,
    pub(super) dispatch: Dispatch,
    pub(super) peers: Peers,
    pub(super) housekeeping: Housekeeping,
    pub(super) idle: Idle,
}

impl Dispatcher {
    /// Works until the instance stops. Runs on a thread of its own.
    pub fn run(mut self) {
        self.parts.waker.attach_this_thread();
        if let Some(file) = self.peers.spool_file.clone() {
            self.adopt_orphans(&file);
        }
        self.parts.alerts.start();
        loop {
            match panic::catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(true) => {}
                Ok(false) => {
                    let Dispatcher { parts, committer, peers, .. } = self;
                    return supervise::leave::leave(parts, committer.spool, peers.spool_file.as_deref());
                }
                Err(_) => self.survive_panic(),
            }
        }
    }

    /// One round. `false` after the last one.
    fn turn(&mut self) -> bool {
        let phase = self.parts.phase.get();
        self.supervise(phase);
        self.collect();
        let committed = self.commit(phase);
        if phase == Phase::Stopping {
            return false;
        }
        let idle = committed
            && self.transaction.is_empty()
            && self.ingest.is_empty()
            && self.parts.intake.is_drained();
        if phase == Phase::Draining && idle && self.decider.holds_nothing() {
            self.parts.drained.store(true, Ordering::Release);
        }
        let config = Arc::clone(&self.decider.config);
        if committed {
            self.housekeeping.limit_size(&mut self.committer.spool, &self.parts, &config);
        }
        if idle {
            self.housekeeping.prune(&mut self.committer.spool, &self.parts, &config);
        }
        self.rest(phase);
        true
    }

    /// Applies a new configuration, lets time pass for alerts, hurries what waits at the end, and looks after
    /// other instances on the spool.
    fn supervise(&mut self, phase: Phase) {
        if let Some(reload) = self.parts.reload.take() {
            self.decider.config = supervise::reload::apply(&self.parts, &mut self.transaction, reload);
        }
        if phase == Phase::Open {
            self.parts.alerts.tick();
        }
        if phase >= Phase::Draining {
            self.decider.hurry(self.parts.clock.unix_ms());
        }
        // After what was read already.
        if phase == Phase::Open && self.is_settled() && self.ingest.is_empty() {
            self.look_after_peers();
        }
        if phase == Phase::Stopping {
            self.parts.alerts.leave();
        }
    }

    /// Whether nothing is half done.
    pub(super) fn is_settled(&self) -> bool {
        self.committer.retry_at.is_none() && self.transaction.is_empty()
    }

    pub(super) fn look_after_peers(&mut self) {
        let Some(file) = self.peers.due(&self.parts) else { return };
        self.committer.recover_if_adrift(&mut self.transaction, &mut self.decider);
        let taken = self.peers.take_over(&self.parts, &mut self.committer, &mut self.decider);
        if let Err(error) = taken {
            let text = format!("the spool's other instances cannot be taken over yet: {error}");
            self.parts.log.write(Level::Warn, &text);
        }
        self.adopt_orphans(&file);
        Intake::sweep(&file);
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
            self.ingest.read();
            self.decide_events();
            self.end_due(now);
            let is_last = self.parts.phase.get() >= Phase::Draining && self.decider.is_in_memory();
            self.decider.close_windows(now, is_last);
            let escalation = self.committer.waiting_fallbacks.next_due;
            self.transaction.fallback_due = escalation.is_some_and(|at| at <= now.unix_ms);
            self.transaction.taken_ticket = self.ingest.taken_ticket();
        }
        self.keep_decisions();
        let alerts = self.parts.alerts.changes(self.transaction.taken_ticket);
        let instance = self.parts.intake.instance();
        let alerts = alerts.into_iter().map(|(name, state)| (alert_key(instance, &name), state));
        self.transaction.states.extend(alerts);
        self.transaction.lane_reports = self.parts.lanes.reports.take();
        let changed = endpoints::changed_states(
            &self.decider.config,
            &self.parts.lanes,
            &self.transaction.lane_reports,
        );
        self.transaction.states.extend(changed);
    }

    fn decide_events(&mut self) {
        // Later than the time that ends are due by, so that an end without delay counts in the next round.
        let now = self.parts.clock.now();
        while let Some(event) = self.ingest.next_event() {
            if self.decider.must_wait(&event) {
                return self.ingest.postpone(event);
            }
            self.decider.take(event, now);
        }
    }

    pub(super) fn end_due(&mut self, now: Moment) {
        let Committer { company, spool, instance, .. } = &mut self.committer;
        company::hear_of_parts(company, &mut self.decider, spool, instance, now);
        self.decider.end_due(now);
    }

    /// Moves the decisions, and the counts and shaping they changed, into the transaction.
    pub(super) fn keep_decisions(&mut self) {
        let mut decisions = self.decider.take_decisions();
        self.parts.counters.add_decisions(decisions.counts);
        decisions.remarks.iter().for_each(|remark| self.parts.log.write(Level::Warn, remark));
        self.transaction.add(&mut decisions);
        self.transaction.add_changes(&mut self.decider, self.parts.intake.instance());
    }

    /// Makes the transaction durable, and does what follows. `false` when that failed.
    pub(super) fn commit(&mut self, phase: Phase) -> bool {
        if self.transaction.is_empty() {
            // Records of the ring that hold no event leave room, too.
            self.ingest.release();
            return true;
        }
        let (now, is_last) = (self.parts.clock.now(), phase == Phase::Stopping);
        let committed = self.committer.commit(&mut self.transaction, &mut self.decider, now, is_last);
        let Some(committed) = committed else { return false };
        self.ingest.set_commit_time(self.parts.clock.monotonic() - now.monotonic);
        self.ingest.release();
        failpoint::reach("after-ring-release");
        let mut transaction = std::mem::take(&mut self.transaction);
        self.committer.refresh_fallbacks(&transaction);
        self.follow_up_batches(&mut transaction);
        self.publish(transaction, committed);
        self.idle.worked(now.monotonic);
        true
    }

    fn follow_up_batches(&mut self, transaction: &mut Transaction) {
        let Committer { company, instance, .. } = &mut self.committer;
        if company::settle(company, &mut self.decider, transaction, instance) {
            self.end_due(self.parts.clock.now());
            self.keep_decisions();
            self.transaction.taken_ticket = std::mem::take(&mut transaction.taken_ticket);
        }
    }

    fn publish(&mut self, transaction: Transaction, committed: Committed) {
        self.dispatch.publish(&self.decider.config, transaction, committed);
    }

    /// Takes the events in the rings of dead processes, each ring in transactions of its own. Events that their
    /// process had committed are known by their id.
    pub(super) fn adopt_orphans(&mut self, spool_file: &Path) {
        let report = Intake::adopt_orphans(spool_file, |instance, records| {
            let text = format!(
                "took over {} events from instance {instance}, which ended without closing",
                records.len()
            );
            self.parts.log.write(Level::Info, &text);
            records.into_iter().for_each(|record| self.adopt(record));
            loop {
                let now = self.parts.clock.now();
                self.decide_events();
                self.end_due(now);
                self.keep_decisions();
                if !self.commit(Phase::Open) {
                    self.ingest.clear();
                    return false;
                }
                if self.ingest.is_empty() {
                    return true;
                }
            }
        });
        report.troubles.iter().for_each(|trouble| self.parts.log.write(Level::Warn, trouble));
    }

    fn adopt(&mut self, record: Record) {
        if self.committer.spool.knows(record.id).unwrap_or(false) {
            return;
        }
        if let Some((name, state)) = self.parts.alerts.take_over(&record) {
            self.transaction.states.push((alert_key(self.parts.intake.instance(), &name), state));
        }
        self.ingest.adopt(record);
    }

    /// A panic was caught: the transaction is tried again after a pause, and events stay in the ring.
    fn survive_panic(&mut self) {
        self.parts.counters.defects.one();
        self.committer.retry_after(self.parts.clock.now());
        self.parts.log.write(Level::Error, "a defect of Taskbell was caught; please report it");
        if self.parts.phase.get() >= Phase::Stopping {
            self.transaction = Transaction::default();
        }
    }

    fn rest(&mut self, phase: Phase) {
        let now = self.parts.clock.now();
        let retry_in = self.committer.retry_in(now.monotonic);
        let is_full = self.parts.spool_health.is_full();
        match self.idle.rest(now.monotonic, phase, retry_in, self.ingest.has_more(), is_full) {
            Rest::None => {}
            Rest::Nap(time) => self.parts.waker.nap(time),
            Rest::DeepSleep => {
                let limit = self.next_due(now).map(|due| due.saturating_sub(now.monotonic));
                self.committer.spool.rest();
                self.parts.waker.sleep(limit, || self.parts.has_work());
                self.peers.after_deep_sleep();
            }
        }
    }

    fn next_due(&self, now: Moment) -> Option<Duration> {
        let by_wall_clock = [self.decider.shaping.next_due(), self.committer.waiting_fallbacks.next_due];
        let by_wall_clock = by_wall_clock.into_iter().flatten().min().map(|due| by_monotonic(due, now));
        let (alerts, peers) = (self.parts.alerts.arm(), self.peers.next_look());
        let due =
            [self.decider.tally.next_due(), alerts, Some(self.housekeeping.due()), peers, by_wall_clock];
        due.into_iter().flatten().min()
    }
}
