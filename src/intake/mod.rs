//! Intake: checks, copies the bytes into a ring and returns. In steady state a call takes no lock and
//! makes no system call.

use crate::event::EventId;
use std::path::PathBuf;

/// Where the ring lives.
#[derive(Debug, Clone)]
pub enum Home {
    /// In memory: what the clerk has not spooled is lost with the process.
    Memory,
    /// In a file of its own beside the spool, named `<spool>.<instance>.ring`.
    Beside(PathBuf),
}

/// An accepted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// From 1, in the order of acceptance.
    pub ticket: u64,
    /// The event's id.
    pub id: EventId,
}

/// Why an event is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The ring has no room now.
    Full,
    /// The ring could never hold it.
    TooLarge,
}

/// One record of the ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// As told to the host.
    pub ticket: u64,
    /// The event's id.
    pub id: EventId,
    /// Unix milliseconds.
    pub accepted_at: i64,
    /// The type.
    pub kind: String,
    /// The payload.
    pub payload: Vec<u8>,
}

/// The host's side (any thread) and the clerk's side (one thread) of the ring.
#[derive(Debug)]
pub struct Intake {}

impl Intake {
    /// A ring of this many bytes; falls back to memory where no file can be mapped, and then
    /// `fallback` says why.
    pub fn open(_home: &Home, _capacity: usize) -> Intake {
        unimplemented!()
    }

    /// The id of this instance: the ring file's name carries it, and its lock says that it lives.
    pub fn instance(&self) -> &str {
        unimplemented!()
    }

    /// Why the ring is in memory although a file was asked for.
    pub fn fallback(&self) -> Option<&str> {
        unimplemented!()
    }

    /// Takes an event. Never waits.
    pub fn push(&self, _kind: &str, _payload: &[u8]) -> Result<Accepted, Refusal> {
        unimplemented!()
    }

    /// The clerk's: reads up to `max_bytes` of committed records after those read before, without
    /// releasing them.
    pub fn read(&self, _max_bytes: usize, _into: &mut Vec<Record>) {
        unimplemented!()
    }

    /// The clerk's: gives the room of everything read so far back to the producers.
    pub fn release(&self) {
        unimplemented!()
    }

    /// The ticket of the newest accepted event; 0 before the first.
    pub fn newest_ticket(&self) -> u64 {
        unimplemented!()
    }

    /// Whether everything accepted has been read.
    pub fn is_drained(&self) -> bool {
        unimplemented!()
    }

    /// Bytes between acceptance and release.
    pub fn used(&self) -> usize {
        unimplemented!()
    }

    /// Bytes in all.
    pub fn capacity(&self) -> usize {
        unimplemented!()
    }
}

/// stub
pub struct AdoptReport {
    #[allow(missing_docs)]
    pub faults: Vec<String>,
}
impl Intake {
    /// stub
    pub fn adopt_orphans(_: &std::path::Path, _: impl FnMut(&str, Vec<Record>) -> bool) -> AdoptReport {
        unimplemented!()
    }
    /// stub
    pub fn live_instances(_: &std::path::Path) -> Vec<String> {
        unimplemented!()
    }
}
