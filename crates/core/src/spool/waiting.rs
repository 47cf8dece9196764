//! What a start finds in the spool, before any message is read.

use super::{PendingDelivery, Spool, SpoolError, ownership, read_event_id};
use crate::event::EventId;
use rusqlite::{OptionalExtension, Row};
use std::collections::HashMap;

/// A delivery that waits, without its message. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingDelivery {
    /// Its number.
    pub seq: i64,
    /// The event's id.
    pub event_id: EventId,
    /// The event's type.
    pub kind: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The hook's name.
    pub hook: String,
    /// When it was made, or replayed.
    pub created_at: i64,
    /// When the next attempt is due.
    pub due_at: i64,
    /// Attempts so far.
    pub attempts: u32,
    /// Of these, since it was made or replayed, those that failed without a wait asked for.
    pub failures: u32,
    /// And those after which the receiver asked for a wait.
    pub asked: u32,
    /// When the last attempt began.
    pub tried_at: Option<i64>,
    /// When it is stale, if ever.
    pub expires_at: Option<i64>,
    /// The thing it speaks of, when a newer message of the same thing takes its place.
    pub thing: Option<String>,
    /// The event that began the living message it is a state of.
    pub live: Option<String>,
}

/// Of one owner's deliveries, those of a stretch that are not read otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The owner's number.
    pub owner: i64,
    /// The endpoint's name.
    pub endpoint: String,
    /// Those up to this number are read.
    pub after: i64,
    /// Those above this number were made later.
    pub until: i64,
}

/// The attempts are looked into only where there are any.
macro_rules! waiting {
    ($from:literal, $which:literal) => {
        concat!(
            "SELECT d.seq, e.id, e.type, d.endpoint, d.hook, d.created_at, d.due_at, d.attempts, \
            iif(d.attempts = 0, 0, (SELECT count(*) FROM logged_attempts a WHERE a.delivery = d.seq \
                AND a.outcome = 'retry' AND a.started_at >= d.created_at)), \
            iif(d.attempts = 0, 0, (SELECT count(*) FROM logged_attempts a WHERE a.delivery = d.seq \
                AND a.outcome = 'retry_after' AND a.started_at >= d.created_at)), \
            iif(d.attempts = 0, NULL, (SELECT max(started_at) FROM logged_attempts a WHERE a.delivery = d.seq)), \
            t.expires_at, t.thing, t.live FROM ",
            $from,
            " WHERE d.state = 'pending' AND d.owner = ?1 AND ",
            $which
        )
    };
}

const ALL: &str = waiting!(
    "deliveries d INDEXED BY deliveries_pending JOIN events e ON e.seq = d.event \
     LEFT JOIN terms t ON t.delivery = d.seq",
    "d.content_type <> '' ORDER BY d.endpoint, d.seq"
);

const UNRENDERED: &str = waiting!(
    "deliveries d INDEXED BY deliveries_unrendered JOIN events e ON e.seq = d.event \
     LEFT JOIN terms t ON t.delivery = d.seq",
    "d.content_type = '' ORDER BY d.seq"
);

/// What a newer message may take the place of. Few deliveries have such terms, and fewer of them wait.
const REPLACEABLE: &str = waiting!(
    "terms t CROSS JOIN deliveries d ON d.seq = t.delivery JOIN events e ON e.seq = d.event",
    "(t.thing IS NOT NULL OR t.live IS NOT NULL) AND d.content_type <> '' ORDER BY d.seq"
);

const PAGE: &str = waiting!(
    "deliveries d INDEXED BY deliveries_pending JOIN events e ON e.seq = d.event \
     LEFT JOIN terms t ON t.delivery = d.seq",
    "d.endpoint = ?2 AND d.seq > ?3 AND d.seq <= ?4 AND d.content_type <> '' \
     AND t.thing IS NULL AND t.live IS NULL ORDER BY d.seq LIMIT ?5"
);

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
        self.select(ALL, owners, &mut take)
    }

    /// What has to be delivered of these owners' numbers and a newer message may take the place of.
    pub fn replaceable(&self, owners: &[i64]) -> Result<Vec<WaitingDelivery>, SpoolError> {
        let mut found = Vec::new();
        self.select(REPLACEABLE, owners, &mut |waiting| found.push(waiting))?;
        Ok(found)
    }

    /// Where these owners' numbers have something to deliver: one stretch for each number and endpoint. Looks at as many
    /// rows as that are.
    pub fn stretches(&self, owners: &[i64]) -> Result<Vec<Stretch>, SpoolError> {
        let read = || {
            let mut next = self.conn.prepare_cached(
                "SELECT endpoint FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner = ?1 AND endpoint > ?2 ORDER BY endpoint LIMIT 1",
            )?;
            let mut end = self.conn.prepare_cached(
                "SELECT max(seq) FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner = ?1 AND endpoint = ?2",
            )?;
            let mut found = Vec::new();
            for owner in owners {
                let mut last = String::new();
                while let Some(endpoint) =
                    next.query_row((owner, &last), |row| row.get::<_, String>(0)).optional()?
                {
                    last.clone_from(&endpoint);
                    let until = end.query_row((owner, &endpoint), |row| row.get(0))?;
                    found.push(Stretch { owner: *owner, endpoint, after: 0, until });
                }
            }
            Ok(found)
        };
        read().map_err(self.at())
    }

    /// The first of a stretch, `most` at most, without the messages. What has none yet is left out, and what
    /// [`Spool::replaceable`] gives.
    pub fn page(&self, of: &Stretch, most: usize) -> Result<Vec<WaitingDelivery>, SpoolError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let read = || {
            let mut statement = self.conn.prepare_cached(PAGE)?;
            let rows =
                statement.query_map((of.owner, &of.endpoint, of.after, of.until, most), read_waiting)?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.at())
    }

    /// How many deliveries there are in a stretch. Reads the index only.
    pub fn count(&self, of: &Stretch) -> Result<u64, SpoolError> {
        self.conn
            .prepare_cached(
                "SELECT count(*) FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner = ?1 AND endpoint = ?2 AND seq > ?3 AND seq <= ?4",
            )
            .and_then(|mut statement| {
                statement.query_row((of.owner, &of.endpoint, of.after, of.until), |row| row.get::<_, i64>(0))
            })
            .map(i64::unsigned_abs)
            .map_err(self.at())
    }

    /// This owner's replayed deliveries that have no message yet.
    pub fn unrendered(&self) -> Result<Vec<WaitingDelivery>, SpoolError> {
        let mut found = Vec::new();
        self.select(UNRENDERED, &self.held()?, &mut |waiting| found.push(waiting))?;
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
        sql: &str,
        owners: &[i64],
        take: &mut dyn FnMut(WaitingDelivery),
    ) -> Result<(), SpoolError> {
        let mut read = || {
            let mut statement = self.conn.prepare_cached(sql)?;
            for owner in owners {
                for row in statement.query_map([owner], read_waiting)? {
                    take(row?);
                }
            }
            Ok(())
        };
        read().map_err(self.at())
    }

    /// Everything that this owner has to deliver, by number.
    pub(crate) fn pending(&self) -> Result<HashMap<i64, PendingDelivery>, SpoolError> {
        let read = || {
            let mut statement = self.conn.prepare_cached(
                "SELECT seq, due_at, attempts FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner = ?1",
            )?;
            let mut found = HashMap::new();
            for owner in ownership::held_by(&self.conn, &self.owner)? {
                let pending = |row: &Row<'_>| {
                    Ok((row.get(0)?, PendingDelivery { due_at: row.get(1)?, attempts: row.get(2)? }))
                };
                for row in statement.query_map([owner], pending)? {
                    let (seq, pending) = row?;
                    found.insert(seq, pending);
                }
            }
            Ok(found)
        };
        read().map_err(self.at())
    }

    /// Whether an event of this id is in the spool.
    pub fn knows(&self, id: EventId) -> Result<bool, SpoolError> {
        self.conn
            .prepare_cached(
                "SELECT 1 FROM events WHERE id = ?1 UNION ALL SELECT 1 FROM arrivals WHERE id = ?1",
            )
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

#[cfg(test)]
mod tests {
    use super::super::tests::{NONE, place, ring, spool_at, write};
    use super::*;
    use rusqlite::StatementStatus;

    const MANY: u32 = 3000;

    /// A spool with many deliveries that wait for two endpoints.
    fn full() -> (tempfile::TempDir, Spool) {
        let (folder, path) = place();
        let mut spool = spool_at(&path, "me");
        write(&mut spool, |batch| {
            (1..=MANY).for_each(|number| drop(ring(batch, number, &["ci", "team"])));
        });
        (folder, spool)
    }

    #[test]
    fn pages_follow_each_other_and_leave_nothing_out() {
        let (_folder, mut spool) = full();
        let owners = spool.held().unwrap();
        let mut stretches = spool.stretches(&owners).unwrap();
        let of: Vec<&str> = stretches.iter().map(|stretch| stretch.endpoint.as_str()).collect();
        assert_eq!(of, ["ci", "team"]);
        write(&mut spool, |batch| drop(ring(batch, MANY + 1, &["ci"])));
        let stretch = &mut stretches[0];
        let mut found = Vec::new();
        for size in [7, 1000, 5000, 5000] {
            assert_eq!(spool.count(stretch).unwrap(), u64::from(MANY) - found.len() as u64);
            let page = spool.page(stretch, size).unwrap();
            stretch.after = page.last().map_or(stretch.after, |last| last.seq);
            found.extend(page);
        }
        let mut all = spool.waiting().unwrap();
        all.retain(|waiting| waiting.endpoint == "ci" && waiting.seq <= stretch.until);
        assert_eq!(found, all, "without what was made later");
        assert_eq!(spool.stretches(&NONE).unwrap(), []);
    }

    #[test]
    fn a_page_costs_the_same_however_much_waits() {
        let (_folder, spool) = full();
        let mut steps = Vec::new();
        for after in [0, i64::from(MANY)] {
            let mut statement = spool.conn.prepare(PAGE).unwrap();
            let parameters = (1, "ci", after, i64::MAX, 50);
            let read = statement.query_map(parameters, read_waiting).unwrap().count();
            assert_eq!(read, 50);
            steps.push(statement.get_status(StatementStatus::VmStep));
        }
        assert!(steps[0] < 50 * 100 && steps[0].abs_diff(steps[1]) < 50, "{steps:?}");
        for sql in [ALL, PAGE, UNRENDERED] {
            let plan = format!("EXPLAIN QUERY PLAN {sql}");
            let mut statement = spool.conn.prepare(&plan).unwrap();
            let parameters = vec![1; statement.parameter_count()];
            let lines = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3));
            let lines: Vec<String> = lines.unwrap().map(Result::unwrap).collect();
            let sorts = lines.iter().any(|line| line.contains("TEMP B-TREE") || line.starts_with("SCAN"));
            assert!(!sorts, "{lines:?}");
        }
    }
}
