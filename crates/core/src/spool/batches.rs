//! Counts batches in one table for all instances: in the transaction that keeps the tasks, under the write lock
//! of the file. So a task counts once, and the transaction that counts the last one knows that it ends the batch.
//!
//! What is counted and when a batch ends is said here for every store; `batches/table.rs` has what a store does for it.

mod table;

pub use table::{BatchTable, KeptBatch};

use super::{BatchWatch, Spool, SpoolError, SpoolTransaction};
use crate::hash::stable_hash;
use crate::tally::{BatchTally, BatchTask};
use rusqlite::{Connection, Row, params};
use std::collections::{HashMap, HashSet};
use table::SqliteBatches;

/// The most batches remembered at once, ended ones included.
const MAX_BATCHES: usize = 2048;

/// The number of ended batches that give way to new ones at once.
const PORTION: i64 = 128;

/// How long an ended batch is remembered, so that a task that is reported late does not begin it again.
pub const REMEMBER_MS: i64 = 3_600_000;

/// The number of tasks of a batch that are recognised when they are reported again: the last ones.
const KNOWN_TASKS: u64 = 1024;

/// The number of older tasks that are forgotten at once.
const KNOWN_PORTION: u64 = 128;

/// The most ended batches that one call of [`prune`] removes.
const MOST_PRUNED: i64 = 16;

/// A batch of which something is to be told.
pub struct ToldBatch {
    /// Its id.
    pub id: String,
    /// What was counted.
    pub tally: BatchTally,
    /// Hashes of the tasks that it knows, when one of them asked to be told.
    known: HashSet<i64>,
}

impl ToldBatch {
    /// A batch as a store has it.
    pub fn from_kept(id: String, counts: &[u8]) -> ToldBatch {
        ToldBatch { id, tally: read_tally(counts), known: HashSet::new() }
    }

    /// Whether it knows that it has counted the task with this key.
    pub fn has_counted(&self, key: &str) -> bool {
        self.known.contains(&task_hash(key))
    }
}

/// What became of the tasks of a transaction.
#[derive(Default)]
pub struct BatchCounts {
    /// Batches that are complete now, in the order in which they became so.
    pub ended: Vec<ToldBatch>,
    /// Open batches that have not gone on for long; each once until it goes on.
    pub stalled: Vec<ToldBatch>,
    /// Open batches that have gone on since their progress was told.
    pub progressed: Vec<ToldBatch>,
    /// What a person is to know.
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
            counts = self.run(|conn| count_tasks(&mut SqliteBatches(conn), tasks, now_ms))?;
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
            .and_then(|mut statement| statement.exists(params![id, task_hash(key)]))
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
struct Counting<'a, T> {
    table: &'a mut T,
    now_ms: i64,
    rows: HashMap<String, BatchRow>,
    counts: BatchCounts,
}

/// Counts tasks in their batches, in the table of any store.
///
/// # Errors
/// Those of the table.
pub fn count_tasks<'t, T: BatchTable>(
    table: &mut T,
    tasks: impl Iterator<Item = &'t BatchTask>,
    now_ms: i64,
) -> Result<BatchCounts, T::Fault> {
    let mut counting = Counting { table, now_ms, rows: HashMap::new(), counts: BatchCounts::default() };
    for task in tasks {
        counting.count(task)?;
    }
    counting.flush()?;
    Ok(counting.counts)
}

impl<T: BatchTable> Counting<'_, T> {
    fn count(&mut self, task: &BatchTask) -> Result<(), T::Fault> {
        let id = &task.of.id;
        let mut row = match self.rows.remove(id) {
            Some(row) => row,
            None => match self.table.read(id)? {
                Some(kept) => BatchRow {
                    seq: kept.seq,
                    tally: BatchTally { ended_at: kept.ended_at, ..read_tally(&kept.counts) },
                    is_changed: false,
                },
                None => self.insert(task)?,
            },
        };
        if self.count_in(&mut row, task)? {
            let tally = row.tally.clone();
            row.tally.forget_details();
            let known =
                if tally.tally.asked.is_empty() { HashSet::new() } else { self.table.tasks(row.seq)? };
            self.counts.ended.push(ToldBatch { id: id.clone(), tally, known });
        }
        self.rows.insert(id.clone(), row);
        Ok(())
    }

    /// Whether the task completes its batch.
    fn count_in(&mut self, row: &mut BatchRow, task: &BatchTask) -> Result<bool, T::Fault> {
        let key = task.key.as_deref().map(task_hash);
        if let Some(ended_at) = row.tally.ended_at {
            let known = match key {
                Some(key) => self.table.has_task(row.seq, key)?,
                None => false,
            };
            if !belongs_to_later(task, ended_at, known) {
                if !known {
                    self.counts.remarks.push(came_late(&task.of.id));
                }
                return Ok(false);
            }
            self.table.forget_tasks(row.seq, i64::MAX)?;
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
            let elsewhere = usize::try_from(self.table.wish_bytes_of_others(row.seq)?);
            row.tally.tally.asked.keep(asked.clone(), elsewhere.unwrap_or(usize::MAX));
        }
        Ok(row.tally.ended_at.is_some())
    }

    /// `false` when the task was counted before.
    fn remember(&mut self, row: &BatchRow, key: i64) -> Result<bool, T::Fault> {
        let number = row.tally.tally.total + 1;
        let is_new = self.table.add_task(row.seq, key, number as i64)?;
        if is_new && number > KNOWN_TASKS && number.is_multiple_of(KNOWN_PORTION) {
            self.table.forget_tasks(row.seq, (number - KNOWN_TASKS) as i64)?;
        }
        Ok(is_new)
    }

    fn insert(&mut self, task: &BatchTask) -> Result<BatchRow, T::Fault> {
        self.make_room()?;
        let tally = BatchTally::opened_by(task);
        let seq = self.table.insert(&task.of.id, self.now_ms, &to_json(&tally))?;
        Ok(BatchRow { seq, tally, is_changed: true })
    }

    /// Removes the batches that ended first, or else the one that has not gone on for longest.
    fn make_room(&mut self) -> Result<(), T::Fault> {
        if self.table.count()? < MAX_BATCHES {
            return Ok(());
        }
        self.flush()?;
        self.rows.clear();
        if self.table.remove_first_ended(PORTION)? > 0 {
            return Ok(());
        }
        let given_up = self.table.remove_stillest()?;
        self.counts.remarks.extend(given_up.map(|(id, counts)| {
            let batch = read_tally(&counts);
            format!(
                "batch `{}` is given up at {} of {} tasks: {MAX_BATCHES} others are open",
                id.escape_debug(),
                batch.tally.total,
                batch.expected
            )
        }));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), T::Fault> {
        for row in self.rows.values_mut().filter(|row| row.is_changed) {
            let kept = KeptBatch { seq: row.seq, ended_at: row.tally.ended_at, counts: to_json(&row.tally) };
            self.table.update(&kept, self.now_ms, row.tally.tally.asked.bytes() as i64)?;
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
    let counts: Vec<u8> = row.get(1)?;
    Ok(ToldBatch::from_kept(row.get(0)?, &counts))
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
fn read_tally(counts: &[u8]) -> BatchTally {
    serde_json::from_slice(counts).unwrap_or_default()
}

fn to_json(tally: &BatchTally) -> Vec<u8> {
    serde_json::to_vec(tally).unwrap_or_default()
}

/// The number by which a batch knows the task with this key.
pub fn task_hash(key: &str) -> i64 {
    stable_hash(key).cast_signed()
}

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use simulated::SimulatedBatches;
