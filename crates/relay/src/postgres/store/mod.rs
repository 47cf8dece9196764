//! The store of a farm in PostgreSQL: what the spool keeps on one machine, for relays of which one leads.
//!
//! Only the leader writes, apart from an operator. So it numbers rows itself, a transaction keeps what it is given until
//! `commit`, and its rows go to the server as arrays: the statements of a transaction do not depend on how many events it
//! has. Each transaction holds a lock on the row of the leader's epoch, so a relay that was deposed writes nothing.

mod batch;
mod batches;
mod connection;
mod fallbacks;
mod fault;
mod flight;
mod gathered;
mod known;
mod numbers;
mod operator;
mod overview;
mod prune;
mod reader;
pub(super) mod schema;
mod selection;
mod takeover;
mod transaction;
mod values;
mod waiting;

pub use batch::PostgresBatch;
pub use operator::PostgresOperator;
pub use reader::PostgresReader;

use super::{Database, DatabaseFault};
use fault::store_error;
use flight::{BoundStatement, values};
use known::KnownEvents;
use numbers::RowNumbers;
use std::cell::RefCell;
use std::collections::HashMap;
use taskbell_core::event::EventId;
use taskbell_core::spool::{
    BatchNews, PendingDelivery, Spool, SpoolError, SpoolErrorKind, StateKey, StateKind, Store, Stretch,
    Takeover, WaitingDelivery, task_hash,
};
use tokio_postgres::Row;
use values::{key_of, text};

/// The leader's side of the store.
pub struct PostgresStore {
    database: RefCell<Database>,
    name: String,
    epoch: i64,
    instance: String,
    /// The number under which this instance owns deliveries, once it has one.
    owner: Option<i64>,
    numbers: RowNumbers,
    known: RefCell<KnownEvents>,
    /// Why nothing can be written any more.
    is_void: Option<SpoolError>,
}

impl PostgresStore {
    /// The store as the leader of this epoch sees it. `instance` is what no other leader was ever called:
    /// `farm-` and the epoch.
    ///
    /// The tables are there: [`prepare`](super::prepare) makes them.
    ///
    /// # Errors
    /// When the database cannot be read; of kind `Deposed` when another relay leads.
    pub fn open(database: Database, epoch: i64, instance: &str) -> Result<PostgresStore, SpoolError> {
        let mut store = PostgresStore {
            name: database.name().to_owned(),
            database: RefCell::new(database),
            epoch,
            instance: instance.to_owned(),
            owner: None,
            numbers: RowNumbers::default(),
            known: RefCell::default(),
            is_void: None,
        };
        store.numbers = RowNumbers::read(&store)?;
        Ok(store)
    }

    /// The rows of a statement outside of a transaction.
    fn query(&self, call: BoundStatement<'_>) -> Result<Vec<Row>, SpoolError> {
        let calls = [call];
        let rows =
            self.database.borrow_mut().run("question", async |session| flight::send(session, &calls).await);
        rows.map(|mut rows| rows.pop().unwrap_or_default()).map_err(|fault| self.error(&fault))
    }

    /// The only row of a statement that always gives one.
    fn query_one<T>(&self, call: BoundStatement<'_>, read: impl FnOnce(&Row) -> T) -> Result<T, SpoolError> {
        match self.query(call)?.first() {
            Some(row) => Ok(read(row)),
            None => Err(self.error(&DatabaseFault::Unfit("a question has no answer".to_owned()))),
        }
    }

    fn error(&self, fault: &DatabaseFault) -> SpoolError {
        store_error(&self.name, fault)
    }

    fn deposed(&self, detail: &str) -> SpoolError {
        SpoolError::of_database(&self.name, SpoolErrorKind::Deposed, detail)
    }
}

const STATE: &str = "SELECT value FROM taskbell.state WHERE kind = $1 AND owner = $2 AND key = $3";

const STATES: &str = "SELECT owner, name, value FROM taskbell.state WHERE kind = $1 ORDER BY owner, name";

/// A state of a kind.
fn read_state(kind: StateKind, row: &Row) -> (StateKey, Vec<u8>) {
    (StateKey { kind, owner: row.get(0), name: row.get(1) }, row.get(2))
}

impl Store for PostgresStore {
    type Batch<'a> = PostgresBatch<'a>;

    fn file(&mut self) -> Option<&mut Spool> {
        None
    }

    fn begin(&mut self) -> Result<PostgresBatch<'_>, SpoolError> {
        match &self.is_void {
            Some(fault) => Err(fault.clone()),
            None => Ok(PostgresBatch::new(self)),
        }
    }

    fn take_numbers(&mut self, count: usize) -> Option<i64> {
        self.numbers.take(count)
    }

    fn state(&self, key: &StateKey) -> Result<Option<Vec<u8>>, SpoolError> {
        let found = self
            .query(BoundStatement::new(STATE, values![key.kind.as_str(), text(&key.owner), key_of(key)]))?;
        Ok(found.first().map(|row| row.get(0)))
    }

    fn states(&self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError> {
        let found = self.query(BoundStatement::new(STATES, values![kind.as_str()]))?;
        Ok(found.iter().map(|row| read_state(kind, row)).collect())
    }

    fn holders(&self) -> Result<Vec<String>, SpoolError> {
        self.read_holders()
    }

    fn take_over(&mut self, dead: &[String], now_ms: i64) -> Result<Takeover, SpoolError> {
        self.take_owners_over(dead, now_ms)
    }

    fn held(&self) -> Result<Vec<i64>, SpoolError> {
        self.read_held()
    }

    fn release(&mut self) -> Result<(), SpoolError> {
        self.release_owners()
    }

    fn stretches(&self, owners: &[i64]) -> Result<Vec<Stretch>, SpoolError> {
        self.read_stretches(owners)
    }

    fn count(&self, of: &Stretch) -> Result<u64, SpoolError> {
        self.count_stretch(of)
    }

    fn page(&self, of: &Stretch, most: usize) -> Result<Vec<WaitingDelivery>, SpoolError> {
        self.read_page(of, most)
    }

    fn replaceable(&self, owners: &[i64]) -> Result<Vec<WaitingDelivery>, SpoolError> {
        self.read_replaceable(owners)
    }

    fn unrendered(&self) -> Result<Vec<WaitingDelivery>, SpoolError> {
        self.read_unrendered()
    }

    fn contexts(&self, of: &[WaitingDelivery]) -> Result<Vec<Vec<u8>>, SpoolError> {
        self.read_contexts(of)
    }

    fn pending(&self) -> Result<HashMap<i64, PendingDelivery>, SpoolError> {
        self.read_pending()
    }

    fn batch_waits_since(&self, what: BatchNews) -> Result<Option<i64>, SpoolError> {
        let sql = match what {
            BatchNews::Standstill => {
                "SELECT min(moved_at) FROM taskbell.batches WHERE ended_at IS NULL AND NOT stalled"
            }
            BatchNews::Progress => {
                "SELECT min(reported_at) FROM taskbell.batches WHERE ended_at IS NULL AND moved_at > reported_at"
            }
        };
        self.query_one(BoundStatement::new(sql, values![]), |row| row.get(0))
    }

    fn batch_went_on(&self, id: &str) -> Result<bool, SpoolError> {
        let sql = "SELECT FROM taskbell.batches WHERE id = $1 AND (ended_at IS NOT NULL OR NOT stalled)";
        Ok(!self.query(BoundStatement::new(sql, values![text(id)]))?.is_empty())
    }

    fn batch_has_told(&self, id: &str, key: &str) -> Result<bool, SpoolError> {
        let sql = "SELECT FROM taskbell.batches b JOIN taskbell.batch_tasks t ON t.batch = b.seq \
            WHERE b.id = $1 AND b.ended_at IS NOT NULL AND t.task = $2";
        Ok(!self.query(BoundStatement::new(sql, values![text(id), task_hash(key)]))?.is_empty())
    }

    fn waiting_fallbacks(&self) -> Result<(bool, Option<i64>), SpoolError> {
        let sql = "SELECT EXISTS (SELECT FROM taskbell.fallbacks), \
            (SELECT min(due_at) FROM taskbell.fallbacks WHERE due_at IS NOT NULL)";
        self.query_one(BoundStatement::new(sql, values![]), |row| (row.get(0), row.get(1)))
    }

    fn knows(&self, id: EventId) -> Result<bool, SpoolError> {
        self.look_up(&[id])?;
        Ok(self.known.borrow().get(id) == Some(true))
    }

    fn look_up(&self, ids: &[EventId]) -> Result<(), SpoolError> {
        let asked = self.known.borrow().unknown_of(ids);
        if asked.is_empty() {
            return Ok(());
        }
        let found = self.query(known::question(&asked))?;
        self.known.borrow_mut().learn(&asked, &found);
        Ok(())
    }

    fn prune(&mut self, ended_before_ms: i64) -> Result<usize, SpoolError> {
        self.prune_portion(ended_before_ms)
    }
}
