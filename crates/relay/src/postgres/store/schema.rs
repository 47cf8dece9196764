//! The tables of a farm's store. What they keep is what the spool keeps; `spool/schema.rs` of the library says more of the
//! columns.

/// The tables, next to those of the lease. All times are Unix milliseconds; `log` shows them as dates.
///
/// Texts are compared by their bytes, whatever the locale of the database is. There are no foreign keys: the only writer
/// removes what belongs to a row with the row.
pub const TABLES: &str = r#"
CREATE SEQUENCE taskbell.delivery_numbers INCREMENT BY 4096;

CREATE TABLE taskbell.events (
    seq bigint PRIMARY KEY,
    id bytea NOT NULL UNIQUE,                         -- the 16 bytes of the UUID
    node text COLLATE "C",                            -- NULL: the relay itself
    type text COLLATE "C" NOT NULL,
    accepted_at bigint NOT NULL,
    unheard boolean NOT NULL,                         -- false: it has deliveries, and goes with the last one
    payload bytea NOT NULL,
    said text                                         -- what became of hooks that did not fire
);
CREATE INDEX events_unheard ON taskbell.events (accepted_at) WHERE unheard;

CREATE TABLE taskbell.owners (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance text COLLATE "C"                         -- NULL: nobody; the next start takes it
);

CREATE TABLE taskbell.deliveries (
    seq bigint PRIMARY KEY,
    event bigint NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    hook text COLLATE "C" NOT NULL,
    state smallint NOT NULL,                          -- 0 pending, 1 delivered, 2 dead
    owner bigint,                                     -- its row in owners; NULL when it has ended
    attempts bigint NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    ended_at bigint,
    reason text,                                      -- why it is dead
    expires_at bigint,
    thing text,
    live text COLLATE "C",
    why text,
    content_type text NOT NULL,
    extras text,
    body bytea NOT NULL,
    UNIQUE (event, endpoint),
    CHECK ((state = 0) = (ended_at IS NULL)),
    CHECK ((state = 0) = (owner IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX deliveries_pending ON taskbell.deliveries (owner, endpoint, seq) WHERE state = 0;
CREATE INDEX deliveries_unrendered ON taskbell.deliveries (owner, seq) WHERE state = 0 AND content_type = '';
CREATE INDEX deliveries_replaceable ON taskbell.deliveries (owner, seq)
    WHERE state = 0 AND (thing IS NOT NULL OR live IS NOT NULL);
CREATE INDEX deliveries_live ON taskbell.deliveries (live) WHERE live IS NOT NULL;
CREATE INDEX deliveries_ended ON taskbell.deliveries (state, ended_at) WHERE state > 0;

CREATE TABLE taskbell.attempts (
    delivery bigint NOT NULL,
    number bigint NOT NULL,                           -- from 1
    started_at bigint NOT NULL,
    status int,
    outcome text NOT NULL,
    error text,
    response text,
    next_at bigint,
    resolve_us bigint NOT NULL,
    connect_us bigint NOT NULL,
    tls_us bigint NOT NULL,
    first_byte_us bigint NOT NULL,
    total_us bigint NOT NULL,
    PRIMARY KEY (delivery, number, started_at)
);

CREATE TABLE taskbell.state (
    kind text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    key bytea NOT NULL,                               -- the name, or a hash of a long one
    name text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (kind, owner, key)
) WITH (fillfactor = 50);

CREATE TABLE taskbell.fallbacks (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event bigint NOT NULL,
    via text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    hook text COLLATE "C" NOT NULL,
    due_at bigint,
    alert text COLLATE "C",
    content_type text NOT NULL,
    body bytea NOT NULL,
    extras text,
    UNIQUE (event, via, endpoint)
);
CREATE INDEX fallbacks_due ON taskbell.fallbacks (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE taskbell.batches (
    seq bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    moved_at bigint NOT NULL,
    ended_at bigint,
    stalled boolean NOT NULL DEFAULT false,
    reported_at bigint NOT NULL,
    wish_bytes bigint NOT NULL DEFAULT 0,
    counts bytea NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE taskbell.batch_tasks (
    batch bigint NOT NULL,
    task bigint NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (batch, task)
);

-- What a role that only watches may read of the states: the others hold what hosts reported.
CREATE VIEW taskbell.watched_state AS
SELECT kind, owner, key, name, value FROM taskbell.state
WHERE kind IN ('endpoint health', 'farm node', 'gone endpoint', 'in flight', 'operator mark', 'sent times');

CREATE VIEW taskbell.log AS
SELECT d.seq AS delivery, 'evt_' || encode(e.id, 'hex') AS event, e.node, e.type, d.endpoint, d.hook,
    (ARRAY['pending', 'delivered', 'dead'])[d.state + 1] AS state, d.reason,
    to_timestamp(e.accepted_at / 1000.0) AS accepted, to_timestamp(d.due_at / 1000.0) AS due, a.number AS attempt,
    to_timestamp(a.started_at / 1000.0) AS started, a.status, a.outcome, a.error, a.total_us / 1000 AS ms
FROM taskbell.deliveries d
JOIN taskbell.events e ON e.seq = d.event
LEFT JOIN taskbell.attempts a ON a.delivery = d.seq;
"#;
