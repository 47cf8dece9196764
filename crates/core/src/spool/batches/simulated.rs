//! Batches of a simulation: the table alone, in memory.

use super::*;
use crate::spool::SpoolPath;

/// A table that a simulation can take back to where it was last kept.
pub(crate) struct SimulatedBatches(Connection);

impl SimulatedBatches {
    pub(crate) fn new() -> SimulatedBatches {
        let (conn, _) = crate::spool::connection::open_writer(&SpoolPath::Memory).unwrap();
        conn.execute_batch("SAVEPOINT kept").unwrap();
        SimulatedBatches(conn)
    }

    pub(crate) fn count(&self, task: &BatchTask, now_ms: i64) -> BatchCounts {
        count_tasks(&mut SqliteBatches(&self.0), std::iter::once(task), now_ms).unwrap()
    }

    pub(crate) fn stalled(&self, since_ms: i64) -> Vec<ToldBatch> {
        stalled(&self.0, since_ms).unwrap()
    }

    pub(crate) fn progressed(&self, since_ms: i64, now_ms: i64) -> Vec<ToldBatch> {
        progressed(&self.0, since_ms, now_ms).unwrap()
    }

    pub(crate) fn longest_untold(&self) -> Option<i64> {
        longest_untold(&self.0).unwrap()
    }

    pub(crate) fn went_on(&self, id: &str) -> bool {
        went_on(&self.0, id).unwrap()
    }

    pub(crate) fn stillest(&self) -> Option<i64> {
        stillest(&self.0).unwrap()
    }

    /// Makes durable what was counted.
    pub(crate) fn keep(&self) {
        self.0.execute_batch("RELEASE kept; SAVEPOINT kept").unwrap();
    }

    /// Takes back what was not kept.
    pub(crate) fn revert(&self) {
        self.0.execute_batch("ROLLBACK TO kept").unwrap();
    }
}
