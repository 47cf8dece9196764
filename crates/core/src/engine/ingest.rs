//! Ingest: reads records from the ring, or from the rings of dead processes, and parses each payload once.

use crate::event::{EventId, Payload};
use crate::hooks::TaskParams;
use crate::intake::{Intake, Record};
use crate::tally::{Task, queue_name};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of events in one transaction: lanes start when it is durable, so it is small; larger where the disk
/// is slow.
const BATCH_BYTES: usize = 256 * 1024;
const LARGE_BATCH_BYTES: usize = 1024 * 1024;

/// A transaction that takes longer than this means a slow disk.
const SLOW: Duration = Duration::from_millis(50);

pub struct IngestedEvent {
    pub id: EventId,
    pub kind: String,
    /// Unix milliseconds.
    pub accepted_at: i64,
    /// 0 for an event of an earlier run.
    pub ticket: u64,
    /// Without `webhook_params`.
    pub payload: Arc<Payload>,
    /// The payload as JSON, for the spool.
    pub stored: Vec<u8>,
    /// The payload with `webhook_params`, where it has them.
    pub whole: Option<Vec<u8>>,
    pub params: TaskParams,
    pub facts: EventFacts,
    /// Malformed `webhook_params`, or an unreadable payload.
    pub faults: Vec<String>,
    /// How many of the faults are `webhook_params`.
    pub ignored_params: u64,
}

/// What the type of an event says, read from its payload.
pub enum EventFacts {
    /// `queue.start`, `queue.end` and `queue.*`.
    Queue(String),
    /// `task.*`.
    Task(Box<Task>),
    Other,
}

impl From<Record> for IngestedEvent {
    /// Intake accepts only objects, so a payload that is not an object was damaged on disk: the event itself
    /// still counts.
    fn from(record: Record) -> IngestedEvent {
        let mut faults = Vec::new();
        let mut stored = record.payload;
        let mut payload = Payload::read(&stored).unwrap_or_else(|error| {
            faults.push(format!("the payload of {} cannot be read and is left out: {error}", record.id));
            stored = b"{}".to_vec();
            Payload::default()
        });
        let mut whole = None;
        let (mut params, mut malformed) = (TaskParams::default(), Vec::new());
        if payload.value_text(TaskParams::KEY).is_some() {
            let mut tree = payload.tree().clone();
            (params, malformed) = TaskParams::take(&mut tree);
            payload = tree.into();
            whole = Some(std::mem::replace(&mut stored, payload.text().to_vec()));
        }
        faults.extend(malformed.iter().map(|fault| format!("{} of {}: ignored", fault, record.id)));
        let facts = match record.kind.split_once('.') {
            Some(("queue", _)) => EventFacts::Queue(queue_name(payload.tree()).into_owned()),
            Some(("task", _)) => EventFacts::Task(Box::new(Task::read(&payload.fields(&Task::FIELDS)))),
            _ => EventFacts::Other,
        };
        IngestedEvent {
            id: record.id,
            kind: record.kind,
            accepted_at: record.accepted_at,
            ticket: record.ticket,
            payload: Arc::new(payload),
            stored,
            whole,
            params,
            facts,
            ignored_params: malformed.len() as u64,
            faults,
        }
    }
}

/// The records that were read and not yet decided about. The ring keeps them until [`Ingest::release`].
pub struct Ingest {
    intake: Arc<Intake>,
    records: VecDeque<Record>,
    batch_bytes: usize,
    bytes_read: usize,
}

impl Ingest {
    pub fn new(intake: Arc<Intake>) -> Ingest {
        Ingest { intake, records: VecDeque::new(), batch_bytes: BATCH_BYTES, bytes_read: 0 }
    }

    /// Reads from the ring, unless earlier records wait.
    pub fn read(&mut self) {
        if self.is_empty() {
            let mut records = Vec::from(std::mem::take(&mut self.records));
            self.intake.read(self.batch_bytes, &mut records);
            self.records = records.into();
        }
        self.bytes_read = self.records.iter().map(|record| record.payload.len()).sum();
    }

    /// Begins a round in which nothing was read.
    pub fn skip(&mut self) {
        self.bytes_read = 0;
    }

    /// Adds records from the ring of a dead process.
    pub fn adopt(&mut self, record: Record) {
        self.records.push_back(Record { ticket: 0, ..record });
    }

    pub fn next_record(&mut self) -> Option<Record> {
        self.records.pop_front()
    }

    /// Drops what was adopted, because it cannot be committed now.
    pub fn clear(&mut self) {
        self.records.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether the ring probably holds more than the last read took.
    pub fn has_more(&self) -> bool {
        self.bytes_read >= self.batch_bytes / 2 || self.bytes_read > 0 && !self.is_empty()
    }

    /// Every event up to this ticket has been taken from here.
    pub fn taken_ticket(&self) -> u64 {
        let next = self.records.front().map(|record| record.ticket.saturating_sub(1));
        next.unwrap_or_else(|| self.intake.read_ticket())
    }

    /// Frees the ring's room of what was read. To be called when all of it is durable; does nothing while
    /// records wait.
    pub fn release(&self) {
        if self.is_empty() {
            self.intake.release();
        }
    }

    /// Adapts the size of transactions to the disk.
    pub fn set_commit_time(&mut self, time: Duration) {
        self.batch_bytes = if time > SLOW { LARGE_BATCH_BYTES } else { BATCH_BYTES };
    }
}
