//! The loop of the dispatcher's thread: between two turns it applies reloads, looks after peers, keeps the spool
//! in bounds, and rests.

use super::leave::leave;
use super::load::{Loaded, load};
use super::reload;
use crate::clock::Moment;
use crate::engine::commit::{Committer, Transaction, WaitingFallbacks};
use crate::engine::dispatcher::Dispatcher;
use crate::engine::idle::{Rest, by_monotonic};
use crate::engine::log::Level;
use crate::engine::paging;
use crate::engine::phase::Phase;
use crate::intake::{Intake, Record};
use crate::message::{self, Watcher};
use crate::spool::{DamagedFile, StateKey, StateKind, Store, transaction_reports};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl<S: Store> Dispatcher<S> {
    /// Works until the instance stops. Runs on a thread of its own.
    pub fn run(mut self) {
        self.parts.waker.attach_this_thread();
        message::watch(Arc::clone(&self.parts.fatal_work) as Arc<dyn Watcher>);
        self.learn_fatal_work();
        if let Some(damaged) = self.damaged.take()
            && panic::catch_unwind(AssertUnwindSafe(|| self.salvage(damaged))).is_err()
        {
            self.survive_panic();
        }
        if !self.decider.is_in_memory() {
            self.render_replayed();
        }
        if let Some(file) = self.peers.spool_file.clone() {
            self.adopt_orphans(&file);
            if self.parts.relay.is_none() {
                self.end_interrupted();
            }
        }
        self.parts.alerts.start();
        loop {
            match panic::catch_unwind(AssertUnwindSafe(|| self.round())) {
                Ok(true) => {}
                Ok(false) => {
                    let is_settled = self.is_settled();
                    let Dispatcher {
                        parts,
                        committer: Committer { spool, parts: shared, .. },
                        peers,
                        mut decider,
                        ..
                    } = self;
                    // What could not be committed is in the ring, as after a death.
                    let counts = if is_settled { decider.tally.leave() } else { Vec::new() };
                    // `leave` waits until the host's handle is the only other one.
                    drop(shared);
                    return leave(parts, spool, peers.spool_file.as_deref(), counts);
                }
                Err(_) => self.survive_panic(),
            }
        }
    }

    /// Reads what a damaged spool holds, which the start has moved aside, and takes it over.
    fn salvage(&mut self, damaged: DamagedFile) {
        let Dispatcher { parts, committer, decider, .. } = self;
        let Some(spool) = committer.spool.file() else { return };
        let report = spool.salvage(damaged, parts.clock.unix_ms());
        let loaded = report.and_then(|report| {
            let loaded = load(&mut committer.spool, parts, &decider.config);
            parts.spool_health.add_incident(&report.to_string());
            loaded
        });
        match loaded {
            Ok(Loaded { tally, shaping }) => (decider.tally, decider.shaping) = (tally, shaping),
            Err(error) => {
                let text = format!("the contents of the damaged spool cannot be taken over: {error}");
                parts.log.write(Level::Error, &text);
            }
        }
        if let Ok(waiting) = WaitingFallbacks::read(&committer.spool) {
            committer.waiting_fallbacks = waiting;
        }
    }

    /// One round. `false` after the last one.
    fn round(&mut self) -> bool {
        let phase = self.parts.phase.get();
        self.committer.ask_again(!self.transaction.is_empty());
        self.supervise(phase);
        let refilled = phase != Phase::Stopping
            && self.committer.retry_at.is_none()
            && paging::refill(&self.committer.spool, &self.parts);
        let committed = self.turn(phase);
        self.parts.note_step();
        if phase == Phase::Stopping {
            return false;
        }
        let idle =
            committed && self.transaction.is_empty() && self.ingest.is_empty() && self.parts.is_drained();
        if phase == Phase::Draining && idle && self.peers.may_leave() && self.decider.holds_nothing() {
            self.parts.drained.store(true, Ordering::Release);
        }
        let config = Arc::clone(&self.decider.config);
        if committed && !self.early.is_open() {
            self.housekeeping.limit_size(&mut self.committer.spool, &self.parts, &config);
        }
        if idle {
            self.housekeeping.prune(&mut self.committer.spool, &self.parts, &config);
        }
        self.rest(phase, refilled);
        true
    }

    /// Applies a new configuration, lets time pass for alerts, hurries what waits at the end, and looks after
    /// other instances on the spool.
    fn supervise(&mut self, phase: Phase) {
        if let Some(reload) = self.parts.reload.take() {
            let config = reload::apply(&self.parts, &mut self.transaction, &mut self.missing_threads, reload);
            self.decider.set_config(config);
        }
        self.missing_threads.start(&self.parts, &self.decider.config);
        if phase == Phase::Open {
            self.parts.alerts.tick();
        }
        if self.parts.lanes.reports.has_met_damage() {
            self.committer.note_damage();
        }
        if self.committer.is_damaged() && self.committer.retry_at.is_none() {
            self.committer.recover_if_faulty(&mut self.transaction, &mut self.decider);
        }
        if phase >= Phase::Draining {
            self.decider.hurry(self.parts.clock.unix_ms());
        }
        if self.is_settled() {
            self.send_again_what_relays_lack();
        }
        // After what was read already.
        if self.is_settled() && self.ingest.is_empty() {
            if phase >= Phase::Draining {
                self.peers.look_at_the_end();
            }
            self.look_after_peers();
        }
        if phase == Phase::Stopping {
            self.parts.alerts.leave();
        }
    }

    /// Whether nothing is half done.
    pub(in crate::engine) fn is_settled(&self) -> bool {
        self.committer.retry_at.is_none() && self.transaction.is_empty()
    }

    pub(in crate::engine) fn look_after_peers(&mut self) {
        match self.peers.has_operator_been(&self.parts, &self.committer.spool) {
            Ok(true) => self.take_over(),
            Ok(false) => {}
            // As when a transaction fails, which is said there.
            Err(error) => self.committer.could_not_read(&error, self.parts.clock.now()),
        }
        let Some(file) = self.peers.due(&self.parts) else { return };
        self.committer.recover_if_faulty(&mut self.transaction, &mut self.decider);
        self.take_over();
        if self.adopt_orphans(&file) {
            // One that died after the look has left counts, too, and they belong to what its ring held.
            self.take_over();
        }
        Intake::sweep(&file);
    }

    /// Takes over what dead instances left in the spool.
    pub(in crate::engine) fn take_over(&mut self) {
        match self.peers.take_over(&self.parts, &mut self.committer, &mut self.decider) {
            Ok(0) => {}
            Ok(_) => self.render_replayed(),
            Err(error) => {
                self.peers.look_again_soon(self.parts.clock.monotonic());
                let text = format!("the spool's other instances cannot be taken over yet: {error}");
                self.parts.log.write(Level::Warn, &text);
            }
        }
    }

    /// Takes the events in the rings of dead processes, each ring in transactions of its own. Events that their
    /// process had committed are known by their id. Whether there was such a ring.
    pub(in crate::engine) fn adopt_orphans(&mut self, spool_file: &Path) -> bool {
        // Before any of it is tried: another process may have died of the same.
        let left = Intake::left_in_hand(spool_file);
        if let Err(error) = self.parts.fatal_work.count(&mut self.committer.spool, &left) {
            let text = format!("the work of ended processes cannot be noted: {error}");
            self.parts.log.write(Level::Warn, &text);
            return false;
        }
        let report = Intake::adopt_orphans(spool_file, |instance, content| {
            let text = format!(
                "took over {} events from instance {instance}, which ended without closing",
                content.records.len()
            );
            self.parts.log.write(Level::Info, &text);
            // What may end this process too is decided about in its turn, or a task would count after its queue's end;
            // what came before it is committed by then.
            let subject = content.in_hand.map(|work| work.subject);
            let of_work = |record: &Record| Some(record.id.stable_hash()) == subject;
            let mut records = content.records;
            let rest = records.iter().position(of_work).map(|at| records.split_off(at));
            self.adopt_all(records) && rest.is_none_or(|rest| self.adopt_all(rest))
        });
        report.troubles.iter().for_each(|trouble| self.parts.log.write(Level::Warn, trouble));
        !report.instances.is_empty()
    }

    /// Takes events in transactions of their own. `false` when one could not be committed.
    fn adopt_all(&mut self, records: Vec<Record>) -> bool {
        records.into_iter().for_each(|record| self.adopt(record));
        loop {
            let now = self.parts.clock.now();
            self.decide_events(usize::MAX);
            self.keep_decisions();
            self.end_due(now);
            self.keep_decisions();
            self.recover_rates();
            if !self.commit(Phase::Open) {
                self.ingest.clear();
                return false;
            }
            if self.ingest.is_empty() {
                return true;
            }
        }
    }

    /// The dead may have sent what is about to be given to the lanes.
    fn recover_rates(&self) {
        let deliveries = self.transaction.events.iter().flat_map(|event| &event.deliveries);
        for delivery in deliveries {
            if let Some(lane) = self.parts.lanes.lock().get(&delivery.endpoint) {
                lane.recover(1);
            }
        }
    }

    /// Ends the queues that dead hosts left open, where no other host is at work on them. Of several that start at once
    /// the one that took the counts over does it.
    fn end_interrupted(&mut self) {
        if !self.is_settled() {
            return;
        }
        let now = self.parts.clock.now();
        self.committer.release_asked(&mut self.decider);
        let interrupted = self.decider.tally.interrupted();
        self.decider.end_interrupted(interrupted, now);
        self.decider.end_held_queues(now);
        self.keep_decisions();
        self.commit(Phase::Open);
    }

    fn learn_fatal_work(&self) {
        if let Err(error) = self.parts.fatal_work.load(&self.committer.spool) {
            let text = format!("the causes that ended earlier processes cannot be read: {error}");
            self.parts.log.write(Level::Warn, &text);
        }
    }

    fn adopt(&mut self, record: Record) {
        if self.committer.spool.knows(record.id).unwrap_or(false) {
            return;
        }
        if let Some((name, state)) = self.parts.alerts.take_over(&record) {
            let key = StateKey::owned(StateKind::Alert, self.parts.intake.instance(), name);
            self.transaction.states.push((key, state));
        }
        self.ingest.adopt(record);
    }

    /// A panic was caught: the transaction is tried again after a pause, and events stay in the ring.
    fn survive_panic(&mut self) {
        self.parts.counters.defects.one();
        if let Some(spool) = self.committer.spool.file() {
            spool.expect_known();
        }
        self.committer.retry_after(self.parts.clock.now());
        self.parts.log.write(Level::Error, "a defect of Taskbell was caught; please report it");
        if self.parts.phase.get() >= Phase::Stopping {
            self.transaction = Transaction::default();
        }
    }

    /// `has_more`: besides events and reports, which are looked after here.
    fn rest(&mut self, phase: Phase, has_more: bool) {
        let now = self.parts.clock.now();
        let retry_in = self.committer.retry_in(now.monotonic);
        let is_full = self.parts.spool_health.is_full();
        let has_more = has_more
            || self.ingest.has_more() && !self.early.is_enough()
            || self.parts.lanes.reports.waiting() >= transaction_reports(self.decider.config.spool.max_bytes);
        match self.idle.rest(now.monotonic, phase, retry_in, has_more, self.early.is_open(), is_full) {
            Rest::None => {}
            Rest::Nap(time) => self.parts.waker.nap(time),
            Rest::DeepSleep => {
                let limit = self.next_due(now).map(|due| due.saturating_sub(now.monotonic));
                self.committer.spool.rest();
                let in_flight = &self.parts.in_flight;
                self.parts.waker.sleep(limit, || {
                    in_flight.fall_asleep();
                    self.parts.has_work()
                });
                in_flight.awake();
                self.peers.after_deep_sleep();
            }
        }
    }

    fn next_due(&mut self, now: Moment) -> Option<Duration> {
        let by_wall_clock = [self.decider.shaping.next_due(), self.committer.waiting_fallbacks.next_due];
        let by_wall_clock = by_wall_clock.into_iter().flatten().min().map(|due| by_monotonic(due, now));
        let (alerts, peers) = (self.parts.alerts.arm(), self.peers.next_look());
        let stall = self.decider.config.queue.batch_stall.and(self.committer.stalls.due());
        let progress = self.decider.batch_progress().and(self.committer.batch_progress.due());
        let housekeeping = Some(self.housekeeping.due());
        let threads = self.missing_threads.due(&self.parts);
        let marks = self.committer.has_file.then(|| self.sending_marks.due(&self.parts.lanes)).flatten();
        let due = [
            threads,
            marks,
            self.decider.tally.next_due(),
            stall,
            progress,
            alerts,
            housekeeping,
            peers,
            by_wall_clock,
        ];
        due.into_iter().flatten().min()
    }
}
