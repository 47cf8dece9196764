//! What an operator looks at over all deliveries: dead letters by reason, what waits for each endpoint, and how it
//! went lately. Each answer reads a bounded number of rows, so that a large spool stays quick.

use super::{DeliveryState, arrivals};
use crate::tally::{BatchTally, QueueTally};
use rusqlite::{Connection, Row, params};
use std::collections::BTreeMap;

/// How many of the newest deliveries are searched for the last answer of each endpoint.
const RECENT: i64 = 2_000;

/// How many of the newest events are searched for alerts.
const RECENT_EVENTS: i64 = 5_000;

/// Dead letters with the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadGroup {
    /// Why they are dead.
    pub reason: String,
    /// How many there are for each endpoint.
    pub endpoints: BTreeMap<String, u64>,
    /// When the first and the last one ended; Unix milliseconds.
    pub first_at: i64,
    /// See `first_at`.
    pub last_at: i64,
    /// The number of the newest one.
    pub newest: i64,
}

impl DeadGroup {
    /// Those of each endpoint, put together by their reason: the one with the newest dead letter first, `limit` at most.
    pub fn join(each: impl IntoIterator<Item = DeadGroup>, limit: usize) -> Vec<DeadGroup> {
        let mut groups: BTreeMap<String, DeadGroup> = BTreeMap::new();
        for one in each {
            let Some(group) = groups.get_mut(&one.reason) else {
                groups.insert(one.reason.clone(), one);
                continue;
            };
            group.first_at = group.first_at.min(one.first_at);
            group.last_at = group.last_at.max(one.last_at);
            group.newest = group.newest.max(one.newest);
            group.endpoints.extend(one.endpoints);
        }
        let mut groups: Vec<DeadGroup> = groups.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse((group.last_at, group.newest)));
        groups.truncate(limit);
        groups
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.endpoints.values().sum()
    }
}

/// The last attempt to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAnswer {
    /// When it began; Unix milliseconds.
    pub at: i64,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// `delivered`, `retry`, `retry_after`, `final` or `gone`.
    pub outcome: String,
    /// What went wrong.
    pub error: Option<String>,
}

/// What waits for an endpoint, and what it answered last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointBacklog {
    /// Deliveries that wait or are in flight.
    pub pending: u64,
    /// When the oldest of them was made; Unix milliseconds.
    pub oldest_at: Option<i64>,
    /// When the next attempt is due; Unix milliseconds.
    pub next_at: Option<i64>,
    /// Dead letters that are kept.
    pub dead: u64,
    /// Among the newest deliveries.
    pub last: Option<LastAnswer>,
}

/// How many deliveries ended within an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HourCount {
    /// When the hour began; Unix milliseconds.
    pub from: i64,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Dead letters.
    pub dead: u64,
}

/// A delivery that has ended, for figures. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedDelivery {
    /// The endpoint's name.
    pub endpoint: String,
    /// How it ended.
    pub state: DeliveryState,
    /// When it was made.
    pub created_at: i64,
    /// When it ended.
    pub ended_at: i64,
    /// Attempts.
    pub attempts: u32,
    /// How long the attempt took with which it arrived, if that was the first.
    pub attempt_us: Option<u32>,
}

/// A batch that has begun and is not complete.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenBatch {
    /// Its id.
    pub id: String,
    /// Its number of tasks; 0 when none has named one.
    pub expected: u64,
    /// Whether it has not gone on for so long that this was reported.
    pub stalled: bool,
    pub(crate) tally: QueueTally,
}

impl OpenBatch {
    /// A batch as a store has it.
    pub fn from_kept(id: String, stalled: bool, counts: &[u8]) -> OpenBatch {
        let batch: BatchTally = serde_json::from_slice(counts).unwrap_or_default();
        OpenBatch { id, expected: batch.expected, stalled, tally: batch.tally }
    }
}

/// An event that Taskbell made of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertEvent {
    /// `alert.firing` or `alert.resolved`.
    pub kind: String,
    /// When; Unix milliseconds.
    pub at: i64,
    /// Name, metric, value and threshold, as JSON.
    pub payload: String,
}

/// The events that no hook rang for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnheardEvents {
    /// How many have no delivery, because no hook fired or the shaping held them back.
    pub count: u64,
    /// The newest accounts of hooks that did not fire.
    pub accounts: Vec<String>,
}

pub(super) fn unheard(conn: &Connection, from_ms: i64, limit: usize) -> rusqlite::Result<UnheardEvents> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let count = conn
        .prepare_cached(
            "SELECT count(*) FROM events INDEXED BY events_unheard WHERE unheard = 1 AND accepted_at >= ?1",
        )?
        .query_row([from_ms], |row| super::counts::whole(row, 0))?;
    let accounts = conn
        .prepare_cached(
            "SELECT a.said FROM accounts a CROSS JOIN events e ON e.seq = a.event \
             WHERE e.accepted_at >= ?1 ORDER BY a.event DESC LIMIT ?2",
        )?
        .query_map([from_ms, limit], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(UnheardEvents { count, accounts })
}

pub(super) fn dead_groups(conn: &Connection, limit: usize) -> rusqlite::Result<Vec<DeadGroup>> {
    let mut statement = conn.prepare_cached(
        "SELECT coalesce(reason, ''), endpoint, count(*), min(ended_at), max(ended_at), max(seq) \
         FROM deliveries INDEXED BY deliveries_ended WHERE state = 'dead' AND ended_at IS NOT NULL \
         GROUP BY 1, 2",
    )?;
    let each = statement.query_map([], |row| {
        Ok(DeadGroup {
            reason: row.get(0)?,
            endpoints: BTreeMap::from([(row.get(1)?, super::counts::whole(row, 2)?)]),
            first_at: row.get(3)?,
            last_at: row.get(4)?,
            newest: row.get(5)?,
        })
    })?;
    Ok(DeadGroup::join(each.collect::<rusqlite::Result<Vec<_>>>()?, limit))
}

pub(super) fn backlogs(conn: &Connection) -> rusqlite::Result<BTreeMap<String, EndpointBacklog>> {
    let mut found: BTreeMap<String, EndpointBacklog> = BTreeMap::new();
    let mut waiting = conn.prepare_cached(
        "SELECT endpoint, count(*), min(created_at), min(due_at) FROM deliveries INDEXED BY deliveries_pending \
         WHERE state = 'pending' GROUP BY endpoint",
    )?;
    let mut rows = waiting.query([])?;
    while let Some(row) = rows.next()? {
        let backlog = found.entry(row.get(0)?).or_default();
        backlog.pending = super::counts::whole(row, 1)?;
        backlog.oldest_at = row.get(2)?;
        backlog.next_at = row.get(3)?;
    }
    let mut dead = conn.prepare_cached(
        "SELECT endpoint, count(*) FROM deliveries INDEXED BY deliveries_ended \
         WHERE state = 'dead' AND ended_at IS NOT NULL GROUP BY endpoint",
    )?;
    let mut rows = dead.query([])?;
    while let Some(row) = rows.next()? {
        found.entry(row.get(0)?).or_default().dead = super::counts::whole(row, 1)?;
    }
    // Not through the view of all attempts, which SQLite would first write out whole.
    for sql in [ARRIVED_ANSWERS, FIRST_ANSWERS, LATER_ANSWERS] {
        let mut last = conn.prepare_cached(sql)?;
        let mut rows = last.query([RECENT])?;
        while let Some(row) = rows.next()? {
            let answer =
                LastAnswer { at: row.get(1)?, status: row.get(2)?, outcome: row.get(3)?, error: row.get(4)? };
            let known = &mut found.entry(row.get(0)?).or_default().last;
            if known.as_ref().is_none_or(|known| known.at < answer.at) {
                *known = Some(answer);
            }
        }
    }
    Ok(found)
}

/// The last answers to deliveries that arrived before they were written.
const ARRIVED_ANSWERS: &str = "SELECT endpoint, max(started_at), status, 'delivered', NULL \
    FROM (SELECT endpoint, started_at, status FROM arrivals ORDER BY seq DESC LIMIT ?1) GROUP BY endpoint";

/// The last answers to other deliveries that arrived with their first attempt.
const FIRST_ANSWERS: &str = "SELECT endpoint, max(started_at), status, 'delivered', NULL \
    FROM (SELECT * FROM deliveries ORDER BY seq DESC LIMIT ?1) WHERE started_at IS NOT NULL GROUP BY endpoint";

/// The last answers to other attempts.
const LATER_ANSWERS: &str = "SELECT r.endpoint, max(a.started_at), a.status, a.outcome, a.error \
    FROM (SELECT seq, endpoint FROM deliveries ORDER BY seq DESC LIMIT ?1) r \
    CROSS JOIN logged_attempts a ON a.delivery = r.seq GROUP BY r.endpoint";

const HOUR_MS: i64 = 3_600_000;

pub(super) fn hours(conn: &Connection, from_ms: i64) -> rusqlite::Result<Vec<HourCount>> {
    let mut statement = conn.prepare_cached(
        "SELECT ended_at / 3600000 AS hour, count(*) FROM deliveries INDEXED BY deliveries_ended \
         WHERE state = ?1 AND ended_at >= ?2 GROUP BY hour",
    )?;
    let mut hours: BTreeMap<i64, HourCount> = BTreeMap::new();
    for state in [DeliveryState::Delivered, DeliveryState::Dead] {
        let mut rows = statement.query(params![state.as_str(), from_ms])?;
        while let Some(row) = rows.next()? {
            let hour: i64 = row.get(0)?;
            let count = super::counts::whole(row, 1)?;
            let entry = hours.entry(hour).or_default();
            entry.from = hour * HOUR_MS;
            match state {
                DeliveryState::Delivered => entry.delivered = count,
                _ => entry.dead = count,
            }
        }
    }
    let mut next = from_ms;
    while let Some(first) = arrivals::first_since(conn, next)? {
        let hour = first.unix_ms() / HOUR_MS;
        let entry = hours.entry(hour).or_default();
        entry.from = hour * HOUR_MS;
        let until = entry.from + HOUR_MS;
        entry.delivered += arrivals::count(conn, next, until)?;
        next = until;
    }
    Ok(hours.into_values().collect())
}

pub(super) fn ended_since(
    conn: &Connection,
    from_ms: i64,
    limit: usize,
) -> rusqlite::Result<Vec<EndedDelivery>> {
    let most = limit;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(
        "SELECT endpoint, state, created_at, ended_at, attempts, total_us \
         FROM deliveries INDEXED BY deliveries_ended \
         WHERE state = ?1 AND ended_at >= ?2 ORDER BY ended_at DESC LIMIT ?3",
    )?;
    let read = |row: &Row<'_>| {
        Ok(EndedDelivery {
            endpoint: row.get(0)?,
            state: row.get(1)?,
            created_at: row.get(2)?,
            ended_at: row.get(3)?,
            attempts: row.get(4)?,
            attempt_us: row.get(5)?,
        })
    };
    let mut arrived = conn.prepare_cached(
        "SELECT endpoint, 'delivered', created_at, ended_at, 1, total_us \
         FROM arrivals WHERE id >= ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let mut ended = |state: DeliveryState| -> rusqlite::Result<Vec<EndedDelivery>> {
        statement.query_map(params![state.as_str(), from_ms, limit], read)?.collect()
    };
    let (mut found, dead) = (ended(DeliveryState::Delivered)?, ended(DeliveryState::Dead)?);
    for row in arrived.query_map(params![arrivals::first_id(from_ms), limit], read)? {
        found.push(row?);
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.ended_at));
    found.truncate(most);
    found.extend(dead);
    Ok(found)
}

pub(super) fn open_batches(conn: &Connection, limit: usize) -> rusqlite::Result<Vec<OpenBatch>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(
        "SELECT id, stalled, counts FROM batches WHERE ended_at IS NULL ORDER BY moved_at DESC LIMIT ?1",
    )?;
    let read = |row: &Row<'_>| {
        let counts: Vec<u8> = row.get(2)?;
        Ok(OpenBatch::from_kept(row.get(0)?, row.get(1)?, &counts))
    };
    statement.query_map([limit], read)?.collect()
}

pub(super) fn alert_events(conn: &Connection, from_ms: i64) -> rusqlite::Result<Vec<AlertEvent>> {
    let mut statement = conn.prepare_cached(
        "WITH newest AS (SELECT * FROM (SELECT type, accepted_at, payload FROM events ORDER BY seq DESC LIMIT ?1) \
         UNION ALL SELECT * FROM (SELECT type, accepted_at, payload FROM arrivals ORDER BY seq DESC LIMIT ?1)) \
         SELECT type, accepted_at, payload FROM newest WHERE type IN ('alert.firing', 'alert.resolved') \
         AND accepted_at >= ?2 ORDER BY accepted_at DESC LIMIT 500",
    )?;
    let read = |row: &Row<'_>| {
        let payload: Vec<u8> = row.get(2)?;
        Ok(AlertEvent {
            kind: row.get(0)?,
            at: row.get(1)?,
            payload: String::from_utf8_lossy(&payload).into_owned(),
        })
    };
    statement.query_map([RECENT_EVENTS, from_ms], read)?.collect()
}
