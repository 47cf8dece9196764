//! The numbers of deliveries and batches: blocks of a sequence, so that no two leaders ever give the same one.

use super::PostgresStore;
use super::flight::{BoundStatement, values};
use std::ops::Range;
use taskbell_core::spool::SpoolError;
use tokio_postgres::Row;

/// How many numbers a value of the sequence stands for: its increment.
const BLOCK: i64 = 4096;

/// What is left of the blocks, and the number of the last event.
#[derive(Debug, Clone, Default)]
pub struct RowNumbers {
    block: Range<i64>,
    /// Used when the first one cannot give enough.
    next_block: Range<i64>,
    last_event: i64,
}

impl RowNumbers {
    /// A first block, and the number of the newest event.
    pub fn read(store: &PostgresStore) -> Result<RowNumbers, SpoolError> {
        let sql = "SELECT nextval('taskbell.delivery_numbers'), coalesce((SELECT max(seq) FROM taskbell.events), 0)";
        store.query_one(BoundStatement::new(sql, values![]), |row| RowNumbers {
            block: block_of(row),
            next_block: 0..0,
            last_event: row.get(1),
        })
    }

    /// The first of so many numbers in a row.
    pub fn take(&mut self, count: usize) -> Option<i64> {
        let count = i64::try_from(count).ok()?;
        let fits = |block: &Range<i64>| block.end - block.start >= count;
        if !fits(&self.block) {
            // A smaller rest stays unused: of two deliveries, the later has the higher number.
            fits(&self.next_block).then(|| self.block = std::mem::take(&mut self.next_block))?;
        }
        self.block.start += count;
        Some(self.block.start - count)
    }

    /// The number of a new event.
    pub fn next_event(&mut self) -> i64 {
        self.last_event += 1;
        self.last_event
    }

    /// Whether another block is to be had before long.
    pub fn are_few(&self) -> bool {
        self.next_block.is_empty() && self.block.end - self.block.start < BLOCK / 2
    }

    /// Asks for a block.
    pub fn question() -> BoundStatement<'static> {
        BoundStatement::new("SELECT nextval('taskbell.delivery_numbers')", values![])
    }

    /// Adds a block.
    pub fn add(&mut self, row: &Row) {
        self.next_block = block_of(row);
    }
}

fn block_of(row: &Row) -> Range<i64> {
    let first: i64 = row.get(0);
    first..first + BLOCK
}
