//! The spool: a SQLite database of events, deliveries, attempts and dead letters. One writer (the
//! clerk) commits one transaction per batch; any number of readers look on.

mod rows;

pub use rows::{AttemptRow, End, NewDelivery, NewEvent, Pending};

use crate::config::SpoolPath;
use std::fmt;

/// Why the spool cannot be used, with the path it speaks of.
#[derive(Debug)]
pub struct SpoolError(pub String);

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SpoolError {}

/// The writer's side.
#[derive(Debug)]
pub struct Spool {}

/// stub
#[derive(Debug)]
pub struct Waiting { #[allow(missing_docs)] pub seq: i64, #[allow(missing_docs)] pub event_id: crate::event::EventId, #[allow(missing_docs)] pub kind: String, #[allow(missing_docs)] pub endpoint: String, #[allow(missing_docs)] pub hook: String, #[allow(missing_docs)] pub created_at: i64, #[allow(missing_docs)] pub due_at: i64, #[allow(missing_docs)] pub attempts: u32 }
/// stub
#[derive(Debug)]
pub struct Reader {}
impl Reader {
    /// stub
    pub fn open(_: &std::path::Path) -> Result<Reader, SpoolError> { unimplemented!() }
    /// stub
    pub fn message(&self, _: i64) -> Result<Option<(String, Vec<u8>)>, SpoolError> { unimplemented!() }
}
impl Batch<'_> {
    /// stub
    pub fn row_of(&self, _: crate::event::EventId) -> Result<Option<i64>, SpoolError> { unimplemented!() }
}
impl Spool {
    /// stub
    pub fn knows(&self, _: crate::event::EventId) -> Result<bool, SpoolError> { unimplemented!() }
    /// stub
    pub fn waiting(&self) -> Result<Vec<Waiting>, SpoolError> { unimplemented!() }
    /// stub
    pub fn states(&self, _prefix: &str) -> Result<Vec<(String, Vec<u8>)>, SpoolError> { unimplemented!() }

    /// Opens or creates the database, migrates it, and makes `owner` (an instance id) the owner of
    /// what it inserts.
    pub fn open(_path: &SpoolPath, _owner: &str) -> Result<Spool, SpoolError> {
        unimplemented!()
    }

    /// Takes over the pending deliveries of owners that are not in `live`; says how many.
    pub fn adopt(&mut self, _live: &[String], _now_ms: i64) -> Result<usize, SpoolError> {
        unimplemented!()
    }

    /// Starts the transaction of one batch.
    pub fn batch(&mut self) -> Result<Batch<'_>, SpoolError> {
        unimplemented!()
    }

    /// This owner's pending deliveries of an endpoint with a sequence number above `after`, lowest
    /// first, at most `limit`.
    pub fn pending(&self, _endpoint: &str, _after: i64, _limit: usize) -> Result<Vec<Pending>, SpoolError> {
        unimplemented!()
    }

    /// This owner's pending deliveries, by endpoint.
    pub fn backlog(&self) -> Result<Vec<(String, u64)>, SpoolError> {
        unimplemented!()
    }

    /// A value kept by `Batch::put_state`.
    pub fn state(&self, _key: &str) -> Result<Option<Vec<u8>>, SpoolError> {
        unimplemented!()
    }

    /// Removes what ended before this instant, at most a few thousand rows a call; says how many
    /// deliveries went.
    pub fn prune(&mut self, _ended_before_ms: i64) -> Result<usize, SpoolError> {
        unimplemented!()
    }

    /// Gives up ownership of what is still pending, so that the next start takes it at once.
    pub fn release(&mut self) -> Result<(), SpoolError> {
        unimplemented!()
    }
}

/// One transaction. Dropped without `commit`, it leaves nothing.
#[derive(Debug)]
pub struct Batch<'a> {
    _spool: std::marker::PhantomData<&'a ()>,
}

impl Batch<'_> {
    /// Inserts an event; `None` when its id is there already.
    pub fn event(&mut self, _event: &NewEvent<'_>) -> Result<Option<i64>, SpoolError> {
        unimplemented!()
    }

    /// Inserts a delivery and says its sequence number.
    pub fn delivery(&mut self, _delivery: &NewDelivery<'_>) -> Result<i64, SpoolError> {
        unimplemented!()
    }

    /// Records an attempt.
    pub fn attempt(&mut self, _attempt: &AttemptRow) -> Result<(), SpoolError> {
        unimplemented!()
    }

    /// Sets when a pending delivery is due next.
    pub fn reschedule(&mut self, _delivery: i64, _due_at: i64) -> Result<(), SpoolError> {
        unimplemented!()
    }

    /// Ends a delivery.
    pub fn end(&mut self, _delivery: i64, _end: &End, _at: i64) -> Result<(), SpoolError> {
        unimplemented!()
    }

    /// Keeps a value under a key; `None` removes it.
    pub fn put_state(&mut self, _key: &str, _value: Option<&[u8]>) -> Result<(), SpoolError> {
        unimplemented!()
    }

    /// Makes it durable.
    pub fn commit(self) -> Result<(), SpoolError> {
        unimplemented!()
    }
}
