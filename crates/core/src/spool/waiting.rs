//! What a start finds in the spool, before any message is read.

use super::{Spool, SpoolError, ownership, read_event_id};
use crate::event::EventId;
use rusqlite::Row;
use std::collections::HashSet;

/// A delivery that waits, without its message. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingDelivery {
    pub seq: i64,
    pub event_id: EventId,
    pub kind: String,
    pub endpoint: String,
    pub hook: String,
    pub created_at: i64,
    pub due_at: i64,
    pub attempts: u32,
    /// Of these, since it was made or replayed, those that failed without a wait asked for.
    pub failures: u32,
    /// And those after which the receiver asked for a wait.
    pub asked: u32,
    pub tried_at: Option<i64>,
    /// When it is stale, if ever.
    pub expires_at: Option<i64>,
    /// The thing it speaks of, when a newer message of the same thing takes its place.
    pub thing: Option<String>,
    /// The event that began the living message it is a state of.
    pub live: Option<String>,
}

/// The attempts are looked into only where there are any.
const WAITING: &str = "\
    SELECT d.seq, e.id, e.type, d.endpoint, d.hook, d.created_at, d.due_at, d.attempts, \
    iif(d.attempts = 0, 0, (SELECT count(*) FROM logged_attempts a WHERE a.delivery = d.seq \
        AND a.outcome = 'retry' AND a.started_at >= d.created_at)), \
    iif(d.attempts = 0, 0, (SELECT count(*) FROM logged_attempts a WHERE a.delivery = d.seq \
        AND a.outcome = 'retry_after' AND a.started_at >= d.created_at)), \
    iif(d.attempts = 0, NULL, (SELECT max(started_at) FROM logged_attempts a WHERE a.delivery = d.seq)), \
    t.expires_at, t.thing, t.live \
    FROM deliveries d INDEXED BY deliveries_pending JOIN events e ON e.seq = d.event \
    LEFT JOIN terms t ON t.delivery = d.seq \
    WHERE d.state = 'pending' AND d.owner = ?1 AND (d.content_type = '') = ?2 ORDER BY d.endpoint, d.seq";

impl Spool {
    /// Everything this owner has to deliver, without the messages, the oldest first.
    pub fn waiting(&self) -> Result<Vec<WaitingDelivery>, SpoolError> {
        let held = ownership::held_by(&self.conn, &self.owner).map_err(self.at())?;
        let mut found = Vec::new();
        self.each_waiting(&held, |waiting| found.push(waiting))?;
        found.sort_by_cached_key(|waiting: &WaitingDelivery| waiting.seq);
        Ok(found)
    }

    /// Hands on what has to be delivered of these owners' numbers, without the messages: one number
    /// after the other, by endpoint, the oldest first. What has no message yet is left out.
    pub fn each_waiting(
        &self,
        owners: &[i64],
        mut take: impl FnMut(WaitingDelivery),
    ) -> Result<(), SpoolError> {
        self.select(owners, false, &mut take)
    }

    /// This owner's replayed deliveries that have no message yet.
    pub fn unrendered(&self) -> Result<Vec<WaitingDelivery>, SpoolError> {
        let mut found = Vec::new();
        self.select(&self.held()?, true, &mut |waiting| found.push(waiting))?;
        Ok(found)
    }

    /// The contexts that were kept with [`Spool::unrendered`] deliveries, in their order.
    pub fn contexts(&self, of: &[WaitingDelivery]) -> Result<Vec<Vec<u8>>, SpoolError> {
        let read = || -> rusqlite::Result<_> {
            let mut statement = self.conn.prepare_cached("SELECT body FROM deliveries WHERE seq = ?1")?;
            of.iter().map(|waiting| statement.query_row([waiting.seq], |row| row.get(0))).collect()
        };
        read().map_err(self.at())
    }

    fn select(
        &self,
        owners: &[i64],
        unrendered: bool,
        take: &mut dyn FnMut(WaitingDelivery),
    ) -> Result<(), SpoolError> {
        let mut read = || {
            let mut statement = self.conn.prepare_cached(WAITING)?;
            for owner in owners {
                for row in statement.query_map((owner, unrendered), read_waiting)? {
                    take(row?);
                }
            }
            Ok(())
        };
        read().map_err(self.at())
    }

    /// The numbers of everything this owner has to deliver.
    pub fn waiting_numbers(&self) -> Result<HashSet<i64>, SpoolError> {
        let read = || {
            let mut statement = self.conn.prepare_cached(
                "SELECT seq FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner = ?1",
            )?;
            let mut found = HashSet::new();
            for owner in ownership::held_by(&self.conn, &self.owner)? {
                for row in statement.query_map([owner], |row| row.get::<_, i64>(0))? {
                    found.insert(row?);
                }
            }
            Ok(found)
        };
        read().map_err(self.at())
    }

    /// Whether an event of this id is in the spool.
    pub fn knows(&self, id: EventId) -> Result<bool, SpoolError> {
        self.conn
            .prepare_cached("SELECT 1 FROM events WHERE id = ?1")
            .and_then(|mut statement| statement.exists([id.to_string()]))
            .map_err(self.at())
    }
}

fn read_waiting(row: &Row<'_>) -> rusqlite::Result<WaitingDelivery> {
    Ok(WaitingDelivery {
        seq: row.get(0)?,
        event_id: read_event_id(row, 1)?,
        kind: row.get(2)?,
        endpoint: row.get(3)?,
        hook: row.get(4)?,
        created_at: row.get(5)?,
        due_at: row.get(6)?,
        attempts: row.get(7)?,
        failures: row.get(8)?,
        asked: row.get(9)?,
        tried_at: row.get(10)?,
        expires_at: row.get(11)?,
        thing: row.get(12)?,
        live: row.get(13)?,
    })
}
