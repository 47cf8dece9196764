//! What the host's threads, the clerk and the lanes share.

use super::bed::Bed;
use super::gate::Gate;
use super::log::{Level, Log};
use super::progress::Progress;
use super::reports::Reports;
use super::stats::Counters;
use super::watchman::Watchman;
use crate::clock::Clock;
use crate::config::Config;
use crate::intake::Intake;
use crate::lanes::{Body, Lane, LaneReport, LaneSink};
use crate::message::Extras;
use crate::secret::Scrubber;
use crate::spool::Reader;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

/// The most mishaps of the spool that are told by stats.
const MAX_MISHAPS: usize = 16;

/// The most lane reports that wait for the spool before lanes pause.
const MAX_LANE_REPORTS: usize = 4096;

/// How far a bell is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Events come in.
    Open = 0,
    /// No more events; what was accepted is delivered as far as time allows.
    Draining = 1,
    /// Time is up: what is left stays in the spool.
    Stopping = 2,
    /// The clerk has ended.
    Ended = 3,
}

/// A new configuration with the lanes for it, for the clerk to put in force.
#[derive(Debug)]
pub struct Reload {
    /// The configuration.
    pub config: Arc<Config>,
    /// One lane for each of its endpoints.
    pub lanes: BTreeMap<String, Arc<Lane>>,
}

/// What everybody shares.
pub struct Shared {
    /// Where hosts' threads go in.
    pub gate: Gate,
    /// The ring.
    pub intake: Intake,
    /// The largest event, in bytes.
    pub max_event_bytes: AtomicUsize,
    /// Where the clerk sleeps.
    pub bed: Bed,
    /// What `wait`, `sync` and `flush` wait for.
    pub progress: Progress,
    /// What the host polls.
    pub reports: Reports,
    /// What happened so far.
    pub counters: Counters,
    /// The host's log.
    pub log: Log,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Whether the spool took the last transaction.
    pub spool_failing: AtomicBool,
    /// Whether the spool has grown to its bound and holds nothing but what waits.
    pub spool_full: AtomicBool,
    /// What happened to the file of the spool, in words.
    mishaps: Mutex<Vec<String>>,
    /// What the configuration at the start hardly means.
    pub warnings: Vec<String>,
    /// Whether the host's log has heard of them.
    pub mishaps_told: AtomicBool,
    /// Numbers of deliveries that changed when the spool was made anew: what lanes know, and what it is.
    moved: Mutex<HashMap<i64, i64>>,
    /// Whether everything accepted has been handed to the lanes, in a bell that drains.
    pub drained: AtomicBool,
    /// Configuration to put in force.
    pub reload: Mutex<Option<Reload>>,
    /// The last value of each metric.
    pub metrics: Mutex<BTreeMap<String, f64>>,
    /// The watch over metrics.
    pub watchman: Watchman,
    phase: AtomicU8,
    scrubber: RwLock<Scrubber>,
    lanes: Mutex<BTreeMap<String, Arc<Lane>>>,
    /// Whether the host was told that a metric of it was refused.
    pub refused_metric: AtomicBool,
    lane_reports: Mutex<Vec<LaneReport>>,
    lane_room: Condvar,
    reader: Mutex<Option<Reader>>,
}

/// Lanes know it as a `LaneSink`, whose `Debug` brings that of everything below it into the library.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("phase", &self.phase()).finish_non_exhaustive()
    }
}

impl Shared {
    /// Everything at its beginning.
    pub fn new(intake: Intake, config: &Config, clock: Arc<dyn Clock>, reader: Option<Reader>) -> Shared {
        Shared {
            gate: Gate::default(),
            intake,
            max_event_bytes: AtomicUsize::new(config.queue.max_event_bytes),
            bed: Bed::default(),
            progress: Progress::default(),
            reports: Reports::default(),
            counters: Counters::default(),
            log: Log::default(),
            clock,
            spool_failing: AtomicBool::new(false),
            spool_full: AtomicBool::new(false),
            mishaps: Mutex::new(Vec::new()),
            warnings: config.warnings.clone(),
            mishaps_told: AtomicBool::new(false),
            moved: Mutex::new(HashMap::new()),
            drained: AtomicBool::new(false),
            reload: Mutex::new(None),
            metrics: Mutex::new(BTreeMap::new()),
            watchman: Watchman::new(&config.alerts),
            phase: AtomicU8::new(Phase::Open as u8),
            scrubber: RwLock::new(config.scrubber.clone()),
            lanes: Mutex::new(BTreeMap::new()),
            refused_metric: AtomicBool::new(false),
            lane_reports: Mutex::new(Vec::new()),
            lane_room: Condvar::new(),
            reader: Mutex::new(reader),
        }
    }

    /// How far it is.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Open,
            1 => Phase::Draining,
            2 => Phase::Stopping,
            _ => Phase::Ended,
        }
    }

    /// Goes on to a later phase; never back.
    pub fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.lane_room.notify_all();
        self.bed.wake();
    }

    /// The lanes by the name of their endpoint.
    pub fn lanes(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Lane>>> {
        lock(&self.lanes)
    }

    /// Puts the secrets of a new configuration in force.
    pub fn set_scrubber(&self, scrubber: Scrubber) {
        *self.scrubber.write().unwrap_or_else(PoisonError::into_inner) = scrubber;
    }

    /// Another reader of the messages, or none any more; deliveries have other numbers there.
    pub fn replace_reader(&self, reader: Option<Reader>, moved: &HashMap<i64, i64>) {
        let mut present = lock(&self.reader);
        self.renumber(moved);
        *present = reader;
    }

    /// Keeps what happened to the spool for stats and log.
    pub fn note_mishap(&self, text: &str) {
        let mut mishaps = lock(&self.mishaps);
        if mishaps.len() < MAX_MISHAPS {
            mishaps.push(text.to_owned());
        }
        self.log.write(Level::Error, text);
    }

    /// What happened to the spool so far.
    pub fn mishaps(&self) -> Vec<String> {
        lock(&self.mishaps).clone()
    }

    /// Deliveries have other numbers now.
    pub fn renumber(&self, changes: &HashMap<i64, i64>) {
        if changes.is_empty() {
            return;
        }
        let mut moved = lock(&self.moved);
        for now in moved.values_mut() {
            *now = changes.get(now).copied().unwrap_or(*now);
        }
        for (before, now) in changes {
            moved.entry(*before).or_insert(*now);
        }
    }

    /// The number in the spool of a delivery that a lane knows by this one.
    pub fn number_now(&self, delivery: i64) -> i64 {
        lock(&self.moved).get(&delivery).copied().unwrap_or(delivery)
    }

    /// What the lanes have reported since the last call.
    pub fn take_lane_reports(&self) -> Vec<LaneReport> {
        let mut reports = std::mem::take(&mut *lock(&self.lane_reports));
        for report in &mut reports {
            match report {
                LaneReport::Attempt { job, row, .. } => {
                    row.delivery = self.number_now(row.delivery);
                    job.seq = self.number_now(job.seq);
                }
                LaneReport::Dropped { job, .. } | LaneReport::Superseded { job, .. } => {
                    job.seq = self.number_now(job.seq);
                }
                LaneReport::FollowUp { row, .. } => row.delivery = self.number_now(row.delivery),
                LaneReport::Returned { .. } | LaneReport::Gone { .. } => {}
            }
        }
        if !reports.is_empty() {
            self.lane_room.notify_all();
        }
        reports
    }

    /// How many reports of the lanes wait to be written.
    pub fn lane_reports_waiting(&self) -> usize {
        lock(&self.lane_reports).len()
    }

    /// Whether the clerk has something to do besides what the clock brings.
    pub fn has_work(&self) -> bool {
        !self.intake.is_drained()
            || !lock(&self.lane_reports).is_empty()
            || lock(&self.reload).is_some()
            || self.watchman.is_early()
            || self.phase() != Phase::Open
    }
}

/// A lock whose data stays usable when a thread panicked with it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LaneSink for Shared {
    fn report(&self, report: LaneReport) {
        lock(&self.lane_reports).push(report);
        self.bed.rouse();
    }

    fn await_room(&self) {
        let mut reports = lock(&self.lane_reports);
        while reports.len() >= MAX_LANE_REPORTS && self.phase() < Phase::Stopping {
            let wait = Duration::from_millis(500);
            reports = self.lane_room.wait_timeout(reports, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn body(&self, delivery: i64) -> Result<Option<Body>, String> {
        let reader = lock(&self.reader);
        // Without a file the lanes keep every message in memory.
        let Some(reader) = reader.as_ref() else { return Ok(None) };
        let message = reader.message(self.number_now(delivery)).map_err(|error| error.to_string())?;
        Ok(message.map(|message| Body {
            content_type: message.content_type,
            bytes: message.body,
            extras: Extras::from_text(message.extras.as_deref()),
        }))
    }

    fn scrubber(&self) -> Scrubber {
        self.scrubber.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
