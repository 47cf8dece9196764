//! Living messages: the deliveries of a hook to an endpoint that have one `live` key are one message of the platform,
//! which the first posts, later ones edit, and the last closes. All instances on a spool share them.

use super::state_key::{self, StateKey, StateKind};
use super::{Batch, SpoolError, read_event_id};
use crate::event::EventId;
use crate::hash::sha256_hex;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

/// One living message. Times are Unix milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveMessage {
    /// The endpoint's name.
    pub endpoint: String,
    /// The hook's name.
    pub hook: String,
    /// The value of its `live` expression.
    pub key: String,
    /// What the platform calls it; `None` before it is posted, and where no answer names it.
    pub message: Option<String>,
    /// When it was posted last.
    pub posted_at: Option<i64>,
    /// How often it was edited.
    pub edits: u32,
    /// How often it was posted again, because it was no longer there.
    pub reposts: u32,
    /// When its last state was made: later ones begin another message.
    pub closed_at: Option<i64>,
    /// When a state of it was made or delivered last.
    pub moved_at: i64,
}

/// A state of a living message that a new delivery would show.
#[derive(Debug, Clone, Copy)]
pub struct LiveState<'a> {
    /// The endpoint's name.
    pub endpoint: &'a str,
    /// The hook's name.
    pub hook: &'a str,
    /// The value of its `live` expression.
    pub key: &'a str,
    /// Whether it is the last state.
    pub closes: bool,
    /// Whether the platform can edit.
    pub edits: bool,
}

/// What a new delivery is to a living message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveRole {
    /// A state of the message that began with this event.
    StateOf(EventId),
    /// A message of its own: it begins and ends with this state.
    Alone,
    /// Nothing: it is neither the first state nor the last, and the platform cannot edit.
    LeftOut,
}

/// What may be done with a state of a living message now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveTurn {
    /// An earlier state is on its way: later.
    Later,
    /// A newer one is shown, that of this event.
    Outdated(EventId),
    /// It is sent: as an edit of this message, or as the first.
    Send(Option<String>),
}

/// What a delivered state did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveResult {
    /// Posted a message, which the platform calls so.
    Posted(Option<String>),
    /// Edited the message that is there.
    Edited,
}

/// The key under which the present message of a key is found.
fn open_key(endpoint: &str, hook: &str, key: &str) -> StateKey {
    let name = sha256_hex(format!("{endpoint}\0{hook}\0{key}"), 32);
    StateKey::shared(StateKind::LiveMessage, format!("open/{name}"))
}

impl LiveMessage {
    /// The key of the message to an endpoint that began with the event `first`.
    pub fn key_of(first: &str, endpoint: &str) -> StateKey {
        StateKey::shared(StateKind::LiveMessage, format!("{first}/{endpoint}"))
    }

    /// What is kept under that key.
    pub fn from_kept(kept: &[u8]) -> Option<LiveMessage> {
        serde_json::from_slice(kept).ok()
    }
}

/// The messages of which no state was made or delivered since this time, among all states of their kind: the event that
/// began each, and the keys that are forgotten with it.
pub fn outdated_messages(states: &[(StateKey, Vec<u8>)], before_ms: i64) -> Vec<(String, Vec<StateKey>)> {
    let mut found = Vec::new();
    for (key, kept) in states {
        let Some((first, _)) = key.name.split_once('/').filter(|(first, _)| *first != "open") else {
            continue;
        };
        let live = LiveMessage::from_kept(kept).unwrap_or_default();
        if live.moved_at >= before_ms {
            continue;
        }
        let open = open_key(&live.endpoint, &live.hook, &live.key);
        let is_open = states.iter().any(|(key, of)| *key == open && of == first.as_bytes());
        let keys = [Some(key.clone()), is_open.then_some(open)];
        found.push((first.to_owned(), keys.into_iter().flatten().collect()));
    }
    found
}

fn read(conn: &Connection, first: &str, endpoint: &str) -> rusqlite::Result<Option<LiveMessage>> {
    let kept = state_key::read(conn, &LiveMessage::key_of(first, endpoint))?;
    Ok(kept.and_then(|kept| LiveMessage::from_kept(&kept)))
}

fn write(batch: &mut (impl Batch + ?Sized), first: &str, message: &LiveMessage) -> Result<(), SpoolError> {
    let kept = serde_json::to_vec(message).unwrap_or_default();
    batch.put_state(&LiveMessage::key_of(first, &message.endpoint), Some(&kept))
}

/// See [`Batch::join_live`].
pub(super) fn join(
    batch: &mut (impl Batch + ?Sized),
    state: &LiveState<'_>,
    event: EventId,
    now_ms: i64,
) -> Result<LiveRole, SpoolError> {
    let open = open_key(state.endpoint, state.hook, state.key);
    let first = batch.state(&open)?;
    let first = first.and_then(|first| EventId::parse(&String::from_utf8_lossy(&first)));
    let known = match first {
        Some(first) => {
            let known = batch.state(&LiveMessage::key_of(&first.to_string(), state.endpoint))?;
            known.and_then(|known| LiveMessage::from_kept(&known)).map(|known| (first, known))
        }
        None => None,
    };
    let (first, known) = match known {
        None if state.closes => return Ok(LiveRole::Alone),
        Some(_) if !state.closes && !state.edits => return Ok(LiveRole::LeftOut),
        None => {
            batch.put_state(&open, Some(event.to_string().as_bytes()))?;
            let (endpoint, hook) = (state.endpoint.to_owned(), state.hook.to_owned());
            let new = LiveMessage { endpoint, hook, key: state.key.to_owned(), ..LiveMessage::default() };
            (event, new)
        }
        Some(known) => known,
    };
    let closed_at = state.closes.then_some(now_ms);
    if state.closes {
        batch.put_state(&open, None)?;
    }
    write(batch, &first.to_string(), &LiveMessage { closed_at, moved_at: now_ms, ..known })?;
    Ok(LiveRole::StateOf(first))
}

/// See [`Batch::note_live`].
pub(super) fn note(
    batch: &mut (impl Batch + ?Sized),
    first: &str,
    endpoint: &str,
    result: &LiveResult,
    now_ms: i64,
) -> Result<(), SpoolError> {
    let kept = batch.state(&LiveMessage::key_of(first, endpoint))?;
    let Some(mut live) = kept.and_then(|kept| LiveMessage::from_kept(&kept)) else { return Ok(()) };
    live.moved_at = now_ms;
    match result {
        LiveResult::Posted(message) => {
            live.reposts += u32::from(live.posted_at.is_some());
            live.posted_at = Some(now_ms);
            live.message.clone_from(message);
        }
        LiveResult::Edited => live.edits += 1,
    }
    write(batch, first, &live)
}

/// See [`Reader::live_turn`](super::Reader::live_turn).
pub(super) fn turn(
    conn: &Connection,
    delivery: i64,
    first: &str,
    endpoint: &str,
) -> rusqlite::Result<LiveTurn> {
    let of = "FROM terms t JOIN deliveries d ON d.seq = t.delivery JOIN events e ON e.seq = d.event \
              WHERE t.live = ?1 AND d.endpoint = ?2";
    let earlier = format!("SELECT 1 {of} AND d.seq < ?3 AND d.state = 'pending'");
    if conn.prepare_cached(&earlier)?.exists(params![first, endpoint, delivery])? {
        return Ok(LiveTurn::Later);
    }
    let newer =
        format!("SELECT e.id {of} AND d.seq > ?3 AND d.state = 'delivered' ORDER BY d.seq DESC LIMIT 1");
    let newer = conn
        .prepare_cached(&newer)?
        .query_row(params![first, endpoint, delivery], |row| read_event_id(row, 0))
        .optional()?;
    if let Some(by) = newer {
        return Ok(LiveTurn::Outdated(by));
    }
    Ok(LiveTurn::Send(read(conn, first, endpoint)?.and_then(|live| live.message)))
}

/// The living message that a delivery belongs to.
pub(super) fn of_delivery(conn: &Connection, delivery: i64) -> rusqlite::Result<Option<LiveMessage>> {
    let found: Option<(String, String)> = conn
        .prepare_cached(
            "SELECT t.live, d.endpoint FROM terms t JOIN deliveries d ON d.seq = t.delivery \
             WHERE d.seq = ?1 AND t.live IS NOT NULL",
        )?
        .query_row([delivery], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map_or(Ok(None), |(first, endpoint)| read(conn, &first, &endpoint))
}

/// Forgets the messages of which no state was made or delivered since this time. What still waits keeps its message.
pub(super) fn prune(transaction: &Transaction<'_>, before: i64) -> rusqlite::Result<()> {
    let mut waits = transaction.prepare_cached(
        "SELECT 1 FROM terms t JOIN deliveries d ON d.seq = t.delivery \
         WHERE t.live = ?1 AND d.state = 'pending'",
    )?;
    let all = state_key::read_all(transaction, StateKind::LiveMessage)?;
    for (first, keys) in outdated_messages(&all, before) {
        if !waits.exists([first])? {
            keys.iter().try_for_each(|key| state_key::write(transaction, key, None))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{event_id, spool};
    use super::*;

    fn state(key: &str, closes: bool) -> LiveState<'_> {
        LiveState { endpoint: "team", hook: "h", key, closes, edits: true }
    }

    #[test]
    fn the_first_state_begins_a_message_and_the_last_ends_it() {
        let mut spool = spool("me");
        let mut batch = spool.begin().unwrap();
        let mut join = |state: &LiveState<'_>, event| batch.join_live(state, event_id(event), 5).unwrap();
        assert_eq!(join(&state("film", true), 1), LiveRole::Alone, "it has no beginning");
        assert_eq!(join(&state("film", false), 2), LiveRole::StateOf(event_id(2)));
        assert_eq!(join(&state("other", false), 3), LiveRole::StateOf(event_id(3)), "another key");
        let elsewhere = LiveState { endpoint: "ops", ..state("film", false) };
        assert_eq!(join(&elsewhere, 2), LiveRole::StateOf(event_id(2)), "another endpoint");
        assert_eq!(join(&state("film", false), 4), LiveRole::StateOf(event_id(2)));
        assert_eq!(join(&state("film", true), 5), LiveRole::StateOf(event_id(2)));
        assert_eq!(join(&state("film", false), 6), LiveRole::StateOf(event_id(6)), "another message");
    }

    #[test]
    fn where_nothing_can_be_edited_what_is_between_is_left_out() {
        let mut spool = spool("me");
        let mut batch = spool.begin().unwrap();
        let plain = |closes| LiveState { edits: false, ..state("film", closes) };
        let mut join = |state: &LiveState<'_>, event| batch.join_live(state, event_id(event), 5).unwrap();
        assert_eq!(join(&plain(false), 1), LiveRole::StateOf(event_id(1)));
        assert_eq!(join(&plain(false), 2), LiveRole::LeftOut);
        assert_eq!(join(&plain(true), 3), LiveRole::StateOf(event_id(1)));
    }

    #[test]
    fn its_life_is_counted_and_forgotten_long_after_it() {
        let mut spool = spool("me");
        let mut batch = spool.begin().unwrap();
        batch.join_live(&state("film", false), event_id(1), 5).unwrap();
        let first = event_id(1).to_string();
        let posted = |id: &str| LiveResult::Posted(Some(id.to_owned()));
        for result in [posted("17"), LiveResult::Edited, LiveResult::Edited, posted("18")] {
            batch.note_live(&first, "team", &result, 9).unwrap();
        }
        batch.commit().unwrap();
        let live = read(&spool.conn, &first, "team").unwrap().unwrap();
        assert_eq!((live.edits, live.reposts, live.message.as_deref()), (2, 1, Some("18")));
        for (before, left) in [(9, 2), (10, 0)] {
            let transaction = spool.conn.unchecked_transaction().unwrap();
            prune(&transaction, before).unwrap();
            transaction.commit().unwrap();
            assert_eq!(spool.states(StateKind::LiveMessage).unwrap().len(), left);
        }
    }
}
