//! Removing what ended long ago, a bounded number of rows at a time.

use super::flight::{BoundStatement, values};
use super::{PostgresBatch, PostgresStore, STATES, read_state};
use std::collections::HashSet;
use taskbell_core::clock;
use taskbell_core::spool::{Batch, REMEMBER_MS, SpoolError, StateKey, StateKind, Store, outdated_messages};

/// The most deliveries, and the most events, that one call removes.
const MOST: i64 = 500;

/// The most batches.
const MOST_BATCHES: i64 = 16;

const ENDED: &str = "WITH gone AS (DELETE FROM taskbell.deliveries WHERE seq IN (SELECT seq FROM taskbell.deliveries \
    WHERE state = $1 AND state > 0 AND ended_at < $2 ORDER BY ended_at LIMIT $3) RETURNING seq, event), \
    attempts AS (DELETE FROM taskbell.attempts a USING gone WHERE a.delivery = gone.seq) SELECT event FROM gone";

/// Those of these events that have no other delivery. One that fallbacks still wait for is found by its age later.
const WITH_LAST: &str = "DELETE FROM taskbell.events e WHERE seq = ANY($1) \
    AND NOT EXISTS (SELECT FROM taskbell.deliveries d WHERE d.event = e.seq) \
    AND NOT EXISTS (SELECT FROM taskbell.fallbacks f WHERE f.event = e.seq AND f.due_at IS NOT NULL) RETURNING seq";

const KEPT: &str = "UPDATE taskbell.events e SET unheard = true WHERE seq = ANY($1) AND NOT unheard \
    AND NOT EXISTS (SELECT FROM taskbell.deliveries d WHERE d.event = e.seq)";

const UNHEARD: &str = "DELETE FROM taskbell.events WHERE seq IN (SELECT e.seq FROM taskbell.events e \
    WHERE e.unheard AND e.accepted_at < $1 AND NOT EXISTS (SELECT FROM taskbell.deliveries d WHERE d.event = e.seq) \
    AND NOT EXISTS (SELECT FROM taskbell.fallbacks f WHERE f.event = e.seq AND f.due_at IS NOT NULL) \
    ORDER BY e.accepted_at LIMIT $2) RETURNING seq";

const BATCHES: &str = "WITH gone AS (DELETE FROM taskbell.batches WHERE seq IN (SELECT seq FROM taskbell.batches \
    WHERE ended_at < $1 LIMIT $2) RETURNING seq), \
    tasks AS (DELETE FROM taskbell.batch_tasks t USING gone WHERE t.batch = gone.seq) SELECT seq FROM gone";

const LIVE_WAITS: &str = "SELECT DISTINCT live FROM taskbell.deliveries WHERE live = ANY($1) AND state = 0";

impl PostgresStore {
    /// How many deliveries, events and batches were removed.
    pub(super) fn prune_portion(&mut self, before_ms: i64) -> Result<usize, SpoolError> {
        self.known.borrow_mut().forget();
        let mut batch = self.begin()?;
        let mut events: Vec<i64> = Vec::new();
        for state in [1_i16, 2] {
            let left = MOST - events.len() as i64;
            let gone = batch.query(BoundStatement::new(ENDED, values![state, before_ms, left]))?;
            events.extend(gone.iter().map(|row| row.get::<_, i64>(0)));
        }
        let calls = vec![
            BoundStatement::new(WITH_LAST, values![&events]),
            BoundStatement::new(KEPT, values![&events]),
            BoundStatement::new(UNHEARD, values![before_ms, MOST]),
            BoundStatement::new(
                BATCHES,
                values![before_ms.min(clock::unix_ms() - REMEMBER_MS), MOST_BATCHES],
            ),
        ];
        let answers = batch.fly(calls)?;
        let removed: usize = events.len() + answers.iter().map(Vec::len).sum::<usize>();
        let orphans: Vec<i64> = answers.iter().take(3).flatten().map(|row| row.get(0)).collect();
        if !orphans.is_empty() {
            batch.query(BoundStatement::new(
                "DELETE FROM taskbell.fallbacks WHERE event = ANY($1)",
                values![orphans],
            ))?;
        }
        forget_live(&mut batch, before_ms)?;
        batch.commit()?;
        Ok(removed)
    }
}

/// Forgets living messages of which no state was made or delivered since. What still waits keeps its message.
fn forget_live(batch: &mut PostgresBatch<'_>, before_ms: i64) -> Result<(), SpoolError> {
    let kind = StateKind::LiveMessage;
    let rows = batch.query(BoundStatement::new(STATES, values![kind.as_str()]))?;
    let states: Vec<(StateKey, Vec<u8>)> = rows.iter().map(|row| read_state(kind, row)).collect();
    let outdated = outdated_messages(&states, before_ms);
    if outdated.is_empty() {
        return Ok(());
    }
    let firsts: Vec<&str> = outdated.iter().map(|(first, _)| first.as_str()).collect();
    let rows = batch.query(BoundStatement::new(LIVE_WAITS, values![firsts]))?;
    let waits: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
    for key in outdated.iter().filter(|(first, _)| !waits.contains(first)).flat_map(|(_, keys)| keys) {
        batch.put_state(key, None)?;
    }
    Ok(())
}
