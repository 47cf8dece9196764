//! Peers: other instances on the same spool. Takes over from those that died, and applies what an operator has
//! done with the command.
//!
//! Looks every five seconds while peers live, and once a minute alone. Peers that come or go, and operators,
//! signal, so that nobody has to look more often.

use super::commit::{Committer, WaitingFallbacks};
use super::decide::Decider;
use super::dispatch::DROPPED_BY_OPERATOR;
use super::known_hosts;
use super::log::Level;
use super::paging;
use super::parts::Parts;
use super::takeover::{dead_instances, take_over_shaping, take_over_tally};
use super::task_lanes;
use super::usual_durations;
use crate::intake::Intake;
use crate::spool::{SpoolError, Store, operator_mark};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Between two looks while peers live.
const WITH_PEERS: Duration = Duration::from_secs(5);

/// Between two looks without peers.
const ALONE: Duration = Duration::from_secs(60);

/// Between two looks where there are no signals.
const WITHOUT_SIGNALS: Duration = Duration::from_secs(1);

/// Between two checks for signals while the dispatcher is awake.
const SIGNAL_CHECK: Duration = Duration::from_millis(250);

pub struct Peers {
    /// The spool, unless it is in memory.
    pub spool_file: Option<PathBuf>,
    // A store without a file: it has no other instances, and an operator's changes are seen by looking.
    is_store: bool,
    // A signal may have ended deep sleep.
    slept: bool,
    has_peers: bool,
    look_at: Duration,
    check_at: Duration,
    operator_mark: Option<Vec<u8>>,
    /// Whether it has looked once since this instance began to close.
    has_looked_at_the_end: bool,
}

impl Peers {
    /// The first look is due at once.
    pub fn new(spool_file: Option<PathBuf>) -> Peers {
        Peers {
            spool_file,
            is_store: false,
            slept: false,
            has_peers: false,
            look_at: Duration::ZERO,
            check_at: Duration::ZERO,
            operator_mark: None,
            has_looked_at_the_end: false,
        }
    }

    /// On a store without a file, which one instance at a time has.
    pub fn of_store(now: Duration) -> Peers {
        Peers { is_store: true, look_at: now + WITHOUT_SIGNALS, ..Peers::new(None) }
    }

    /// Whether an operator has changed something in a store without a file. Plans the next look.
    pub fn has_operator_been(&mut self, parts: &Parts, spool: &impl Store) -> Result<bool, SpoolError> {
        let now = parts.clock.monotonic();
        if !self.is_store || now < self.look_at {
            return Ok(false);
        }
        self.look_at = now + WITHOUT_SIGNALS;
        Ok(spool.state(&operator_mark())? != self.operator_mark)
    }

    /// This instance closes: nobody else may be left to take over from those that died before it.
    pub fn look_at_the_end(&mut self) {
        if !std::mem::replace(&mut self.has_looked_at_the_end, true) {
            self.look_at = Duration::ZERO;
        }
    }

    /// Whether the look at the end is over, or nobody can have left anything.
    pub fn may_leave(&self) -> bool {
        self.has_looked_at_the_end || self.spool_file.is_none()
    }

    #[cfg(test)]
    pub fn look_now(&mut self) {
        self.look_at = Duration::ZERO;
    }

    /// The last look has failed.
    pub fn look_again_soon(&mut self, now: Duration) {
        self.look_at = self.look_at.min(now + WITH_PEERS);
    }

    pub fn next_look(&self) -> Option<Duration> {
        (self.spool_file.is_some() || self.is_store).then_some(self.look_at)
    }

    /// The dispatcher comes out of deep sleep.
    pub fn after_deep_sleep(&mut self) {
        self.slept = true;
    }

    /// The spool's file if a look is due, or a peer or operator has signalled. Plans the next look.
    pub fn due(&mut self, parts: &Parts) -> Option<PathBuf> {
        let now = parts.clock.monotonic();
        let mut signalled = false;
        if std::mem::take(&mut self.slept) || now >= self.check_at {
            self.check_at = now + SIGNAL_CHECK;
            if parts.waker.was_signalled() {
                signalled = true;
                self.look_at = now;
            }
        }
        let file = self.spool_file.clone().filter(|_| now >= self.look_at)?;
        let peers = Intake::live_instances(&file).map_or(0, |live| live.len().saturating_sub(1));
        self.has_peers = peers > 0;
        self.look_at = now
            + match (parts.waker.is_listening(), peers) {
                (false, _) => WITHOUT_SIGNALS,
                // Whoever signalled may not have left altogether yet.
                (true, 0) if !signalled => ALONE,
                (true, _) => WITH_PEERS,
            };
        Some(file)
    }

    /// Applies what an operator did, then takes over what dead instances and operators left: an endpoint is
    /// tried again before its replayed deliveries come. Returns the number of deliveries.
    pub fn take_over(
        &mut self,
        parts: &Parts,
        committer: &mut Committer<impl Store>,
        decider: &mut Decider,
    ) -> Result<usize, SpoolError> {
        self.apply_operator_changes(parts, &committer.spool)?;
        usual_durations::learn_usual(&committer.spool, &mut decider.tally)?;
        committer.release_asked(decider);
        // A dead instance may leave batches that nobody else watches.
        committer.stalls.look_by(parts.clock.monotonic());
        committer.batch_progress.look_by(parts.clock.monotonic());
        let own = parts.intake.instance();
        let spool = &mut committer.spool;
        let dead = dead_instances(spool, self.spool_file.as_deref(), own)?;
        if self.has_peers || !dead.is_empty() {
            decider.several_hosts |= known_hosts::meet(spool, own, &decider.config.host.name, &dead)?;
        }
        let taken = spool.take_over(&dead, parts.clock.unix_ms())?;
        if taken.deliveries > 0 {
            // Addresses that tasks of the dead instances named.
            let mut named = BTreeMap::new();
            task_lanes::restore(spool, &parts.lanes, &decider.config, &mut named)?;
            let mut lanes = parts.lanes.lock();
            for (name, lane) in named {
                lanes.entry(name).or_insert(lane);
            }
        }
        paging::hand_over(spool, &taken.owners, parts)?;
        let (now, end_delay) = (parts.clock.monotonic(), decider.config.queue.end_delay);
        let held = decider.tally.held();
        let counts = take_over_tally(spool, &mut decider.tally, own, &dead, now, end_delay)?;
        // Held ends of other instances, whose tickets nobody here waits for.
        parts.progress.update().adds(0, (decider.tally.held() - held) as u32);
        take_over_shaping(spool, &mut decider.shaping, own, &dead)?;
        if !dead.is_empty() {
            committer.waiting_fallbacks = WaitingFallbacks::read(spool)?;
        }
        if taken.deliveries + counts > 0 {
            let text = format!(
                "took over {} deliveries and the counts of {counts} queues of ended instances",
                taken.deliveries
            );
            parts.log.write(Level::Info, &text);
        }
        Ok(taken.deliveries)
    }

    /// Forgets dropped deliveries, sends now what is due before its time, and tries endpoints again whose dead letters
    /// were replayed.
    fn apply_operator_changes(&mut self, parts: &Parts, spool: &impl Store) -> Result<(), SpoolError> {
        let mark = spool.state(&operator_mark())?;
        if mark == self.operator_mark {
            return Ok(());
        }
        let (pending, now) = (spool.pending()?, parts.clock.unix_ms());
        for (name, lane) in parts.lanes.all() {
            if lane.is_gone() && spool.state(&super::endpoints::gone_key(&name))?.is_none() {
                lane.revive();
                parts.log.write(Level::Info, &format!("endpoint {name} is tried again"));
            }
            if lane.is_paused() && spool.state(&super::endpoints::health_key(&name))?.is_none() {
                lane.end_pause();
                let text = format!("endpoint {name} is tried before the end of its pause");
                parts.log.write(Level::Info, &text);
            }
            let rows = &parts.lanes.reports;
            let dropped = lane.forget(&|seq| !pending.contains_key(&rows.present_row(seq)));
            parts.lanes.report_dropped(&name, dropped, DROPPED_BY_OPERATOR);
            // Where an attempt is not written yet, the row still has the time of the attempt.
            lane.hurry(|job| {
                let row = pending.get(&rows.present_row(job.seq));
                row.is_some_and(|row| row.due_at <= now && row.attempts == job.attempts)
            });
        }
        self.operator_mark = mark;
        Ok(())
    }
}
