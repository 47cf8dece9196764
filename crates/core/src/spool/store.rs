//! The boundary of the store: what the engine asks of whatever keeps its events, deliveries, counts and states. The
//! SQLite spool is one. All times are Unix milliseconds.
//!
//! Nothing of a file is in here: damage and recovery, the bound of its size, the processes that share it. The engine
//! reaches those through [`Store::file`], and does without them where there is no file.

use super::{
    AlertEvent, AttemptRow, BatchCounts, Called, Counts, DeadGroup, DeliveryEnd, DeliverySelection,
    EndedDelivery, EndpointBacklog, EventDetail, Filter, HourCount, ListRow, LiveResult, LiveRole, LiveState,
    LiveTurn, NewDelivery, NewEvent, NewFallback, OpenBatch, Replayed, Spool, SpoolError, StateChange,
    StateKey, StateKind, StoredMessage, Stretch, Takeover, UnheardEvents, WaitingDelivery, live,
};
use crate::event::EventId;
use crate::tally::BatchTask;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The writer's side of a store: one owner of deliveries, which writes in transactions.
pub trait Store: Sized {
    /// A transaction under way.
    type Batch<'a>: Batch
    where
        Self: 'a;

    /// The spool whose file this store is, if it is one.
    fn file(&mut self) -> Option<&mut Spool>;

    /// Starts a transaction.
    fn begin(&mut self) -> Result<Self::Batch<'_>, SpoolError>;

    /// So many numbers for deliveries that are written later, the first one given; all or none. Each transaction that
    /// inserts a delivery reserves some.
    fn take_numbers(&mut self, count: usize) -> Option<i64>;

    /// The value of a state.
    fn state(&self, key: &StateKey) -> Result<Option<Vec<u8>>, SpoolError>;

    /// All values of a kind, ordered by owner and name.
    fn states(&self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError>;

    /// Writes these states in one transaction, if there are any.
    fn put_states(&mut self, changes: &[StateChange]) -> Result<(), SpoolError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut batch = self.begin()?;
        for (key, value) in changes {
            batch.put_state(key, value.as_deref())?;
        }
        batch.commit()
    }

    /// The instances that have something to deliver or keep a state, this one included. One that is dead when it is
    /// looked at after this was asked has been dead for good: names are never given twice.
    fn holders(&self) -> Result<Vec<String>, SpoolError>;

    /// Takes over the pending deliveries of these dead owners, and those that were released. What was in flight is due
    /// now.
    fn take_over(&mut self, dead: &[String], now_ms: i64) -> Result<Takeover, SpoolError>;

    /// The numbers under which this instance holds deliveries: its own, and what it has taken.
    fn held(&self) -> Result<Vec<i64>, SpoolError>;

    /// Gives up ownership of what is still pending, so that the next start takes it at once.
    fn release(&mut self) -> Result<(), SpoolError>;

    /// Closes it.
    fn close(self) {}

    /// Where these owners' numbers have something to deliver: one stretch for each number and endpoint.
    fn stretches(&self, owners: &[i64]) -> Result<Vec<Stretch>, SpoolError>;

    /// How many deliveries there are in a stretch; a store may stop at 10,000.
    fn count(&self, of: &Stretch) -> Result<u64, SpoolError>;

    /// The first of a stretch, `most` at most, without the messages. What has none yet is left out, and what
    /// [`Store::replaceable`] gives.
    fn page(&self, of: &Stretch, most: usize) -> Result<Vec<WaitingDelivery>, SpoolError>;

    /// What has to be delivered of these owners' numbers and a newer message may take the place of.
    fn replaceable(&self, owners: &[i64]) -> Result<Vec<WaitingDelivery>, SpoolError>;

    /// This owner's replayed deliveries that have no message yet.
    fn unrendered(&self) -> Result<Vec<WaitingDelivery>, SpoolError>;

    /// The contexts that were kept with [`Store::unrendered`] deliveries, in their order.
    fn contexts(&self, of: &[WaitingDelivery]) -> Result<Vec<Vec<u8>>, SpoolError>;

    /// Everything that this owner has to deliver, by number.
    fn pending(&self) -> Result<HashMap<i64, PendingDelivery>, SpoolError>;

    /// When the first open batch moved of which this is to be told.
    fn batch_waits_since(&self, what: BatchNews) -> Result<Option<i64>, SpoolError>;

    /// Whether a batch has ended, or gone on since it was told that it does not. Nothing is known of one that the
    /// host counts.
    fn batch_went_on(&self, id: &str) -> Result<bool, SpoolError>;

    /// Whether a batch has ended and has counted the task with this key.
    fn batch_has_told(&self, id: &str, key: &str) -> Result<bool, SpoolError>;

    /// Whether a message stands by, and when the first is due that has a time.
    fn waiting_fallbacks(&self) -> Result<(bool, Option<i64>), SpoolError>;

    /// Whether an event of this id is in the store.
    fn knows(&self, id: EventId) -> Result<bool, SpoolError>;

    /// [`Store::knows`] will be asked about these events: a store across a network reads all at once.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn look_up(&self, _ids: &[EventId]) -> Result<(), SpoolError> {
        Ok(())
    }

    /// Nothing is to be written for a while: what is held for speed is given back.
    fn rest(&self) {}

    /// Removes what ended before this instant, at most a few hundred rows a call, never what is pending. Says how many:
    /// call again until it is 0.
    fn prune(&mut self, ended_before_ms: i64) -> Result<usize, SpoolError>;
}

/// A transaction that is being filled. Dropped without `commit`, it leaves nothing.
///
/// After a fault of any call it is void: later calls and `commit` give the same error, so that it is kept whole or
/// not at all.
pub trait Batch {
    /// The transaction is going to write these events, and to end or change these deliveries: a store across a network
    /// reads all at once what it is going to answer about them. Whatever is not named may be written all the same.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn look_ahead(
        &mut self,
        _events: impl Iterator<Item = EventId>,
        _deliveries: impl Iterator<Item = i64>,
    ) -> Result<(), SpoolError> {
        Ok(())
    }

    /// Inserts an event; `None` when its id is there already. One that is `heard` gets a delivery in this transaction,
    /// and is removed with its last one.
    fn put_event(&mut self, event: &NewEvent<'_>, heard: bool) -> Result<Option<i64>, SpoolError>;

    /// The number of an event that is in the store.
    fn row_of(&mut self, id: EventId) -> Result<Option<i64>, SpoolError>;

    /// Inserts a delivery and says its number. It is this instance's to deliver; with `dead` it is a dead letter from
    /// the start. An event has at most one delivery to an endpoint: a second one is not kept, and the number of the
    /// first is given.
    fn put_delivery(&mut self, delivery: &NewDelivery<'_>, early: Early<'_>) -> Result<i64, SpoolError>;

    /// Inserts an event and its only delivery, which arrived with this attempt. `false` when the event is in the store
    /// already, and nothing is written.
    fn put_arrival(
        &mut self,
        event: &NewEvent<'_>,
        delivery: &NewDelivery<'_>,
        first: &AttemptRow,
        at: i64,
    ) -> Result<bool, SpoolError> {
        let Some(event) = self.put_event(event, true)? else { return Ok(false) };
        self.put_delivery(&NewDelivery { event, ..*delivery }, Early::Arrived(first, at)).map(|_| true)
    }

    /// Records an attempt of a delivery, if there was one, and what becomes of the delivery. `false` when it has ended
    /// already: it stays as it ended, and only the attempt is kept.
    fn put_attempt(
        &mut self,
        delivery: i64,
        attempt: Option<&AttemptRow>,
        next: Next<'_>,
    ) -> Result<bool, SpoolError>;

    /// Gives a pending delivery its message, which was rendered again.
    fn put_message(
        &mut self,
        delivery: i64,
        content_type: &str,
        body: &[u8],
        extras: Option<&str>,
    ) -> Result<(), SpoolError>;

    /// Keeps what is to be said of the hooks that did not ring for an event; what was kept before gives way.
    fn put_account(&mut self, event: i64, said: &str) -> Result<(), SpoolError>;

    /// Keeps a message ready; a second one for the same way is not kept.
    fn put_fallback(&mut self, fallback: &NewFallback<'_>) -> Result<(), SpoolError>;

    /// A delivery has ended. If it is dead, whom it falls back to is called now, else those who would be told later;
    /// otherwise nobody is called for it.
    fn call_after(&mut self, delivery: i64, is_dead: bool, now: i64) -> Result<Vec<Called>, SpoolError>;

    /// Calls those whose time has come.
    fn call_due(&mut self, now: i64) -> Result<Vec<Called>, SpoolError>;

    /// The alert of this name is resolved: nobody is told of it any more for its being on.
    fn resolve(&mut self, alert: &str) -> Result<(), SpoolError>;

    /// The value of a state, as of this transaction.
    fn state(&mut self, key: &StateKey) -> Result<Option<Vec<u8>>, SpoolError>;

    /// All values of a kind, as of this transaction.
    fn states(&mut self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError>;

    /// Keeps the value of a state; `None` removes it.
    fn put_state(&mut self, key: &StateKey, value: Option<&[u8]>) -> Result<(), SpoolError>;

    /// Counts tasks in their batches; each task once, and each batch ends once. Then gives the open batches of which
    /// something is to be told, as far as `watch` asks.
    fn count_batches<'t>(
        &mut self,
        tasks: impl Iterator<Item = &'t BatchTask>,
        watch: BatchWatch,
        now: i64,
    ) -> Result<BatchCounts, SpoolError>;

    /// Makes it durable: when this returns `Ok`, a power cut does not undo it.
    fn commit(self) -> Result<(), SpoolError>;

    /// Finds or begins the living message of a new state, which comes from this event.
    fn join_live(&mut self, state: &LiveState<'_>, event: EventId, now: i64) -> Result<LiveRole, SpoolError> {
        live::join(self, state, event, now)
    }

    /// Records what a delivered state did to the living message that began with the event `first`.
    fn note_live(
        &mut self,
        first: &str,
        endpoint: &str,
        result: &LiveResult,
        now: i64,
    ) -> Result<(), SpoolError> {
        live::note(self, first, endpoint, result, now)
    }
}

/// How far a delivery is before it is written.
#[derive(Debug, Clone, Copy)]
pub enum Early<'a> {
    /// No lane has it.
    No,
    /// A lane has it under this number, which [`Store::take_numbers`] gave.
    Sent(i64),
    /// It arrived with this attempt, at this time.
    Arrived(&'a AttemptRow, i64),
}

/// What becomes of a delivery after an attempt, or without one.
#[derive(Debug, Clone, Copy)]
pub enum Next<'a> {
    /// Nothing changes.
    Same,
    /// It is due again at this time.
    Due(i64),
    /// It ends at this time.
    End(&'a DeliveryEnd, i64),
}

/// A delivery that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingDelivery {
    /// When the next attempt is due.
    pub due_at: i64,
    /// The attempts that are written.
    pub attempts: u32,
}

/// What may be told of an open batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchNews {
    /// That it does not go on.
    Standstill,
    /// How far it is.
    Progress,
}

/// Of which open batches something is to be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct BatchWatch {
    /// Those that have not gone on since this time; each once until it goes on.
    pub stalled_since: Option<i64>,
    /// Those that have gone on, and whose progress was not told since this time.
    pub untold_since: Option<i64>,
}

/// What lanes read back from a store: messages that wait are not kept in memory.
///
/// Apart from [`Reader`], so that a host's library holds no code of lists and overviews.
pub trait MessageReader {
    /// The message of a delivery.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn message(&self, delivery: i64) -> Result<Option<StoredMessage>, SpoolError>;

    /// Whether it is the turn of this delivery of a living message, which began with the event `first`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn live_turn(&self, delivery: i64, first: &str, endpoint: &str) -> Result<LiveTurn, SpoolError>;
}

/// The look-on side of a store, for the command and the console: while hosts run, and after they are dead.
pub trait Reader: MessageReader {
    /// The file of a spool; `None` for a store without one.
    fn file(&self) -> Option<&Path>;

    /// The values of a kind, ordered by owner and name.
    fn states(&self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError>;

    /// How many deliveries are in each state, and the size of it all.
    ///
    /// # Errors
    /// As every call of this side: when the store cannot be read.
    fn counts(&self) -> Result<Counts, SpoolError>;

    /// The deliveries that fit the filter, the newest first.
    fn list(&self, filter: &Filter) -> Result<Vec<ListRow>, SpoolError>;

    /// An event with its deliveries and attempts. `id` is an event id (`evt_…`, at least its first
    /// eight digits) or the number of one of its deliveries. A beginning that fits several events is
    /// an error of kind `Ambiguous`.
    fn show(&self, id: &str) -> Result<Option<EventDetail>, SpoolError>;

    /// The dead letters by their reason, the group with the newest one first; at most `limit` groups.
    fn dead_groups(&self, limit: usize) -> Result<Vec<DeadGroup>, SpoolError>;

    /// What waits for each endpoint that has deliveries, or had some lately.
    fn backlogs(&self) -> Result<BTreeMap<String, EndpointBacklog>, SpoolError>;

    /// How many deliveries ended in each hour from this time on, hours without one left out.
    fn hours(&self, from_ms: i64) -> Result<Vec<HourCount>, SpoolError>;

    /// The deliveries that ended last and not before this time, at most `limit` in each state.
    fn ended_since(&self, from_ms: i64, limit: usize) -> Result<Vec<EndedDelivery>, SpoolError>;

    /// The events from this time on that have no delivery; with `limit` accounts at most.
    fn unheard_since(&self, from_ms: i64, limit: usize) -> Result<UnheardEvents, SpoolError>;

    /// The batches that are not complete, the one that went on last first; at most `limit`.
    fn open_batches(&self, limit: usize) -> Result<Vec<OpenBatch>, SpoolError>;

    /// The events of alerts since this time, the newest first, as far as they are among the newest events.
    fn alert_events(&self, from_ms: i64) -> Result<Vec<AlertEvent>, SpoolError>;
}

/// What an operator does with deliveries, while hosts run and when none does. Hosts see that something was done by
/// another value of `operator_mark`.
pub trait Operator {
    /// Makes the dead letters that are meant due now: same id, same body, the next attempt's number, a
    /// new retry schedule. What waits is due now, too, and keeps its schedule. An endpoint that said it is gone, or asked
    /// for quiet, is tried again; so is the one that is named, without a delivery too.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn replay(&mut self, choice: &DeliverySelection, now_ms: i64) -> Result<Replayed, SpoolError>;

    /// Drops the deliveries that are meant: one that waits becomes a dead letter that says so, a dead
    /// letter is removed. Says how many of both. What was delivered stays for the log.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn drop_deliveries(
        &mut self,
        choice: &DeliverySelection,
        now_ms: i64,
    ) -> Result<(usize, usize), SpoolError>;
}
