//! The move of rows from one database into another, however little of the former can be read.

use super::{RecoveryReport, page_scan};
use rusqlite::types::Value;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Params, Row, Transaction, params, params_from_iter,
};
use std::collections::{HashMap, VecDeque};

/// Stretches of a table that are read for themselves, before the rest between damaged places is given up.
const STRETCHES: usize = 1000;

const EVENT: &str = "id, type, accepted_at, node, payload";

/// The same of an event in `arrivals`.
const ARRIVED_EVENT: &str = "id, type, accepted_at, NULL, payload";

const DELIVERY: &str = "seq, event, endpoint, hook, state, owner, attempts, created_at, due_at, ended_at, reason, \
    content_type, body, extras, why";

const ATTEMPT: &str = "number, started_at, status, outcome, error, response, next_at, resolve_us, connect_us, \
    tls_us, first_byte_us, total_us";

const FALLBACK: &str = "event, via, endpoint, hook, due_at, alert, content_type, body, extras";

const BATCH: &str = "id, moved_at, ended_at, stalled, reported_at, wish_bytes, counts";

/// Rows on their way from one database to another. Faults of the source are passed over, faults of the
/// target end it.
pub(super) struct RowCopy<'a> {
    source: &'a Connection,
    target: &'a Transaction<'a>,
    /// The owners' numbers, before and now.
    owners: HashMap<i64, i64>,
    mishap: RecoveryReport,
}

impl<'a> RowCopy<'a> {
    pub(super) fn new(
        source: &'a Connection,
        target: &'a Transaction<'a>,
        mishap: RecoveryReport,
    ) -> RowCopy<'a> {
        RowCopy { source, target, owners: HashMap::new(), mishap }
    }

    /// Moves what waits, what is dead, events accepted since then, and what is kept by key. What has no
    /// owner that can be read becomes this instance's.
    pub(super) fn move_all(mut self, instance: &str, since_ms: i64) -> rusqlite::Result<RecoveryReport> {
        self.owners(instance)?;
        self.rows(since_ms)?;
        self.states()?;
        let scanned = self.mishap.aside.as_deref().filter(|_| self.mishap.lost > 0).and_then(page_scan::scan);
        let Some((source, unreadable)) = scanned else { return Ok(self.mishap) };
        // What was found by name already is found again, and stays as it is.
        let mishap = RecoveryReport { lost: unreadable, ..self.mishap };
        let mut rest = RowCopy { source: &source, target: self.target, owners: self.owners, mishap };
        rest.rows(since_ms)?;
        Ok(rest.mishap)
    }

    fn rows(&mut self, since_ms: i64) -> rusqlite::Result<()> {
        self.deliveries()?;
        self.fallbacks()?;
        self.recent_events(since_ms)?;
        self.batches()
    }

    fn owners(&mut self, instance: &str) -> rusqlite::Result<()> {
        let mut found: Vec<(i64, Option<String>)> = Vec::new();
        let sql = "SELECT seq, instance FROM owners NOT INDEXED WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq";
        self.mishap.lost += walk(self.source, sql, &mut |row| {
            found.push((row.get(0)?, row.get(1)?));
            Ok(Ok(()))
        })?;
        for (seq, holder) in found {
            let now = self.owner_named(holder.as_deref())?;
            self.owners.insert(seq, now);
        }
        // For deliveries whose owner cannot be read.
        let own = self.owner_named(Some(instance))?;
        self.owners.insert(i64::MIN, own);
        Ok(())
    }

    fn owner_named(&self, instance: Option<&str>) -> rusqlite::Result<i64> {
        let known: Option<i64> =
            self.target
                .query_row("SELECT max(seq) FROM owners WHERE instance = ?1", [instance], |row| row.get(0))?;
        match known {
            Some(seq) => Ok(seq),
            None => {
                self.target.execute("INSERT INTO owners (instance) VALUES (?1)", [instance])?;
                Ok(self.target.last_insert_rowid())
            }
        }
    }

    /// What waits and what is dead, each with its event and its attempts.
    fn deliveries(&mut self) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT {DELIVERY} FROM deliveries NOT INDEXED \
             WHERE seq BETWEEN ?1 AND ?2 AND state <> 'delivered' ORDER BY seq"
        );
        // Where the number is taken by another delivery, a new one is given after all others.
        let mut taken = Vec::new();
        self.mishap.lost +=
            walk(self.source, &sql, &mut |row| Ok(self.delivery(values(row)?, true, &mut taken)))?;
        for values in std::mem::take(&mut taken) {
            self.delivery(values, false, &mut taken)?;
        }
        Ok(())
    }

    fn delivery(
        &mut self,
        mut values: Vec<Value>,
        keep: bool,
        taken: &mut Vec<Vec<Value>>,
    ) -> rusqlite::Result<()> {
        let (Value::Integer(seq), Value::Integer(event)) = (values[0].clone(), values[1].clone()) else {
            self.mishap.lost += 1;
            return Ok(());
        };
        let occupied =
            self.target.prepare_cached("SELECT 1 FROM deliveries WHERE seq = ?1")?.exists([seq])?;
        if occupied && keep {
            taken.push(values);
            return Ok(());
        }
        let Some(event) = self.event(event)? else {
            self.mishap.lost += 1;
            return Ok(());
        };
        values[1] = event.into();
        if let Value::Integer(owner) = values[5] {
            let own = self.owners.get(&i64::MIN).copied().unwrap_or_default();
            values[5] = self.owners.get(&owner).copied().unwrap_or(own).into();
        }
        let there: Option<i64> = self
            .target
            .prepare_cached("SELECT seq FROM deliveries WHERE event = ?1 AND endpoint = ?2")?
            .query_row(params![values[1], values[2]], |row| row.get(0))
            .optional()?;
        if let Some(there) = there {
            self.target
                .prepare_cached("UPDATE deliveries SET owner = ?2 WHERE seq = ?1 AND state = 'pending' AND ?2 IS NOT NULL")?
                .execute(params![there, values[5]])?;
            self.note(seq, there);
            return Ok(());
        }
        values[0] = if occupied { Value::Null } else { seq.into() };
        if self.insert("INSERT INTO deliveries", DELIVERY, &values)? == 0 {
            return Ok(());
        }
        let now = self.target.last_insert_rowid();
        self.mishap.deliveries += 1;
        self.note(seq, now);
        // One whose terms cannot be read is sent, and the log of attempts is no message.
        self.belonging("terms", "delivery", "expires_at, thing, live", seq, now)?;
        self.belonging("logged_attempts", "delivery", ATTEMPT, seq, now)
    }

    /// Puts a row into the target; gives how many were put. One that is damaged is lost.
    fn insert(&mut self, insert: &str, columns: &str, values: &[Value]) -> rusqlite::Result<usize> {
        let places = vec!["?"; values.len()].join(", ");
        let sql = format!("{insert} ({columns}) VALUES ({places})");
        match self.target.prepare_cached(&sql)?.execute(params_from_iter(values)) {
            Err(error) if is_damage(&error) => {
                self.mishap.lost += 1;
                Ok(0)
            }
            inserted => inserted,
        }
    }

    /// Moves what belongs to a row, which has the number `now` in the target, as far as it can be read.
    fn belonging(
        &mut self,
        table: &str,
        key: &str,
        columns: &str,
        before: i64,
        now: i64,
    ) -> rusqlite::Result<()> {
        let select = format!("SELECT ?2, {columns} FROM {table} WHERE {key} = ?1");
        let (insert, columns) = (format!("INSERT OR IGNORE INTO {table}"), format!("{key}, {columns}"));
        for values in readable(self.source, &select, [before, now]) {
            self.insert(&insert, &columns, &values)?;
        }
        Ok(())
    }

    /// What stands by in case a delivery does not arrive.
    fn fallbacks(&mut self) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT seq, {FALLBACK} FROM fallbacks NOT INDEXED WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq"
        );
        self.mishap.lost += walk(self.source, &sql, &mut |row| Ok(self.fallback(row.get(1)?, values(row)?)))?;
        Ok(())
    }

    fn fallback(&mut self, event: i64, mut values: Vec<Value>) -> rusqlite::Result<()> {
        let Some(event) = self.event(event)? else { return Ok(()) };
        values[1] = event.into();
        self.insert("INSERT OR IGNORE INTO fallbacks", FALLBACK, &values[1..]).map(drop)
    }

    fn note(&mut self, before: i64, now: i64) {
        if before != now {
            self.mishap.moved.insert(before, now);
        }
    }

    /// The number of an event in the fresh spool, where it is put if need be; `None` when it cannot be
    /// read.
    fn event(&mut self, seq: i64) -> rusqlite::Result<Option<i64>> {
        let read = self
            .source
            .prepare_cached(&format!("SELECT {EVENT} FROM events NOT INDEXED WHERE seq = ?1"))
            .and_then(|mut statement| statement.query_row([seq], values).optional());
        match read {
            Ok(Some(event)) => self.keep_event(&event).map(Some),
            Ok(None) | Err(_) => Ok(None),
        }
    }

    fn keep_event(&mut self, event: &[Value]) -> rusqlite::Result<i64> {
        let inserted = self
            .target
            .prepare_cached(&format!(
                "INSERT INTO events ({EVENT}) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING"
            ))?
            .execute(params_from_iter(event))?;
        self.mishap.events += inserted;
        self.target
            .prepare_cached("SELECT seq FROM events WHERE id = ?1")?
            .query_row([&event[0]], |row| row.get(0))
    }

    fn recent_events(&mut self, since: i64) -> rusqlite::Result<()> {
        // One that arrived moves without its delivery, as it does from the other table.
        for (table, columns) in [("events", EVENT), ("arrivals", ARRIVED_EVENT)] {
            let sql = format!(
                "SELECT seq, {columns} FROM {table} NOT INDEXED \
                 WHERE seq BETWEEN ?1 AND ?2 AND accepted_at >= {since} ORDER BY seq"
            );
            self.mishap.lost +=
                walk(self.source, &sql, &mut |row| Ok(self.keep_event(&values(row)?[1..]).map(drop)))?;
        }
        Ok(())
    }

    /// The counts of batches; where the fresh spool has a batch already, another instance has moved it.
    fn batches(&mut self) -> rusqlite::Result<()> {
        let sql =
            format!("SELECT seq, {BATCH} FROM batches NOT INDEXED WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq");
        self.mishap.lost += walk(self.source, &sql, &mut |row| Ok(self.batch(row.get(0)?, &values(row)?)))?;
        Ok(())
    }

    fn batch(&mut self, before: i64, values: &[Value]) -> rusqlite::Result<()> {
        if self.insert("INSERT OR IGNORE INTO batches", BATCH, &values[1..])? == 0 {
            return Ok(());
        }
        self.belonging("batch_tasks", "batch", "task, number", before, self.target.last_insert_rowid())
    }

    fn states(&mut self) -> rusqlite::Result<()> {
        let columns = "kind, owner, name, value";
        for order in ["ASC", "DESC"] {
            let sql =
                format!("SELECT {columns} FROM state ORDER BY kind {order}, owner {order}, name {order}");
            for values in readable(self.source, &sql, []) {
                self.insert("INSERT OR IGNORE INTO state", columns, &values)?;
            }
        }
        Ok(())
    }
}

fn values(row: &Row<'_>) -> rusqlite::Result<Vec<Value>> {
    (0..row.as_ref().column_count()).map(|column| row.get(column)).collect()
}

/// The rows of a query, up to the first that cannot be read.
fn readable(source: &Connection, sql: &str, params: impl Params) -> Vec<Vec<Value>> {
    let read = || -> rusqlite::Result<Vec<Vec<Value>>> {
        Ok(source.prepare_cached(sql)?.query_map(params, values)?.map_while(Result::ok).collect())
    };
    read().unwrap_or_default()
}

/// Damage that SQLite can read: the tables' own checks refuse it.
fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch))
}

/// Goes through a table by its numbers (`?1` to `?2`), which stand first in each row. A stretch that cannot be read as a whole is read from its
/// start and from its end as far as that goes, and what is between in two halves. Says whether there was anything
/// that it could not read. The inner result of `take` is a fault of the target, which ends it.
fn walk(
    source: &Connection,
    sql: &str,
    take: &mut dyn FnMut(&Row<'_>) -> rusqlite::Result<rusqlite::Result<()>>,
) -> rusqlite::Result<usize> {
    let backward = format!("{sql} DESC");
    let mut run = |sql: &str, from: i64, to: i64| -> rusqlite::Result<(Option<i64>, bool)> {
        let mut last = None;
        let Ok(mut statement) = source.prepare_cached(sql) else { return Ok((None, false)) };
        let Ok(mut rows) = statement.query([from, to]) else { return Ok((None, false)) };
        loop {
            match rows.next() {
                Ok(None) => return Ok((last, true)),
                Err(_) => return Ok((last, false)),
                Ok(Some(row)) => {
                    let Ok(seq) = row.get::<_, i64>(0) else { return Ok((last, false)) };
                    match take(row) {
                        Ok(taken) => taken?,
                        Err(_) => return Ok((last, false)),
                    }
                    last = Some(seq);
                }
            }
        }
    };
    let mut stretches = VecDeque::from([(0, i64::MAX)]);
    let mut read = 0;
    while let Some((from, to)) = stretches.pop_front().filter(|_| read < STRETCHES) {
        read += 1;
        let (first, whole) = run(sql, from, to)?;
        if whole {
            continue;
        }
        let from = first.map_or(from, |seq| seq + 1);
        let (last, _) = run(&backward, from, to)?;
        let to = last.map_or(to, |seq| seq - 1);
        if from < to {
            let middle = i64::midpoint(from, to);
            stretches.extend([(from, middle), (middle + 1, to)]);
        }
    }
    Ok(usize::from(read > 1))
}

#[cfg(test)]
mod tests {
    use super::super::recovery::FileFault;
    use super::super::tests::{delivery, event_id, place, spool_at};
    use super::super::{Batch, DeliveryEnd, NewDelivery, NewEvent, NewFallback};
    use std::fs;

    #[test]
    fn what_a_message_is_bound_to_and_what_stands_by_moves_with_it() {
        let (folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let mut batch = spool.begin().unwrap();
        let new =
            NewEvent { id: event_id(1), kind: "task.complete", accepted_at: 1, node: None, payload: b"{}" };
        let event = batch.event(&new).unwrap().unwrap();
        let (extras, why, thing) = (Some("{\"file\":\"a.png\"}"), Some("it listens"), Some("a"));
        let message = NewDelivery { extras, why, thing, expires_at: Some(900), ..delivery(event, "a", 1) };
        let seq = batch.delivery(&message).unwrap();
        let (hook, content_type, body) = ("h", "application/json", b"{}");
        let (via, endpoint, due_at, alert) = ("a", "b", None, None);
        batch
            .add_fallback(&NewFallback {
                event,
                via,
                endpoint,
                hook,
                due_at,
                alert,
                content_type,
                body,
                extras,
            })
            .unwrap();
        batch.commit().unwrap();

        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(folder.path().join(format!("x.db{suffix}")));
        }
        assert_eq!(spool.renew(FileFault::Lost, 2_000).unwrap().lost, 0);
        let waiting = spool.waiting().unwrap();
        assert_eq!((waiting[0].expires_at, waiting[0].thing.as_deref()), (Some(900), thing));
        let kept: (Option<String>, Option<String>) = spool
            .conn
            .query_row("SELECT extras, why FROM deliveries WHERE seq = ?1", [seq], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((kept.0.as_deref(), kept.1.as_deref()), (extras, why));
        let mut batch = spool.begin().unwrap();
        batch.end(waiting[0].seq, &DeliveryEnd::Dead("no".into()), 3_000).unwrap();
        let called = batch.call_after(waiting[0].seq, true, 3_000).unwrap();
        assert_eq!((called[0].endpoint.as_str(), called[0].message.extras.as_deref()), ("b", extras));
    }
}
