//! The rows of a transaction until they are sent: each kind as one statement, whose values are arrays.

use super::flight::{BoundStatement, Parameter, values};
use super::values::{key_of, text};
use std::collections::{BTreeMap, HashMap, HashSet};
use taskbell_core::event::EventId;
use taskbell_core::spool::{AttemptRow, StateKey};

/// A new event.
pub struct EventRow {
    pub seq: i64,
    pub id: EventId,
    pub node: Option<String>,
    pub kind: String,
    pub accepted_at: i64,
    pub is_unheard: bool,
    pub payload: Vec<u8>,
    pub said: Option<String>,
}

/// A new delivery.
pub struct DeliveryRow {
    pub seq: i64,
    pub event: i64,
    pub endpoint: String,
    pub hook: String,
    pub state: i16,
    pub owner: Option<i64>,
    pub attempts: i64,
    pub created_at: i64,
    pub due_at: i64,
    pub ended_at: Option<i64>,
    pub reason: Option<String>,
    pub expires_at: Option<i64>,
    pub thing: Option<String>,
    pub live: Option<String>,
    pub why: Option<String>,
    pub content_type: String,
    pub extras: Option<String>,
    pub body: Vec<u8>,
}

/// What becomes of a delivery that is in the store.
#[derive(Default)]
pub struct DeliveryChange {
    pub attempts: i64,
    pub due_at: Option<i64>,
    /// Its state, when, and why.
    pub end: Option<(i16, i64, Option<String>)>,
}

/// A message that was rendered again.
pub struct MessageRow {
    pub delivery: i64,
    pub content_type: String,
    pub extras: Option<String>,
    pub body: Vec<u8>,
}

/// A message that stands by.
pub struct FallbackRow {
    pub event: i64,
    pub via: String,
    pub endpoint: String,
    pub hook: String,
    pub due_at: Option<i64>,
    pub alert: Option<String>,
    pub content_type: String,
    pub body: Vec<u8>,
    pub extras: Option<String>,
}

/// A batch that has moved.
pub struct MovedBatch {
    pub seq: i64,
    pub moved_at: i64,
    pub ended_at: Option<i64>,
    pub wish_bytes: i64,
    pub counts: Vec<u8>,
}

/// What a transaction writes.
#[derive(Default)]
pub struct GatheredRows {
    pub events: Vec<EventRow>,
    /// By id and by number: where it is in `events`.
    pub event_of: HashMap<EventId, i64>,
    pub event_at: HashMap<i64, usize>,
    pub deliveries: Vec<DeliveryRow>,
    pub delivery_at: HashMap<i64, usize>,
    /// The delivery of an event to an endpoint.
    pub delivery_to: HashMap<(i64, String), i64>,
    pub changes: BTreeMap<i64, DeliveryChange>,
    pub attempts: Vec<AttemptRow>,
    attempt_keys: HashSet<(i64, u32, i64)>,
    pub messages: Vec<MessageRow>,
    pub said: BTreeMap<i64, String>,
    pub fallbacks: Vec<FallbackRow>,
    pub states: BTreeMap<StateKey, Option<Vec<u8>>>,
    pub batches: BTreeMap<String, MovedBatch>,
    pub forgotten_tasks: Vec<(i64, i64)>,
    pub batch_tasks: Vec<(i64, i64, i64)>,
}

/// The columns of rows, in the order in which a statement names them.
macro_rules! columns {
    ($rows:expr, $row:ident: $($column:expr),* $(,)?) => {
        values![$($rows.iter().map(|$row| $column).collect::<Vec<_>>()),*]
    };
}

const EVENTS: &str = "INSERT INTO taskbell.events (seq, id, node, type, accepted_at, unheard, payload, said) \
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::bigint[], $6::boolean[], $7::bytea[], \
    $8::text[])";

const DELIVERIES: &str = "INSERT INTO taskbell.deliveries (seq, event, endpoint, hook, state, owner, attempts, created_at, \
    due_at, ended_at, reason, expires_at, thing, live, why, content_type, extras, body) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[], \
    $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::text[], $14::text[], $15::text[], \
    $16::text[], $17::text[], $18::bytea[])";

const CHANGES: &str = "UPDATE taskbell.deliveries d SET attempts = greatest(d.attempts, c.attempts), \
    due_at = coalesce(c.due_at, d.due_at), state = coalesce(c.state, d.state), \
    owner = CASE WHEN c.state IS NULL THEN d.owner END, ended_at = coalesce(c.ended_at, d.ended_at), \
    reason = coalesce(c.reason, d.reason) \
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::text[]) \
    AS c (seq, attempts, due_at, state, ended_at, reason) WHERE d.seq = c.seq";

const ATTEMPTS: &str = "INSERT INTO taskbell.attempts (delivery, number, started_at, status, outcome, error, response, \
    next_at, resolve_us, connect_us, tls_us, first_byte_us, total_us) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[], \
    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[]) ON CONFLICT DO NOTHING";

const MESSAGES: &str = "UPDATE taskbell.deliveries d SET content_type = m.content_type, extras = m.extras, body = m.body \
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[]) AS m (seq, content_type, extras, body) \
    WHERE d.seq = m.seq AND d.state = 0";

const SAID: &str = "UPDATE taskbell.events e SET said = nullif(s.said, '') \
    FROM unnest($1::bigint[], $2::text[]) AS s (seq, said) WHERE e.seq = s.seq";

const FALLBACKS: &str = "INSERT INTO taskbell.fallbacks (event, via, endpoint, hook, due_at, alert, content_type, body, \
    extras) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], \
    $8::bytea[], $9::text[]) ON CONFLICT DO NOTHING";

const STATES: &str = "INSERT INTO taskbell.state (kind, owner, key, name, value) \
    SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bytea[]) \
    ON CONFLICT (kind, owner, key) DO UPDATE SET value = excluded.value";

const NO_STATES: &str = "DELETE FROM taskbell.state s USING unnest($1::text[], $2::text[], $3::bytea[]) \
    AS u (kind, owner, key) WHERE s.kind = u.kind AND s.owner = u.owner AND s.key = u.key";

const BATCHES: &str = "INSERT INTO taskbell.batches (seq, id, moved_at, ended_at, reported_at, wish_bytes, counts) \
    SELECT seq, id, moved_at, ended_at, moved_at - 1, wish_bytes, counts \
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[]) \
    AS b (seq, id, moved_at, ended_at, wish_bytes, counts) \
    ON CONFLICT (seq) DO UPDATE SET moved_at = excluded.moved_at, ended_at = excluded.ended_at, stalled = false, \
    wish_bytes = excluded.wish_bytes, counts = excluded.counts";

const FORGOTTEN_TASKS: &str = "DELETE FROM taskbell.batch_tasks t USING unnest($1::bigint[], $2::bigint[]) \
    AS f (batch, number) WHERE t.batch = f.batch AND t.number <= f.number";

const BATCH_TASKS: &str = "INSERT INTO taskbell.batch_tasks (batch, task, number) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING";

impl GatheredRows {
    /// Logs an attempt; one that is logged stays as it is.
    pub fn log(&mut self, attempt: &AttemptRow) {
        if self.attempt_keys.insert((attempt.delivery, attempt.number, attempt.started_at)) {
            self.attempts.push(attempt.clone());
        }
    }

    /// The statements that write it all, in an order in which each finds what it needs.
    pub fn calls(&self) -> Vec<BoundStatement<'_>> {
        let parts = [self.event_calls(), self.delivery_calls(), self.state_calls(), self.batch_calls()];
        parts
            .into_iter()
            .flatten()
            .filter_map(|(sql, is_empty, values)| (!is_empty).then(|| BoundStatement::new(sql, values)))
            .collect()
    }

    fn event_calls(&self) -> Vec<Statement<'_>> {
        let GatheredRows { events, said, .. } = self;
        let new = columns!(events, row: row.seq, &row.id.as_bytes()[..], row.node.as_deref(), row.kind.as_str(),
            row.accepted_at, row.is_unheard, row.payload.as_slice(), row.said.as_deref());
        let later = columns!(said, row: *row.0, row.1.as_str());
        vec![(EVENTS, events.is_empty(), new), (SAID, said.is_empty(), later)]
    }

    fn delivery_calls(&self) -> Vec<Statement<'_>> {
        let GatheredRows { deliveries, changes, attempts, messages, fallbacks, .. } = self;
        let new = columns!(deliveries, row: row.seq, row.event, row.endpoint.as_str(), row.hook.as_str(), row.state,
            row.owner, row.attempts, row.created_at, row.due_at, row.ended_at, row.reason.as_deref(), row.expires_at,
            row.thing.as_deref(), row.live.as_deref(), row.why.as_deref(), row.content_type.as_str(),
            row.extras.as_deref(), row.body.as_slice());
        let end = |change: &DeliveryChange| change.end.as_ref().map(|(state, at, _)| (*state, *at));
        let changed = columns!(changes, row: *row.0, row.1.attempts, row.1.due_at, end(row.1).map(|end| end.0),
            end(row.1).map(|end| end.1), row.1.end.as_ref().and_then(|end| end.2.as_deref()));
        let rendered = columns!(messages, row: row.delivery, row.content_type.as_str(), row.extras.as_deref(),
            row.body.as_slice());
        let logged = columns!(attempts, row: row.delivery, i64::from(row.number), row.started_at,
            row.status.map(i32::from), row.outcome, row.error.as_deref().map(text), row.response.as_deref().map(text),
            row.next_at, i64::from(row.phases.resolve_us), i64::from(row.phases.connect_us),
            i64::from(row.phases.tls_us), i64::from(row.phases.first_byte_us), i64::from(row.phases.total_us));
        let ready = columns!(fallbacks, row: row.event, row.via.as_str(), row.endpoint.as_str(), row.hook.as_str(),
            row.due_at, row.alert.as_deref(), row.content_type.as_str(), row.body.as_slice(), row.extras.as_deref());
        vec![
            (DELIVERIES, deliveries.is_empty(), new),
            (CHANGES, changes.is_empty(), changed),
            (MESSAGES, messages.is_empty(), rendered),
            (ATTEMPTS, attempts.is_empty(), logged),
            (FALLBACKS, fallbacks.is_empty(), ready),
        ]
    }

    fn state_calls(&self) -> Vec<Statement<'_>> {
        let kept: Vec<_> =
            self.states.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))).collect();
        let removed: Vec<_> = self.states.iter().filter(|(_, value)| value.is_none()).collect();
        let put = columns!(kept, row: row.0.kind.as_str(), text(&row.0.owner).into_owned(), key_of(row.0),
            text(&row.0.name).into_owned(), row.1.as_slice());
        let gone =
            columns!(removed, row: row.0.kind.as_str(), text(&row.0.owner).into_owned(), key_of(row.0));
        vec![(STATES, kept.is_empty(), put), (NO_STATES, removed.is_empty(), gone)]
    }

    fn batch_calls(&self) -> Vec<Statement<'_>> {
        let GatheredRows { batches, forgotten_tasks, batch_tasks, .. } = self;
        let moved = columns!(batches, row: row.1.seq, row.0.as_str(), row.1.moved_at, row.1.ended_at,
            row.1.wish_bytes, row.1.counts.as_slice());
        let forgotten = columns!(forgotten_tasks, row: row.0, row.1);
        let counted = columns!(batch_tasks, row: row.0, row.1, row.2);
        vec![
            (BATCHES, batches.is_empty(), moved),
            (FORGOTTEN_TASKS, forgotten_tasks.is_empty(), forgotten),
            (BATCH_TASKS, batch_tasks.is_empty(), counted),
        ]
    }
}

/// A statement, whether it has no rows, and its values.
type Statement<'a> = (&'static str, bool, Vec<Parameter<'a>>);
