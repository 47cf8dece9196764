//! How many rows there are, and how many bytes.

use super::connection::log_of;
use rusqlite::{Connection, Row};
use serde::Serialize;
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

/// Counts the rows by their indexes.
pub(super) fn count(conn: &Connection) -> rusqlite::Result<Counts> {
    let mut ended = conn.prepare_cached(
        "SELECT count(*) FROM deliveries INDEXED BY deliveries_ended \
         WHERE state = ?1 AND ended_at IS NOT NULL",
    )?;
    let mut pending = conn.prepare_cached(
        "SELECT count(*) FROM deliveries INDEXED BY deliveries_pending WHERE state = 'pending'",
    )?;
    let mut arrived = conn.prepare_cached("SELECT count(*) FROM arrivals")?;
    Ok(Counts {
        pending: pending.query_row([], |row| whole(row, 0))?,
        delivered: ended.query_row(["delivered"], |row| whole(row, 0))?
            + arrived.query_row([], |row| whole(row, 0))?,
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
