//! A transaction that is being filled: what it is given is kept, and what it is asked is answered from that or read.

use super::flight::{BoundStatement, values};
use super::gathered::{DeliveryChange, DeliveryRow, EventRow, FallbackRow, GatheredRows, MessageRow};
use super::numbers::RowNumbers;
use super::values::{PENDING, key_of, maybe, number_of, text};
use super::{PostgresStore, STATE, STATES, known, read_state};
use std::collections::{BTreeMap, HashMap, HashSet};
use taskbell_core::event::EventId;
use taskbell_core::spool::{
    AttemptRow, Batch, BatchCounts, BatchTask, BatchWatch, Called, DeliveryEnd, DeliveryState, Early,
    NewDelivery, NewEvent, NewFallback, Next, SpoolError, StateKey, StateKind,
};

/// One transaction. Dropped without `commit`, it leaves nothing.
pub struct PostgresBatch<'a> {
    pub(super) store: &'a mut PostgresStore,
    /// Its mark, once it has begun on the server.
    pub(super) transaction: Option<String>,
    pub(super) rows: GatheredRows,
    pub(super) deliveries: HashMap<i64, Option<KnownDelivery>>,
    pub(super) numbers: RowNumbers,
    owner: Option<i64>,
    /// Events of this transaction that were sent.
    written: HashSet<EventId>,
    pub(super) fault: Option<SpoolError>,
}

/// What the store has of a delivery. The transaction holds a lock on its row, so that no operator changes it meanwhile.
#[derive(Debug, Clone)]
pub struct KnownDelivery {
    pub event: i64,
    pub endpoint: String,
    pub is_pending: bool,
    /// Whether a message may stand by for its event.
    pub has_fallbacks: bool,
}

const KNOWN_DELIVERIES: &str = "SELECT d.seq, d.event, d.endpoint, d.state, \
    EXISTS (SELECT FROM taskbell.fallbacks f WHERE f.event = d.event) \
    FROM taskbell.deliveries d WHERE d.seq = ANY($1) ORDER BY d.seq FOR UPDATE OF d";

const OWNER: &str = "SELECT max(seq) FROM taskbell.owners WHERE instance = $1";

const NEW_OWNER: &str = "INSERT INTO taskbell.owners (instance) VALUES ($1) RETURNING seq";

impl<'a> PostgresBatch<'a> {
    pub(super) fn new(store: &'a mut PostgresStore) -> PostgresBatch<'a> {
        PostgresBatch {
            transaction: None,
            rows: GatheredRows::default(),
            deliveries: HashMap::new(),
            numbers: store.numbers.clone(),
            owner: store.owner,
            written: HashSet::new(),
            fault: None,
            store,
        }
    }

    /// Sends what is gathered, so that statements see it.
    pub(super) fn ship(&mut self) -> Result<(), SpoolError> {
        let rows = std::mem::take(&mut self.rows);
        let calls = rows.calls();
        if !calls.is_empty() {
            self.fly(calls)?;
        }
        // What was sent is read as any other row.
        self.written.extend(rows.event_of.keys());
        self.deliveries.clear();
        Ok(())
    }

    /// Whether each of these events is in the store, apart from those of this transaction.
    fn knows(&mut self, id: EventId) -> Result<bool, SpoolError> {
        if let Some(known) = self.store.known.borrow().get(id) {
            return Ok(known);
        }
        let found = self.query(known::question(&[id]))?;
        self.store.known.borrow_mut().learn(&[id], &found);
        Ok(!found.is_empty())
    }

    /// What the store has of a delivery that this transaction has not made.
    pub(super) fn find(&mut self, delivery: i64) -> Result<Option<KnownDelivery>, SpoolError> {
        if let Some(known) = self.deliveries.get(&delivery) {
            return Ok(known.clone());
        }
        self.find_all(&[], &[delivery])?;
        Ok(self.deliveries.get(&delivery).cloned().flatten())
    }

    fn find_all(&mut self, events: &[EventId], deliveries: &[i64]) -> Result<(), SpoolError> {
        let mut calls = Vec::new();
        if !deliveries.is_empty() {
            calls.push(BoundStatement::new(KNOWN_DELIVERIES, values![deliveries]));
        }
        if !events.is_empty() {
            calls.push(known::question(events));
        }
        let mut answers = self.fly(calls)?.into_iter();
        if !deliveries.is_empty() {
            self.deliveries.extend(deliveries.iter().map(|seq| (*seq, None)));
            self.deliveries.extend(answers.next().unwrap_or_default().iter().map(|row| {
                let known = KnownDelivery {
                    event: row.get(1),
                    endpoint: row.get(2),
                    is_pending: row.get::<_, i16>(3) == PENDING,
                    has_fallbacks: row.get(4),
                };
                (row.get(0), Some(known))
            }));
        }
        if !events.is_empty() {
            self.store.known.borrow_mut().learn(events, &answers.next().unwrap_or_default());
        }
        Ok(())
    }

    /// The number of the delivery of an event to an endpoint.
    pub(super) fn delivery_to(&mut self, event: i64, endpoint: &str) -> Result<Option<i64>, SpoolError> {
        if let Some(known) = self.rows.delivery_to.get(&(event, endpoint.to_owned())) {
            return Ok(Some(*known));
        }
        if self.rows.event_at.contains_key(&event) {
            return Ok(None);
        }
        let sql = "SELECT seq FROM taskbell.deliveries WHERE event = $1 AND endpoint = $2";
        Ok(self
            .query(BoundStatement::new(sql, values![event, text(endpoint)]))?
            .first()
            .map(|row| row.get(0)))
    }

    /// The number under which this instance owns deliveries; it gets one with its first delivery.
    fn owner(&mut self) -> Result<i64, SpoolError> {
        if let Some(owner) = self.owner {
            return Ok(owner);
        }
        let instance = self.store.instance.clone();
        let known = self.query(BoundStatement::new(OWNER, values![instance.as_str()]))?;
        let known: Option<i64> = known.first().and_then(|row| row.get(0));
        let owner = match known {
            Some(owner) => owner,
            None => match self.query(BoundStatement::new(NEW_OWNER, values![instance.as_str()]))?.first() {
                Some(row) => row.get(0),
                None => return Err(self.unfit("it gives no number to an owner")),
            },
        };
        self.owner = Some(owner);
        Ok(owner)
    }

    /// A number above all that were given.
    pub(super) fn next_number(&mut self) -> Result<i64, SpoolError> {
        loop {
            if let Some(number) = self.numbers.take(1) {
                return Ok(number);
            }
            match self.query(RowNumbers::question())?.first() {
                Some(row) => self.numbers.add(row),
                None => return Err(self.unfit("it gives no numbers")),
            }
        }
    }

    fn insert(&mut self, new: &NewDelivery<'_>, seq: i64, early: Early<'_>) -> Result<(), SpoolError> {
        let arrived = match early {
            Early::Arrived(first, at) => Some((first, at)),
            Early::No | Early::Sent(_) => None,
        };
        let (state, ended_at) = match (arrived, new.dead) {
            (Some((_, at)), _) => (DeliveryState::Delivered, Some(at)),
            (None, Some(_)) => (DeliveryState::Dead, Some(new.created_at)),
            (None, None) => (DeliveryState::Pending, None),
        };
        let owner = if state == DeliveryState::Pending { Some(self.owner()?) } else { None };
        if let Some((first, _)) = arrived {
            self.rows.log(first);
        }
        let row = DeliveryRow {
            seq,
            event: new.event,
            endpoint: text(new.endpoint).into_owned(),
            hook: text(new.hook).into_owned(),
            state: number_of(state),
            owner,
            attempts: i64::from(arrived.is_some()),
            created_at: new.created_at,
            due_at: new.due_at,
            ended_at,
            reason: maybe(new.dead),
            expires_at: new.expires_at,
            thing: maybe(new.thing),
            live: maybe(new.live),
            why: maybe(new.why),
            content_type: text(new.content_type).into_owned(),
            extras: maybe(new.extras),
            body: new.body.to_vec(),
        };
        self.rows.delivery_at.insert(seq, self.rows.deliveries.len());
        self.rows.delivery_to.insert((new.event, new.endpoint.to_owned()), seq);
        self.rows.deliveries.push(row);
        Ok(())
    }

    /// What becomes of a delivery of this transaction; `None` for one that it has not made.
    fn change_new(&mut self, delivery: i64, attempts: i64, next: Next<'_>) -> Option<bool> {
        let row = self.rows.delivery_at.get(&delivery).and_then(|at| self.rows.deliveries.get_mut(*at))?;
        row.attempts = row.attempts.max(attempts);
        let is_pending = row.state == PENDING;
        match next {
            Next::Due(at) if is_pending => row.due_at = at,
            Next::End(end, at) if is_pending => {
                let (state, reason) = ended(end);
                (row.state, row.owner, row.ended_at, row.reason) = (state, None, Some(at), reason);
            }
            Next::Same | Next::Due(_) | Next::End(..) => {}
        }
        Some(is_pending)
    }

    /// What becomes of a delivery that was there before; `None` for one that is not.
    fn change_old(
        &mut self,
        delivery: i64,
        attempts: i64,
        next: Next<'_>,
    ) -> Result<Option<bool>, SpoolError> {
        let Some(mut known) = self.find(delivery)? else { return Ok(None) };
        let is_pending = known.is_pending;
        let change: &mut DeliveryChange = self.rows.changes.entry(delivery).or_default();
        change.attempts = change.attempts.max(attempts);
        match next {
            Next::Due(at) if is_pending => change.due_at = Some(at),
            Next::End(end, at) if is_pending => {
                let (state, reason) = ended(end);
                change.end = Some((state, at, reason));
                known.is_pending = false;
                self.deliveries.insert(delivery, Some(known));
            }
            Next::Same | Next::Due(_) | Next::End(..) => {}
        }
        Ok(Some(is_pending))
    }
}

/// The state and the reason of an end.
fn ended(end: &DeliveryEnd) -> (i16, Option<String>) {
    match end {
        DeliveryEnd::Delivered => (number_of(DeliveryState::Delivered), None),
        DeliveryEnd::Dead(reason) => (number_of(DeliveryState::Dead), maybe(Some(reason))),
    }
}

impl Drop for PostgresBatch<'_> {
    fn drop(&mut self) {
        self.take_back();
    }
}

impl Batch for PostgresBatch<'_> {
    fn look_ahead(
        &mut self,
        events: impl Iterator<Item = EventId>,
        deliveries: impl Iterator<Item = i64>,
    ) -> Result<(), SpoolError> {
        let events = self.store.known.borrow().unknown_of(&events.collect::<Vec<_>>());
        let deliveries: Vec<i64> = deliveries.collect();
        if events.is_empty() && deliveries.is_empty() { Ok(()) } else { self.find_all(&events, &deliveries) }
    }

    fn put_event(&mut self, event: &NewEvent<'_>, heard: bool) -> Result<Option<i64>, SpoolError> {
        if self.rows.event_of.contains_key(&event.id)
            || self.written.contains(&event.id)
            || self.knows(event.id)?
        {
            return Ok(None);
        }
        let seq = self.numbers.next_event();
        self.rows.event_of.insert(event.id, seq);
        self.rows.event_at.insert(seq, self.rows.events.len());
        self.rows.events.push(EventRow {
            seq,
            id: event.id,
            node: maybe(event.node),
            kind: text(event.kind).into_owned(),
            accepted_at: event.accepted_at,
            is_unheard: !heard,
            payload: event.payload.to_vec(),
            said: None,
        });
        Ok(Some(seq))
    }

    fn row_of(&mut self, id: EventId) -> Result<Option<i64>, SpoolError> {
        if let Some(seq) = self.rows.event_of.get(&id) {
            return Ok(Some(*seq));
        }
        let sql = "SELECT seq FROM taskbell.events WHERE id = $1";
        Ok(self.query(BoundStatement::new(sql, values![&id.as_bytes()[..]]))?.first().map(|row| row.get(0)))
    }

    fn put_delivery(&mut self, delivery: &NewDelivery<'_>, early: Early<'_>) -> Result<i64, SpoolError> {
        if let Some(known) = self.delivery_to(delivery.event, delivery.endpoint)? {
            return Ok(known);
        }
        let seq = match early {
            Early::No => self.next_number()?,
            Early::Sent(number) => number,
            Early::Arrived(first, _) => first.delivery,
        };
        self.insert(delivery, seq, early)?;
        Ok(seq)
    }

    fn put_attempt(
        &mut self,
        delivery: i64,
        attempt: Option<&AttemptRow>,
        next: Next<'_>,
    ) -> Result<bool, SpoolError> {
        if attempt.is_none() && matches!(next, Next::Same) {
            return Ok(true);
        }
        let attempts = attempt.map_or(0, |attempt| i64::from(attempt.number));
        let was_pending = match self.change_new(delivery, attempts, next) {
            Some(was_pending) => Some(was_pending),
            None => self.change_old(delivery, attempts, next)?,
        };
        if let (Some(attempt), true) = (attempt, was_pending.is_some()) {
            self.rows.log(attempt);
        }
        Ok(was_pending.unwrap_or(false) || matches!(next, Next::Same))
    }

    fn put_message(
        &mut self,
        delivery: i64,
        content_type: &str,
        body: &[u8],
        extras: Option<&str>,
    ) -> Result<(), SpoolError> {
        let (content_type, extras) = (text(content_type).into_owned(), maybe(extras));
        self.rows.messages.push(MessageRow { delivery, content_type, extras, body: body.to_vec() });
        Ok(())
    }

    fn put_account(&mut self, event: i64, said: &str) -> Result<(), SpoolError> {
        let said = text(said).into_owned();
        match self.rows.event_at.get(&event).and_then(|at| self.rows.events.get_mut(*at)) {
            Some(row) => row.said = Some(said).filter(|said| !said.is_empty()),
            None => drop(self.rows.said.insert(event, said)),
        }
        Ok(())
    }

    fn put_fallback(&mut self, fallback: &NewFallback<'_>) -> Result<(), SpoolError> {
        let NewFallback { event, via, endpoint, hook, due_at, alert, content_type, body, extras } = *fallback;
        self.rows.fallbacks.push(FallbackRow {
            event,
            via: text(via).into_owned(),
            endpoint: text(endpoint).into_owned(),
            hook: text(hook).into_owned(),
            due_at,
            alert: maybe(alert),
            content_type: text(content_type).into_owned(),
            body: body.to_vec(),
            extras: maybe(extras),
        });
        Ok(())
    }

    fn call_after(&mut self, delivery: i64, is_dead: bool, now: i64) -> Result<Vec<Called>, SpoolError> {
        if is_dead {
            self.call_after_dead(delivery, now)
        } else {
            self.stand_down(delivery).map(|()| Vec::new())
        }
    }

    fn call_due(&mut self, now: i64) -> Result<Vec<Called>, SpoolError> {
        self.call_those_due(now)
    }

    fn resolve(&mut self, alert: &str) -> Result<(), SpoolError> {
        self.resolve_alert(alert)
    }

    fn state(&mut self, key: &StateKey) -> Result<Option<Vec<u8>>, SpoolError> {
        if let Some(value) = self.rows.states.get(key) {
            return Ok(value.clone());
        }
        let found = self
            .query(BoundStatement::new(STATE, values![key.kind.as_str(), text(&key.owner), key_of(key)]))?;
        Ok(found.first().map(|row| row.get(0)))
    }

    fn states(&mut self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError> {
        let found = self.query(BoundStatement::new(STATES, values![kind.as_str()]))?;
        let mut all: BTreeMap<StateKey, Vec<u8>> = found.iter().map(|row| read_state(kind, row)).collect();
        for (key, value) in self.rows.states.iter().filter(|(key, _)| key.kind == kind) {
            match value {
                Some(value) => drop(all.insert(key.clone(), value.clone())),
                None => drop(all.remove(key)),
            }
        }
        Ok(all.into_iter().collect())
    }

    fn put_state(&mut self, key: &StateKey, value: Option<&[u8]>) -> Result<(), SpoolError> {
        self.rows.states.insert(key.clone(), value.map(<[u8]>::to_vec));
        Ok(())
    }

    fn count_batches<'t>(
        &mut self,
        tasks: impl Iterator<Item = &'t BatchTask>,
        watch: BatchWatch,
        now: i64,
    ) -> Result<BatchCounts, SpoolError> {
        self.count_in_batches(&tasks.collect::<Vec<_>>(), watch, now)
    }

    fn commit(mut self) -> Result<(), SpoolError> {
        let written: Vec<EventId> =
            self.rows.event_of.keys().copied().chain(self.written.iter().copied()).collect();
        self.end()?;
        self.store.owner = self.owner;
        self.store.numbers = self.numbers.clone();
        let mut known = self.store.known.borrow_mut();
        written.into_iter().for_each(|id| known.add(id));
        Ok(())
    }
}
