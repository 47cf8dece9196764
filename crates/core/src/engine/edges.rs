//! Edges: the events that Taskbell derives from what it counts. The first task or tick after idle starts
//! a queue, silence ends one, and the last task of a batch ends the batch. Such an event has an id of its own and
//! `derived` in its payload, and goes into the spool together with the count that it tells of: both are
//! durable, or neither is.

use super::prepare::{Prepared, Preparer, add_asked, bytes};
use crate::event::EventId;
use crate::hooks::Subject;
use crate::tally::{Asked, BatchTally, QueueTally, Step, Task, batch_key, queue_key, task_key};
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

    /// The events that time has made: batches that are complete, ends of queues that count now, queues that fell
    /// silent, batches that stand still. Ends of batches come before those of their queues, also the ones that
    /// the next transaction finds.
    pub fn end_what_is_due(&mut self, now: Duration, unix_ms: i64) -> Vec<Prepared> {
        let mut events = Vec::new();
        for id in self.tally.batches.completed() {
            events.extend(self.end_batch(&id, unix_ms));
        }
        for (id, sum) in self.tally.batches.take_whole() {
            events.push(self.tell_of_batch("batch.end", &id, &sum, unix_ms));
        }
        if self.tally.batches.await_verdict() {
            return events;
        }
        for (_, tally, end) in self.tally.ended(now) {
            events.push(self.end_queue(&tally, &end));
        }
        for (queue, tally) in self.tally.fallen_idle(now) {
            events.push(self.end_idle(&queue, &tally, unix_ms));
        }
        for id in self.tally.stalled_batches(now) {
            let batch = self.tally.batches.with_elsewhere(&id);
            events.extend(batch.map(|batch| self.tell_of_batch("batch.stalled", &id, &batch, unix_ms)));
        }
        events
    }

    /// Counts a task in its batch, of whose end it may have asked to be told. Returns the end of the batch when
    /// this was its last task.
    pub(super) fn count_in_batch(
        &mut self,
        task: &Task,
        asked: Option<Asked>,
        accepted_at: i64,
        now: Duration,
    ) -> Option<Prepared> {
        let of = task.batch.as_ref()?;
        let step = self.tally.batches.count(of, task, accepted_at, now);
        if let (Some(asked), Step::Counted | Step::Ended) = (asked, step) {
            self.tally.batches.ask(&of.id, asked);
        }
        match step {
            Step::Ended => self.end_batch(&of.id, accepted_at),
            Step::Late => {
                self.remarks.push(came_late(&of.id));
                None
            }
            Step::Counted | Step::Repeated => None,
        }
    }

    /// The end of a batch that is complete.
    fn end_batch(&mut self, id: &str, now: i64) -> Option<Prepared> {
        let batch = self.tally.batches.get(id)?.clone();
        self.tally.batches.told(id);
        Some(self.tell_of_batch("batch.end", id, &batch, now))
    }

    fn tell_of_batch(&mut self, kind: &str, id: &str, batch: &BatchTally, now: i64) -> Prepared {
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
        if kind == "batch.end" && !batch.tally.asked.is_empty() {
            add_asked(&facts, &mut subjects, &batch.tally.asked);
            self.tally.told_asked(id, None);
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
        }
    }
}

/// What the log says of a task whose batch has ended without it.
pub(super) fn came_late(id: &str) -> String {
    let id = id.escape_debug();
    format!("a task of batch `{id}` came after the batch had ended; it is not counted")
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
