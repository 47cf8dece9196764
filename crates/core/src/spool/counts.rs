//! How many rows there are, kept up to date without counting them again.

use super::connection::log_of;
use rusqlite::{Connection, Row};
use serde::Serialize;
use std::cell::Cell;
use std::path::Path;

/// What a spool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Deliveries that wait, of all owners.
    pub pending: u64,
    /// Deliveries that arrived and are kept for the log.
    pub delivered: u64,
    /// Dead letters.
    pub dead: u64,
    /// Bytes of the database and its write-ahead log.
    pub bytes: u64,
}

/// By how much a transaction changes the counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CountChange {
    pub(super) pending: i64,
    pub(super) delivered: i64,
    pub(super) dead: i64,
}

/// The counts as of the last look, with what this connection did since. SQLite's `data_version`
/// tells whether any other connection has committed in between.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    known: Cell<Option<(i64, Counts)>>,
}

impl Ledger {
    /// Adds what a transaction of this connection has just committed.
    pub(super) fn add(&self, change: CountChange) {
        let sum = |count: u64, by: i64| count.saturating_add_signed(by);
        self.known.set(self.known.get().map(|(version, counts)| {
            let counts = Counts {
                pending: sum(counts.pending, change.pending),
                delivered: sum(counts.delivered, change.delivered),
                dead: sum(counts.dead, change.dead),
                ..counts
            };
            (version, counts)
        }));
    }

    pub(super) fn read(&self, conn: &Connection, path: &Path) -> rusqlite::Result<Counts> {
        let version = data_version(conn)?;
        let mut counts = match self.known.get() {
            Some((seen, counts)) if seen == version => counts,
            _ => {
                // One read transaction, so that version and counts speak of the same instant.
                let transaction = conn.unchecked_transaction()?;
                let counts = count(&transaction)?;
                self.known.set(Some((data_version(&transaction)?, counts)));
                transaction.commit()?;
                counts
            }
        };
        counts.bytes = bytes(conn, path)?;
        Ok(counts)
    }
}

/// A number that changes when another process has written to the file, and only then.
fn data_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

/// Counts the rows by their indexes.
pub(super) fn count(conn: &Connection) -> rusqlite::Result<Counts> {
    let mut ended = conn.prepare_cached(
        "SELECT count(*) FROM deliveries INDEXED BY deliveries_ended \
         WHERE state = ?1 AND ended_at IS NOT NULL",
    )?;
    let mut pending = conn.prepare_cached(
        "SELECT count(*) FROM deliveries INDEXED BY deliveries_pending WHERE state = 'pending'",
    )?;
    Ok(Counts {
        pending: pending.query_row([], |row| whole(row, 0))?,
        delivered: ended.query_row(["delivered"], |row| whole(row, 0))?,
        dead: ended.query_row(["dead"], |row| whole(row, 0))?,
        bytes: 0,
    })
}

/// The database as its header says it, and the log as the file system does.
pub(super) fn bytes(conn: &Connection, path: &Path) -> rusqlite::Result<u64> {
    let pragma = |name| conn.pragma_query_value(None, name, |row| whole(row, 0));
    let log = log_of(path).metadata().map_or(0, |file| file.len());
    Ok(pragma("page_count")? * pragma("page_size")? + log)
}

/// A number that SQLite never makes negative.
pub(super) fn whole(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}
