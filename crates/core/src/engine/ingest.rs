//! Ingest: reads records from the ring, from the rings of dead processes, or from the posts of nodes, and parses each
//! payload once.

use crate::event::{EventId, Payload};
use crate::farm::{EventPost, ForwardedEvent, NodeHead, PostQueue, ReceivedPost, SpeaksFor};
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
    /// The node of a farm that it comes from.
    pub origin: Option<Arc<EventOrigin>>,
}

/// The node that posted an event.
#[derive(Debug, PartialEq, Eq)]
pub struct EventOrigin {
    pub node: String,
    /// `host.name` of the node.
    pub host: String,
    pub speaks_for: SpeaksFor,
}

/// An event that is to be decided about.
#[derive(Debug, Clone)]
pub struct IngestedRecord {
    pub record: Record,
    pub origin: Option<Arc<EventOrigin>>,
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
            origin: None,
        }
    }
}

impl IngestedRecord {
    fn bytes(&self) -> usize {
        self.record.payload.len()
    }
}

impl From<IngestedRecord> for IngestedEvent {
    fn from(IngestedRecord { record, origin }: IngestedRecord) -> IngestedEvent {
        IngestedEvent { origin, ..IngestedEvent::from(record) }
    }
}

/// A clock of a node that differs by no more than this is taken for right: a post may take that long.
const CLOCKS_AGREE_MS: i64 = 5_000;

/// The records of a post. Where the clock of the node is wrong, their times are those of the relay's.
fn records_of(ReceivedPost { post, received_at }: ReceivedPost) -> impl Iterator<Item = IngestedRecord> {
    let EventPost { head: NodeHead { node, host, speaks_for, sent_at, .. }, events } = post;
    let origin = Arc::new(EventOrigin { node, host, speaks_for });
    let behind_ms = sent_at.map_or(0, |sent_at| received_at.saturating_sub(sent_at));
    let behind_ms = if behind_ms.abs() > CLOCKS_AGREE_MS { behind_ms } else { 0 };
    events.into_iter().map(move |event| {
        let ForwardedEvent { id, kind, accepted_at, data } = event;
        let accepted_at = accepted_at.saturating_add(behind_ms).clamp(0, received_at.max(0));
        // Without a ticket: nothing of it is sent before it is durable, since the node may die before it posts again.
        let record = Record { ticket: 0, id, accepted_at, kind, payload: data };
        IngestedRecord { record, origin: Some(Arc::clone(&origin)) }
    })
}

/// The records that were read and not yet decided about. The ring keeps them until [`Ingest::release`].
pub struct Ingest {
    intake: Arc<Intake>,
    records: VecDeque<IngestedRecord>,
    /// Empty but for its room.
    from_ring: Vec<Record>,
    batch_bytes: usize,
    /// How many bytes the last read took at most.
    most_bytes: usize,
    bytes_read: usize,
}

impl Ingest {
    pub fn new(intake: Arc<Intake>) -> Ingest {
        Ingest {
            intake,
            records: VecDeque::new(),
            from_ring: Vec::new(),
            batch_bytes: BATCH_BYTES,
            most_bytes: BATCH_BYTES,
            bytes_read: 0,
        }
    }

    /// Reads about so many bytes from the ring at most, unless earlier records wait.
    pub fn read(&mut self, most_bytes: usize) {
        if self.is_empty() {
            self.most_bytes = self.batch_bytes.min(most_bytes);
            self.intake.read(self.most_bytes, &mut self.from_ring);
            let records = self.from_ring.drain(..);
            self.records.extend(records.map(|record| IngestedRecord { record, origin: None }));
        }
        self.note_read();
    }

    /// As much of posts as one transaction takes, behind what the ring held. Returns who sent them.
    pub fn read_posts(&mut self, posts: &PostQueue) -> Vec<NodeHead> {
        let mut heads = Vec::new();
        let mut bytes = self.bytes_read;
        while bytes < self.batch_bytes
            && let Some(received) = posts.read()
        {
            heads.push(received.post.head.clone());
            let before = self.records.len();
            self.records.extend(records_of(received));
            bytes += self.records.iter().skip(before).map(IngestedRecord::bytes).sum::<usize>();
        }
        self.note_read();
        heads
    }

    /// The ids of what nodes have posted and nobody has decided about.
    pub fn posted_ids(&self) -> Vec<EventId> {
        self.records.iter().filter(|next| next.origin.is_some()).map(|next| next.record.id).collect()
    }

    fn note_read(&mut self) {
        self.bytes_read = self.records.iter().map(IngestedRecord::bytes).sum();
    }

    /// Begins a round in which nothing was read.
    pub fn skip(&mut self) {
        self.bytes_read = 0;
    }

    /// Adds records from the ring of a dead process.
    pub fn adopt(&mut self, record: Record) {
        self.records.push_back(IngestedRecord { record: Record { ticket: 0, ..record }, origin: None });
    }

    pub fn next_record(&mut self) -> Option<IngestedRecord> {
        self.records.pop_front()
    }

    /// Puts a record back, which cannot be decided about now.
    pub fn put_back(&mut self, record: IngestedRecord) {
        self.records.push_front(record);
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
        self.bytes_read >= self.most_bytes / 2 || self.bytes_read > 0 && !self.is_empty()
    }

    /// Every event up to this ticket has been taken from here.
    pub fn taken_ticket(&self) -> u64 {
        let next = self.records.front().map(|next| next.record.ticket.saturating_sub(1));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// When a task counts as accepted that a node accepted a second before its post, which came at 1,000,000.
    fn accepted_at(sent_at: Option<i64>) -> i64 {
        let head = NodeHead { sent_at, ..NodeHead::default() };
        let event = ForwardedEvent {
            id: EventId::new(1, 1),
            kind: "task.complete".to_owned(),
            accepted_at: sent_at.unwrap_or(1_000_000) - 1_000,
            data: b"{}".to_vec(),
        };
        let post = EventPost { head, events: vec![event] };
        let next = records_of(ReceivedPost { post, received_at: 1_000_000 }).next().unwrap();
        assert_eq!(next.record.ticket, 0);
        next.record.accepted_at
    }

    #[test]
    fn where_the_clock_of_a_node_is_wrong_its_times_are_those_of_the_relay() {
        assert_eq!(accepted_at(Some(1_000_000)), 999_000);
        assert_eq!(accepted_at(Some(996_000)), 995_000, "the post may have taken that long");
        for wrong in [1_000_000 - 240_000, 1_000_000 + 240_000] {
            assert_eq!(accepted_at(Some(wrong)), 999_000);
        }
        assert_eq!(accepted_at(None), 999_000);
    }
}
