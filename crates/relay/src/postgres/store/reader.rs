//! The look-on side, on a connection of its own: for lanes, the command and the console.
//!
//! A role that may not read payloads sees all but those: neither what hosts reported, nor messages, nor answers.

use super::connection::LookOnConnection;
use super::flight::{BoundStatement, values};
use super::selection::{Conditions, MeantEvent, find_event};
use super::values::{event_id, key_of, limit, small, state, status, text};
use super::{overview, read_state};
use crate::postgres::{Database, DatabaseFault};
use std::collections::BTreeMap;
use std::path::Path;
use taskbell_core::spool::{
    AlertEvent, AttemptDetail, Counts, DeadGroup, DeliveryDetail, DeliveryState, EndedDelivery,
    EndpointBacklog, EventDetail, Filter, HourCount, ListRow, LiveMessage, LiveTurn, MessageReader,
    OpenBatch, Reader, SpoolError, SpoolErrorKind, StateKey, StateKind, StoredMessage, UnheardEvents,
};
use taskbell_core::transport::Phases;
use tokio_postgres::{GenericClient, IsolationLevel, Row};

/// Reads the store. May be sent to another thread, not shared.
pub struct PostgresReader(LookOnConnection);

impl PostgresReader {
    /// Looks at a store whose tables are there.
    ///
    /// # Errors
    /// When it cannot be read; of kind `Missing` when there are no tables.
    pub fn open(database: Database) -> Result<PostgresReader, SpoolError> {
        LookOnConnection::open(database).map(PostgresReader)
    }
}

impl MessageReader for PostgresReader {
    fn message(&self, delivery: i64) -> Result<Option<StoredMessage>, SpoolError> {
        let sql = "SELECT content_type, body, extras FROM taskbell.deliveries WHERE seq = $1";
        let found = self.0.query(BoundStatement::new(sql, values![delivery]))?;
        let read =
            |row: &Row| StoredMessage { content_type: row.get(0), body: row.get(1), extras: row.get(2) };
        Ok(found.first().map(read))
    }

    fn live_turn(&self, delivery: i64, first: &str, endpoint: &str) -> Result<LiveTurn, SpoolError> {
        let earlier = "SELECT FROM taskbell.deliveries WHERE live = $1 AND endpoint = $2 AND seq < $3 AND state = 0 LIMIT 1";
        if !self.0.query(BoundStatement::new(earlier, values![first, text(endpoint), delivery]))?.is_empty() {
            return Ok(LiveTurn::Later);
        }
        let newer = "SELECT e.id FROM taskbell.deliveries d JOIN taskbell.events e ON e.seq = d.event \
            WHERE d.live = $1 AND d.endpoint = $2 AND d.seq > $3 AND d.state = 1 ORDER BY d.seq DESC LIMIT 1";
        if let Some(row) =
            self.0.query(BoundStatement::new(newer, values![first, text(endpoint), delivery]))?.first()
        {
            return Ok(LiveTurn::Outdated(event_id(row, 0)));
        }
        let key = LiveMessage::key_of(first, endpoint);
        let kept =
            self.0.query(BoundStatement::new(super::STATE, values![key.kind.as_str(), "", key_of(&key)]))?;
        let live = kept.first().and_then(|row| LiveMessage::from_kept(row.get(0)));
        Ok(LiveTurn::Send(live.and_then(|live| live.message)))
    }
}

impl Reader for PostgresReader {
    fn file(&self) -> Option<&Path> {
        None
    }

    fn states(&self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError> {
        let from = self.0.column("taskbell.state", "taskbell.watched_state");
        let sql = format!("SELECT owner, name, value FROM {from} WHERE kind = $1 ORDER BY owner, name");
        let found = self.0.query_text(&sql, values![kind.as_str()])?;
        Ok(found.iter().map(|row| read_state(kind, row)).collect())
    }

    fn counts(&self) -> Result<Counts, SpoolError> {
        overview::counts(&self.0)
    }

    fn list(&self, filter: &Filter) -> Result<Vec<ListRow>, SpoolError> {
        let mut conditions = Conditions::after(Box::new(limit(filter.limit)));
        conditions.filter(filter, self.0.reads_payloads);
        let sql = format!(
            "WITH picked AS (SELECT d.seq FROM taskbell.deliveries d JOIN taskbell.events e ON e.seq = d.event \
             WHERE TRUE{} ORDER BY d.seq DESC LIMIT $1) \
             SELECT d.seq, e.id, e.type, e.accepted_at, d.endpoint, d.hook, d.state, d.attempts, d.due_at, d.ended_at, \
             d.reason, a.status, a.error, e.node FROM picked JOIN taskbell.deliveries d ON d.seq = picked.seq \
             JOIN taskbell.events e ON e.seq = d.event LEFT JOIN LATERAL (SELECT status, error FROM taskbell.attempts \
             WHERE delivery = d.seq ORDER BY number DESC, started_at DESC LIMIT 1) a ON TRUE ORDER BY d.seq DESC",
            conditions.sql
        );
        Ok(self.0.query_text(&sql, conditions.values)?.iter().map(read_list_row).collect())
    }

    fn show(&self, id: &str) -> Result<Option<EventDetail>, SpoolError> {
        let shown = self.0.run(async |session| {
            // Event, deliveries and attempts are of the same instant.
            let look =
                session.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
            let transaction = look.start().await?;
            let shown = match find_event(&transaction, id).await? {
                MeantEvent::None => Ok(None),
                MeantEvent::One(event) => Ok(Some(self.read_event(&transaction, event).await?)),
                MeantEvent::Several(digits) => Err(digits),
            };
            transaction.commit().await?;
            Ok(shown)
        })?;
        shown.map_err(|digits| {
            self.0.error_of(SpoolErrorKind::Ambiguous, &format!("several events begin with `{digits}`"))
        })
    }

    fn dead_groups(&self, limit: usize) -> Result<Vec<DeadGroup>, SpoolError> {
        overview::dead_groups(&self.0, limit)
    }

    fn backlogs(&self) -> Result<BTreeMap<String, EndpointBacklog>, SpoolError> {
        overview::backlogs(&self.0)
    }

    fn hours(&self, from_ms: i64) -> Result<Vec<HourCount>, SpoolError> {
        overview::hours(&self.0, from_ms)
    }

    fn ended_since(&self, from_ms: i64, limit: usize) -> Result<Vec<EndedDelivery>, SpoolError> {
        overview::ended_since(&self.0, from_ms, limit)
    }

    fn unheard_since(&self, from_ms: i64, limit: usize) -> Result<UnheardEvents, SpoolError> {
        overview::unheard(&self.0, from_ms, limit)
    }

    fn open_batches(&self, limit: usize) -> Result<Vec<OpenBatch>, SpoolError> {
        overview::open_batches(&self.0, limit)
    }

    fn alert_events(&self, from_ms: i64) -> Result<Vec<AlertEvent>, SpoolError> {
        overview::alert_events(&self.0, from_ms)
    }
}

impl PostgresReader {
    async fn read_event(
        &self,
        client: &impl GenericClient,
        event: i64,
    ) -> Result<EventDetail, DatabaseFault> {
        let payload = self.0.column("payload", "''::bytea");
        let said = self.0.column("said", "NULL::text");
        let sql = format!(
            "SELECT id, type, accepted_at, node, {payload}, {said} FROM taskbell.events WHERE seq = $1"
        );
        let row = client.query_one(&sql, &[&event]).await?;
        let mut detail = EventDetail {
            id: event_id(&row, 0).to_string(),
            kind: row.get(1),
            accepted_at: row.get(2),
            node: row.get(3),
            payload: shown(row.get(4)),
            said: row.get(5),
            deliveries: Vec::new(),
        };
        let body = self.0.column("CASE WHEN content_type = '' THEN ''::bytea ELSE body END", "''::bytea");
        let why = self.0.column("why", "NULL::text");
        let sql = format!(
            "SELECT seq, endpoint, hook, state, created_at, due_at, ended_at, reason, content_type, {body}, {why}, live \
             FROM taskbell.deliveries WHERE event = $1 ORDER BY seq"
        );
        for row in client.query(&sql, &[&event]).await? {
            let mut delivery = read_delivery(&row);
            if let (Some(first), true) = (row.get::<_, Option<&str>>(11), self.0.reads_payloads) {
                let key = LiveMessage::key_of(first, &delivery.endpoint);
                let kept = client.query_opt(super::STATE, &[&key.kind.as_str(), &"", &key_of(&key)]).await?;
                delivery.live = kept.and_then(|row| LiveMessage::from_kept(row.get(0)));
            }
            detail.deliveries.push(delivery);
        }
        let response = self.0.column("response", "NULL::text");
        let sql = format!(
            "SELECT delivery, number, started_at, status, outcome, error, {response}, next_at, resolve_us, connect_us, \
             tls_us, first_byte_us, total_us FROM taskbell.attempts WHERE delivery = ANY($1) \
             ORDER BY delivery, number, started_at"
        );
        let numbers: Vec<i64> = detail.deliveries.iter().map(|delivery| delivery.delivery).collect();
        for row in client.query(&sql, &[&numbers]).await? {
            let of = detail.deliveries.iter_mut().find(|delivery| delivery.delivery == row.get::<_, i64>(0));
            of.into_iter().for_each(|delivery| delivery.attempts.push(read_attempt(&row)));
        }
        Ok(detail)
    }
}

fn read_list_row(row: &Row) -> ListRow {
    let state = state(row, 6);
    ListRow {
        delivery: row.get(0),
        event: event_id(row, 1).to_string(),
        kind: row.get(2),
        accepted_at: row.get(3),
        node: row.get(13),
        endpoint: row.get(4),
        hook: row.get(5),
        state,
        attempts: small(row, 7),
        due_at: due(state, row.get(8)),
        ended_at: row.get(9),
        reason: row.get(10),
        last_status: status(row, 11),
        last_error: row.get(12),
    }
}

fn read_delivery(row: &Row) -> DeliveryDetail {
    let state = state(row, 3);
    DeliveryDetail {
        delivery: row.get(0),
        endpoint: row.get(1),
        hook: row.get(2),
        state,
        created_at: row.get(4),
        due_at: due(state, row.get(5)),
        ended_at: row.get(6),
        reason: row.get(7),
        why: row.get(10),
        content_type: row.get(8),
        body: shown(row.get(9)),
        live: None,
        attempts: Vec::new(),
    }
}

fn read_attempt(row: &Row) -> AttemptDetail {
    AttemptDetail {
        number: small(row, 1),
        started_at: row.get(2),
        status: status(row, 3),
        outcome: row.get(4),
        error: row.get(5),
        response: row.get(6),
        next_at: row.get(7),
        phases: Phases {
            resolve_us: small(row, 8),
            connect_us: small(row, 9),
            tls_us: small(row, 10),
            first_byte_us: small(row, 11),
            total_us: small(row, 12),
        },
    }
}

/// An ended delivery keeps the time it was last due; nobody waits for it any more.
fn due(state: DeliveryState, at: i64) -> Option<i64> {
    (state == DeliveryState::Pending).then_some(at)
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
