//! The clerk: the one thread that moves events from the ring through tally, hooks and messages into the
//! spool, and on into the lanes once they are durable.

mod rest;
mod taking;
mod telling;
mod windows;

use super::log::Level;
use super::peers::{DROPPED, PeerWatch};
use super::prepare::Preparer;
use super::shared::{Phase, Reload, Shared, lock};
use super::shared_batches::StallTimer;
use super::task_lanes;
use super::work::{Done, Times, Work, alert_key, ending};
use crate::config::{Config, SpoolPath};
use crate::failpoint;
use crate::intake::Record;
use crate::lanes::{Disposition, Job, Lane, LaneReport};
use crate::shape::Shape;
use crate::spool::{FileFault, Spool, SpoolError, SpoolErrorKind};
use crate::tally::Tally;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long nothing must happen before it sleeps deeply.
const SETTLE: Duration = Duration::from_millis(200);

/// The bytes of events in one transaction: few enough that lanes, which begin when it is durable, do not run
/// dry behind a burst; many where the disk is slow.
const BATCH_BYTES: usize = 256 * 1024;
const LARGE_BATCH_BYTES: usize = 1024 * 1024;

/// A transaction that takes longer than this is one of a slow disk.
const SLOW: Duration = Duration::from_millis(50);

/// How long it waits before it offers the spool a transaction again that it did not take.
const SPOOL_PAUSE: Duration = Duration::from_secs(1);

/// The clerk.
#[derive(Debug)]
pub struct Clerk {
    pub(super) shared: Arc<Shared>,
    pub(super) spool: Spool,
    pub(super) config: Arc<Config>,
    pub(super) tally: Tally,
    pub(super) shape: Shape,
    /// Whether messages stand by in the spool, and when the first of them is due.
    pub(super) standing_by: (bool, Option<i64>),
    pub(super) work: Work,
    pub(super) watch: PeerWatch,
    pub(super) stalls: StallTimer,
    /// What was read from the ring and is not prepared yet. The ring keeps it as long as there is any.
    pub(super) records: VecDeque<Record>,
    batch_bytes: usize,
    /// Whether the last transaction had as many events as it may have: more may wait in the ring.
    pub(super) is_full: bool,
    busy_until: Duration,
    pub(super) retry_at: Option<Duration>,
    pub(super) prune_at: Duration,
}

impl Clerk {
    /// A clerk for an open spool. `tally` and `shape` are what earlier runs left.
    pub fn new(shared: Arc<Shared>, spool: Spool, config: Arc<Config>, tally: Tally, shape: Shape) -> Clerk {
        let now = shared.clock.monotonic();
        let spool_file = match &config.spool.path {
            SpoolPath::Memory => None,
            SpoolPath::File(_) => Some(spool.path().to_owned()),
        };
        // A spool that cannot say so is asked again.
        let standing_by = spool.standing_by().unwrap_or((true, None));
        let stalls = StallTimer::new(now, shared.clock.unix_ms());
        Clerk {
            shared,
            spool,
            config,
            tally,
            shape,
            standing_by,
            work: Work::default(),
            watch: PeerWatch::new(spool_file),
            stalls,
            records: VecDeque::new(),
            batch_bytes: BATCH_BYTES,
            is_full: false,
            busy_until: now + SETTLE,
            retry_at: None,
            prune_at: now,
        }
    }

    /// Works until the bell stops. Runs on a thread of its own.
    pub fn run(mut self) {
        self.shared.bed.belongs_to_this_thread();
        if let Some(file) = self.watch.spool_file.clone() {
            self.adopt_orphans(&file);
        }
        self.shared.watchman.wake(&self.shared);
        loop {
            match panic::catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(true) => {}
                Ok(false) => return self.end(),
                Err(_) => self.recover(),
            }
        }
    }

    /// One round. `false` after the last one.
    fn turn(&mut self) -> bool {
        let phase = self.shared.phase();
        self.put_in_force();
        if phase == Phase::Open {
            self.shared.watchman.tick(&self.shared);
        }
        if phase >= Phase::Draining {
            self.tally.hurry();
            if self.forgets() {
                self.shape.hurry(self.shared.clock.unix_ms());
            }
        }
        // What the dead left comes after what was read already.
        if self.records.is_empty() && self.may_look(phase) {
            self.look_around();
        }
        if phase == Phase::Stopping {
            self.shared.watchman.leave();
        }
        self.collect();
        let committed = self.commit(phase);
        if phase == Phase::Stopping {
            return false;
        }
        let drained = self.records.is_empty() && self.shared.intake.is_drained();
        let idle = committed && self.work.is_empty() && drained;
        let said = !self.forgets() || self.shape.next_due().is_none();
        if phase == Phase::Draining && idle && said && self.tally.held() == 0 {
            self.shared.drained.store(true, Ordering::Release);
        }
        if committed {
            self.keep_in_bounds();
        }
        if idle {
            self.prune();
        }
        self.watch.rested = self.rest(phase);
        true
    }

    /// A defect was caught in a round. What the round had in hand is tried again after a pause; events
    /// stay in the ring until they are in the spool.
    fn recover(&mut self) {
        self.shared.counters.defects.one();
        self.retry_at = Some(self.shared.clock.monotonic() + SPOOL_PAUSE);
        self.shared.log.write(Level::Error, "a defect of Taskbell was caught; please report it");
        if self.shared.phase() >= Phase::Stopping {
            self.work = Work::default();
        }
    }

    /// Fills the work: events from the ring, ends of queues that count now, reports of the lanes. Takes
    /// nothing new while the spool refuses what is there, and no event while it is full.
    pub(super) fn collect(&mut self) {
        self.is_full = false;
        if self.retry_at.is_some() {
            return;
        }
        let now = self.shared.clock.monotonic();
        if !self.shared.spool_full.load(Ordering::Acquire) {
            self.take_from_ring();
            self.end_queues(now);
            self.end_windows();
            self.work.read_ticket = self.taken_ticket();
        }
        self.keep_shape();
        let alerts = self.shared.watchman.changes(self.work.read_ticket);
        self.work.states.extend(alerts.into_iter().map(|kept| alert_state(&self.shared, kept)));
        self.work.lanes = self.shared.take_lane_reports();
        self.keep_counts();
        let standings = super::endpoints::changed_standings(&self.config, &self.shared, &self.work.lanes);
        self.work.states.extend(standings);
        for report in &self.work.lanes {
            if let LaneReport::Gone { endpoint, reason } = report {
                let state = super::endpoints::gone_state(&self.config, endpoint, reason);
                self.work.states.extend(state);
            }
        }
    }

    /// What was counted becomes durable with the events that were counted.
    pub(super) fn keep_counts(&mut self) {
        self.work.keep_counts(&mut self.tally);
    }

    pub(super) fn end_queues(&mut self, now: Duration) {
        self.look_for_stalls(now);
        // Ends of batches come first, and the transaction under way may find some.
        if self.work.counts_batches() {
            return;
        }
        self.tally.idle_end = self.config.queue.idle_end;
        if self.tally.next_due().is_some_and(|due| due <= now) {
            self.release_told();
        }
        let unix_ms = self.shared.clock.unix_ms();
        let ended = self.prepare(unix_ms, |preparer| preparer.end_what_is_due(now, unix_ms));
        self.work.events.extend(ended);
    }

    /// Lets a preparer work at this Unix time in milliseconds, and logs what it remarks.
    fn prepare<T>(&mut self, unix_ms: i64, with: impl FnOnce(&mut Preparer<'_>) -> T) -> T {
        let mut remarks = Vec::new();
        let made = with(&mut Preparer {
            config: &self.config,
            tally: &mut self.tally,
            shape: &mut self.shape,
            unix_ms,
            counters: &self.shared.counters,
            remarks: &mut remarks,
            accounts: None,
        });
        self.remark(remarks);
        made
    }

    fn remark(&self, remarks: Vec<String>) {
        for remark in remarks {
            self.shared.log.write(Level::Warn, &remark);
        }
    }

    /// Commits the work, and does what follows. `false` when the spool did not take it.
    pub(super) fn commit(&mut self, phase: Phase) -> bool {
        let now = self.shared.clock.monotonic();
        if self.work.is_empty() {
            // An orphaned or damaged stretch of the ring holds no event, and its room is given back.
            self.release();
            return true;
        }
        if self.retry_at.is_some_and(|at| now < at) && phase != Phase::Stopping {
            return false;
        }
        self.work.standing_by = self.standing_by.0;
        let times = Times { unix_ms: self.shared.clock.unix_ms(), monotonic: now };
        let done = self.transact_or_recover(times);
        let is_slow = self.shared.clock.monotonic() - now > SLOW;
        self.batch_bytes = if is_slow { LARGE_BATCH_BYTES } else { BATCH_BYTES };
        match done {
            Ok(done) => {
                self.retry_at = None;
                self.tally.usuals.settled();
                if self.shared.spool_failing.swap(false, Ordering::AcqRel) {
                    self.shared.log.write(Level::Info, "the spool takes events again");
                }
                self.release();
                failpoint::reach("after-ring-release");
                let work = std::mem::take(&mut self.work);
                self.look_who_stands_by(&work);
                self.follow_up_counts(&work, now);
                self.follow_up(work, done);
                self.busy_until = now + SETTLE;
                true
            }
            Err(error) => {
                self.retry_at = Some(now + SPOOL_PAUSE);
                self.shared.counters.spool_errors.one();
                if !self.shared.spool_failing.swap(true, Ordering::AcqRel) {
                    self.shared.log.write(Level::Error, &format!("the spool takes no events: {error}"));
                }
                false
            }
        }
    }

    /// What is written to a file that has lost its name is lost: it is looked for before each
    /// transaction.
    fn transact_or_recover(&mut self, times: Times) -> Result<Done, SpoolError> {
        if let Some(cause) = self.spool.file_fault() {
            self.recover_spool(cause)?;
        }
        match self.transact(times) {
            Err(fault) if fault.kind() == SpoolErrorKind::Corrupt && self.watch.spool_file.is_some() => {
                self.recover_spool(FileFault::Damaged)?;
                self.transact(times)
            }
            done => done,
        }
    }

    /// Writes the work and what it makes of batches. What a failed transaction decided is taken back: the next
    /// one counts again, and finds what other instances have counted meanwhile.
    pub(super) fn transact(&mut self, times: Times) -> Result<Done, SpoolError> {
        failpoint::reach("before-transaction");
        let extent = self.work.extent();
        let mut before = None;
        let done = self.write_transaction(times, &mut before);
        if let (Err(_), Some((tally, shape))) = (&done, before) {
            self.work.cut_back(extent);
            (self.tally, self.shape) = (tally, shape);
        }
        done
    }

    fn write_transaction(
        &mut self,
        times: Times,
        before: &mut Option<(Tally, Shape)>,
    ) -> Result<Done, SpoolError> {
        let mut batch = self.spool.begin()?;
        let (shared, own) = (&self.shared, self.shared.intake.instance());
        let (counts, stalled) = self.work.count_in_batches(&mut batch, times.unix_ms)?;
        let mut remarks = counts.remarks;
        if !counts.ended.is_empty() || !stalled.is_empty() {
            *before = Some((self.tally.clone(), self.shape.clone()));
            let mut preparer = Preparer {
                config: &self.config,
                tally: &mut self.tally,
                shape: &mut self.shape,
                unix_ms: times.unix_ms,
                counters: &shared.counters,
                remarks: &mut remarks,
                accounts: None,
            };
            let told = preparer.tell_of_batches(&counts.ended, &stalled);
            self.work.events.extend(told);
            self.work.keep_counts(&mut self.tally);
            self.work.keep_shape(&mut self.shape, own);
        }
        self.work.supersede(&shared.lanes(), |seq| shared.number_now(seq));
        self.work.join_usuals(&mut batch, &mut self.tally.usuals)?;
        let done = self.work.write(&mut batch, own, times)?;
        failpoint::reach("before-commit");
        batch.commit()?;
        failpoint::reach("after-commit");
        Ok(Done { remarks, ..done })
    }

    /// What is durable is told to those who wait for it, and given to the lanes.
    fn follow_up(&mut self, work: Work, done: Done) {
        let counters = &self.shared.counters;
        for remark in &done.remarks {
            self.shared.log.write(Level::Warn, remark);
        }
        counters.spooled.add(done.spooled);
        counters.fallbacks.add(done.fallbacks);
        counters.escalated.add(done.escalated);
        counters.deliveries.add((done.jobs.len() + done.dead.len()) as u64);
        let endings: Vec<_> = work.lanes.iter().filter_map(ending).chain(done.dead).collect();
        for report in &work.lanes {
            match report {
                LaneReport::Attempt { fate, .. } => {
                    counters.attempts.one();
                    counters.retries.add(u64::from(matches!(fate, Disposition::Again(_))));
                }
                LaneReport::FollowUp { .. } => counters.attempts.one(),
                _ => {}
            }
        }
        self.tell(&work.lanes, &endings);
        for ending in endings {
            let counter = match ending.state {
                _ if ending.superseded => &counters.superseded,
                "dead" => &counters.dead,
                _ => &counters.delivered,
            };
            counter.one();
            counters.reports_dropped.add(self.shared.reports.push(ending));
        }
        self.advance_progress(&work, &done.owed, &done.fired);
        let deliveries = work.events.iter().flat_map(|event| &event.deliveries);
        for endpoint in deliveries.filter_map(|delivery| delivery.named.as_ref()) {
            task_lanes::open_lane(&self.shared, &self.config, endpoint);
        }
        self.dispatch(done.jobs);
        for (endpoint, seq) in done.ended_elsewhere {
            let lane = self.shared.lanes().get(&endpoint).cloned();
            let forgotten = lane.map(|lane| lane.forget(|waiting| self.shared.number_now(waiting) == seq));
            self.tell_dropped(&endpoint, forgotten.unwrap_or_default(), DROPPED);
        }
        self.rehouse(work.lanes);
    }

    fn advance_progress(&self, work: &Work, owed: &[(u64, u32)], fired: &[u64]) {
        let mut progress = self.shared.progress.update();
        for (ticket, deliveries) in owed {
            progress.owes(*ticket, *deliveries);
        }
        for ticket in fired.iter().chain(&work.superseded) {
            progress.ended(*ticket, false);
        }
        for report in &work.lanes {
            match report {
                LaneReport::Attempt { job, fate, .. } => {
                    if job.attempts == 0 {
                        progress.tried(job.ticket);
                    }
                    if !matches!(fate, Disposition::Again(_)) {
                        progress.ended(job.ticket, true);
                    }
                }
                LaneReport::Dropped { job, .. } => progress.ended(job.ticket, job.attempts > 0),
                LaneReport::Superseded { job, .. } => progress.ended(job.ticket, false),
                LaneReport::FollowUp { .. } | LaneReport::Homeless { .. } | LaneReport::Gone { .. } => {}
            }
        }
        progress.spooled(work.read_ticket);
    }

    fn dispatch(&self, jobs: Vec<(String, Job)>) {
        let mut by_endpoint: BTreeMap<String, Vec<Job>> = BTreeMap::new();
        for (endpoint, job) in jobs {
            by_endpoint.entry(endpoint).or_default().push(job);
        }
        let lanes: Vec<(Option<Arc<Lane>>, Vec<Job>, String)> = {
            let lanes = self.shared.lanes();
            by_endpoint.into_iter().map(|(name, jobs)| (lanes.get(&name).cloned(), jobs, name)).collect()
        };
        for (lane, jobs, name) in lanes {
            match lane {
                Some(lane) => lane.push(jobs),
                // The lanes are closed down: what comes too late for them is the next start's.
                None if self.shared.phase() >= Phase::Stopping => {}
                None => super::endpoints::drop_homeless(&self.shared, &name, jobs),
            }
        }
    }

    /// Deliveries of lanes that were retired go to the lanes in force.
    fn rehouse(&self, reports: Vec<LaneReport>) {
        let homeless = reports.into_iter().filter_map(|report| match report {
            LaneReport::Homeless { endpoint, job } => Some((endpoint, job)),
            _ => None,
        });
        self.dispatch(homeless.collect());
    }

    /// Puts a new configuration in force.
    fn put_in_force(&mut self) {
        let Some(Reload { config, lanes }) = lock(&self.shared.reload).take() else { return };
        let old = std::mem::replace(&mut *self.shared.lanes(), lanes);
        self.shared.max_event_bytes.store(config.queue.max_event_bytes, Ordering::Relaxed);
        self.shared.set_scrubber(config.scrubber.clone());
        for (name, earlier) in &old {
            if let Some(lane) = self.shared.lanes().get(name) {
                lane.follow(earlier);
            }
            self.work.states.push((super::endpoints::state_key(name), None));
        }
        let gone = self.shared.watchman.replace(&self.shared, &config.alerts);
        self.work.unwatched.extend(gone.iter().cloned());
        self.work.states.extend(gone.into_iter().map(|name| alert_state(&self.shared, (name, None))));
        self.config = config;
        self.config.warnings.iter().for_each(|text| self.shared.log.write(Level::Warn, text));
        let named = old.values().map(|lane| lane.endpoint()).filter(|endpoint| endpoint.is_of_task());
        for endpoint in named.filter(|endpoint| self.config.task_urls.allow(endpoint.url.expose())) {
            task_lanes::open_lane(&self.shared, &self.config, endpoint);
        }
        let waiting = old
            .into_iter()
            .flat_map(|(name, lane)| lane.retire().into_iter().map(move |job| (name.clone(), job)));
        self.dispatch(waiting.collect());
        self.shared.log.write(Level::Info, "a new configuration is in force");
    }
}

/// An alert's state as the spool keeps it.
fn alert_state(shared: &Shared, (name, kept): (String, Option<Vec<u8>>)) -> (String, Option<Vec<u8>>) {
    (alert_key(shared.intake.instance(), &name), kept)
}
