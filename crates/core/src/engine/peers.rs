//! The clerk looks around: who else works on this spool, who of them has died, and what an operator has
//! done by hand.
//!
//! While others live it looks every five seconds, alone once a minute. A newcomer, one that leaves and an
//! operator call, so that nobody has to look more often than that.

use super::clerk::Clerk;
use super::log::Level;
use super::shared::Phase;
use super::takeover::{dead_instances, hand_over, inherit_shape, inherit_tally};
use super::task_lanes;
use crate::intake::Intake;
use crate::lanes::{Job, Lane, LaneReport, LaneSink};
use crate::spool::{OPERATOR_ACTS, SpoolError};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks while others work on the spool.
const IN_COMPANY: Duration = Duration::from_secs(5);

/// Between two looks while nobody else does.
const ALONE: Duration = Duration::from_secs(60);

/// Between two looks where calls are not heard.
const DEAF: Duration = Duration::from_secs(1);

/// Between two questions whether somebody called, while the clerk does not sleep.
const LISTEN: Duration = Duration::from_millis(250);

/// Why a delivery ended that its lane had not ended.
pub(super) const DROPPED: &str = "dropped by hand";

/// When to look around next, and what was seen.
#[derive(Debug)]
pub(super) struct PeerWatch {
    /// The spool, if others can see it.
    pub(super) spool_file: Option<PathBuf>,
    /// Whether the clerk comes out of deep sleep, which a call ends.
    pub(super) rested: bool,
    look_at: Duration,
    listen_at: Duration,
    operator: Option<Vec<u8>>,
}

impl PeerWatch {
    /// Nothing seen yet; the first look is due at once.
    pub(super) fn new(spool_file: Option<PathBuf>) -> PeerWatch {
        PeerWatch {
            spool_file,
            rested: false,
            look_at: Duration::ZERO,
            listen_at: Duration::ZERO,
            operator: None,
        }
    }

    /// The next look is due at once.
    #[cfg(test)]
    pub(super) fn look_now(&mut self) {
        self.look_at = Duration::ZERO;
    }

    /// When to look next, by the monotonic clock.
    pub(super) fn next_look(&self) -> Option<Duration> {
        self.spool_file.is_some().then_some(self.look_at)
    }
}

impl Clerk {
    /// Looks around if it is time to, or somebody called.
    pub(super) fn look_around(&mut self) {
        let now = self.shared.clock.monotonic();
        if self.watch.rested || now >= self.watch.listen_at {
            self.watch.listen_at = now + LISTEN;
            if self.shared.bed.called() {
                self.watch.look_at = now;
            }
        }
        // What was replayed is taken over after its endpoint is tried again.
        let Some(file) = self.watch.spool_file.clone().filter(|_| now >= self.watch.look_at) else { return };
        let others = Intake::live_instances(&file).map_or(0, |live| live.len().saturating_sub(1));
        let pause = match (self.shared.bed.hears(), others) {
            (false, _) => DEAF,
            (true, 0) => ALONE,
            (true, _) => IN_COMPANY,
        };
        self.watch.look_at = now + pause;
        self.recover_spool_if_faulty();
        if let Err(error) = self.heed_hand().and_then(|()| self.take_over()) {
            let text = format!("what others left in the spool cannot be taken over yet: {error}");
            self.shared.log.write(Level::Warn, &text);
        }
        self.adopt_orphans(&file);
        Intake::sweep(&file);
    }

    /// Deliveries and counts of instances that died, and what nobody holds.
    fn take_over(&mut self) -> Result<(), SpoolError> {
        super::usual_durations::learn_usual(&self.spool, &mut self.tally)?;
        self.release_told();
        // Others may have died, and left batches that nobody else watches.
        self.stalls.look_by(self.shared.clock.monotonic());
        let own = self.shared.intake.instance().to_owned();
        let dead = dead_instances(&self.spool, self.watch.spool_file.as_deref(), &own)?;
        let inherited = self.spool.inherit(&dead, self.shared.clock.unix_ms())?;
        if inherited.deliveries > 0 {
            // Addresses that tasks of the others named.
            let mut named = BTreeMap::new();
            task_lanes::restore(&mut self.spool, &self.shared, &self.config, &mut named)?;
            let mut lanes = self.shared.lanes();
            for (name, lane) in named {
                lanes.entry(name).or_insert(lane);
            }
        }
        hand_over(&self.spool, &inherited.owners, &self.shared)?;
        let now = self.shared.clock.monotonic();
        let end_delay = self.config.queue.end_delay;
        let held = self.tally.held();
        let counts = inherit_tally(&mut self.spool, &mut self.tally, &own, &dead, now, end_delay)?;
        // Ends that others have told, and that nobody here waits for by their ticket.
        self.shared.progress.update().owes(0, (self.tally.held() - held) as u32);
        inherit_shape(&mut self.spool, &mut self.shape, &own, &dead)?;
        if !dead.is_empty() {
            self.standing_by = self.spool.standing_by()?;
        }
        if inherited.deliveries + counts > 0 {
            let text = format!(
                "took over {} delivery(ies) and the counts of {counts} queue(s) that nobody else looks after",
                inherited.deliveries
            );
            self.shared.log.write(Level::Info, &text);
        }
        Ok(())
    }

    /// Forgets what an operator has dropped, and tries endpoints again whose dead letters were replayed.
    fn heed_hand(&mut self) -> Result<(), SpoolError> {
        let seen = self.spool.state(OPERATOR_ACTS)?;
        if seen == self.watch.operator {
            return Ok(());
        }
        let lanes: Vec<(String, Arc<Lane>)> =
            self.shared.lanes().iter().map(|(name, lane)| (name.clone(), Arc::clone(lane))).collect();
        let pending = self.spool.waiting_numbers()?;
        for (name, lane) in lanes {
            if lane.is_gone() && self.spool.state(&super::endpoints::state_key(&name))?.is_none() {
                lane.revive();
                self.shared.log.write(Level::Info, &format!("endpoint {name} is tried again"));
            }
            let shared = &self.shared;
            let dropped = lane.forget(|seq| !pending.contains(&shared.number_now(seq)));
            self.tell_dropped(&name, dropped, DROPPED);
        }
        self.watch.operator = seen;
        Ok(())
    }

    /// Deliveries that ended in the spool while they waited in a lane.
    pub(super) fn tell_dropped(&self, endpoint: &str, jobs: Vec<Job>, reason: &str) {
        for job in jobs {
            let (endpoint, reason) = (endpoint.to_owned(), reason.to_owned());
            self.shared.report(LaneReport::Dropped { endpoint, job, reason });
        }
    }

    /// Others may go on with what this instance leaves.
    pub(super) fn call_others(&self) {
        if let Some(file) = &self.watch.spool_file {
            crate::intake::call(file, Some(self.shared.intake.instance()));
        }
    }

    /// Whether it may look around: nothing is half done.
    pub(super) fn may_look(&self, phase: Phase) -> bool {
        phase == Phase::Open && self.retry_at.is_none() && self.work.is_empty()
    }
}
