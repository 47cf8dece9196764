//! A transaction of the writer.

use super::numbers::Numbers;
use super::state_key::{self, StateKey, StateKind};
use super::{AttemptRow, DeliveryEnd, NewDelivery, NewEvent, SpoolError, SpoolErrorKind, note_damage};
use crate::event::EventId;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, params};
use std::cell::Cell;
use std::path::Path;

/// One transaction. Dropped without `commit`, it leaves nothing.
///
/// After a fault of any call the batch is void: later calls and `commit` give the same error, so that
/// a batch is kept whole or not at all. The spool itself is ready for the next one.
pub struct SpoolTransaction<'a> {
    // Before the transaction, so that they are given back when it ends.
    statements: Statements<'a>,
    transaction: Transaction<'a>,
    conn: &'a Connection,
    path: &'a Path,
    instance: &'a str,
    owner: Option<i64>,
    numbers: Numbers,
    kept_numbers: &'a mut Numbers,
    fault: Option<SpoolError>,
    damaged: &'a Cell<bool>,
    pub(super) unsure: &'a Cell<bool>,
}

/// What is run once for each event, delivery and attempt: looked up once for the whole transaction.
#[derive(Default)]
pub(super) struct Statements<'a> {
    event: Option<CachedStatement<'a>>,
    pub known_event: Option<CachedStatement<'a>>,
    pub arrival: Option<CachedStatement<'a>>,
    /// The texts that `arrival` has, as far as most rows have the same.
    pub arrival_texts: [Option<String>; 5],
    known_arrival: Option<CachedStatement<'a>>,
    delivery: Option<CachedStatement<'a>>,
    attempt: Option<CachedStatement<'a>>,
    delivered: Option<CachedStatement<'a>>,
    end: Option<CachedStatement<'a>>,
    arrive: Option<CachedStatement<'a>>,
    postpone: Option<CachedStatement<'a>>,
}

/// The statement in its place, made when it is first asked for.
pub(super) fn in_place<'s, 'a>(
    place: &'s mut Option<CachedStatement<'a>>,
    conn: &'a Connection,
    sql: &str,
) -> rusqlite::Result<&'s mut CachedStatement<'a>> {
    match place {
        Some(statement) => Ok(statement),
        None => Ok(place.insert(conn.prepare_cached(sql)?)),
    }
}

const EVENT: &str = "INSERT INTO events (id, type, accepted_at, payload, unheard, node) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
    ON CONFLICT (id) DO NOTHING";

const KNOWN_ARRIVAL: &str = "SELECT 1 FROM arrivals WHERE id = ?1";

const DELIVERY: &str = "INSERT INTO deliveries (event, endpoint, hook, state, owner, created_at, due_at, \
    ended_at, reason, content_type, body, extras, why, seq) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
    ON CONFLICT (event, endpoint) DO NOTHING";

// One that arrived before it was written.
const DELIVERED: &str = "INSERT INTO deliveries (event, endpoint, hook, state, attempts, created_at, due_at, \
    ended_at, content_type, body, extras, why, seq, \
    started_at, status, response, resolve_us, connect_us, tls_us, first_byte_us, total_us) \
    VALUES (?1, ?2, ?3, 'delivered', 1, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, \
    ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) ON CONFLICT (event, endpoint) DO NOTHING";

// Not `OR REPLACE`: SQLite would keep a journal of each such statement.
const ATTEMPT: &str = "INSERT INTO logged_attempts (delivery, number, started_at, status, outcome, error, \
    response, next_at, resolve_us, connect_us, tls_us, first_byte_us, total_us) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING";

const END: &str = "UPDATE deliveries SET state = ?2, ended_at = ?3, reason = ?4, owner = NULL, \
    attempts = max(attempts, ?5) WHERE seq = ?1 AND state = 'pending'";

// Arrived at the first attempt, which the row keeps.
const ARRIVE: &str = "UPDATE deliveries SET state = 'delivered', ended_at = ?2, owner = NULL, attempts = 1, \
    started_at = ?3, status = ?4, response = ?5, resolve_us = ?6, connect_us = ?7, tls_us = ?8, \
    first_byte_us = ?9, total_us = ?10 WHERE seq = ?1 AND state = 'pending' AND attempts = 0";

const POSTPONE: &str = "UPDATE deliveries SET due_at = ?2, attempts = max(attempts, ?3) \
    WHERE seq = ?1 AND state = 'pending'";

impl<'a> SpoolTransaction<'a> {
    pub(super) fn new(
        transaction: Transaction<'a>,
        conn: &'a Connection,
        path: &'a Path,
        instance: &'a str,
        kept_numbers: &'a mut Numbers,
        (damaged, unsure): (&'a Cell<bool>, &'a Cell<bool>),
    ) -> Self {
        SpoolTransaction {
            statements: Statements::default(),
            transaction,
            conn,
            path,
            instance,
            owner: None,
            numbers: kept_numbers.in_transaction(),
            kept_numbers,
            fault: None,
            damaged,
            unsure,
        }
    }

    /// Inserts an event; `None` when its id is there already, as it is when a record of the intake
    /// was committed before a crash and is read again after it.
    pub fn event(&mut self, event: &NewEvent<'_>) -> Result<Option<i64>, SpoolError> {
        self.insert_event(event, true)
    }

    /// As [`SpoolTransaction::event`]. One that is not `unheard` gets a delivery in this transaction, and is removed with
    /// its last one.
    pub(super) fn insert_event(
        &mut self,
        event: &NewEvent<'_>,
        unheard: bool,
    ) -> Result<Option<i64>, SpoolError> {
        self.run_kept(|conn, statements| {
            let id = event.id.written();
            if in_place(&mut statements.known_arrival, conn, KNOWN_ARRIVAL)?.exists([&id])? {
                return Ok(None);
            }
            let inserted = in_place(&mut statements.event, conn, EVENT)?.execute(params![
                id,
                event.kind,
                event.accepted_at,
                event.payload,
                unheard,
                event.node
            ])?;
            Ok((inserted > 0).then(|| conn.last_insert_rowid()))
        })
    }

    /// Keeps what is to be said of the hooks that did not ring for an event; what was kept before gives way,
    /// also to nothing.
    pub fn account(&mut self, event: i64, said: &str) -> Result<(), SpoolError> {
        self.run(|transaction| {
            if said.is_empty() {
                let mut forget = transaction.prepare_cached("DELETE FROM accounts WHERE event = ?1")?;
                return forget.execute([event]).map(drop);
            }
            transaction
                .prepare_cached(
                    "INSERT INTO accounts (event, said) VALUES (?1, ?2) \
                     ON CONFLICT (event) DO UPDATE SET said = excluded.said",
                )?
                .execute(params![event, said])
                .map(drop)
        })
    }

    /// The sequence number of an event that is in the spool.
    pub fn row_of(&mut self, id: EventId) -> Result<Option<i64>, SpoolError> {
        self.run(|transaction| {
            transaction
                .prepare_cached("SELECT seq FROM events WHERE id = ?1")?
                .query_row([id.to_string()], |row| row.get(0))
                .optional()
        })
    }

    /// Inserts a delivery and says its sequence number. It is this instance's to deliver; with `dead`
    /// it is a dead letter from the start.
    ///
    /// An event has at most one delivery to an endpoint: a second one is not kept, and the number of
    /// the first is given.
    pub fn delivery(&mut self, delivery: &NewDelivery<'_>) -> Result<i64, SpoolError> {
        let mut numbers = self.numbers;
        let next = self.run(|conn| numbers.next(conn))?;
        let seq = self.numbered_delivery(delivery, next)?;
        if seq == next {
            self.numbers = numbers;
        }
        Ok(seq)
    }

    /// As [`SpoolTransaction::delivery`], with a number that [`Store::take_numbers`](super::Store::take_numbers) gave.
    pub(super) fn numbered_delivery(
        &mut self,
        delivery: &NewDelivery<'_>,
        seq: i64,
    ) -> Result<i64, SpoolError> {
        let owner = match (delivery.dead, self.owner) {
            (None, None) => {
                let instance = self.instance;
                self.owner = Some(self.run(|transaction| find_owner(transaction, instance))?);
                self.owner
            }
            (None, known) => known,
            (Some(_), _) => None,
        };
        self.run_kept(|conn, statements| {
            let new = delivery;
            let (state, ended_at) = match new.dead {
                None => ("pending", None),
                Some(_) => ("dead", Some(new.created_at)),
            };
            let inserted = in_place(&mut statements.delivery, conn, DELIVERY)?.execute(params![
                new.event,
                new.endpoint,
                new.hook,
                state,
                owner,
                new.created_at,
                new.due_at,
                ended_at,
                new.dead,
                new.content_type,
                new.body,
                new.extras,
                new.why,
                seq
            ])?;
            if inserted == 0 {
                return known_delivery(conn, new);
            }
            if new.expires_at.is_some() || new.thing.is_some() || new.live.is_some() {
                conn.prepare_cached(
                    "INSERT INTO terms (delivery, expires_at, thing, live) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![seq, new.expires_at, new.thing, new.live])?;
            }
            Ok(seq)
        })
    }

    /// A number that no other delivery has or had.
    pub(super) fn next_number(&mut self) -> Result<i64, SpoolError> {
        let mut numbers = self.numbers;
        let next = self.run(|conn| numbers.next(conn))?;
        self.numbers = numbers;
        Ok(next)
    }

    /// Inserts a delivery that arrived at its first attempt before it was written, with a number that
    /// [`Store::take_numbers`](super::Store::take_numbers) gave. Says the number of the event's delivery to the endpoint,
    /// as [`SpoolTransaction::delivery`] does.
    pub(super) fn arrived_delivery(
        &mut self,
        delivery: &NewDelivery<'_>,
        first: &AttemptRow,
        at: i64,
    ) -> Result<i64, SpoolError> {
        self.run_kept(|conn, statements| {
            let (new, phases) = (delivery, &first.phases);
            let inserted = in_place(&mut statements.delivered, conn, DELIVERED)?.execute(params![
                new.event,
                new.endpoint,
                new.hook,
                new.created_at,
                at,
                new.content_type,
                new.body,
                new.extras,
                new.why,
                first.delivery,
                first.started_at,
                first.status,
                first.response,
                phases.resolve_us,
                phases.connect_us,
                phases.tls_us,
                phases.first_byte_us,
                phases.total_us
            ])?;
            if inserted == 0 { known_delivery(conn, new) } else { Ok(first.delivery) }
        })
    }

    /// Records an attempt. Nothing is kept for a delivery that is no longer in the spool.
    pub fn attempt(&mut self, attempt: &AttemptRow) -> Result<(), SpoolError> {
        let known = self.run(|transaction| {
            transaction
                .prepare_cached("UPDATE deliveries SET attempts = max(attempts, ?2) WHERE seq = ?1")?
                .execute(params![attempt.delivery, attempt.number])
        })?;
        if known == 0 { Ok(()) } else { self.log_attempt(attempt) }
    }

    /// Records the attempt with which a delivery ended, as [`SpoolTransaction::attempt`] and [`SpoolTransaction::end`] do.
    pub(super) fn last_attempt(
        &mut self,
        attempt: &AttemptRow,
        end: &DeliveryEnd,
        at: i64,
    ) -> Result<bool, SpoolError> {
        if *end == DeliveryEnd::Delivered && attempt.is_plain_first() && self.arrive(attempt, at)? {
            return Ok(true);
        }
        if self.finish(attempt.delivery, end, at, attempt.number)? {
            return self.log_attempt(attempt).map(|()| true);
        }
        self.attempt(attempt).map(|()| false)
    }

    /// Ends a delivery with its first attempt. `false` when it has ended, or was tried before.
    fn arrive(&mut self, first: &AttemptRow, at: i64) -> Result<bool, SpoolError> {
        self.run_kept(|conn, statements| {
            let phases = &first.phases;
            let ended = in_place(&mut statements.arrive, conn, ARRIVE)?.execute(params![
                first.delivery,
                at,
                first.started_at,
                first.status,
                first.response,
                phases.resolve_us,
                phases.connect_us,
                phases.tls_us,
                phases.first_byte_us,
                phases.total_us
            ])?;
            Ok(ended > 0)
        })
    }

    /// Records an attempt after which another is due, as [`SpoolTransaction::attempt`] and [`SpoolTransaction::postpone`] do.
    pub(super) fn attempt_again(&mut self, attempt: &AttemptRow, due_at: i64) -> Result<bool, SpoolError> {
        if self.put_off(attempt.delivery, due_at, attempt.number)? {
            return self.log_attempt(attempt).map(|()| true);
        }
        self.attempt(attempt).map(|()| false)
    }

    fn log_attempt(&mut self, attempt: &AttemptRow) -> Result<(), SpoolError> {
        self.run_kept(|conn, statements| {
            let phases = &attempt.phases;
            in_place(&mut statements.attempt, conn, ATTEMPT)?
                .execute(params![
                    attempt.delivery,
                    attempt.number,
                    attempt.started_at,
                    attempt.status,
                    attempt.outcome,
                    attempt.error,
                    attempt.response,
                    attempt.next_at,
                    phases.resolve_us,
                    phases.connect_us,
                    phases.tls_us,
                    phases.first_byte_us,
                    phases.total_us
                ])
                .map(drop)
        })
    }

    /// Gives a pending delivery its message, which was rendered again.
    pub fn put_message(
        &mut self,
        delivery: i64,
        content_type: &str,
        body: &[u8],
        extras: Option<&str>,
    ) -> Result<(), SpoolError> {
        self.run(|conn| {
            conn.prepare_cached(
                "UPDATE deliveries SET content_type = ?2, body = ?3, extras = ?4 \
                 WHERE seq = ?1 AND state = 'pending'",
            )?
            .execute(params![delivery, content_type, body, extras])
            .map(drop)
        })
    }

    /// Sets when a pending delivery is due next, and says whether it still is pending: an operator may have dropped
    /// it meanwhile.
    pub fn postpone(&mut self, delivery: i64, due_at: i64) -> Result<bool, SpoolError> {
        self.put_off(delivery, due_at, 0)
    }

    fn put_off(&mut self, delivery: i64, due_at: i64, attempts: u32) -> Result<bool, SpoolError> {
        self.run_kept(|conn, statements| {
            in_place(&mut statements.postpone, conn, POSTPONE)?
                .execute(params![delivery, due_at, attempts])
                .map(|changed| changed > 0)
        })
    }

    /// Ends a delivery; one that has ended stays as it ended.
    pub fn end(&mut self, delivery: i64, end: &DeliveryEnd, at: i64) -> Result<(), SpoolError> {
        self.finish(delivery, end, at, 0).map(drop)
    }

    /// Whether it was this that ended it.
    pub(super) fn finish(
        &mut self,
        delivery: i64,
        end: &DeliveryEnd,
        at: i64,
        attempts: u32,
    ) -> Result<bool, SpoolError> {
        let (state, reason) = match end {
            DeliveryEnd::Delivered => ("delivered", None),
            DeliveryEnd::Dead(reason) => ("dead", Some(reason.as_str())),
        };
        self.run_kept(|conn, statements| {
            let ended = in_place(&mut statements.end, conn, END)?
                .execute(params![delivery, state, at, reason, attempts])?;
            Ok(ended > 0)
        })
    }

    /// The value of a state, as of this transaction.
    pub fn state(&mut self, key: &StateKey) -> Result<Option<Vec<u8>>, SpoolError> {
        self.run(|transaction| state_key::read(transaction, key))
    }

    /// All values of a kind, as of this transaction.
    pub fn states(&mut self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError> {
        self.run(|transaction| state_key::read_all(transaction, kind))
    }

    /// Keeps the value of a state; `None` removes it.
    pub fn put_state(&mut self, key: &StateKey, value: Option<&[u8]>) -> Result<(), SpoolError> {
        self.run(|transaction| state_key::write(transaction, key, value))
    }

    /// Makes it durable: when this returns `Ok`, a power cut does not undo it (`:memory:` aside).
    pub fn commit(mut self) -> Result<(), SpoolError> {
        let mut numbers = self.numbers;
        self.run(|conn| numbers.top_up(conn))?;
        let SpoolTransaction { statements, transaction, path, fault, kept_numbers, damaged, unsure, .. } =
            self;
        drop(statements);
        if let Some(fault) = fault {
            return Err(fault);
        }
        let was_unsure = unsure.replace(true);
        transaction.commit().map_err(note_damage(path, damaged))?;
        unsure.set(was_unsure);
        *kept_numbers = numbers;
        Ok(())
    }

    /// Runs the statements of one call. SQLite takes the whole transaction back by itself after some
    /// faults, a full disk among them; what came later would then be kept alone.
    pub(super) fn run<T>(
        &mut self,
        statements: impl FnOnce(&'a Connection) -> rusqlite::Result<T>,
    ) -> Result<T, SpoolError> {
        self.run_kept(|conn, _| statements(conn))
    }

    pub(super) fn run_kept<T>(
        &mut self,
        call: impl FnOnce(&'a Connection, &mut Statements<'a>) -> rusqlite::Result<T>,
    ) -> Result<T, SpoolError> {
        if self.fault.is_some() || self.transaction.is_autocommit() {
            return Err(self.gone());
        }
        match call(self.conn, &mut self.statements) {
            Ok(done) => Ok(done),
            Err(error) => Err(self.keep_fault(note_damage(self.path, self.damaged)(error))),
        }
    }

    #[cold]
    fn gone(&mut self) -> SpoolError {
        let gone = || SpoolError::new(SpoolErrorKind::Other, self.path, "the transaction is gone");
        let fault = self.fault.take().unwrap_or_else(gone);
        self.keep_fault(fault)
    }

    #[cold]
    fn keep_fault(&mut self, fault: SpoolError) -> SpoolError {
        self.fault.insert(fault).clone()
    }
}

/// The number of the delivery of this event to this endpoint.
fn known_delivery(conn: &Connection, new: &NewDelivery<'_>) -> rusqlite::Result<i64> {
    conn.prepare_cached("SELECT seq FROM deliveries WHERE event = ?1 AND endpoint = ?2")?
        .query_row(params![new.event, new.endpoint], |row| row.get(0))
}

/// The number under which this instance inserts; it gets one with its first delivery.
fn find_owner(transaction: &Connection, instance: &str) -> rusqlite::Result<i64> {
    let known: Option<i64> = transaction
        .prepare_cached("SELECT max(seq) FROM owners WHERE instance = ?1")?
        .query_row([instance], |row| row.get(0))?;
    match known {
        Some(owner) => Ok(owner),
        None => {
            transaction.execute("INSERT INTO owners (instance) VALUES (?1)", [instance])?;
            Ok(transaction.last_insert_rowid())
        }
    }
}
