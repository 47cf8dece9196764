//! What an operator does with deliveries: sends dead letters again and what waits now, drops what nobody wants. It
//! works while hosts run and when none does.
//!
//! A dead letter that is replayed belongs to nobody at first: a running host takes it when it is called
//! ([`call`](crate::intake::call)) or looks around, else the next start does. What waits stays its host's, which sees
//! that it is due before its time ([`Store::pending`](super::Store::pending)).

use super::reader::find_event;
use super::state_key::{self, StateKey, StateKind};
use super::{DeliveryState, Operator, Spool, SpoolError};
use crate::spool::SpoolPath;
use rusqlite::types::ToSql;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::collections::HashSet;
use std::path::Path;

/// Rows that one transaction changes: hosts that write wait only so long.
const PORTION: usize = 500;

/// Why a delivery is dead that was dropped while it waited.
pub const DROPPED: &str = "dropped by hand";

/// Which deliveries are meant; all conditions must hold, and without any everything is meant.
#[derive(Debug, Clone, Default)]
pub struct DeliverySelection {
    /// The number of a delivery, or the event whose deliveries are meant (`evt_…`, at least its first
    /// eight digits).
    pub id: Option<String>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only to this endpoint.
    pub endpoint: Option<String>,
    /// Only dead letters with exactly this reason.
    pub reason: Option<String>,
    /// Only what ended at this time or later, or was made then and waits; Unix milliseconds.
    pub since_ms: Option<i64>,
}

/// What a replay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Dead letters that are due again now.
    pub due: usize,
    /// Pending deliveries that are due now.
    pub hurried: usize,
    /// Deliveries that are meant and have arrived.
    pub delivered: usize,
    /// Endpoints whose pause ends now: a quiet that the receiver asked for, or an open circuit breaker.
    pub lifted: usize,
}

/// The hand of an operator on a spool. Its methods may wait for a host's transaction, up to five seconds.
pub struct SpoolOperator {
    spool: Spool,
}

impl SpoolOperator {
    /// Opens a spool that exists; a missing one is an error of kind `Missing`.
    ///
    /// # Errors
    /// When there is none, or it cannot be written.
    pub fn open(path: &Path) -> Result<SpoolOperator, SpoolError> {
        super::SpoolReader::open(path)?;
        Ok(SpoolOperator { spool: Spool::open(&SpoolPath::File(path.to_owned()), "by hand")? })
    }

    /// The numbers of what is meant.
    fn meant(&self, choice: &DeliverySelection) -> Result<Vec<i64>, SpoolError> {
        let conn = &self.spool.conn;
        let (event, number) = match &choice.id {
            None => (None, None),
            Some(id) => match find_event(conn, &self.spool.path, id)? {
                None => return Ok(Vec::new()),
                // One that arrived at once, with the number of its delivery.
                Some(event @ ..0) => (None, Some(-event)),
                Some(event) => (Some(event), id.parse::<i64>().ok()),
            },
        };
        let state = choice.state.map(DeliveryState::as_str);
        let mut wanted = "TRUE".to_owned();
        let mut values: Vec<&dyn ToSql> = Vec::new();
        let conditions: [(&str, Option<&dyn ToSql>); 6] = [
            ("event =", event.as_ref().map(|event| event as &dyn ToSql)),
            ("seq =", number.as_ref().map(|number| number as &dyn ToSql)),
            ("state =", state.as_ref().map(|state| state as &dyn ToSql)),
            ("endpoint =", choice.endpoint.as_ref().map(|endpoint| endpoint as &dyn ToSql)),
            ("reason =", choice.reason.as_ref().map(|reason| reason as &dyn ToSql)),
            ("coalesce(ended_at, created_at) >=", choice.since_ms.as_ref().map(|since| since as &dyn ToSql)),
        ];
        for (condition, value) in conditions {
            if let Some(value) = value {
                values.push(value);
                wanted.push_str(&format!(" AND {condition} ?{}", values.len()));
            }
        }
        conn.prepare(&format!("SELECT seq FROM all_deliveries WHERE {wanted} ORDER BY seq"))
            .and_then(|mut statement| statement.query_map(values.as_slice(), |row| row.get(0))?.collect())
            .map_err(SpoolError::at(&self.spool.path))
    }
}

impl Operator for SpoolOperator {
    fn replay(&mut self, choice: &DeliverySelection, now_ms: i64) -> Result<Replayed, SpoolError> {
        let meant = self.meant(choice)?;
        let at = SpoolError::at(&self.spool.path);
        let mut replayed = Replayed::default();
        for portion in meant.chunks(PORTION) {
            let done = change(&mut self.spool.conn, |transaction| replay(transaction, portion, now_ms))
                .map_err(at)?;
            replayed.due += done.due;
            replayed.hurried += done.hurried;
            replayed.delivered += done.delivered;
            replayed.lifted += done.lifted;
        }
        if let Some(endpoint) = &choice.endpoint {
            replayed.lifted +=
                change(&mut self.spool.conn, |transaction| lift(transaction, endpoint)).map_err(at)?;
        }
        Ok(replayed)
    }

    fn drop_deliveries(
        &mut self,
        choice: &DeliverySelection,
        now_ms: i64,
    ) -> Result<(usize, usize), SpoolError> {
        let meant = self.meant(choice)?;
        let at = SpoolError::at(&self.spool.path);
        let (mut ended, mut removed) = (0, 0);
        for portion in meant.chunks(PORTION) {
            let done = change(&mut self.spool.conn, |transaction| drop_these(transaction, portion, now_ms))
                .map_err(at)?;
            ended += done.0;
            removed += done.1;
        }
        Ok((ended, removed))
    }
}

/// The key of a value that is another one after each act of an operator.
pub fn operator_mark() -> StateKey {
    StateKey::shared(StateKind::OperatorMark, "")
}

/// One transaction, after which hosts see that something was done.
fn change<T>(
    conn: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&transaction)?;
    let mark: Vec<u8> = transaction.query_row("SELECT randomblob(8)", [], |row| row.get(0))?;
    state_key::write(&transaction, &operator_mark(), Some(&mark))?;
    transaction.commit()?;
    Ok(done)
}

fn replay(transaction: &Transaction<'_>, meant: &[i64], now: i64) -> rusqlite::Result<Replayed> {
    let mut look = transaction.prepare_cached("SELECT state, endpoint FROM all_deliveries WHERE seq = ?1")?;
    // A number of its own: a host may take the one before at any moment, and would miss what came later.
    transaction.execute("INSERT INTO owners (instance) VALUES (NULL)", [])?;
    let owner = transaction.last_insert_rowid();
    let mut revive = transaction.prepare_cached(
        "UPDATE deliveries SET state = 'pending', owner = ?2, created_at = ?3, due_at = ?3, ended_at = NULL, \
         reason = NULL WHERE seq = ?1",
    )?;
    // Whoever asks for it now wants it, however old it is.
    let mut forget =
        transaction.prepare_cached("UPDATE terms SET expires_at = NULL, thing = NULL WHERE delivery = ?1")?;
    let mut hurry = transaction.prepare_cached(
        "UPDATE deliveries SET due_at = min(due_at, ?2) WHERE seq = ?1 AND state = 'pending'",
    )?;
    let mut done = Replayed::default();
    let mut endpoints = HashSet::new();
    for seq in meant {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (state, endpoint): (String, String) = look.query_row([seq], row)?;
        if state == DeliveryState::Dead.as_str() {
            revive.execute(params![seq, owner, now])?;
            forget.execute([seq])?;
            done.due += 1;
        } else if hurry.execute(params![seq, now])? > 0 {
            done.hurried += 1;
        } else {
            done.delivered += 1;
            continue;
        }
        endpoints.insert(endpoint);
    }
    for endpoint in endpoints {
        done.lifted += lift(transaction, &endpoint)?;
        state_key::write(transaction, &StateKey::shared(StateKind::GoneEndpoint, endpoint), None)?;
    }
    if done.due == 0 {
        transaction.execute("DELETE FROM owners WHERE seq = ?1", [owner])?;
    }
    Ok(done)
}

/// Forgets the pause of an endpoint; how many had one.
fn lift(transaction: &Transaction<'_>, endpoint: &str) -> rusqlite::Result<usize> {
    let key = StateKey::shared(StateKind::EndpointHealth, endpoint);
    let known = state_key::read(transaction, &key)?.is_some();
    state_key::write(transaction, &key, None)?;
    Ok(usize::from(known))
}

fn drop_these(transaction: &Transaction<'_>, meant: &[i64], now: i64) -> rusqlite::Result<(usize, usize)> {
    let mut end = transaction.prepare_cached(
        "UPDATE deliveries SET state = 'dead', ended_at = ?2, reason = ?3, owner = NULL \
         WHERE seq = ?1 AND state = 'pending'",
    )?;
    let mut dead =
        transaction.prepare_cached("SELECT event FROM deliveries WHERE seq = ?1 AND state = 'dead'")?;
    let (mut ended, mut removed) = (0, 0);
    for seq in meant {
        if end.execute(params![seq, now, DROPPED])? > 0 {
            ended += 1;
        } else if let Some(event) = dead.query_map([seq], |row| row.get::<_, i64>(0))?.next() {
            let event = event?;
            transaction.prepare_cached("DELETE FROM logged_attempts WHERE delivery = ?1")?.execute([seq])?;
            transaction.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?.execute([seq])?;
            transaction
                .prepare_cached(
                    "DELETE FROM events WHERE seq = ?1 \
                     AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)",
                )?
                .execute([event])?;
            removed += 1;
        }
    }
    Ok((ended, removed))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{
        NONE, attempt, counts, delivery, event_id, pending, place, ring, spool_at, waiting,
    };
    use super::super::{DeliveryEnd, MessageReader, NewDelivery, Reader, SpoolErrorKind, SpoolReader};
    use super::*;

    fn choice(id: &str) -> DeliverySelection {
        DeliverySelection { id: Some(id.to_owned()), ..DeliverySelection::default() }
    }

    #[test]
    fn a_replayed_letter_that_was_stale_is_sent_however_old_it_is() {
        let (_folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let mut batch = spool.begin().unwrap();
        let event = ring(&mut batch, 1, &["other"]);
        let event = batch.row_of(event_id(1)).unwrap().filter(|_| event.len() == 1).unwrap();
        let old = NewDelivery { expires_at: Some(9), thing: Some("a"), ..delivery(event, "ci", 1) };
        let seq = batch.delivery(&old).unwrap();
        batch.end(seq, &DeliveryEnd::Dead("stale".into()), 10).unwrap();
        batch.commit().unwrap();
        let done = SpoolOperator::open(&path).unwrap().replay(&DeliverySelection::default(), 5_000).unwrap();
        assert_eq!(done.due, 1);
        spool.take_over(&[], 5_000).unwrap();
        let waiting = spool.waiting().unwrap();
        let replayed = waiting.iter().find(|waiting| waiting.seq == seq).unwrap();
        assert_eq!((replayed.expires_at, replayed.thing.as_deref()), (None, None));
    }

    #[test]
    fn a_replayed_dead_letter_keeps_id_body_and_count_and_is_the_next_takers() {
        let (_folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let mut batch = spool.begin().unwrap();
        let seqs = ring(&mut batch, 0x1000_0001, &["ci", "team"]);
        batch.attempt(&attempt(seqs[0], 1)).unwrap();
        batch.end(seqs[0], &DeliveryEnd::Dead("the endpoint is gone".into()), 50).unwrap();
        batch.end(seqs[1], &DeliveryEnd::Delivered, 60).unwrap();
        let gone = StateKey::shared(StateKind::GoneEndpoint, "ci");
        batch.put_state(&gone, Some(b"{}")).unwrap();
        batch.commit().unwrap();

        let mut hand = SpoolOperator::open(&path).unwrap();
        let event = event_id(0x1000_0001).to_string();
        let done = hand.replay(&choice(&event[..14]), 5_000).unwrap();
        assert_eq!(done, Replayed { due: 1, delivered: 1, ..Replayed::default() });
        assert_eq!(waiting(&spool, "ci"), NONE, "it is nobody's yet");
        assert_eq!(spool.take_over(&[], 5_000).unwrap().deliveries, 1);
        let pending = &pending(&spool, "ci")[0];
        assert_eq!((pending.seq, pending.attempts, pending.due_at), (seqs[0], 1, 5_000));
        assert_eq!(pending.event_id, event_id(0x1000_0001));
        assert_eq!(pending.failures, 0, "the schedule starts again");
        let message = SpoolReader::open(&path).unwrap().message(seqs[0]).unwrap().unwrap();
        assert_eq!(message.body, b"{\"text\":\"done\"}");
        assert_eq!(spool.state(&gone).unwrap(), None, "it is tried again");
        assert!(spool.state(&operator_mark()).unwrap().is_some());
    }

    #[test]
    fn what_could_not_be_rendered_is_rendered_from_its_context_when_it_is_replayed() {
        let (_folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let mut batch = spool.begin().unwrap();
        ring(&mut batch, 1, &[]);
        let broken =
            NewDelivery { content_type: "", body: b"{}", dead: Some("line 3"), ..delivery(1, "ci", 5) };
        let seq = batch.delivery(&broken).unwrap();
        batch.commit().unwrap();
        let done = SpoolOperator::open(&path).unwrap().replay(&DeliverySelection::default(), 9).unwrap();
        assert_eq!(done, Replayed { due: 1, ..Replayed::default() });
        assert_eq!(spool.take_over(&[], 9).unwrap().deliveries, 1);
        assert!(spool.waiting().unwrap().is_empty(), "it is rendered first");
        let unrendered = spool.unrendered().unwrap();
        assert_eq!((unrendered[0].seq, spool.contexts(&unrendered).unwrap()), (seq, vec![b"{}".to_vec()]));
    }

    #[test]
    fn conditions_narrow_what_is_meant() {
        let (folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let mut batch = spool.begin().unwrap();
        for number in 1..=3 {
            for seq in ring(&mut batch, number, &["ci", "team"]) {
                batch.end(seq, &DeliveryEnd::Dead("no".into()), i64::from(number) * 100).unwrap();
            }
        }
        batch.commit().unwrap();
        let mut hand = SpoolOperator::open(&path).unwrap();
        let since = DeliverySelection {
            since_ms: Some(200),
            endpoint: Some("ci".into()),
            ..DeliverySelection::default()
        };
        assert_eq!(hand.replay(&since, 900).unwrap().due, 2);
        assert_eq!(hand.replay(&choice("1"), 900).unwrap().due, 1);
        for nothing in [
            choice("77"),
            choice("evt_ffffffffff"),
            DeliverySelection { endpoint: Some("x".into()), ..since },
        ] {
            assert_eq!(hand.replay(&nothing, 900).unwrap(), Replayed::default());
        }
        assert_eq!(
            SpoolOperator::open(&folder.path().join("none.db")).err().unwrap().kind(),
            SpoolErrorKind::Missing
        );
    }

    #[test]
    fn what_is_dropped_while_it_waits_is_a_dead_letter_first_and_gone_when_dropped_again() {
        let (_folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let mut batch = spool.begin().unwrap();
        let seqs = ring(&mut batch, 0x1000_0001, &["ci", "team"]);
        batch.attempt(&attempt(seqs[0], 1)).unwrap();
        batch.end(seqs[1], &DeliveryEnd::Delivered, 60).unwrap();
        batch.commit().unwrap();
        let mut hand = SpoolOperator::open(&path).unwrap();
        assert_eq!(hand.drop_deliveries(&DeliverySelection::default(), 900).unwrap(), (1, 0));
        let mut batch = spool.begin().unwrap();
        assert!(!batch.postpone(seqs[0], 5).unwrap(), "its host hears of it");
        drop(batch);
        let dead = DeliverySelection { state: Some(DeliveryState::Dead), ..DeliverySelection::default() };
        assert_eq!(hand.drop_deliveries(&dead, 900).unwrap(), (0, 1));
        let left = SpoolReader::open(&path).unwrap().show(&seqs[1].to_string()).unwrap().unwrap();
        assert_eq!(left.deliveries.len(), 1, "what was delivered stays");
        assert_eq!(counts(&spool).dead, 0);
    }
}
