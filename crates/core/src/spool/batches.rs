//! Counts batches in one table for all instances: in the transaction that keeps the tasks, under the write lock
//! of the file. So a task counts once, and the transaction that counts the last one knows that it ends the batch.

use super::{BatchWatch, Spool, SpoolError, SpoolTransaction};
use crate::hash::stable_hash;
use crate::tally::{BatchTally, BatchTask};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::{HashMap, HashSet};

/// The most batches remembered at once, ended ones included.
const MAX_BATCHES: usize = 2048;

/// The number of ended batches that give way to new ones at once.
const PORTION: i64 = 128;

/// How long an ended batch is remembered, so that a task that is reported late does not begin it again.
pub(super) const REMEMBER_MS: i64 = 3_600_000;

/// The number of tasks of a batch that are recognised when they are reported again: the last ones.
const KNOWN_TASKS: u64 = 1024;

/// The number of older tasks that are forgotten at once.
const KNOWN_PORTION: u64 = 128;

/// The most ended batches that one call of [`prune`] removes.
const MOST_PRUNED: i64 = 16;

pub struct ToldBatch {
    pub id: String,
    pub tally: BatchTally,
    /// Hashes of the tasks that it knows, when one of them asked to be told.
    known: HashSet<i64>,
}

impl ToldBatch {
    pub fn has_counted(&self, key: &str) -> bool {
        self.known.contains(&hash(key))
    }
}

/// What became of the tasks of a transaction.
#[derive(Default)]
pub struct BatchCounts {
    /// Batches that are complete now, in the order in which they became so.
    pub ended: Vec<ToldBatch>,
    /// Open batches that have not gone on for long; each once until it goes on.
    pub stalled: Vec<ToldBatch>,
    pub progressed: Vec<ToldBatch>,
    pub remarks: Vec<String>,
}

impl BatchCounts {
    /// Whether a batch is to be told of.
    pub fn is_news(&self) -> bool {
        [&self.ended, &self.stalled, &self.progressed].iter().any(|batches| !batches.is_empty())
    }
}

impl SpoolTransaction<'_> {
    /// See [`Batch::count_batches`](super::Batch::count_batches).
    pub(super) fn count_batches<'t>(
        &mut self,
        tasks: impl Iterator<Item = &'t BatchTask>,
        watch: BatchWatch,
        now_ms: i64,
    ) -> Result<BatchCounts, SpoolError> {
        let mut tasks = tasks.peekable();
        let mut counts = BatchCounts::default();
        if tasks.peek().is_some() {
            counts = self.run(|conn| count(conn, tasks, now_ms))?;
        }
        if let Some(since) = watch.stalled_since {
            counts.stalled = self.run(|conn| stalled(conn, since))?;
        }
        if let Some(since) = watch.untold_since {
            counts.progressed = self.run(|conn| progressed(conn, since, now_ms))?;
        }
        Ok(counts)
    }
}

impl Spool {
    /// When the open batch that has not gone on for longest last did; of those that
    /// `count_batches` has not given as stalled.
    pub(super) fn stillest_batch(&self) -> Result<Option<i64>, SpoolError> {
        stillest(&self.conn).map_err(self.at())
    }

    /// When the progress was told of the open batch that has gone on without a word for longest.
    pub(super) fn longest_untold_batch(&self) -> Result<Option<i64>, SpoolError> {
        longest_untold(&self.conn).map_err(self.at())
    }

    /// Whether a batch has ended, or gone on since it was given as stalled. Nothing is known of
    /// one that the host counts.
    pub fn batch_went_on(&self, id: &str) -> Result<bool, SpoolError> {
        went_on(&self.conn, id).map_err(self.at())
    }

    /// Whether a batch has ended and has counted the task with this key.
    pub fn batch_has_told(&self, id: &str, key: &str) -> Result<bool, SpoolError> {
        self.conn
            .prepare_cached(
                "SELECT 1 FROM batches b JOIN batch_tasks t ON t.batch = b.seq \
                 WHERE b.id = ?1 AND b.ended_at IS NOT NULL AND t.task = ?2",
            )
            .and_then(|mut statement| statement.exists(params![id, hash(key)]))
            .map_err(self.at())
    }
}

/// A batch as the transaction under way has it.
struct BatchRow {
    seq: i64,
    tally: BatchTally,
    is_changed: bool,
}

/// The batches that a transaction has touched; each is read and written once.
struct Counting<'a> {
    conn: &'a Connection,
    now_ms: i64,
    rows: HashMap<String, BatchRow>,
    counts: BatchCounts,
}

fn count<'t>(
    conn: &Connection,
    tasks: impl Iterator<Item = &'t BatchTask>,
    now_ms: i64,
) -> rusqlite::Result<BatchCounts> {
    let mut counting = Counting { conn, now_ms, rows: HashMap::new(), counts: BatchCounts::default() };
    for task in tasks {
        counting.count(task)?;
    }
    counting.flush()?;
    Ok(counting.counts)
}

impl Counting<'_> {
    fn count(&mut self, task: &BatchTask) -> rusqlite::Result<()> {
        let id = &task.of.id;
        let mut row = match self.rows.remove(id) {
            Some(row) => row,
            None => match self.read(id)? {
                Some(row) => row,
                None => self.insert(task)?,
            },
        };
        if self.count_in(&mut row, task)? {
            let tally = row.tally.clone();
            row.tally.forget_details();
            let known = if tally.tally.asked.is_empty() { HashSet::new() } else { self.known(row.seq)? };
            self.counts.ended.push(ToldBatch { id: id.clone(), tally, known });
        }
        self.rows.insert(id.clone(), row);
        Ok(())
    }

    /// Whether the task completes its batch.
    fn count_in(&mut self, row: &mut BatchRow, task: &BatchTask) -> rusqlite::Result<bool> {
        let key = task.key.as_deref().map(hash);
        if let Some(ended_at) = row.tally.ended_at {
            let known = match key {
                Some(key) => self.is_known(row.seq, key)?,
                None => false,
            };
            if !belongs_to_later(task, ended_at, known) {
                if !known {
                    self.counts.remarks.push(came_late(&task.of.id));
                }
                return Ok(false);
            }
            self.conn.prepare_cached("DELETE FROM batch_tasks WHERE batch = ?1")?.execute([row.seq])?;
            row.tally = BatchTally::opened_by(task);
        }
        if let Some(key) = key
            && !self.remember(row, key)?
        {
            return Ok(false);
        }
        row.is_changed = true;
        row.tally.count(task);
        if let Some(asked) = &task.asked {
            let elsewhere = self.wishes_elsewhere(row.seq)?;
            row.tally.tally.asked.keep(asked.clone(), elsewhere);
        }
        Ok(row.tally.ended_at.is_some())
    }

    /// `false` when the task was counted before.
    fn remember(&self, row: &BatchRow, key: i64) -> rusqlite::Result<bool> {
        let number = row.tally.tally.total + 1;
        let is_new = self
            .conn
            .prepare_cached("INSERT OR IGNORE INTO batch_tasks (batch, task, number) VALUES (?1, ?2, ?3)")?
            .execute(params![row.seq, key, number as i64])?
            > 0;
        if is_new && number > KNOWN_TASKS && number.is_multiple_of(KNOWN_PORTION) {
            self.conn
                .prepare_cached("DELETE FROM batch_tasks WHERE batch = ?1 AND number <= ?2")?
                .execute(params![row.seq, (number - KNOWN_TASKS) as i64])?;
        }
        Ok(is_new)
    }

    fn is_known(&self, batch: i64, key: i64) -> rusqlite::Result<bool> {
        self.conn
            .prepare_cached("SELECT 1 FROM batch_tasks WHERE batch = ?1 AND task = ?2")?
            .exists([batch, key])
    }

    fn known(&self, batch: i64) -> rusqlite::Result<HashSet<i64>> {
        self.conn
            .prepare_cached("SELECT task FROM batch_tasks WHERE batch = ?1")?
            .query_map([batch], |row| row.get(0))?
            .collect()
    }

    fn wishes_elsewhere(&self, batch: i64) -> rusqlite::Result<usize> {
        let bytes: i64 = self
            .conn
            .prepare_cached("SELECT coalesce(sum(wish_bytes), 0) FROM batches WHERE seq <> ?1")?
            .query_row([batch], |row| row.get(0))?;
        Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    fn read(&self, id: &str) -> rusqlite::Result<Option<BatchRow>> {
        self.conn
            .prepare_cached("SELECT seq, ended_at, counts FROM batches WHERE id = ?1")?
            .query_row([id], |row| {
                let tally = BatchTally { ended_at: row.get(1)?, ..read_tally(row, 2)? };
                Ok(BatchRow { seq: row.get(0)?, tally, is_changed: false })
            })
            .optional()
    }

    fn insert(&mut self, task: &BatchTask) -> rusqlite::Result<BatchRow> {
        self.make_room()?;
        let tally = BatchTally::opened_by(task);
        self.conn
            .prepare_cached(
                "INSERT INTO batches (id, moved_at, reported_at, counts) VALUES (?1, ?2, ?3, ?4)",
            )?
            // Earlier than what moves it, so that the first task is news.
            .execute(params![task.of.id, self.now_ms, self.now_ms - 1, to_json(&tally)])?;
        Ok(BatchRow { seq: self.conn.last_insert_rowid(), tally, is_changed: true })
    }

    /// Removes the batches that ended first, or else the one that has not gone on for longest.
    fn make_room(&mut self) -> rusqlite::Result<()> {
        let there: i64 =
            self.conn.prepare_cached("SELECT count(*) FROM batches")?.query_row([], |row| row.get(0))?;
        if (there as usize) < MAX_BATCHES {
            return Ok(());
        }
        self.flush()?;
        self.rows.clear();
        let removed = self
            .conn
            .prepare_cached(
                "DELETE FROM batches WHERE seq IN ( \
                 SELECT seq FROM batches WHERE ended_at IS NOT NULL ORDER BY ended_at LIMIT ?1)",
            )?
            .execute([PORTION])?;
        if removed > 0 {
            return Ok(());
        }
        let given_up: Option<(String, BatchTally)> = self
            .conn
            .prepare_cached(
                "DELETE FROM batches WHERE seq = (SELECT seq FROM batches ORDER BY moved_at, seq LIMIT 1) \
                 RETURNING id, counts",
            )?
            .query_row([], |row| Ok((row.get(0)?, read_tally(row, 1)?)))
            .optional()?;
        self.counts.remarks.extend(given_up.map(|(id, batch)| {
            format!(
                "batch `{}` is given up at {} of {} tasks: {MAX_BATCHES} others are open",
                id.escape_debug(),
                batch.tally.total,
                batch.expected
            )
        }));
        Ok(())
    }

    fn flush(&mut self) -> rusqlite::Result<()> {
        let mut update = self.conn.prepare_cached(
            "UPDATE batches SET moved_at = ?2, ended_at = ?3, stalled = 0, wish_bytes = ?4, counts = ?5 \
             WHERE seq = ?1",
        )?;
        for row in self.rows.values_mut().filter(|row| row.is_changed) {
            let wish_bytes = row.tally.tally.asked.bytes() as i64;
            let ended_at = row.tally.ended_at;
            update.execute(params![row.seq, self.now_ms, ended_at, wish_bytes, to_json(&row.tally)])?;
            row.is_changed = false;
        }
        Ok(())
    }
}

/// Whether a task belongs to another batch with the same id as one that has ended: hosts number their batches
/// from 1 again. That is a task which began after the end and was not counted before it, or any task long after it.
fn belongs_to_later(task: &BatchTask, ended_at: i64, known: bool) -> bool {
    let began = task.task.began_at(task.accepted_at);
    task.accepted_at - ended_at > REMEMBER_MS || (!known && began > ended_at)
}

fn came_late(id: &str) -> String {
    let id = id.escape_debug();
    format!("a task of batch `{id}` came after the batch had ended; it is not counted")
}

fn stalled(conn: &Connection, since_ms: i64) -> rusqlite::Result<Vec<ToldBatch>> {
    conn.prepare_cached(
        "UPDATE batches SET stalled = 1 WHERE ended_at IS NULL AND stalled = 0 AND moved_at <= ?1 \
         RETURNING id, counts",
    )?
    .query_map([since_ms], read_told)?
    .collect()
}

fn progressed(conn: &Connection, since_ms: i64, now_ms: i64) -> rusqlite::Result<Vec<ToldBatch>> {
    conn.prepare_cached(
        "UPDATE batches SET reported_at = ?2 WHERE ended_at IS NULL AND moved_at > reported_at AND reported_at <= ?1 \
         RETURNING id, counts",
    )?
    .query_map([since_ms, now_ms], read_told)?
    .collect()
}

fn longest_untold(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached(
        "SELECT min(reported_at) FROM batches WHERE ended_at IS NULL AND moved_at > reported_at",
    )?
    .query_row([], |row| row.get(0))
}

fn read_told(row: &Row<'_>) -> rusqlite::Result<ToldBatch> {
    Ok(ToldBatch { id: row.get(0)?, tally: read_tally(row, 1)?, known: HashSet::new() })
}

fn went_on(conn: &Connection, id: &str) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM batches WHERE id = ?1 AND (ended_at IS NOT NULL OR stalled = 0)")?
        .exists([id])
}

fn stillest(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT min(moved_at) FROM batches WHERE ended_at IS NULL AND stalled = 0")?
        .query_row([], |row| row.get(0))
}

/// Removes batches that ended before this time, a few at once; says how many.
pub(super) fn prune(conn: &Connection, ended_before_ms: i64) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "DELETE FROM batches WHERE seq IN (SELECT seq FROM batches WHERE ended_at < ?1 LIMIT ?2)",
    )?
    .execute([ended_before_ms, MOST_PRUNED])
}

/// What cannot be read counts as nothing.
fn read_tally(row: &Row<'_>, column: usize) -> rusqlite::Result<BatchTally> {
    let counts: Vec<u8> = row.get(column)?;
    Ok(serde_json::from_slice(&counts).unwrap_or_default())
}

fn to_json(tally: &BatchTally) -> Vec<u8> {
    serde_json::to_vec(tally).unwrap_or_default()
}

fn hash(key: &str) -> i64 {
    stable_hash(key).cast_signed()
}

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use simulated::SimulatedBatches;
