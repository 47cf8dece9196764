//! The tables, and the way from an older version of them to this one.

use crate::failpoint;
use rusqlite::{Connection, TransactionBehavior};

/// `PRAGMA application_id` of every spool: "tbel" in ASCII. Tells a spool from any other database.
pub(super) const APPLICATION_ID: i64 = 0x7462_656c;

/// Step `n` leads from version `n` to version `n + 1`; version 0 is an empty file. A step that was
/// released never changes: what is to be different is another step.
pub(super) const STEPS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6];

/// Sequence numbers of deliveries are never used again: whoever remembers one must not take another
/// delivery for it after everything was pruned. The writer gives them, because `AUTOINCREMENT` would look
/// them up and write them down for each row. `body` stands last, so that reading the other columns of a
/// long row does not walk through it.
const VERSION_1: &str = "
PRAGMA application_id = 0x7462656c;

-- All times are Unix milliseconds; the view `log` shows them as dates.
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,              -- evt_ and 32 hexadecimal digits
    type        TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    payload     BLOB NOT NULL                      -- JSON as the host gave it
) STRICT;
CREATE INDEX events_by_age ON events (accepted_at);

-- Who delivers what: one row for each instance that left something pending. A delivery keeps its
-- owner's number; another instance inherits all of them by writing its own name here.
CREATE TABLE owners (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT                                  -- NULL: nobody; the next start takes it
) STRICT;

CREATE TABLE deliveries (
    seq          INTEGER PRIMARY KEY,
    event        INTEGER NOT NULL REFERENCES events (seq),
    endpoint     TEXT NOT NULL,
    hook         TEXT NOT NULL,
    -- Not `IN`: SQLite would build a table of the three for each row that is written.
    state        TEXT NOT NULL CHECK (state = 'pending' OR state = 'delivered' OR state = 'dead'),
    owner        INTEGER,                          -- its row in owners; NULL when it has ended
    attempts     INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    ended_at     INTEGER,
    reason       TEXT,                             -- why it is dead
    content_type TEXT NOT NULL,
    body         BLOB NOT NULL,                    -- the same bytes on each attempt
    UNIQUE (event, endpoint),
    CHECK ((state = 'pending') = (ended_at IS NULL)),
    CHECK ((state = 'pending') = (owner IS NOT NULL))
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (owner, endpoint, seq) WHERE state = 'pending';
CREATE INDEX deliveries_ended ON deliveries (state, ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE attempts (
    delivery      INTEGER NOT NULL REFERENCES deliveries (seq),
    number        INTEGER NOT NULL,                -- from 1
    started_at    INTEGER NOT NULL,
    status        INTEGER,                         -- HTTP; NULL when there was no answer
    outcome       TEXT NOT NULL,                   -- delivered, retry, retry_after, final, gone
    error         TEXT,
    response      TEXT,                            -- the head of the answer
    next_at       INTEGER,
    resolve_us    INTEGER NOT NULL,                -- phases in microseconds
    connect_us    INTEGER NOT NULL,
    tls_us        INTEGER NOT NULL,
    first_byte_us INTEGER NOT NULL,
    total_us      INTEGER NOT NULL,
    PRIMARY KEY (delivery, number, started_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW log AS
SELECT d.seq AS delivery, e.id AS event, e.type, d.endpoint, d.hook, d.state, d.reason,
       strftime('%Y-%m-%d %H:%M:%f', e.accepted_at / 1000.0, 'unixepoch') AS accepted,
       strftime('%Y-%m-%d %H:%M:%f', d.due_at / 1000.0, 'unixepoch') AS due,
       a.number AS attempt,
       strftime('%Y-%m-%d %H:%M:%f', a.started_at / 1000.0, 'unixepoch') AS started,
       a.status, a.outcome, a.error, a.total_us / 1000 AS ms
FROM deliveries d
JOIN events e ON e.seq = d.event
LEFT JOIN attempts a ON a.delivery = d.seq
ORDER BY d.seq, a.number, a.started_at;
";

/// What goes with a message beside its body, as JSON: the path of a file, the message in one line. It
/// stands behind the body, and is read only together with it.
const VERSION_2: &str = "ALTER TABLE deliveries ADD COLUMN extras TEXT;";

/// What shaping adds: how long a delivery may wait and what it speaks of, apart from the deliveries that
/// have neither; and messages that are ready in case another does not arrive.
const VERSION_3: &str = "
CREATE TABLE IF NOT EXISTS terms (
    delivery   INTEGER PRIMARY KEY REFERENCES deliveries (seq) ON DELETE CASCADE,
    expires_at INTEGER,                            -- stale from then on
    thing      TEXT                                -- only the newest of a hook, an endpoint and a thing waits
) STRICT;

CREATE TABLE IF NOT EXISTS reserves (
    seq          INTEGER PRIMARY KEY,
    event        INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
    via          TEXT NOT NULL,                    -- the endpoint whose delivery is watched
    endpoint     TEXT NOT NULL,                    -- who hears instead
    hook         TEXT NOT NULL,
    due_at       INTEGER,                          -- when it is said; NULL: when the watched one is dead
    alert        TEXT,                             -- said unless this alert is resolved by then
    content_type TEXT NOT NULL,
    body         BLOB NOT NULL,
    extras       TEXT,                             -- what goes with the body, as that of a delivery
    UNIQUE (event, via, endpoint)
) STRICT;
CREATE INDEX IF NOT EXISTS reserves_due ON reserves (due_at) WHERE due_at IS NOT NULL;
";

/// Why the hook fired, in words.
const VERSION_4: &str = "ALTER TABLE deliveries ADD COLUMN why TEXT";

/// What became of the hooks that did not ring for an event, in words, a line each. Apart from the events,
/// because most have none.
const VERSION_5: &str = "
CREATE TABLE IF NOT EXISTS accounts (
    event INTEGER PRIMARY KEY REFERENCES events (seq) ON DELETE CASCADE,
    said  TEXT NOT NULL
) STRICT;
";

/// What is counted of the tasks that say they belong together, by all instances.
const VERSION_6: &str = "
CREATE TABLE IF NOT EXISTS batches (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    moved_at   INTEGER NOT NULL,                   -- when a task was counted last
    ended_at   INTEGER,                            -- NULL: more tasks are to come
    stalled    INTEGER NOT NULL DEFAULT 0,         -- 1: its standstill was told
    wish_bytes INTEGER NOT NULL DEFAULT 0,         -- of tasks that asked to be told at the end
    counts     BLOB NOT NULL                       -- JSON
) STRICT;
CREATE INDEX IF NOT EXISTS batches_open ON batches (moved_at) WHERE ended_at IS NULL AND stalled = 0;

CREATE TABLE IF NOT EXISTS batch_tasks (
    batch  INTEGER NOT NULL REFERENCES batches (seq) ON DELETE CASCADE,
    task   INTEGER NOT NULL,                       -- a hash of its id
    number INTEGER NOT NULL,                       -- its place in the batch, from 1
    PRIMARY KEY (batch, task)
) STRICT, WITHOUT ROWID;
";

/// What a file is, before anything in it is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing in it yet.
    Empty,
    /// A spool of this version.
    Spool(usize),
    /// Somebody else's database.
    Foreign,
}

/// Looks at the header and the list of tables.
pub(super) fn inspect(conn: &Connection) -> rusqlite::Result<Kind> {
    let pragma = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("application_id")? == APPLICATION_ID {
        return Ok(Kind::Spool(usize::try_from(pragma("user_version")?).unwrap_or(usize::MAX)));
    }
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if tables == 0 && pragma("user_version")? == 0 { Kind::Empty } else { Kind::Foreign })
}

/// Walks the steps that are missing in one transaction: after a fault or a crash the file is what it
/// was before.
pub(super) fn migrate(conn: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let version = |conn: &Connection| {
        conn.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
            .map(|version| usize::try_from(version).unwrap_or(usize::MAX))
    };
    if version(conn)? >= steps.len() {
        return Ok(());
    }
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have been quicker.
    let from = version(&transaction)?;
    for step in steps.iter().skip(from) {
        transaction.execute_batch(step)?;
        failpoint::reach("in-migration");
    }
    transaction.pragma_update(None, "user_version", steps.len().max(from) as i64)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_spool_is_led_to_the_newest_version_and_keeps_its_rows() {
        let mut conn = Connection::open_in_memory().unwrap();
        assert_eq!(inspect(&conn).unwrap(), Kind::Empty);
        migrate(&mut conn, &STEPS[..1]).unwrap();
        conn.execute("INSERT INTO state VALUES ('k', x'01')", []).unwrap();
        assert_eq!(inspect(&conn).unwrap(), Kind::Spool(1));

        migrate(
            &mut conn,
            &[VERSION_1, "ALTER TABLE state ADD COLUMN note TEXT", "CREATE INDEX n ON state (note)"],
        )
        .unwrap();
        assert_eq!(inspect(&conn).unwrap(), Kind::Spool(3));
        let kept: (Vec<u8>, Option<String>) = conn
            .query_row("SELECT value, note FROM state", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!(kept, (vec![1], None));
    }

    #[test]
    fn a_spool_of_the_first_version_is_led_on_with_what_waits_in_it() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &[VERSION_1]).unwrap();
        conn.execute_batch(
            "INSERT INTO events VALUES (1, 'evt_1', 'task.complete', 1614265330123, x'7b7d'); \
             INSERT INTO deliveries (event, endpoint, hook, state, owner, created_at, due_at, content_type, body) \
             VALUES (1, 'ci', 'h', 'pending', 1, 0, 0, '', x'')",
        )
        .unwrap();
        migrate(&mut conn, STEPS).unwrap();
        assert_eq!(inspect(&conn).unwrap(), Kind::Spool(STEPS.len()));
        let term: Option<i64> = conn
            .query_row(
                "SELECT t.expires_at FROM deliveries d LEFT JOIN terms t ON t.delivery = d.seq",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(term, None);
        // A step that another version of Taskbell made already does no harm.
        conn.execute_batch(VERSION_3).unwrap();
    }

    #[test]
    fn a_migration_that_fails_half_way_changes_nothing() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &STEPS[..1]).unwrap();
        let broken = [VERSION_1, "ALTER TABLE state ADD COLUMN note TEXT", "CREATE NONSENSE"];
        assert!(migrate(&mut conn, &broken).is_err());
        assert_eq!(inspect(&conn).unwrap(), Kind::Spool(1));
        assert!(conn.prepare("SELECT note FROM state").is_err(), "the first step was taken back too");
    }

    #[test]
    fn the_log_view_shows_dates_that_a_person_reads() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, STEPS).unwrap();
        conn.execute_batch(
            "INSERT INTO events VALUES (1, 'evt_1', 'task.complete', 1614265330123, x'7b7d'); \
             INSERT INTO deliveries (event, endpoint, hook, state, owner, created_at, due_at, content_type, body) \
             VALUES (1, 'ci', 'h', 'pending', 1, 0, 0, '', x'')",
        )
        .unwrap();
        let accepted: String = conn.query_row("SELECT accepted FROM log", [], |row| row.get(0)).unwrap();
        assert_eq!(accepted, "2021-02-25 15:02:10.123");
    }
}
