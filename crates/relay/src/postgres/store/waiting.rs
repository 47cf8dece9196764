//! What a start finds in the store, before any message is read.

use super::PostgresStore;
use super::flight::{BoundStatement, values};
use super::values::{event_id, limit, small, whole};
use std::collections::HashMap;
use taskbell_core::spool::{PendingDelivery, SpoolError, Stretch, WaitingDelivery};
use tokio_postgres::Row;

/// Deliveries with what a lane must know of them. The attempts are looked into only where there are any.
macro_rules! waiting {
    ($which:literal) => {
        concat!(
            "SELECT d.seq, e.id, e.type, d.endpoint, d.hook, d.created_at, d.due_at, d.attempts, \
            CASE WHEN d.attempts = 0 THEN 0 ELSE (SELECT count(*) FROM taskbell.attempts a WHERE a.delivery = d.seq \
                AND a.outcome = 'retry' AND a.started_at >= d.created_at) END, \
            CASE WHEN d.attempts = 0 THEN 0 ELSE (SELECT count(*) FROM taskbell.attempts a WHERE a.delivery = d.seq \
                AND a.outcome = 'retry_after' AND a.started_at >= d.created_at) END, \
            CASE WHEN d.attempts > 0 THEN (SELECT max(started_at) FROM taskbell.attempts a WHERE a.delivery = d.seq) END, \
            d.expires_at, d.thing, d.live FROM taskbell.deliveries d JOIN taskbell.events e ON e.seq = d.event \
            WHERE d.state = 0 AND ",
            $which
        )
    };
}

const PAGE: &str = waiting!(
    "d.owner = $1 AND d.endpoint = $2 AND d.seq > $3 AND d.seq <= $4 AND d.content_type <> '' \
     AND d.thing IS NULL AND d.live IS NULL ORDER BY d.seq LIMIT $5"
);

const REPLACEABLE: &str = waiting!(
    "d.owner = ANY($1) AND (d.thing IS NOT NULL OR d.live IS NOT NULL) AND d.content_type <> '' ORDER BY d.seq"
);

const UNRENDERED: &str = waiting!("d.owner = ANY($1) AND d.content_type = '' ORDER BY d.seq");

/// Hops from one endpoint to the next: looks at as many rows as there are endpoints.
const STRETCHES: &str = "WITH RECURSIVE found (endpoint) AS ( \
    SELECT min(endpoint) FROM taskbell.deliveries WHERE state = 0 AND owner = $1 \
    UNION ALL SELECT (SELECT min(d.endpoint) FROM taskbell.deliveries d \
    WHERE d.state = 0 AND d.owner = $1 AND d.endpoint > found.endpoint) FROM found WHERE found.endpoint IS NOT NULL) \
    SELECT endpoint, (SELECT max(seq) FROM taskbell.deliveries d \
    WHERE d.state = 0 AND d.owner = $1 AND d.endpoint = found.endpoint) FROM found WHERE endpoint IS NOT NULL";

/// Counts no further: a million takes seconds where the server has not tidied up behind those who wrote them.
const COUNT: &str = "SELECT count(*) FROM (SELECT FROM taskbell.deliveries \
    WHERE state = 0 AND owner = $1 AND endpoint = $2 AND seq > $3 AND seq <= $4 LIMIT 10000) c";

impl PostgresStore {
    pub(super) fn read_stretches(&self, owners: &[i64]) -> Result<Vec<Stretch>, SpoolError> {
        let mut found = Vec::new();
        for owner in owners {
            let rows = self.query(BoundStatement::new(STRETCHES, values![*owner]))?;
            found.extend(rows.iter().map(|row| Stretch {
                owner: *owner,
                endpoint: row.get(0),
                after: 0,
                until: row.get(1),
            }));
        }
        Ok(found)
    }

    pub(super) fn count_stretch(&self, of: &Stretch) -> Result<u64, SpoolError> {
        let parameters = values![of.owner, of.endpoint.as_str(), of.after, of.until];
        self.query_one(BoundStatement::new(COUNT, parameters), |row| whole(row, 0))
    }

    pub(super) fn read_page(&self, of: &Stretch, most: usize) -> Result<Vec<WaitingDelivery>, SpoolError> {
        let parameters = values![of.owner, of.endpoint.as_str(), of.after, of.until, limit(most)];
        self.read_waiting(BoundStatement::new(PAGE, parameters))
    }

    pub(super) fn read_replaceable(&self, owners: &[i64]) -> Result<Vec<WaitingDelivery>, SpoolError> {
        self.read_waiting(BoundStatement::new(REPLACEABLE, values![owners]))
    }

    pub(super) fn read_unrendered(&self) -> Result<Vec<WaitingDelivery>, SpoolError> {
        self.read_waiting(BoundStatement::new(UNRENDERED, values![self.read_held()?]))
    }

    pub(super) fn read_contexts(&self, of: &[WaitingDelivery]) -> Result<Vec<Vec<u8>>, SpoolError> {
        let numbers: Vec<i64> = of.iter().map(|waiting| waiting.seq).collect();
        let sql = "SELECT d.body FROM unnest($1::bigint[]) WITH ORDINALITY AS w (seq, place) \
            JOIN taskbell.deliveries d ON d.seq = w.seq ORDER BY w.place";
        Ok(self.query(BoundStatement::new(sql, values![numbers]))?.iter().map(|row| row.get(0)).collect())
    }

    pub(super) fn read_pending(&self) -> Result<HashMap<i64, PendingDelivery>, SpoolError> {
        let sql = "SELECT seq, due_at, attempts FROM taskbell.deliveries WHERE state = 0 AND owner = ANY($1)";
        let rows = self.query(BoundStatement::new(sql, values![self.read_held()?]))?;
        let pending =
            |row: &Row| (row.get(0), PendingDelivery { due_at: row.get(1), attempts: small(row, 2) });
        Ok(rows.iter().map(pending).collect())
    }

    fn read_waiting(&self, call: BoundStatement<'_>) -> Result<Vec<WaitingDelivery>, SpoolError> {
        Ok(self.query(call)?.iter().map(read).collect())
    }
}

fn read(row: &Row) -> WaitingDelivery {
    WaitingDelivery {
        seq: row.get(0),
        event_id: event_id(row, 1),
        kind: row.get(2),
        endpoint: row.get(3),
        hook: row.get(4),
        created_at: row.get(5),
        due_at: row.get(6),
        attempts: small(row, 7),
        failures: small(row, 8),
        asked: small(row, 9),
        tried_at: row.get(10),
        expires_at: row.get(11),
        thing: row.get(12),
        live: row.get(13),
    }
}
