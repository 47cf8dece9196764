//! What lanes need of the engine: a bounded queue for their reports, and messages read back from the spool.

use super::live_in_memory::LiveInMemory;
use super::lock::lock;
use super::open_store::MaySend;
use super::phase::{Phase, PhaseCell};
use super::waker::Waker;
use crate::lanes::{Body, LaneReport, LaneSink};
use crate::secret::Scrubber;
use crate::spool::{LiveTurn, MessageReader, SpoolErrorKind};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Waiting reports at which lanes pause, because the disk does not keep up.
const MAX_WAITING: usize = 4096;

/// While a result has not been written for so long, no attempt starts: if the process died now, the next one would send
/// again what is not written.
const UNRECORDED: Duration = Duration::from_millis(500);

/// Between two looks of a lane that waits for the disk, unless it is woken.
const LOOK: Duration = Duration::from_millis(500);

/// The same where it may also wait for its relay to lead.
const LOOK_WHILE_LEADING: Duration = Duration::from_millis(50);

/// Reports on their way into the spool. Real time, also where a test sets the clock: it is about the pace of the disk.
#[derive(Default)]
struct Waiting {
    reports: Vec<LaneReport>,
    /// When the first of them came.
    since: Option<Instant>,
    /// When the first of those came that are in the open transaction.
    taken_since: Option<Instant>,
}

impl Waiting {
    /// Whether lanes have to wait for the disk.
    fn is_behind(&self) -> bool {
        let first = self.taken_since.or(self.since);
        self.reports.len() >= MAX_WAITING || first.is_some_and(|first| first.elapsed() >= UNRECORDED)
    }
}

/// The sink of all lanes.
pub struct LaneReports {
    phase: Arc<PhaseCell>,
    waker: Arc<Waker>,
    waiting: Mutex<Waiting>,
    room: Condvar,
    // `None` without a file: then lanes keep every message in memory.
    messages: Mutex<Option<Box<dyn MessageReader + Send>>>,
    // The living messages, without a file.
    live: Mutex<LiveInMemory>,
    // Rows of deliveries that changed when the spool was recreated: the number lanes know, and the present one.
    renumbered: Mutex<HashMap<i64, i64>>,
    scrubber: RwLock<Scrubber>,
    first_unspooled: AtomicI64,
    attempt_began: AtomicBool,
    lacks_thread: AtomicBool,
    damaged: AtomicBool,
    // In a relay that leads only for a time.
    may_send: OnceLock<MaySend>,
}

impl LaneReports {
    pub fn new(
        phase: Arc<PhaseCell>,
        waker: Arc<Waker>,
        messages: Option<Box<dyn MessageReader + Send>>,
        scrubber: Scrubber,
    ) -> LaneReports {
        LaneReports {
            phase,
            waker,
            waiting: Mutex::default(),
            room: Condvar::new(),
            live: Mutex::new(LiveInMemory::new(messages.is_none())),
            messages: Mutex::new(messages),
            renumbered: Mutex::default(),
            scrubber: RwLock::new(scrubber),
            first_unspooled: AtomicI64::new(i64::MAX),
            attempt_began: AtomicBool::new(false),
            lacks_thread: AtomicBool::new(false),
            damaged: AtomicBool::new(false),
            may_send: OnceLock::new(),
        }
    }

    /// From now on no attempt starts while this says no.
    pub fn send_only_if(&self, may_send: MaySend) {
        let _ = self.may_send.set(may_send);
    }

    fn may_send(&self) -> bool {
        self.may_send.get().is_none_or(|may_send| may_send())
    }

    /// The oldest reports, at most so many, with the present row numbers.
    pub fn take(&self, most: usize) -> Vec<LaneReport> {
        let mut waiting = lock(&self.waiting);
        let most = most.min(waiting.reports.len());
        let mut reports: Vec<LaneReport> = waiting.reports.drain(..most).collect();
        if most > 0 {
            waiting.taken_since = waiting.taken_since.or(waiting.since);
        }
        if waiting.reports.is_empty() {
            waiting.since = None;
        }
        drop(waiting);
        reports.iter_mut().for_each(|report| self.name_present_row(report));
        if !reports.is_empty() {
            self.room.notify_all();
        }
        reports
    }

    /// What was taken is durable.
    pub fn recorded(&self) {
        let was_behind = {
            let mut waiting = lock(&self.waiting);
            let was_behind = waiting.is_behind();
            waiting.taken_since = None;
            was_behind
        };
        if was_behind {
            self.room.notify_all();
        }
    }

    /// Puts the present row number into a report.
    pub fn name_present_row(&self, report: &mut LaneReport) {
        match report {
            LaneReport::Attempt { job, row, .. } => {
                row.delivery = self.present_row(row.delivery);
                job.seq = self.present_row(job.seq);
            }
            LaneReport::Dropped { job, .. } | LaneReport::Superseded { job, .. } => {
                job.seq = self.present_row(job.seq);
            }
            LaneReport::FollowUp { row, .. } => row.delivery = self.present_row(row.delivery),
            LaneReport::Returned { .. } | LaneReport::Gone { .. } => {}
        }
    }

    /// Deliveries with this number or a higher one may be in lanes before they are in the spool.
    pub fn set_first_unspooled(&self, number: i64) {
        self.first_unspooled.store(number, Ordering::Release);
    }

    /// Whether the spool may not have this delivery of a lane yet.
    pub fn is_unspooled(&self, delivery: i64) -> bool {
        delivery >= self.first_unspooled.load(Ordering::Acquire)
    }

    /// Whether an attempt has begun since [`LaneReports::note_attempts`].
    pub fn has_new_attempt(&self) -> bool {
        self.attempt_began.load(Ordering::SeqCst)
    }

    /// The attempts that have begun are about to be looked at.
    pub fn note_attempts(&self) {
        self.attempt_began.store(false, Ordering::SeqCst);
    }

    /// Whether a sender lacked a thread since the last call.
    pub fn take_lack_of_threads(&self) -> bool {
        self.lacks_thread.swap(false, Ordering::Relaxed)
    }

    pub fn waiting(&self) -> usize {
        lock(&self.waiting).reports.len()
    }

    /// Whether a lane has met damage in the spool since the last call.
    pub fn has_met_damage(&self) -> bool {
        self.damaged.swap(false, Ordering::AcqRel)
    }

    /// Lets lanes that wait for room check the phase.
    pub fn wake_lanes(&self) {
        self.room.notify_all();
    }

    pub fn set_scrubber(&self, scrubber: Scrubber) {
        *self.scrubber.write().unwrap_or_else(PoisonError::into_inner) = scrubber;
    }

    /// Replaces the reader of messages, and the row numbers that changed with it.
    pub fn replace_reader(
        &self,
        reader: Option<Box<dyn MessageReader + Send>>,
        renumbered: &HashMap<i64, i64>,
    ) {
        let mut messages = lock(&self.messages);
        self.renumber(renumbered);
        *messages = reader;
    }

    /// Records that deliveries have other row numbers now.
    pub fn renumber(&self, changes: &HashMap<i64, i64>) {
        let mut renumbered = lock(&self.renumbered);
        for now in renumbered.values_mut() {
            *now = changes.get(now).copied().unwrap_or(*now);
        }
        for (before, now) in changes {
            renumbered.entry(*before).or_insert(*now);
        }
    }

    /// Records the row number of a delivery that was not in the spool before.
    pub fn set_present_row(&self, delivery: i64, row: i64) {
        lock(&self.renumbered).insert(delivery, row);
    }

    /// The row in the spool of a delivery that a lane knows by this number.
    #[inline(never)]
    pub fn present_row(&self, delivery: i64) -> i64 {
        lock(&self.renumbered).get(&delivery).copied().unwrap_or(delivery)
    }
}

impl LaneSink for LaneReports {
    fn report(&self, report: LaneReport) {
        lock(&self.live).note(&report);
        let mut waiting = lock(&self.waiting);
        waiting.since.get_or_insert_with(Instant::now);
        waiting.reports.push(report);
        drop(waiting);
        self.waker.notify();
    }

    fn await_room(&self) {
        let mut reports = lock(&self.waiting);
        while (reports.is_behind() || !self.may_send()) && self.phase.get() < Phase::Stopping {
            let wait = if self.may_send.get().is_none() { LOOK } else { LOOK_WHILE_LEADING };
            reports = self.room.wait_timeout(reports, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn body(&self, delivery: i64) -> Result<Option<Body>, String> {
        let messages = lock(&self.messages);
        let Some(reader) = messages.as_ref() else { return Ok(None) };
        let message = reader.message(self.present_row(delivery)).map_err(|error| {
            if error.kind() == SpoolErrorKind::Corrupt {
                self.damaged.store(true, Ordering::Release);
                self.waker.notify();
            }
            error.to_string()
        })?;
        match message {
            // The store may have answered late.
            _ if !self.may_send() => Err("this relay does not lead at present".to_owned()),
            None if self.is_unspooled(delivery) => Err("it is not in the spool yet".to_owned()),
            message => Ok(message.map(Body::from)),
        }
    }

    fn live_turn(&self, delivery: i64, first: &str, endpoint: &str) -> Result<LiveTurn, String> {
        match lock(&self.messages).as_ref() {
            Some(reader) => {
                let turn = reader.live_turn(self.present_row(delivery), first, endpoint);
                turn.map_err(|error| error.to_string())
            }
            None => Ok(lock(&self.live).turn(first, endpoint)),
        }
    }

    fn attempt_begins(&self) {
        // The dispatcher looks once for all that begin until then.
        if !self.attempt_began.swap(true, Ordering::SeqCst) {
            self.waker.notify();
        }
    }

    fn has_news(&self) {
        self.waker.notify();
    }

    fn lacks_thread(&self) {
        self.lacks_thread.store(true, Ordering::Relaxed);
        self.waker.notify();
    }

    fn scrubber(&self) -> Scrubber {
        self.scrubber.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
