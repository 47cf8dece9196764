//! Early dispatch: lanes get deliveries while their event is still in the ring, and the transaction stays open for a
//! moment. What has ended by then is written once, as it ended; the rest is written as pending, and its end later.
//!
//! An event in the ring survives the end of the process: the next start decides about it again, and sends again
//! what was sent and not written yet, with the same id. So a delivery goes early only if the ring alone can bring it
//! back: events that are derived, held, or part of a living message, and deliveries that others stand by for or
//! supersede, wait for their transaction. Those behind them wait too, because a lane keeps the order.

use crate::clock::Moment;
use crate::engine::commit::Transaction;
use crate::engine::decide::{EarlyDelivery, EventState, PlannedDelivery, PlannedEvent};
use crate::engine::parts::Parts;
use crate::lanes::{Disposition, Job, LaneReport};
use crate::spool::Store;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskbell_ring::failpoint;

/// Between two commits, unless a thread waits for one: each is a sync of the disk.
const PAUSE: Duration = Duration::from_millis(10);

/// The most bytes of a transaction that stays open; half of it may come with one turn.
const FULL_BYTES: u64 = 4 * 1024 * 1024;

/// Early deliveries in flight or waiting, at which nothing more is read from the ring: lanes have enough to do, and
/// what they send before it is written is written once. Doubles with each transaction of which most did not end in
/// time, because such lanes are slow and the ring must not fill for them.
const FEW: usize = 192;
const MANY: usize = 16 * 1024;

/// How many bytes are read from the ring at a time, so that lanes are not given much more than is enough.
const READ_BYTES: usize = 16 * 1024;

/// What the lanes have of the open transaction.
pub struct EarlyDispatch {
    numbers: Vec<i64>,
    /// The type of the last event: most that follow have the same.
    kind: Option<Arc<str>>,
    ended: usize,
    most: usize,
    /// Events of the transaction that were looked at.
    seen: usize,
    bytes: u64,
    // Real time, also where a test sets the clock: it is about the pace of lanes and disk.
    opened_at: Option<Instant>,
    committed_at: Instant,
    /// A delivery waits for the commit.
    is_awaited: bool,
}

impl EarlyDispatch {
    /// How long a transaction stays open for deliveries that have not ended. With the commit it is well below the 50 ms
    /// within which an event is in the spool.
    pub const WINDOW: Duration = Duration::from_millis(20);

    /// The same in a relay: each node waits for its answer with what happens meanwhile.
    pub const WINDOW_OF_POSTS: Duration = Duration::from_millis(3);

    /// The same where nothing survives the process: then it only delays reports.
    pub const WINDOW_IN_MEMORY: Duration = Duration::from_millis(200);

    /// Nothing is open.
    pub fn new() -> EarlyDispatch {
        EarlyDispatch {
            numbers: Vec::new(),
            kind: None,
            ended: 0,
            most: FEW,
            seen: 0,
            bytes: 0,
            opened_at: None,
            committed_at: Instant::now(),
            is_awaited: false,
        }
    }

    /// Whether lanes have enough of what is not written yet. A receiver that hangs holds up the others' events for the
    /// window at most.
    pub fn is_enough(&self) -> bool {
        self.numbers.len().saturating_sub(self.ended) >= self.most
            && self.opened_at.is_some_and(|opened_at| opened_at.elapsed() < EarlyDispatch::WINDOW)
    }

    /// How many bytes are to be read from the ring at a time.
    pub fn read_bytes(&self) -> usize {
        if self.most > FEW { usize::MAX } else { READ_BYTES }
    }

    /// Whether a transaction is open.
    pub fn is_open(&self) -> bool {
        self.opened_at.is_some()
    }

    /// Notes which of the early deliveries have ended.
    pub fn note(&mut self, reports: &[LaneReport]) {
        if self.numbers.is_empty() {
            return;
        }
        let ended = |report: &&LaneReport| match report {
            LaneReport::Attempt { job, disposition, .. } => {
                !matches!(disposition, Disposition::Again(_)) && self.is_early(job)
            }
            LaneReport::Dropped { job, .. } | LaneReport::Superseded { job, .. } => self.is_early(job),
            _ => false,
        };
        self.ended += reports.iter().filter(ended).count();
    }

    fn is_early(&self, job: &Job) -> bool {
        self.numbers.first().is_some_and(|first| job.seq >= *first)
            && self.numbers.binary_search(&job.seq).is_ok()
    }

    /// Gives new deliveries of the transaction to their lanes, as far as they may go before it is committed.
    pub fn send(
        &mut self,
        parts: &Parts,
        spool: &mut impl Store,
        transaction: &mut Transaction,
        now: Moment,
    ) {
        if transaction.is_empty() {
            return;
        }
        self.opened_at.get_or_insert_with(Instant::now);
        let mut jobs = Vec::new();
        for event in transaction.events.iter_mut().skip(self.seen) {
            self.bytes += event.bytes();
            self.is_awaited = self.is_awaited || !self.send_event(parts, spool, event, now, &mut jobs);
        }
        self.seen = transaction.events.len();
        if let Some(first) = self.numbers.first() {
            parts.lanes.reports.set_first_unspooled(*first);
            let any = !jobs.is_empty();
            parts.lanes.push(jobs);
            if any {
                failpoint::reach("after-early-dispatch");
            }
        }
    }

    /// `false` when a delivery of the event has to wait for the commit.
    fn send_event(
        &mut self,
        parts: &Parts,
        spool: &mut impl Store,
        event: &mut PlannedEvent,
        now: Moment,
        jobs: &mut Vec<(Arc<str>, Job)>,
    ) -> bool {
        let is_derived =
            event.ticket == 0 || event.state != EventState::Final || event.resolved_alert.is_some();
        if event.deliveries.is_empty() {
            return event.state == EventState::Final && event.resolved_alert.is_none();
        }
        if is_derived || !event.deliveries.iter().all(|delivery| may_go_early(parts, delivery)) {
            return false;
        }
        let Some(first) = spool.take_numbers(event.deliveries.len()) else { return false };
        for (at, number) in (0..event.deliveries.len()).zip(first..) {
            let delivery = &event.deliveries[at];
            if let Ok(message) = &delivery.message {
                let words = (shared_kind(&mut self.kind, &event.kind), Arc::clone(&delivery.hook));
                let job = event.job(delivery, (number, message), words, None, now);
                jobs.push((delivery.endpoint.clone(), job));
                event.deliveries[at].early = Some(EarlyDelivery { number, row: number, at: now.unix_ms });
                self.numbers.push(number);
            }
        }
        true
    }

    /// The bytes of the open transaction.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the transaction may stay open, because more of its deliveries may end before it is written. `most` is
    /// how many bytes it may have.
    pub fn may_wait(&self, parts: &Parts, transaction: &Transaction, window: Duration, most: u64) -> bool {
        let Some(opened_at) = self.opened_at else { return false };
        if self.bytes >= most.min(FULL_BYTES) / 2 || parts.progress.is_spooling_awaited() {
            return false;
        }
        let all_ended = self.ended == self.numbers.len();
        if self.committed_at.elapsed() < PAUSE.min(window) {
            return !(all_ended && parts.progress.is_awaited());
        }
        !all_ended && !self.is_awaited && !transaction.is_urgent() && opened_at.elapsed() < window
    }

    /// The transaction is committed.
    pub fn committed(&mut self, parts: &Parts) {
        if !self.numbers.is_empty() {
            let most_ended = self.ended * 2 >= self.numbers.len();
            self.most = if most_ended { FEW } else { (self.most * 2).min(MANY) };
            parts.lanes.reports.set_first_unspooled(i64::MAX);
        }
        self.numbers.clear();
        (self.ended, self.seen, self.bytes) = (0, 0, 0);
        (self.opened_at, self.is_awaited) = (None, false);
        self.committed_at = Instant::now();
    }
}

fn shared_kind(last: &mut Option<Arc<str>>, kind: &str) -> Arc<str> {
    match last {
        Some(known) if **known == *kind => Arc::clone(known),
        _ => Arc::clone(last.insert(kind.into())),
    }
}

/// Whether a crash before the commit leaves nothing of a delivery but what the ring brings back.
fn may_go_early(parts: &Parts, delivery: &PlannedDelivery) -> bool {
    let PlannedDelivery { live, supersede_key, superseded_by, fallbacks, task_endpoint, .. } = delivery;
    live.is_none()
        && supersede_key.is_none()
        && superseded_by.is_none()
        && fallbacks.is_empty()
        && task_endpoint.is_none()
        && delivery.message.is_ok()
        && parts.lanes.lock().get(&delivery.endpoint).is_some_and(|lane| lane.has_room())
}
