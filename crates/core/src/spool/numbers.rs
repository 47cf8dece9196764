//! The numbers of deliveries: given once, and never again.

use super::state_key::{self, StateKey, StateKind};
use rusqlite::Connection;

/// The numbers that a transaction gives. Reads where they stand with the first one, and writes it down
/// once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbers {
    last: Option<i64>,
}

impl Numbers {
    /// The next number. It is used up when `self` is kept.
    pub(super) fn next(&mut self, conn: &Connection) -> rusqlite::Result<i64> {
        let last = match self.last {
            Some(last) => last,
            None => last_given(conn)?,
        };
        self.last = Some(last + 1);
        Ok(last + 1)
    }

    /// Writes down what was given, if anything was.
    pub(super) fn keep(self, conn: &Connection) -> rusqlite::Result<()> {
        let Some(last) = self.last else { return Ok(()) };
        state_key::write(conn, &key(), Some(last.to_string().as_bytes()))
    }
}

fn key() -> StateKey {
    StateKey::shared(StateKind::LastNumber, "")
}

/// The highest number that was given: that of a delivery, or of one that was there once.
fn last_given(conn: &Connection) -> rusqlite::Result<i64> {
    let there: Option<i64> =
        conn.prepare_cached("SELECT max(seq) FROM deliveries")?.query_row([], |row| row.get(0))?;
    let kept = state_key::read(conn, &key())?.and_then(|kept| str::from_utf8(&kept).ok()?.parse().ok());
    // A number that no spool reaches was not written here, and leaves none above it.
    Ok(there.max(kept).filter(|last| (0..i64::MAX / 2).contains(last)).unwrap_or(0))
}
