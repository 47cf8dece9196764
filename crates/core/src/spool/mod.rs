//! The spool: a SQLite database of events, deliveries, attempts and dead letters. One writer per
//! instance (its dispatcher) commits one transaction per batch; instances may share a file, and any number
//! of [`SpoolReader`]s look on.
//!
//! Everything in it can be read by anybody who may read the file: callers scrub secrets out of errors
//! and responses before they are kept here, and URLs, headers and keys are never kept at all. The
//! spool stores what it is given.
//!
//! The tables and their meaning are in `schema.rs`; the view `log` shows them to a person with any
//! SQLite tool. All times are Unix milliseconds.

mod arrivals;
mod batches;
mod connection;
mod copy_rows;
mod counts;
mod error;
mod fallbacks;
mod live;
mod numbers;
mod operator;
mod overview;
mod ownership;
mod page_scan;
mod path;
mod permissions;
mod prune;
mod reader;
mod recovery;
mod rows;
mod schema;
mod send_again;
mod size_limit;
mod sqlite_store;
mod state_key;
mod store;
#[cfg(any(test, feature = "failpoints"))]
#[doc(hidden)]
pub mod store_suite;
#[cfg(test)]
mod tests;
mod transaction;
mod waiting;

#[cfg(test)]
pub(crate) use batches::SimulatedBatches;
pub use batches::{BatchCounts, BatchTable, KeptBatch, REMEMBER_MS, ToldBatch, count_tasks, task_hash};
pub use counts::Counts;
pub use error::{SpoolError, SpoolErrorKind};
pub use live::{LiveMessage, LiveResult, LiveRole, LiveState, LiveTurn, outdated_messages};
pub use operator::{DROPPED, DeliverySelection, Replayed, SpoolOperator, operator_mark};
pub use overview::{
    AlertEvent, DeadGroup, EndedDelivery, EndpointBacklog, HourCount, LastAnswer, OpenBatch, UnheardEvents,
};
pub use ownership::Takeover;
pub use path::SpoolPath;
pub use reader::{AttemptDetail, DeliveryDetail, EventDetail, Filter, ListRow, SpoolReader, containing};
pub(crate) use recovery::{DamagedFile, FileFault, RecoveryReport};
pub use rows::{
    AttemptRow, Called, DeliveryEnd, DeliveryState, NewDelivery, NewEvent, NewFallback, StoredMessage,
};
pub(crate) use size_limit::{REPORT_BYTES, SizeState, transaction_bytes, transaction_reports};
pub use state_key::{StateChange, StateKey, StateKind};
pub use store::{
    Batch, BatchNews, BatchWatch, Early, MessageReader, Next, Operator, PendingDelivery, Reader, Store,
};
pub use transaction::SpoolTransaction;
pub use waiting::{Stretch, WaitingDelivery};

use crate::event::EventId;
pub use crate::tally::BatchTask;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The writer's side. May be sent to another thread, not shared; every method may wait for the disk
/// and, up to five seconds, for another process that writes.
pub struct Spool {
    conn: Connection,
    path: PathBuf,
    owner: String,
    identity: Option<connection::Identity>,
    // The bytes that the log is bound to; 0 before it is.
    log_limit: u64,
    numbers: numbers::Numbers,
    // Some statement has met damage: the file is recovered by the next look at `file_fault`.
    damaged: Cell<bool>,
    // Whether events of this run may be in the file that no transaction is known to have written: after a commit failed,
    // after a panic, and after rows were moved from another file.
    unsure: Cell<bool>,
}

impl Spool {
    /// Opens or creates the database, and makes `owner` (an instance id) the owner of
    /// what it inserts.
    pub fn open(path: &SpoolPath, owner: &str) -> Result<Spool, SpoolError> {
        let (conn, path) = connection::open_writer(path)?;
        let identity = connection::identity(&path);
        let (owner, numbers, damaged) = (owner.to_owned(), numbers::Numbers::default(), Cell::new(false));
        let unsure = Cell::new(false);
        Ok(Spool { conn, path, owner, identity, log_limit: 0, numbers, damaged, unsure })
    }

    /// For `map_err`: notes damage.
    fn at(&self) -> impl Fn(rusqlite::Error) -> SpoolError + Copy {
        note_damage(&self.path, &self.damaged)
    }

    /// Makes it the spool of this configuration, once; refuses it when it is another's. A spool whose path was set
    /// is shared on purpose, and never claimed.
    pub fn claim(&mut self, configuration: &str) -> Result<(), SpoolError> {
        match ownership::claim(&self.conn, configuration).map_err(self.at())? {
            None => Ok(()),
            Some(other) => Err(SpoolError::new(SpoolErrorKind::Claimed, &self.path, other)),
        }
    }

    /// Where the database lies; `:memory:` for one without a file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The instances that have something to deliver or keep a state, this one included. One that is dead when it is
    /// looked at after this was asked has been dead for good: names are never given twice.
    pub fn holders(&self) -> Result<Vec<String>, SpoolError> {
        ownership::holders(&self.conn).map_err(self.at())
    }

    /// Takes over the pending deliveries of these dead owners, and those that were released. It takes
    /// the same short time however many they are.
    ///
    /// What was in flight has been due since before it started, so it is due now; what waits for a
    /// later time goes on waiting. Only when the newest delivery was made later than `now_ms` has the
    /// clock been set back, and what was made in that future is due now as well.
    pub fn take_over(&mut self, dead: &[String], now_ms: i64) -> Result<Takeover, SpoolError> {
        ownership::take_over(&mut self.conn, &self.owner, dead, now_ms).map_err(self.at())
    }

    /// The numbers under which this instance holds deliveries: its own, and what it has taken.
    pub fn held(&self) -> Result<Vec<i64>, SpoolError> {
        ownership::held_by(&self.conn, &self.owner).map_err(self.at())
    }

    /// Gives up ownership of what is still pending, so that the next start takes it at once.
    pub fn release(&mut self) -> Result<(), SpoolError> {
        std::mem::take(&mut self.numbers).give_back(&self.conn).map_err(self.at())?;
        ownership::release(&self.conn, &self.owner).map_err(self.at())
    }

    /// Closes it, with its log copied into the database and cut off if nobody is in the way of that.
    pub fn close(self) {
        // The deadline of the host's end may be near: nobody is waited for.
        let _ = self.conn.busy_timeout(Duration::ZERO);
        let _ = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// Starts a transaction. It holds the write lock of the file until it ends.
    pub fn begin(&mut self) -> Result<SpoolTransaction<'_>, SpoolError> {
        let Spool { conn, path, owner, numbers, damaged, unsure, .. } = self;
        // Nobody else has this connection: the spool is borrowed as long as the transaction lives.
        let transaction = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)
            .map_err(note_damage(path, damaged))?;
        Ok(SpoolTransaction::new(transaction, conn, path, owner, numbers, (damaged, unsure)))
    }

    /// So many numbers for deliveries that are written later, the first one given; all or none.
    pub(crate) fn take_numbers(&mut self, count: usize) -> Option<i64> {
        self.numbers.take(count)
    }

    /// What was committed may be committed again: ids of events are looked up before they are written.
    pub fn expect_known(&self) {
        self.unsure.set(true);
    }

    /// So many numbers that no other delivery has or had, at once: for deliveries that had numbers of another file.
    pub fn new_numbers(&mut self, count: usize) -> Result<Vec<i64>, SpoolError> {
        let mut transaction = self.begin()?;
        let numbers = (0..count).map(|_| transaction.next_number()).collect::<Result<_, _>>()?;
        transaction.commit().map(|()| numbers)
    }

    /// A value kept by `SpoolTransaction::put_state`.
    pub fn state(&self, key: &StateKey) -> Result<Option<Vec<u8>>, SpoolError> {
        state_key::read(&self.conn, key).map_err(self.at())
    }

    /// All values of a kind, ordered by owner and name.
    pub fn states(&self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError> {
        state_key::read_all(&self.conn, kind).map_err(self.at())
    }

    /// Gives the memory of cached pages back, for as long as nothing is to be written. What cannot be given
    /// back stays.
    pub fn rest(&self) {
        let _ = self.conn.execute_batch("PRAGMA shrink_memory");
    }

    /// Removes what ended before this instant, with its attempts, and events of before it that have
    /// no deliveries (any more); at most a few hundred rows a call, never what is pending. Says how
    /// many deliveries and events went: call again until it is 0.
    pub fn prune(&mut self, ended_before_ms: i64) -> Result<usize, SpoolError> {
        prune::prune(&mut self.conn, ended_before_ms).map_err(self.at())
    }

    /// Removes deliveries to one endpoint that arrived before this instant, as [`Spool::prune`] does.
    pub fn prune_delivered(&mut self, endpoint: &str, ended_before_ms: i64) -> Result<usize, SpoolError> {
        prune::prune_delivered(&mut self.conn, endpoint, ended_before_ms).map_err(self.at())
    }
}

/// For `map_err`: sets the flag when the error is damage.
fn note_damage(path: &Path, damaged: &Cell<bool>) -> impl Fn(rusqlite::Error) -> SpoolError + Copy {
    move |error| damage(path, damaged, error)
}

#[cold]
fn damage(path: &Path, damaged: &Cell<bool>, error: rusqlite::Error) -> SpoolError {
    let fault = SpoolError::sqlite(path, error);
    damaged.set(damaged.get() || fault.kind() == SpoolErrorKind::Corrupt);
    fault
}

fn read_event_id(row: &Row<'_>, column: usize) -> rusqlite::Result<EventId> {
    let text: String = row.get(column)?;
    EventId::parse(&text).ok_or_else(|| {
        let fault = format!("`{}` is not an event id", text.escape_debug());
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, fault.into())
    })
}
