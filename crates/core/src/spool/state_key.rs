//! The keys of the states in the spool: what a value is about, whose it is, and its name.

use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension, params};

/// What a state is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateKind {
    /// An alert; its name is that of the alert.
    Alert,
    /// The configuration whose default spool it is; one value, without a name.
    Configuration,
    /// Where an endpoint stands: its failures, its circuit breaker, a pause it asked for.
    EndpointHealth,
    /// A node of a farm; its name is that of the node.
    FarmNode,
    /// Which nodes of a farm work on a queue; its name is that of the queue.
    FarmQueue,
    /// What was in hand when a process ended, and how many it has ended.
    FatalWork,
    /// An endpoint that refuses all further requests.
    GoneEndpoint,
    /// The name of an instance's host, while it has peers; one value of each, without a name.
    HostName,
    /// The attempts of an instance to an endpoint that are in flight.
    InFlight,
    /// The last number of a delivery; one value, without a name.
    LastNumber,
    /// A value that is another one after each act of an operator; one value, without a name.
    OperatorMark,
    /// A living message, by the event that began it and its endpoint; and under `open/` which one a key has now.
    LiveMessage,
    /// The counts of an open queue; its name is that of the queue.
    QueueCounts,
    /// On a node, the history of the relays' database; one value, without a name.
    RelayTimeline,
    /// When messages were sent to an endpoint with a rate.
    SentTimes,
    /// A cooldown or a digest window.
    Shaping,
    /// An address that a task named.
    TaskAddress,
    /// How long tasks of a kind take.
    UsualDuration,
}

impl StateKind {
    /// The word by which it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            StateKind::Alert => "alert",
            StateKind::Configuration => "configuration",
            StateKind::EndpointHealth => "endpoint health",
            StateKind::FarmNode => "farm node",
            StateKind::FarmQueue => "farm queue",
            StateKind::FatalWork => "fatal work",
            StateKind::GoneEndpoint => "gone endpoint",
            StateKind::HostName => "host name",
            StateKind::InFlight => "in flight",
            StateKind::LastNumber => "last number",
            StateKind::OperatorMark => "operator mark",
            StateKind::LiveMessage => "live message",
            StateKind::QueueCounts => "queue counts",
            StateKind::RelayTimeline => "relay timeline",
            StateKind::SentTimes => "sent times",
            StateKind::Shaping => "shaping",
            StateKind::TaskAddress => "task address",
            StateKind::UsualDuration => "usual duration",
        }
    }
}

impl ToSql for StateKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

/// The key of one state. All instances that share the file see the same states.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey {
    /// What it is about.
    pub kind: StateKind,
    /// The instance it belongs to; empty for what all share, and for what a closed instance left.
    pub owner: String,
    /// Which of its kind; empty where there is one.
    pub name: String,
}

/// A changed state; `None` removes it.
pub type StateChange = (StateKey, Option<Vec<u8>>);

impl StateKey {
    /// The key of a state that belongs to an instance.
    pub fn owned(kind: StateKind, instance: &str, name: impl Into<String>) -> StateKey {
        StateKey { kind, owner: instance.to_owned(), name: name.into() }
    }

    /// The key of a state that all instances share.
    pub fn shared(kind: StateKind, name: impl Into<String>) -> StateKey {
        StateKey::owned(kind, "", name)
    }
}

pub(super) fn read(conn: &Connection, key: &StateKey) -> rusqlite::Result<Option<Vec<u8>>> {
    conn.prepare_cached("SELECT value FROM state WHERE kind = ?1 AND owner = ?2 AND name = ?3")?
        .query_row(params![key.kind, key.owner, key.name], |row| row.get(0))
        .optional()
}

/// All states of a kind, ordered by owner and name.
pub(super) fn read_all(conn: &Connection, kind: StateKind) -> rusqlite::Result<Vec<(StateKey, Vec<u8>)>> {
    let mut statement =
        conn.prepare_cached("SELECT owner, name, value FROM state WHERE kind = ?1 ORDER BY owner, name")?;
    let read =
        |row: &rusqlite::Row<'_>| Ok((StateKey { kind, owner: row.get(0)?, name: row.get(1)? }, row.get(2)?));
    statement.query_map([kind], read)?.collect()
}

/// Keeps a value, or removes it.
pub(super) fn write(conn: &Connection, key: &StateKey, value: Option<&[u8]>) -> rusqlite::Result<()> {
    let StateKey { kind, owner, name } = key;
    match value {
        Some(value) => conn
            .prepare_cached(
                "INSERT INTO state (kind, owner, name, value) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (kind, owner, name) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![kind, owner, name, value]),
        None => conn
            .prepare_cached("DELETE FROM state WHERE kind = ?1 AND owner = ?2 AND name = ?3")?
            .execute(params![kind, owner, name]),
    }
    .map(drop)
}
