//! What a start finds in the spool, before any message is read.

use super::{Spool, SpoolError, ownership, read_event_id};
use crate::event::EventId;
use rusqlite::Row;

/// A delivery that waits, without its message. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its sequence number.
    pub seq: i64,
    /// The event's id.
    pub event_id: EventId,
    /// The event's type.
    pub kind: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The hook's name.
    pub hook: String,
    /// When it was made.
    pub created_at: i64,
    /// When it is due.
    pub due_at: i64,
    /// Attempts recorded so far.
    pub attempts: u32,
    /// When it is stale, if ever.
    pub expires_at: Option<i64>,
    /// The thing it speaks of, when a newer message of the same thing takes its place.
    pub thing: Option<String>,
}

impl Spool {
    /// Everything this owner has to deliver, without the messages, the oldest first.
    pub fn waiting(&self) -> Result<Vec<Waiting>, SpoolError> {
        let read = || {
            let mut statement = self.conn.prepare(
                "SELECT d.seq, e.id, e.type, d.endpoint, d.hook, d.created_at, d.due_at, d.attempts, \
                 t.expires_at, t.thing \
                 FROM deliveries d INDEXED BY deliveries_pending JOIN events e ON e.seq = d.event \
                 LEFT JOIN terms t ON t.delivery = d.seq \
                 WHERE d.state = 'pending' AND d.owner = ?1",
            )?;
            let mut found = Vec::new();
            for owner in ownership::held_by(&self.conn, &self.owner)? {
                for row in statement.query_map([owner], read_waiting)? {
                    found.push(row?);
                }
            }
            found.sort_by_key(|waiting: &Waiting| waiting.seq);
            Ok(found)
        };
        read().map_err(SpoolError::at(&self.path))
    }

    /// Whether an event of this id is in the spool.
    pub fn knows(&self, id: EventId) -> Result<bool, SpoolError> {
        self.conn
            .prepare_cached("SELECT 1 FROM events WHERE id = ?1")
            .and_then(|mut statement| statement.exists([id.to_string()]))
            .map_err(SpoolError::at(&self.path))
    }

    /// The values kept by `Batch::put_state` whose keys start like this.
    pub fn states(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, SpoolError> {
        self.conn
            .prepare_cached("SELECT key, value FROM state WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key")
            .and_then(|mut statement| {
                statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .map_err(SpoolError::at(&self.path))
    }
}

fn read_waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        seq: row.get(0)?,
        event_id: read_event_id(row, 1)?,
        kind: row.get(2)?,
        endpoint: row.get(3)?,
        hook: row.get(4)?,
        created_at: row.get(5)?,
        due_at: row.get(6)?,
        attempts: row.get(7)?,
        expires_at: row.get(8)?,
        thing: row.get(9)?,
    })
}
