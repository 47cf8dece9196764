//! The tables.

use rusqlite::{Connection, TransactionBehavior};
use taskbell_ring::failpoint;

/// `PRAGMA application_id` of every spool: "tbel" in ASCII. Tells a spool from any other database.
const APPLICATION_ID: i64 = 0x7462_656c;

/// `PRAGMA user_version` of the tables below. A file of another version is refused.
pub(super) const VERSION: i64 = 12;

/// `body` and what follows it stand last, so that reading the other columns of a long row does not walk through
/// it. What few rows have is in tables of their own: `terms`, `accounts`. What most events become is one row of
/// `arrivals`, which costs half of what rows in `events` and `deliveries` do.
const TABLES: &str = "
PRAGMA application_id = 0x7462656c;

-- All times are Unix milliseconds; the view `log` shows them as dates.
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,              -- evt_ and 32 hexadecimal digits
    type        TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    unheard     INTEGER NOT NULL DEFAULT 1,        -- 0: it has deliveries, and goes with the last one
    node        TEXT,                              -- of a farm; NULL: this machine
    payload     BLOB NOT NULL                      -- JSON as the host gave it
) STRICT;
CREATE INDEX events_unheard ON events (accepted_at) WHERE unheard = 1;

-- Who delivers what: one row for each instance that left something pending. A delivery keeps its
-- owner's number; another instance takes all of them over by writing its own name here.
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
    -- The attempt with which it arrived, if that was its first; others are in logged_attempts.
    started_at    INTEGER,
    status        INTEGER,
    response      TEXT,
    resolve_us    INTEGER,
    connect_us    INTEGER,
    tls_us        INTEGER,
    first_byte_us INTEGER,
    total_us      INTEGER,
    content_type TEXT NOT NULL,
    body         BLOB NOT NULL,                    -- the same bytes on each attempt
    extras       TEXT,                             -- JSON: a file and a line of text that go with the body
    why          TEXT,                             -- why the hook fired
    UNIQUE (event, endpoint),
    CHECK ((state = 'pending') = (ended_at IS NULL)),
    CHECK ((state = 'pending') = (owner IS NOT NULL))
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (owner, endpoint, seq) WHERE state = 'pending';
-- Replayed ones that have no message yet.
CREATE INDEX deliveries_unrendered ON deliveries (owner, seq) WHERE state = 'pending' AND content_type = '';
CREATE INDEX deliveries_ended ON deliveries (state, ended_at) WHERE ended_at IS NOT NULL;

-- Events of this machine whose only delivery arrived with its first attempt before either was written: one row for both. Their ids begin
-- with the time at which they were accepted, a moment before they ended: by them, rows are found in the order of time.
CREATE TABLE arrivals (
    seq           INTEGER PRIMARY KEY,             -- the number of the delivery; those in deliveries have others
    id            TEXT NOT NULL UNIQUE,            -- of the event, which is not in events
    type          TEXT NOT NULL,
    accepted_at   INTEGER NOT NULL,
    endpoint      TEXT NOT NULL,
    hook          TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    ended_at      INTEGER NOT NULL,
    started_at    INTEGER NOT NULL,                -- the attempt
    status        INTEGER,
    response      TEXT,
    resolve_us    INTEGER NOT NULL,
    connect_us    INTEGER NOT NULL,
    tls_us        INTEGER NOT NULL,
    first_byte_us INTEGER NOT NULL,
    total_us      INTEGER NOT NULL,
    content_type  TEXT NOT NULL,
    copied_from   INTEGER NOT NULL,                -- what the body has of the payload: from its byte with this number, which
    copied_bytes  INTEGER NOT NULL,                -- begins with 1, so many
    payload       BLOB NOT NULL,
    body_start    BLOB NOT NULL,                   -- what the body has before that
    body_end      BLOB NOT NULL,                   -- and behind it
    extras        TEXT,
    why           TEXT
) STRICT;

CREATE TABLE logged_attempts (
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
    kind  TEXT NOT NULL,
    owner TEXT NOT NULL,                           -- an instance; '' for what all share, or nobody has yet
    name  TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, owner, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE terms (
    delivery   INTEGER PRIMARY KEY REFERENCES deliveries (seq) ON DELETE CASCADE,
    expires_at INTEGER,                            -- stale from then on
    thing      TEXT,                               -- only the newest of a hook, an endpoint and a thing waits
    live       TEXT                                -- the event that began the living message it is a state of
) STRICT;
CREATE INDEX terms_live ON terms (live) WHERE live IS NOT NULL;

CREATE TABLE fallbacks (
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
CREATE INDEX fallbacks_due ON fallbacks (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE accounts (
    event INTEGER PRIMARY KEY REFERENCES events (seq) ON DELETE CASCADE,
    said  TEXT NOT NULL
) STRICT;

CREATE TABLE batches (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    moved_at   INTEGER NOT NULL,                   -- when a task was counted last
    ended_at   INTEGER,                            -- NULL: more tasks are to come
    stalled    INTEGER NOT NULL DEFAULT 0,         -- 1: its standstill was told
    reported_at    INTEGER NOT NULL,                   -- when its progress was told last, or it began
    wish_bytes INTEGER NOT NULL DEFAULT 0,         -- of tasks that asked to be told at the end
    counts     BLOB NOT NULL                       -- JSON
) STRICT;
CREATE INDEX batches_open ON batches (moved_at) WHERE ended_at IS NULL AND stalled = 0;

CREATE TABLE batch_tasks (
    batch  INTEGER NOT NULL REFERENCES batches (seq) ON DELETE CASCADE,
    task   INTEGER NOT NULL,                       -- a hash of its id
    number INTEGER NOT NULL,                       -- its place in the batch, from 1
    PRIMARY KEY (batch, task)
) STRICT, WITHOUT ROWID;

CREATE VIEW arrivals_with_body AS
SELECT *, CAST(body_start || iif(copied_bytes, substr(payload, copied_from, copied_bytes), '') || body_end AS BLOB) AS body
FROM arrivals;

-- Everything, for whoever reads. An event in arrivals has the number of its delivery, below zero.
CREATE VIEW all_events AS
SELECT seq, id, type, accepted_at, node, payload FROM events
UNION ALL
SELECT -seq, id, type, accepted_at, NULL, payload FROM arrivals;

CREATE VIEW all_deliveries AS
SELECT seq, event, endpoint, hook, state, attempts, created_at, due_at, ended_at, reason, content_type, body, extras, why
FROM deliveries
UNION ALL
SELECT seq, -seq, endpoint, hook, 'delivered', 1, created_at, created_at, ended_at, NULL, content_type, body, extras, why
FROM arrivals_with_body;

CREATE VIEW attempts AS
SELECT delivery, number, started_at, status, outcome, error, response, next_at, resolve_us, connect_us, tls_us,
       first_byte_us, total_us
FROM logged_attempts
UNION ALL
SELECT seq, 1, started_at, status, 'delivered', NULL, response, NULL, resolve_us, connect_us, tls_us,
       first_byte_us, total_us
FROM deliveries WHERE started_at IS NOT NULL
UNION ALL
SELECT seq, 1, started_at, status, 'delivered', NULL, response, NULL, resolve_us, connect_us, tls_us,
       first_byte_us, total_us
FROM arrivals;

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
UNION ALL
SELECT seq, id, type, endpoint, hook, 'delivered', NULL,
       strftime('%Y-%m-%d %H:%M:%f', accepted_at / 1000.0, 'unixepoch'),
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1000.0, 'unixepoch'),
       1,
       strftime('%Y-%m-%d %H:%M:%f', started_at / 1000.0, 'unixepoch'),
       status, 'delivered', NULL, total_us / 1000
FROM arrivals
ORDER BY delivery, attempt, started;
";

/// What a file is, before anything in it is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileContent {
    Empty,
    /// A spool of this version.
    Spool(i64),
    Foreign,
}

/// Looks at the header and the list of tables.
pub(super) fn inspect(conn: &Connection) -> rusqlite::Result<FileContent> {
    let pragma = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("application_id")? == APPLICATION_ID {
        return pragma("user_version").map(FileContent::Spool);
    }
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_empty = tables == 0 && pragma("user_version")? == 0;
    Ok(if is_empty { FileContent::Empty } else { FileContent::Foreign })
}

/// Makes the tables in an empty file, in one transaction; in a file that has them it does nothing.
pub(super) fn create(conn: &mut Connection) -> rusqlite::Result<()> {
    if inspect(conn)? != FileContent::Empty {
        return Ok(());
    }
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Again under the lock: another process may have been quicker.
    if inspect(&transaction)? == FileContent::Empty {
        transaction.execute_batch(TABLES)?;
        failpoint::reach("in-creation");
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_becomes_a_spool_once() {
        let mut conn = Connection::open_in_memory().unwrap();
        assert_eq!(inspect(&conn).unwrap(), FileContent::Empty);
        for _ in 0..2 {
            create(&mut conn).unwrap();
            assert_eq!(inspect(&conn).unwrap(), FileContent::Spool(VERSION));
        }
        conn.pragma_update(None, "application_id", 1).unwrap();
        assert_eq!(inspect(&conn).unwrap(), FileContent::Foreign);
    }

    #[test]
    fn the_log_view_shows_dates_that_a_person_reads() {
        let mut conn = Connection::open_in_memory().unwrap();
        create(&mut conn).unwrap();
        conn.execute_batch(
            "INSERT INTO events VALUES (1, 'evt_1', 'task.complete', 1614265330123, 0, NULL, x'7b7d'); \
             INSERT INTO deliveries (event, endpoint, hook, state, owner, created_at, due_at, content_type, body) \
             VALUES (1, 'ci', 'h', 'pending', 1, 0, 0, '', x'')",
        )
        .unwrap();
        let accepted: String = conn.query_row("SELECT accepted FROM log", [], |row| row.get(0)).unwrap();
        assert_eq!(accepted, "2021-02-25 15:02:10.123");
    }
}
