//! The spool: a SQLite database of events, deliveries, attempts and dead letters. One writer per
//! instance (its clerk) commits one transaction per batch; instances may share a file, and any number
//! of [`Reader`]s look on.
//!
//! Everything in it can be read by anybody who may read the file: callers scrub secrets out of errors
//! and responses before they are kept here, and URLs, headers and keys are never kept at all. The
//! spool stores what it is given.
//!
//! The tables and their meaning are in `schema.rs`; the view `log` shows them to a person with any
//! SQLite tool. All times are Unix milliseconds.

mod batch;
mod connection;
mod counts;
mod error;
mod private;
mod prune;
mod reader;
mod rows;
mod schema;
#[cfg(test)]
mod trials;

pub use batch::Batch;
pub use counts::Counts;
pub use error::{SpoolError, SpoolErrorKind};
pub use reader::{AttemptDetail, DeliveryDetail, EventDetail, Filter, ListRow, Reader};
pub use rows::{AttemptRow, DeliveryState, End, NewDelivery, NewEvent, Pending};

use crate::config::SpoolPath;
use crate::event::EventId;
use counts::Ledger;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::path::{Path, PathBuf};

/// Rows that change hands in one transaction: short enough for others to write in between.
const HANDOVER: i64 = 5000;

/// The writer's side. May be sent to another thread, not shared; every method may wait for the disk
/// and, up to two seconds, for another process that writes.
#[derive(Debug)]
pub struct Spool {
    conn: Connection,
    path: PathBuf,
    owner: String,
    ledger: Ledger,
}

impl Spool {
    /// Opens or creates the database, migrates it, and makes `owner` (an instance id) the owner of
    /// what it inserts.
    pub fn open(path: &SpoolPath, owner: &str) -> Result<Spool, SpoolError> {
        let (conn, path) = connection::open_writer(path)?;
        Ok(Spool { conn, path, owner: owner.to_owned(), ledger: Ledger::default() })
    }

    /// Where the database lies; `:memory:` for one without a file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes over the pending deliveries of owners that are not in `live`; says how many. Lanes that
    /// have read on past the numbers of these rows must start again at their lowest.
    ///
    /// What was due, or in flight, is due at `now_ms`; what waits for a later time goes on waiting,
    /// unless it was made in the future: then the clock was set back, and it is due now as well.
    pub fn adopt(&mut self, live: &[String], now_ms: i64) -> Result<usize, SpoolError> {
        let mut adopted = 0;
        for owner in self.owners()? {
            let alive = owner.as_ref().is_some_and(|name| *name == self.owner || live.contains(name));
            if !alive {
                adopted += self.hand_over(
                    "UPDATE deliveries SET owner = ?2, \
                     due_at = iif(due_at < ?4 OR created_at > ?4, ?4, due_at) \
                     WHERE seq IN (SELECT seq FROM deliveries INDEXED BY deliveries_pending \
                     WHERE state = 'pending' AND owner IS ?1 LIMIT ?3)",
                    params![owner, self.owner, HANDOVER, now_ms],
                )?;
            }
        }
        Ok(adopted)
    }

    /// Gives up ownership of what is still pending, so that the next start takes it at once.
    pub fn release(&mut self) -> Result<(), SpoolError> {
        self.hand_over(
            "UPDATE deliveries SET owner = NULL \
             WHERE seq IN (SELECT seq FROM deliveries INDEXED BY deliveries_pending \
             WHERE state = 'pending' AND owner = ?1 LIMIT ?2)",
            params![self.owner, HANDOVER],
        )
        .map(drop)
    }

    /// Starts the transaction of one batch. It holds the write lock of the file until it ends.
    pub fn batch(&mut self) -> Result<Batch<'_>, SpoolError> {
        let Spool { conn, path, owner, ledger } = self;
        let transaction =
            conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(SpoolError::at(path))?;
        Ok(Batch::new(transaction, path, owner, ledger))
    }

    /// This owner's pending deliveries of an endpoint with a sequence number above `after`, lowest
    /// first, at most `limit`.
    pub fn pending(&self, endpoint: &str, after: i64, limit: usize) -> Result<Vec<Pending>, SpoolError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.conn
            .prepare_cached(
                "SELECT d.seq, e.id, e.type, e.accepted_at, d.endpoint, d.content_type, d.body, \
                 d.attempts, d.created_at, d.due_at \
                 FROM deliveries d INDEXED BY deliveries_pending JOIN events e ON e.seq = d.event \
                 WHERE d.state = 'pending' AND d.owner = ?1 AND d.endpoint = ?2 AND d.seq > ?3 \
                 ORDER BY d.seq LIMIT ?4",
            )
            .and_then(|mut statement| {
                statement.query_map(params![self.owner, endpoint, after, limit], read_pending)?.collect()
            })
            .map_err(SpoolError::at(&self.path))
    }

    /// This owner's pending deliveries, by endpoint.
    pub fn backlog(&self) -> Result<Vec<(String, u64)>, SpoolError> {
        self.conn
            .prepare_cached(
                "SELECT endpoint, count(*) FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner = ?1 GROUP BY endpoint ORDER BY endpoint",
            )
            .and_then(|mut statement| {
                statement.query_map([&self.owner], |row| Ok((row.get(0)?, counts::whole(row, 1)?)))?.collect()
            })
            .map_err(SpoolError::at(&self.path))
    }

    /// A value kept by `Batch::put_state`. All instances that share the file see the same keys.
    pub fn state(&self, key: &str) -> Result<Option<Vec<u8>>, SpoolError> {
        self.conn
            .prepare_cached("SELECT value FROM state WHERE key = ?1")
            .and_then(|mut statement| statement.query_row([key], |row| row.get(0)).optional())
            .map_err(SpoolError::at(&self.path))
    }

    /// How many deliveries of all owners are in each state, and the size of the file. Counts the rows
    /// the first time and after another process has written; costs a few microseconds otherwise.
    pub fn counts(&self) -> Result<Counts, SpoolError> {
        self.ledger.read(&self.conn, &self.path).map_err(SpoolError::at(&self.path))
    }

    /// Removes what ended before this instant, with its attempts, and events of before it that have
    /// no deliveries (any more); at most a few thousand rows a call, never what is pending. Says how
    /// many deliveries and events went: call again until it is 0.
    pub fn prune(&mut self, ended_before_ms: i64) -> Result<usize, SpoolError> {
        prune::prune(&mut self.conn, &self.ledger, ended_before_ms).map_err(SpoolError::at(&self.path))
    }

    /// Everybody who has something pending; a walk from name to name that does not read the rows.
    fn owners(&self) -> Result<Vec<Option<String>>, SpoolError> {
        let read = || {
            let mut owners = Vec::new();
            let mut nobodys = self.conn.prepare_cached(
                "SELECT 1 FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner IS NULL LIMIT 1",
            )?;
            if nobodys.exists([])? {
                owners.push(None);
            }
            let mut next = self.conn.prepare_cached(
                "SELECT owner FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner > ?1 ORDER BY owner LIMIT 1",
            )?;
            let mut last = String::new();
            while let Some(owner) = next.query_row([&last], |row| row.get::<_, String>(0)).optional()? {
                owners.push(Some(owner.clone()));
                last = owner;
            }
            Ok(owners)
        };
        read().map_err(SpoolError::at(&self.path))
    }

    /// Runs an update of at most `HANDOVER` rows until it finds none.
    fn hand_over(&self, sql: &str, params: &[&dyn rusqlite::ToSql]) -> Result<usize, SpoolError> {
        let mut total = 0;
        loop {
            let changed = self
                .conn
                .prepare_cached(sql)
                .and_then(|mut statement| statement.execute(params))
                .map_err(SpoolError::at(&self.path))?;
            total += changed;
            if (changed as i64) < HANDOVER {
                return Ok(total);
            }
        }
    }
}

fn read_pending(row: &Row<'_>) -> rusqlite::Result<Pending> {
    Ok(Pending {
        seq: row.get(0)?,
        event_id: read_event_id(row, 1)?,
        kind: row.get(2)?,
        accepted_at: row.get(3)?,
        endpoint: row.get(4)?,
        content_type: row.get(5)?,
        body: row.get(6)?,
        attempts: row.get(7)?,
        created_at: row.get(8)?,
        due_at: row.get(9)?,
    })
}

fn read_event_id(row: &Row<'_>, column: usize) -> rusqlite::Result<EventId> {
    let text: String = row.get(column)?;
    EventId::parse(&text).ok_or_else(|| {
        let fault = format!("`{}` is not an event id", text.escape_debug());
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, fault.into())
    })
}
