//! Edges: the events that Taskbell derives from what it counts. The first task or tick after idle starts
//! a queue, silence ends one, and the last task of a batch ends the batch. Such an event has an id of its own and
//! `derived` in its payload, and goes into the spool together with the count that it tells of: both are
//! durable, or neither is.

use super::prepare::{Prepared, Preparer, add_asked, bytes};
use crate::event::EventId;
use crate::hooks::Subject;
use crate::spool::ToldBatch;
use crate::tally::{QueueTally, Task, batch_key, queue_key, task_key};
use serde_json::{Map, Value as Json, json};
use std::time::Duration;

impl Preparer<'_> {
    /// The start of a queue that a task or a tick begins, where `idle_end` says that the host does not tell
    /// the edges itself, and a hook listens. To be asked before either is counted.
    pub(super) fn start_if_idle(&mut self, queue: &str, began: i64, accepted_at: i64) -> Option<Prepared> {
        let derived = self.config.queue.idle_end.is_some() && self.is_heard("queue.start");
        if !derived || !self.tally.is_idle(queue) {
            return None;
        }
        self.tally.told_start(queue, accepted_at);
        let payload = fields(json!({"name": queue, "derived": true}));
        let facts = self.facts(derived_id(accepted_at), "queue.start", accepted_at, &payload);
        let subject = Subject::of_queue(&facts, &QueueTally::opened_at(began));
        Some(self.derive(&payload, accepted_at, &[subject]))
    }

    /// A queue fell silent, so its work was over with its last task.
    fn end_idle(&mut self, queue: &str, tally: &QueueTally, now: i64) -> Prepared {
        let payload = fields(json!({"name": queue, "derived": true}));
        let mut facts = self.facts(derived_id(now), "queue.end", now, &payload);
        facts.usual_s = self.usual_queue(queue);
        let over_at = tally.finished_at;
        let mut subjects = vec![Subject::of_queue_until(&facts, tally, over_at)];
        self.learn_queue(queue, &subjects, true);
        add_asked(&facts, &mut subjects, &tally.asked);
        let ended = self.derive(&payload, now, &subjects);
        self.shape.end_queue(queue, self.unix_ms);
        ended
    }

    /// The ends of queues that time has made: those that were held for long enough, and those that fell silent.
    pub fn end_what_is_due(&mut self, now: Duration, unix_ms: i64) -> Vec<Prepared> {
        let mut events = Vec::new();
        for (_, tally, end) in self.tally.ended(now) {
            events.push(self.end_queue(&tally, &end));
        }
        for (queue, tally) in self.tally.fallen_idle(now) {
            events.push(self.end_idle(&queue, &tally, unix_ms));
        }
        events
    }

    /// The end of a batch.
    pub fn end_batch(&mut self, ended: &ToldBatch, now: i64) -> Prepared {
        self.tally.release_asked(|batch, key| batch == ended.id && ended.has_counted(key));
        self.tell_of_batch("batch.end", ended, now)
    }

    /// The standstill of a batch.
    pub fn stall_batch(&mut self, stalled: &ToldBatch, now: i64) -> Prepared {
        self.tell_of_batch("batch.stalled", stalled, now)
    }

    fn tell_of_batch(&mut self, kind: &str, told: &ToldBatch, now: i64) -> Prepared {
        let (id, batch) = (&told.id, &told.tally);
        let expected = (batch.expected > 0).then_some(batch.expected);
        let payload = fields(json!({"id": id, "queue": batch.queue, "total": expected, "derived": true}));
        let key = batch_key(&batch.queue);
        let mut facts = self.facts(derived_id(now), kind, now, &payload);
        facts.usual_s = self.tally.usuals.seconds(&key);
        let subject = Subject::of_batch(&facts, id, batch);
        if let (Some(seconds), "batch.end") = (subject.scale.duration_s, kind) {
            self.tally.usuals.add(&key, seconds);
        }
        let mut subjects = vec![subject];
        if kind == "batch.end" {
            add_asked(&facts, &mut subjects, &batch.tally.asked);
        }
        self.derive(&payload, now, &subjects)
    }

    /// What is usual for such a task. A task that succeeded adds to it.
    pub(super) fn usual_task(&mut self, task: &Task) -> Option<f64> {
        let key = task_key(&task.queue, task.kind.as_deref());
        let usual = self.tally.usuals.seconds(&key);
        if let (Some(seconds), crate::tally::Status::Success) = (task.duration_s, task.status) {
            self.tally.usuals.add(&key, seconds);
        }
        usual
    }

    /// What is usual for a busy period of this queue.
    pub(super) fn usual_queue(&self, queue: &str) -> Option<f64> {
        self.tally.usuals.seconds(&queue_key(queue))
    }

    /// The end of a queue that has worked adds to what is usual.
    pub(super) fn learn_queue(&mut self, queue: &str, subjects: &[Subject], worked: bool) {
        let scale = subjects.first().map(|subject| subject.scale);
        let worked = scale.filter(|scale| worked || scale.tasks.is_some_and(|tasks| tasks > 0));
        if let Some(seconds) = worked.and_then(|scale| scale.duration_s) {
            self.tally.usuals.add(&queue_key(queue), seconds);
        }
    }

    fn derive(&mut self, payload: &Map<String, Json>, now: i64, subjects: &[Subject]) -> Prepared {
        let (deliveries, said) = self.ring(subjects);
        let (id, kind) = subjects
            .first()
            .map_or_else(|| (derived_id(now), String::new()), |subject| (subject.id, subject.kind.clone()));
        Prepared {
            id,
            kind,
            accepted_at: now,
            ticket: 0,
            payload: bytes(payload),
            held: false,
            fired: false,
            deliveries,
            said,
            batch_task: None,
        }
    }
}

/// An id for an event that no host's call has given one.
fn derived_id(now: i64) -> EventId {
    let half = || u128::from(getrandom::u64().unwrap_or_default());
    EventId::new(now, half() << 64 | half())
}

fn fields(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}
