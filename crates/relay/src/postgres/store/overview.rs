//! What an operator looks at over all deliveries. Each answer reads a bounded number of rows, or an index.

use super::connection::LookOnConnection;
use super::flight::{BoundStatement, values};
use super::values::{limit, small, state, status, whole};
use std::collections::BTreeMap;
use taskbell_core::spool::{
    AlertEvent, Counts, DeadGroup, EndedDelivery, EndpointBacklog, HourCount, LastAnswer, OpenBatch,
    SpoolError, UnheardEvents,
};
use tokio_postgres::Row;

/// How many of the newest deliveries are searched for the last answer of each endpoint.
const RECENT: i64 = 2_000;

/// How many of the newest events are searched for alerts.
const RECENT_EVENTS: i64 = 5_000;

const HOUR_MS: i64 = 3_600_000;

pub fn counts(reader: &LookOnConnection) -> Result<Counts, SpoolError> {
    let sql = "SELECT (SELECT count(*) FROM taskbell.deliveries WHERE state = 0), \
        (SELECT count(*) FROM taskbell.deliveries WHERE state = 1 AND state > 0), \
        (SELECT count(*) FROM taskbell.deliveries WHERE state = 2 AND state > 0), pg_database_size(current_database())";
    let found = reader.query(BoundStatement::new(sql, values![]))?;
    let read = |row: &Row| Counts {
        pending: whole(row, 0),
        delivered: whole(row, 1),
        dead: whole(row, 2),
        bytes: whole(row, 3),
    };
    Ok(found.first().map(read).unwrap_or_default())
}

pub fn dead_groups(reader: &LookOnConnection, most: usize) -> Result<Vec<DeadGroup>, SpoolError> {
    let sql = "SELECT coalesce(reason, ''), endpoint, count(*), min(ended_at), max(ended_at), max(seq) \
        FROM taskbell.deliveries WHERE state = 2 AND state > 0 GROUP BY 1, 2";
    let rows = reader.query(BoundStatement::new(sql, values![]))?;
    let each = rows.iter().map(|row| DeadGroup {
        reason: row.get(0),
        endpoints: BTreeMap::from([(row.get(1), whole(row, 2))]),
        first_at: row.get(3),
        last_at: row.get(4),
        newest: row.get(5),
    });
    Ok(DeadGroup::join(each, most))
}

pub fn backlogs(reader: &LookOnConnection) -> Result<BTreeMap<String, EndpointBacklog>, SpoolError> {
    let mut found: BTreeMap<String, EndpointBacklog> = BTreeMap::new();
    let waiting = "SELECT endpoint, count(*), min(created_at), min(due_at) FROM taskbell.deliveries \
        WHERE state = 0 GROUP BY endpoint";
    for row in reader.query(BoundStatement::new(waiting, values![]))? {
        let backlog = found.entry(row.get(0)).or_default();
        (backlog.pending, backlog.oldest_at, backlog.next_at) = (whole(&row, 1), row.get(2), row.get(3));
    }
    let dead =
        "SELECT endpoint, count(*) FROM taskbell.deliveries WHERE state = 2 AND state > 0 GROUP BY endpoint";
    for row in reader.query(BoundStatement::new(dead, values![]))? {
        found.entry(row.get(0)).or_default().dead = whole(&row, 1);
    }
    let last = "SELECT DISTINCT ON (r.endpoint) r.endpoint, a.started_at, a.status, a.outcome, a.error \
        FROM (SELECT seq, endpoint FROM taskbell.deliveries ORDER BY seq DESC LIMIT $1) r \
        JOIN taskbell.attempts a ON a.delivery = r.seq ORDER BY r.endpoint, a.started_at DESC";
    for row in reader.query(BoundStatement::new(last, values![RECENT]))? {
        let answer =
            LastAnswer { at: row.get(1), status: status(&row, 2), outcome: row.get(3), error: row.get(4) };
        found.entry(row.get(0)).or_default().last = Some(answer);
    }
    Ok(found)
}

pub fn hours(reader: &LookOnConnection, from_ms: i64) -> Result<Vec<HourCount>, SpoolError> {
    let sql = "SELECT ended_at / 3600000, count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2) \
        FROM taskbell.deliveries WHERE state IN (1, 2) AND state > 0 AND ended_at >= $1 GROUP BY 1 ORDER BY 1";
    let hour = |row: &Row| HourCount {
        from: row.get::<_, i64>(0) * HOUR_MS,
        delivered: whole(row, 1),
        dead: whole(row, 2),
    };
    Ok(reader.query(BoundStatement::new(sql, values![from_ms]))?.iter().map(hour).collect())
}

pub fn ended_since(
    reader: &LookOnConnection,
    from_ms: i64,
    most: usize,
) -> Result<Vec<EndedDelivery>, SpoolError> {
    let sql = "SELECT d.endpoint, d.state, d.created_at, d.ended_at, d.attempts, a.total_us \
        FROM (SELECT seq, endpoint, state, created_at, ended_at, attempts FROM taskbell.deliveries WHERE state = $1 AND state > 0 AND ended_at >= $2 \
        ORDER BY ended_at DESC LIMIT $3) d LEFT JOIN taskbell.attempts a \
        ON a.delivery = d.seq AND a.number = 1 AND d.attempts = 1 AND d.state = 1 ORDER BY d.ended_at DESC";
    let mut found = Vec::new();
    for number in [1_i16, 2] {
        let rows = reader.query(BoundStatement::new(sql, values![number, from_ms, limit(most)]))?;
        found.extend(rows.iter().map(|row| EndedDelivery {
            endpoint: row.get(0),
            state: state(row, 1),
            created_at: row.get(2),
            ended_at: row.get(3),
            attempts: small(row, 4),
            attempt_us: row.get::<_, Option<i64>>(5).and_then(|us| u32::try_from(us).ok()),
        }));
    }
    Ok(found)
}

pub fn unheard(reader: &LookOnConnection, from_ms: i64, most: usize) -> Result<UnheardEvents, SpoolError> {
    let sql = "SELECT count(*) FROM taskbell.events WHERE unheard AND accepted_at >= $1";
    let count =
        reader.query(BoundStatement::new(sql, values![from_ms]))?.first().map_or(0, |row| whole(row, 0));
    let mut accounts = Vec::new();
    if reader.reads_payloads {
        let sql = "SELECT said FROM taskbell.events WHERE said IS NOT NULL AND accepted_at >= $1 \
            ORDER BY seq DESC LIMIT $2";
        let rows = reader.query(BoundStatement::new(sql, values![from_ms, limit(most)]))?;
        accounts.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    Ok(UnheardEvents { count, accounts })
}

pub fn open_batches(reader: &LookOnConnection, most: usize) -> Result<Vec<OpenBatch>, SpoolError> {
    let counts = reader.column("counts", "'{}'::bytea");
    let sql = format!(
        "SELECT id, stalled, {counts} FROM taskbell.batches WHERE ended_at IS NULL ORDER BY moved_at DESC LIMIT $1"
    );
    let rows = reader.query_text(&sql, values![limit(most)])?;
    Ok(rows.iter().map(|row| OpenBatch::from_kept(row.get(0), row.get(1), row.get(2))).collect())
}

pub fn alert_events(reader: &LookOnConnection, from_ms: i64) -> Result<Vec<AlertEvent>, SpoolError> {
    let payload = reader.column("payload", "'{}'::bytea");
    let sql = format!(
        "SELECT type, accepted_at, payload FROM (SELECT type, accepted_at, {payload} AS payload FROM taskbell.events \
         ORDER BY seq DESC LIMIT $1) newest WHERE type IN ('alert.firing', 'alert.resolved') AND accepted_at >= $2 \
         ORDER BY accepted_at DESC LIMIT 500"
    );
    let event = |row: &Row| AlertEvent {
        kind: row.get(0),
        at: row.get(1),
        payload: String::from_utf8_lossy(row.get(2)).into_owned(),
    };
    Ok(reader.query_text(&sql, values![RECENT_EVENTS, from_ms])?.iter().map(event).collect())
}
