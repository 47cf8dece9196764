//! The look-on side, for the command line: while the host runs, and after it is dead.

use super::counts::{self, Counts};
use super::live::{self, LiveMessage, LiveTurn};
use super::overview::{
    self, AlertEvent, DeadGroup, EndedDelivery, EndpointBacklog, HourCount, OpenBatch, UnheardEvents,
};
use super::state_key::{self, StateKey, StateKind};
use super::{DeliveryState, MessageReader, Reader, SpoolError, SpoolErrorKind, StoredMessage, connection};
use crate::transport::Phases;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The fewest hexadecimal digits of an event id that are taken as its beginning.
const SHORTEST_PREFIX: usize = 8;

/// A read-only connection. It never creates or changes a spool, and never holds up a
/// writer. May be sent to another thread, not shared.
#[derive(Debug)]
pub struct SpoolReader {
    conn: Connection,
    path: PathBuf,
}

/// What to list; the default is everything, up to `limit`.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only deliveries in this state.
    pub state: Option<DeliveryState>,
    /// Only deliveries to this endpoint.
    pub endpoint: Option<String>,
    /// Only deliveries of events of this type.
    pub kind: Option<String>,
    /// Only deliveries of events that this node of a farm posted.
    pub node: Option<String>,
    /// Only deliveries of this hook.
    pub hook: Option<String>,
    /// Only deliveries with this text, without regard to the case of ASCII letters, in the event's id or payload, in the
    /// body, or in the reason.
    pub text: Option<String>,
    /// Only deliveries of events that were accepted at this time or later; Unix milliseconds.
    pub since_ms: Option<i64>,
    /// Only deliveries with a number below this one: the page after a row begins at its number.
    pub before: Option<i64>,
    /// Only deliveries with this number or a greater one.
    pub from: Option<i64>,
    /// The most rows.
    pub limit: usize,
}

/// A delivery, in one line. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListRow {
    /// Its number, as `show` takes it.
    pub delivery: i64,
    /// The event's id.
    pub event: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the event was accepted.
    pub accepted_at: i64,
    /// The node of a farm that posted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The endpoint's name.
    pub endpoint: String,
    /// The hook's name.
    pub hook: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next attempt is due; only while it is pending.
    pub due_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Why it is dead.
    pub reason: Option<String>,
    /// The HTTP status of the last attempt.
    pub last_status: Option<u16>,
    /// What went wrong in the last attempt.
    pub last_error: Option<String>,
}

/// An event with all that became of it. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventDetail {
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the host's call accepted it.
    pub accepted_at: i64,
    /// The node of a farm that posted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The payload, JSON as the host gave it.
    pub payload: String,
    /// What became of the hooks that did not ring for it, in words, a line each, where that was kept.
    pub said: Option<String>,
    /// One for each endpoint it rang at.
    pub deliveries: Vec<DeliveryDetail>,
}

/// A delivery with its attempts. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryDetail {
    /// Its number.
    pub delivery: i64,
    /// The endpoint's name.
    pub endpoint: String,
    /// The hook's name.
    pub hook: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it was made.
    pub created_at: i64,
    /// When the next attempt is due; only while it is pending.
    pub due_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Why it is dead.
    pub reason: Option<String>,
    /// Why its hook fired, in words.
    pub why: Option<String>,
    /// The content type of the body.
    pub content_type: String,
    /// The body as text; empty when it could not be rendered.
    pub body: String,
    /// The living message that it is a state of.
    pub live: Option<LiveMessage>,
    /// The attempts, the first one first.
    pub attempts: Vec<AttemptDetail>,
}

/// An attempt as it was logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptDetail {
    /// From 1.
    pub number: u32,
    /// When it started, in Unix milliseconds.
    pub started_at: i64,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// `delivered`, `retry`, `retry_after`, `final` or `gone`.
    pub outcome: String,
    /// What went wrong.
    pub error: Option<String>,
    /// The head of the answer.
    pub response: Option<String>,
    /// When the next attempt was due, in Unix milliseconds.
    pub next_at: Option<i64>,
    /// How long its phases took.
    #[serde(flatten)]
    pub phases: Phases,
}

impl SpoolReader {
    /// Opens an existing spool; a missing one is an error of kind `Missing`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(path: &Path) -> Result<SpoolReader, SpoolError> {
        connection::open_reader(path).map(|(conn, path)| SpoolReader { conn, path })
    }

    /// Where the database lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, SpoolError> {
        read(&self.conn).map_err(SpoolError::at(&self.path))
    }
}

impl MessageReader for SpoolReader {
    fn message(&self, delivery: i64) -> Result<Option<StoredMessage>, SpoolError> {
        self.read(|conn| {
            let read = |row: &Row<'_>| {
                Ok(StoredMessage { content_type: row.get(0)?, body: row.get(1)?, extras: row.get(2)? })
            };
            conn.prepare_cached("SELECT content_type, body, extras FROM all_deliveries WHERE seq = ?1")?
                .query_row([delivery], read)
                .optional()
        })
    }

    fn live_turn(&self, delivery: i64, first: &str, endpoint: &str) -> Result<LiveTurn, SpoolError> {
        self.read(|conn| live::turn(conn, delivery, first, endpoint))
    }
}

impl Reader for SpoolReader {
    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn states(&self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError> {
        self.read(|conn| state_key::read_all(conn, kind))
    }

    fn counts(&self) -> Result<Counts, SpoolError> {
        self.read(|conn| Ok(Counts { bytes: counts::bytes(conn, &self.path)?, ..counts::count(conn)? }))
    }

    fn list(&self, filter: &Filter) -> Result<Vec<ListRow>, SpoolError> {
        self.read(|conn| {
            let mut rows = list_deliveries(conn, filter)?;
            if filter.state.is_none_or(|state| state == DeliveryState::Delivered) {
                rows.extend(list_arrivals(conn, filter)?);
                rows.sort_unstable_by_key(|row| Reverse(row.delivery));
                rows.truncate(filter.limit);
            }
            Ok(rows)
        })
    }

    fn show(&self, id: &str) -> Result<Option<EventDetail>, SpoolError> {
        let at = SpoolError::at(&self.path);
        // One read transaction, so that event, deliveries and attempts are of the same instant.
        let transaction = self.conn.unchecked_transaction().map_err(at)?;
        match find_event(&self.conn, &self.path, id)? {
            None => Ok(None),
            Some(event) => read_event(&transaction, event).map(Some).map_err(at),
        }
    }

    fn dead_groups(&self, limit: usize) -> Result<Vec<DeadGroup>, SpoolError> {
        self.read(|conn| overview::dead_groups(conn, limit))
    }

    fn backlogs(&self) -> Result<BTreeMap<String, EndpointBacklog>, SpoolError> {
        self.read(overview::backlogs)
    }

    fn hours(&self, from_ms: i64) -> Result<Vec<HourCount>, SpoolError> {
        self.read(|conn| overview::hours(conn, from_ms))
    }

    fn ended_since(&self, from_ms: i64, limit: usize) -> Result<Vec<EndedDelivery>, SpoolError> {
        self.read(|conn| overview::ended_since(conn, from_ms, limit))
    }

    fn unheard_since(&self, from_ms: i64, limit: usize) -> Result<UnheardEvents, SpoolError> {
        self.read(|conn| overview::unheard(conn, from_ms, limit))
    }

    fn open_batches(&self, limit: usize) -> Result<Vec<OpenBatch>, SpoolError> {
        self.read(|conn| overview::open_batches(conn, limit))
    }

    fn alert_events(&self, from_ms: i64) -> Result<Vec<AlertEvent>, SpoolError> {
        self.read(|conn| overview::alert_events(conn, from_ms))
    }
}

/// Whether a row has the text of the filter.
const HAS_TEXT: [&str; 2] = [
    "(reason LIKE ? ESCAPE '\\' OR CAST(body AS TEXT) LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM events \
     WHERE seq = event AND (id LIKE ? ESCAPE '\\' OR CAST(payload AS TEXT) LIKE ? ESCAPE '\\')))",
    "(id LIKE ? ESCAPE '\\' OR CAST(body AS TEXT) LIKE ? ESCAPE '\\' OR CAST(payload AS TEXT) LIKE ? ESCAPE '\\')",
];

/// The rows of `deliveries` that fit the filter.
fn list_deliveries(conn: &Connection, filter: &Filter) -> rusqlite::Result<Vec<ListRow>> {
    // Deliveries that wait and dead letters may be few among many: their index is named, so that the planner
    // does not walk through all the rest for the sake of the order.
    let (index, wanted) = match filter.state {
        Some(DeliveryState::Pending) => ("INDEXED BY deliveries_pending", "state = 'pending'"),
        Some(DeliveryState::Dead) => {
            ("INDEXED BY deliveries_ended", "state = 'dead' AND ended_at IS NOT NULL")
        }
        Some(DeliveryState::Delivered) => ("", "state = 'delivered'"),
        None => ("", "TRUE"),
    };
    let of_event = |column| format!("(SELECT {column} FROM events WHERE seq = event)");
    let columns = ["type", "accepted_at", "node"].map(of_event);
    let (conditions, values) = conditions(filter, columns.each_ref().map(String::as_str), HAS_TEXT[0]);
    // The rows are picked by their numbers first: sorting carries no bodies along.
    let sql = format!(
        "WITH picked AS (SELECT seq FROM deliveries {index} WHERE {wanted}{conditions} ORDER BY seq DESC LIMIT ?1) \
         SELECT d.seq, e.id, e.type, e.accepted_at, d.endpoint, d.hook, d.state, d.attempts, d.due_at, \
         d.ended_at, d.reason, iif(a.number IS NULL, d.status, a.status), a.error, e.node \
         FROM picked CROSS JOIN deliveries d ON d.seq = picked.seq \
         CROSS JOIN events e ON e.seq = d.event \
         LEFT JOIN logged_attempts a ON a.delivery = d.seq AND (a.number, a.started_at) = (SELECT number, started_at \
         FROM logged_attempts WHERE delivery = d.seq ORDER BY number DESC, started_at DESC LIMIT 1) \
         ORDER BY d.seq DESC"
    );
    conn.prepare(&sql)?.query_map(params_from_iter(values), read_list_row)?.collect()
}

/// The rows of `arrivals` that fit the filter.
fn list_arrivals(conn: &Connection, filter: &Filter) -> rusqlite::Result<Vec<ListRow>> {
    let (conditions, values) = conditions(filter, ["type", "accepted_at", "NULL"], HAS_TEXT[1]);
    let sql = format!(
        "SELECT seq, id, type, accepted_at, endpoint, hook, 'delivered', 1, created_at, ended_at, NULL, status, NULL, NULL \
         FROM arrivals_with_body WHERE TRUE{conditions} ORDER BY seq DESC LIMIT ?1"
    );
    conn.prepare(&sql)?.query_map(params_from_iter(values), read_list_row)?.collect()
}

/// What a filter says apart from the state, with the type of the event, the time at which it was accepted, its node, and
/// whether a row has a text; the first value is the limit.
fn conditions(filter: &Filter, [kind, accepted_at, node]: [&str; 3], has_text: &str) -> (String, Vec<Value>) {
    let text = |text: &Option<String>| text.clone().map(Value::Text);
    let wanted = [
        ("seq < ?".to_owned(), filter.before.map(Value::Integer)),
        ("seq >= ?".to_owned(), filter.from.map(Value::Integer)),
        ("endpoint = ?".to_owned(), text(&filter.endpoint)),
        ("hook = ?".to_owned(), text(&filter.hook)),
        (format!("{kind} = ?"), text(&filter.kind)),
        (format!("{node} = ?"), text(&filter.node)),
        (format!("{accepted_at} >= ?"), filter.since_ms.map(Value::Integer)),
        (has_text.to_owned(), filter.text.as_deref().map(|part| Value::Text(containing(part)))),
    ];
    let mut values = vec![Value::Integer(i64::try_from(filter.limit).unwrap_or(i64::MAX))];
    let mut conditions = String::new();
    for (condition, value) in wanted {
        if let Some(value) = value {
            values.push(value);
            let number = format!("?{}", values.len());
            conditions.push_str(&format!(" AND {}", condition.replace('?', &number)));
        }
    }
    (conditions, values)
}

/// The pattern of `LIKE` for a text anywhere, with `\\` to escape.
pub fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "%"
}

/// The number of the event that is meant, as in the view `all_events`.
pub(super) fn find_event(conn: &Connection, path: &Path, id: &str) -> Result<Option<i64>, SpoolError> {
    let at = SpoolError::at(path);
    let Some(digits) = id.strip_prefix("evt_") else {
        let Ok(delivery) = id.parse::<i64>() else { return Ok(None) };
        return conn
            .query_row("SELECT event FROM all_deliveries WHERE seq = ?1", [delivery], |row| row.get(0))
            .optional()
            .map_err(at);
    };
    if digits.len() < SHORTEST_PREFIX || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let first = format!("evt_{}", digits.to_ascii_lowercase());
    let fitting: Vec<i64> = conn
        // `g` comes after every hexadecimal digit.
        .prepare("SELECT seq FROM all_events WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2")
        .and_then(|mut statement| statement.query_map([&first], |row| row.get(0))?.collect())
        .map_err(at)?;
    match fitting.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        _ => {
            let detail = format!("several events begin with `{first}`");
            Err(SpoolError::new(SpoolErrorKind::Ambiguous, path, detail))
        }
    }
}

fn read_list_row(row: &Row<'_>) -> rusqlite::Result<ListRow> {
    let state: DeliveryState = row.get(6)?;
    Ok(ListRow {
        delivery: row.get(0)?,
        event: row.get(1)?,
        kind: row.get(2)?,
        accepted_at: row.get(3)?,
        endpoint: row.get(4)?,
        hook: row.get(5)?,
        state,
        attempts: row.get(7)?,
        due_at: due(state, row.get(8)?),
        ended_at: row.get(9)?,
        reason: row.get(10)?,
        last_status: row.get(11)?,
        last_error: row.get(12)?,
        node: row.get(13)?,
    })
}

fn read_event(conn: &Connection, event: i64) -> rusqlite::Result<EventDetail> {
    // By the table's own number: the views make theirs, for which there is no index.
    let (events, deliveries, number) = match event {
        0.. => ("node, payload FROM events WHERE seq", "deliveries WHERE event", event),
        _ => ("NULL, payload FROM arrivals WHERE seq", "all_deliveries WHERE seq", -event),
    };
    let mut detail =
        conn.query_row(&format!("SELECT id, type, accepted_at, {events} = ?1"), [number], |row| {
            Ok(EventDetail {
                id: row.get(0)?,
                kind: row.get(1)?,
                accepted_at: row.get(2)?,
                node: row.get(3)?,
                payload: text(row.get(4)?),
                said: None,
                deliveries: Vec::new(),
            })
        })?;
    let mut accounts = conn.prepare("SELECT said FROM accounts WHERE event = ?1")?;
    detail.said = accounts.query_row([event], |row| row.get(0)).optional()?;
    let mut deliveries = conn.prepare(&format!(
        "SELECT seq, endpoint, hook, state, created_at, due_at, ended_at, reason, content_type, \
         iif(content_type = '', x'', body), why FROM {deliveries} = ?1 ORDER BY seq"
    ))?;
    let mut attempts = conn.prepare(
        "SELECT number, started_at, status, outcome, error, response, next_at, resolve_us, connect_us, \
         tls_us, first_byte_us, total_us FROM attempts WHERE delivery = ?1 ORDER BY number, started_at",
    )?;
    let found = deliveries.query_map([number], read_delivery)?;
    for delivery in found {
        let mut delivery = delivery?;
        delivery.live = live::of_delivery(conn, delivery.delivery)?;
        delivery.attempts =
            attempts.query_map([delivery.delivery], read_attempt)?.collect::<rusqlite::Result<_>>()?;
        detail.deliveries.push(delivery);
    }
    Ok(detail)
}

fn read_delivery(row: &Row<'_>) -> rusqlite::Result<DeliveryDetail> {
    let state: DeliveryState = row.get(3)?;
    Ok(DeliveryDetail {
        delivery: row.get(0)?,
        endpoint: row.get(1)?,
        hook: row.get(2)?,
        state,
        created_at: row.get(4)?,
        due_at: due(state, row.get(5)?),
        ended_at: row.get(6)?,
        reason: row.get(7)?,
        content_type: row.get(8)?,
        body: text(row.get(9)?),
        why: row.get(10)?,
        live: None,
        attempts: Vec::new(),
    })
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<AttemptDetail> {
    Ok(AttemptDetail {
        number: row.get(0)?,
        started_at: row.get(1)?,
        status: row.get(2)?,
        outcome: row.get(3)?,
        error: row.get(4)?,
        response: row.get(5)?,
        next_at: row.get(6)?,
        phases: Phases {
            resolve_us: row.get(7)?,
            connect_us: row.get(8)?,
            tls_us: row.get(9)?,
            first_byte_us: row.get(10)?,
            total_us: row.get(11)?,
        },
    })
}

/// An ended delivery keeps the time it was last due; nobody waits for it any more.
fn due(state: DeliveryState, at: i64) -> Option<i64> {
    (state == DeliveryState::Pending).then_some(at)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
