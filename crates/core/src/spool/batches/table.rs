//! What a store does for the count of batches: their rows, and the tasks by which a repetition is recognised.

use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashSet;

/// A batch as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBatch {
    /// Its number.
    pub seq: i64,
    /// When its last task ended; Unix milliseconds.
    pub ended_at: Option<i64>,
    /// What was counted.
    pub counts: Vec<u8>,
}

/// The table of batches, as of a transaction.
pub trait BatchTable {
    /// Why it cannot be read or written.
    type Fault;

    /// The batch of this id.
    fn read(&mut self, id: &str) -> Result<Option<KeptBatch>, Self::Fault>;

    /// Begins a batch that moves at this time; gives its number. Its progress was told a moment earlier, so that its first task
    /// is news.
    fn insert(&mut self, id: &str, moved_at: i64, counts: &[u8]) -> Result<i64, Self::Fault>;

    /// A batch has moved at this time. `wish_bytes` is what tasks of it asked to be told at the end.
    fn update(&mut self, batch: &KeptBatch, moved_at: i64, wish_bytes: i64) -> Result<(), Self::Fault>;

    /// How many batches there are, ended ones included.
    fn count(&mut self) -> Result<usize, Self::Fault>;

    /// Removes the batches that ended first, `most` at most; gives how many.
    fn remove_first_ended(&mut self, most: i64) -> Result<usize, Self::Fault>;

    /// Removes the batch that has not moved for longest; gives its id and counts.
    fn remove_stillest(&mut self) -> Result<Option<(String, Vec<u8>)>, Self::Fault>;

    /// What tasks of other batches asked to be told.
    fn wish_bytes_of_others(&mut self, batch: i64) -> Result<i64, Self::Fault>;

    /// Notes a task under its place in the batch; `false` when it is there.
    fn add_task(&mut self, batch: i64, task: i64, number: i64) -> Result<bool, Self::Fault>;

    /// Forgets the tasks up to this place.
    fn forget_tasks(&mut self, batch: i64, number: i64) -> Result<(), Self::Fault>;

    /// Whether it knows this task.
    fn has_task(&mut self, batch: i64, task: i64) -> Result<bool, Self::Fault>;

    /// The tasks that it knows.
    fn tasks(&mut self, batch: i64) -> Result<HashSet<i64>, Self::Fault>;
}

/// The table in a spool.
pub(super) struct SqliteBatches<'a>(pub &'a Connection);

impl BatchTable for SqliteBatches<'_> {
    type Fault = rusqlite::Error;

    fn read(&mut self, id: &str) -> rusqlite::Result<Option<KeptBatch>> {
        self.0
            .prepare_cached("SELECT seq, ended_at, counts FROM batches WHERE id = ?1")?
            .query_row([id], |row| {
                Ok(KeptBatch { seq: row.get(0)?, ended_at: row.get(1)?, counts: row.get(2)? })
            })
            .optional()
    }

    fn insert(&mut self, id: &str, moved_at: i64, counts: &[u8]) -> rusqlite::Result<i64> {
        self.0
            .prepare_cached(
                "INSERT INTO batches (id, moved_at, reported_at, counts) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![id, moved_at, moved_at - 1, counts])?;
        Ok(self.0.last_insert_rowid())
    }

    fn update(&mut self, batch: &KeptBatch, moved_at: i64, wish_bytes: i64) -> rusqlite::Result<()> {
        self.0
            .prepare_cached(
                "UPDATE batches SET moved_at = ?2, ended_at = ?3, stalled = 0, wish_bytes = ?4, counts = ?5 \
                 WHERE seq = ?1",
            )?
            .execute(params![batch.seq, moved_at, batch.ended_at, wish_bytes, batch.counts])
            .map(drop)
    }

    fn count(&mut self) -> rusqlite::Result<usize> {
        let count: i64 =
            self.0.prepare_cached("SELECT count(*) FROM batches")?.query_row([], |row| row.get(0))?;
        Ok(count as usize)
    }

    fn remove_first_ended(&mut self, most: i64) -> rusqlite::Result<usize> {
        self.0
            .prepare_cached(
                "DELETE FROM batches WHERE seq IN ( \
                 SELECT seq FROM batches WHERE ended_at IS NOT NULL ORDER BY ended_at LIMIT ?1)",
            )?
            .execute([most])
    }

    fn remove_stillest(&mut self) -> rusqlite::Result<Option<(String, Vec<u8>)>> {
        self.0
            .prepare_cached(
                "DELETE FROM batches WHERE seq = (SELECT seq FROM batches ORDER BY moved_at, seq LIMIT 1) \
                 RETURNING id, counts",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    fn wish_bytes_of_others(&mut self, batch: i64) -> rusqlite::Result<i64> {
        self.0
            .prepare_cached("SELECT coalesce(sum(wish_bytes), 0) FROM batches WHERE seq <> ?1")?
            .query_row([batch], |row| row.get(0))
    }

    fn add_task(&mut self, batch: i64, task: i64, number: i64) -> rusqlite::Result<bool> {
        let added = self
            .0
            .prepare_cached("INSERT OR IGNORE INTO batch_tasks (batch, task, number) VALUES (?1, ?2, ?3)")?
            .execute([batch, task, number])?;
        Ok(added > 0)
    }

    fn forget_tasks(&mut self, batch: i64, number: i64) -> rusqlite::Result<()> {
        self.0
            .prepare_cached("DELETE FROM batch_tasks WHERE batch = ?1 AND number <= ?2")?
            .execute([batch, number])
            .map(drop)
    }

    fn has_task(&mut self, batch: i64, task: i64) -> rusqlite::Result<bool> {
        self.0
            .prepare_cached("SELECT 1 FROM batch_tasks WHERE batch = ?1 AND task = ?2")?
            .exists([batch, task])
    }

    fn tasks(&mut self, batch: i64) -> rusqlite::Result<HashSet<i64>> {
        self.0
            .prepare_cached("SELECT task FROM batch_tasks WHERE batch = ?1")?
            .query_map([batch], |row| row.get(0))?
            .collect()
    }
}
