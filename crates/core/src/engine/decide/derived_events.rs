//! Derived events: the first task or tick after idle starts a queue, silence ends one, and the last task of a
//! batch ends the batch. Each has an id of its own and `derived` in its payload, and is written to the spool in
//! the transaction of the counts that it reports.

use super::decider::Decider;
use super::planned::{EventState, PlannedEvent};
use crate::clock::Moment;
use crate::config::Config;
use crate::engine::ingest::to_bytes;
use crate::event::EventId;
use crate::hooks::{Facts, Subject};
use crate::tally::{
    Asked, BatchTally, HeldEnd, QueueTally, Status, Step, Task, Wishes, batch_key, queue_key, queue_name,
    task_key,
};
use serde_json::{Map, Value as Json, json};
use std::ops::Deref;

impl<C: Deref<Target = Config> + Clone> Decider<C> {
    /// Decides about what became due: batches that are complete, ends of queues after their `end_delay`, queues
    /// that fell idle, stalled batches. The ends of batches come before those of their queues, also the ones
    /// that the next transaction finds.
    pub fn end_due(&mut self, now: Moment) {
        self.now = now;
        self.tally.patience = self.config.queue.patience();
        for id in self.tally.batches.completed() {
            let end = self.end_batch(&id, now.unix_ms);
            self.decisions.events.extend(end);
        }
        for (id, sum) in self.tally.batches.take_whole() {
            self.add_batch_event("batch.end", &id, &sum);
        }
        if self.tally.batches.await_verdict() {
            return;
        }
        self.end_held_queues(now);
        for (queue, tally) in self.tally.fallen_idle(now.monotonic) {
            self.end_idle_queue(&queue, &tally);
        }
        for id in self.tally.stalled_batches(now.monotonic) {
            if let Some(batch) = self.tally.batches.with_elsewhere(&id) {
                self.add_batch_event("batch.stalled", &id, &batch);
            }
        }
    }

    /// Decides about the ends of queues whose `end_delay` is over.
    pub fn end_held_queues(&mut self, now: Moment) {
        self.now = now;
        for (_, tally, end) in self.tally.ended(now.monotonic) {
            self.end_queue(&tally, &end);
        }
    }

    fn end_queue(&mut self, tally: &QueueTally, end: &HeldEnd) {
        let queue = queue_name(&end.payload).into_owned();
        let subjects = self.queue_end_subjects(
            &queue,
            (end.id, end.accepted_at),
            &end.payload,
            (tally, end.idle_since),
            end.worked,
        );
        let (deliveries, explanation) = self.notify(&subjects);
        self.shaping.end_queue(&queue, self.now.unix_ms);
        self.decisions.events.push(PlannedEvent {
            id: end.id,
            kind: "queue.end".to_owned(),
            accepted_at: end.accepted_at,
            ticket: end.ticket,
            payload: to_bytes(&end.payload),
            state: EventState::HeldBefore,
            deliveries,
            // Replaces the explanation that was written while the end was held.
            explanation: explanation.or_else(|| Some(String::new())),
            resolved_alert: None,
        });
    }

    /// The work of an idle queue was over with its last task.
    fn end_idle_queue(&mut self, queue: &str, tally: &QueueTally) {
        let now = self.now.unix_ms;
        let payload = fields(json!({"name": queue, "derived": true}));
        let over = (tally, tally.finished_at);
        let subjects = self.queue_end_subjects(queue, (derived_id(now), now), &payload, over, true);
        let event = self.derive(&payload, now, &subjects);
        self.shaping.end_queue(queue, now);
        self.decisions.events.push(event);
    }

    /// The end of a queue, and the same end for each task that asked to be notified of it. A queue that has
    /// worked adds to its usual duration.
    fn queue_end_subjects(
        &mut self,
        queue: &str,
        (id, accepted_at): (EventId, i64),
        payload: &Map<String, Json>,
        (tally, over_at): (&QueueTally, i64),
        worked: bool,
    ) -> Vec<Subject> {
        let key = queue_key(queue);
        let usual_s = self.tally.usuals.seconds(&key);
        let mut facts = self.facts(id, "queue.end", accepted_at, payload);
        facts.usual_s = usual_s;
        let end = Subject::of_queue_until(&facts, tally, over_at);
        let scale = end.scale;
        let subjects = with_asked(&facts, end, &tally.asked);
        if let Some(seconds) = scale.duration_s
            && (worked || scale.tasks.is_some_and(|tasks| tasks > 0))
        {
            self.tally.usuals.add(&key, seconds);
        }
        subjects
    }

    /// The start of a queue by a task or tick, where `idle_end` says that the host does not report starts and
    /// ends, and a hook listens. To be called before the task or tick is counted.
    pub(super) fn start_if_idle(
        &mut self,
        queue: &str,
        began: i64,
        accepted_at: i64,
    ) -> Option<PlannedEvent> {
        let derives = self.config.queue.idle_end.is_some() && self.is_heard("queue.start");
        if !derives || !self.tally.is_idle(queue) {
            return None;
        }
        self.tally.told_start(queue, accepted_at);
        let payload = fields(json!({"name": queue, "derived": true}));
        let facts = self.facts(derived_id(accepted_at), "queue.start", accepted_at, &payload);
        let subject = Subject::of_queue(&facts, &QueueTally::opened_at(began));
        Some(self.derive(&payload, accepted_at, &[subject]))
    }

    /// Counts a task in its batch, whose end it may have asked to be notified of. Returns the end of the batch
    /// if this was its last task.
    pub(super) fn count_in_batch(
        &mut self,
        task: &Task,
        asked: Option<Asked>,
        accepted_at: i64,
    ) -> Option<PlannedEvent> {
        let of = task.batch.as_ref()?;
        let step = self.tally.batches.count(of, task, accepted_at, self.now.monotonic);
        if let (Some(asked), Step::Counted | Step::Ended) = (asked, step) {
            self.tally.batches.ask(&of.id, asked);
        }
        match step {
            Step::Ended => self.end_batch(&of.id, accepted_at),
            Step::Late => {
                self.decisions.remarks.push(late_task(&of.id));
                None
            }
            Step::Counted | Step::Repeated => None,
        }
    }

    fn end_batch(&mut self, id: &str, now: i64) -> Option<PlannedEvent> {
        let batch = self.tally.batches.get(id)?.clone();
        self.tally.batches.told(id);
        Some(self.batch_event("batch.end", id, &batch, now))
    }

    fn add_batch_event(&mut self, kind: &str, id: &str, batch: &BatchTally) {
        let event = self.batch_event(kind, id, batch, self.now.unix_ms);
        self.decisions.events.push(event);
    }

    fn batch_event(&mut self, kind: &str, id: &str, batch: &BatchTally, now: i64) -> PlannedEvent {
        let expected = (batch.expected > 0).then_some(batch.expected);
        let payload = fields(json!({"id": id, "queue": batch.queue, "total": expected, "derived": true}));
        let key = batch_key(&batch.queue);
        let usual_s = self.tally.usuals.seconds(&key);
        let mut facts = self.facts(derived_id(now), kind, now, &payload);
        facts.usual_s = usual_s;
        let subject = Subject::of_batch(&facts, id, batch);
        let duration_s = subject.scale.duration_s;
        let is_end = kind == "batch.end";
        let subjects = match is_end {
            true => with_asked(&facts, subject, &batch.tally.asked),
            false => vec![subject],
        };
        if is_end && !batch.tally.asked.is_empty() {
            self.tally.told_asked(id, None);
        }
        if let Some(seconds) = duration_s.filter(|_| is_end) {
            self.tally.usuals.add(&key, seconds);
        }
        self.derive(&payload, now, &subjects)
    }

    /// The usual duration of such a task. A task that succeeded adds to it.
    pub(super) fn usual_task(&mut self, task: &Task) -> Option<f64> {
        let key = task_key(&task.queue, task.kind.as_deref());
        let usual = self.tally.usuals.seconds(&key);
        if let (Some(seconds), Status::Success) = (task.duration_s, task.status) {
            self.tally.usuals.add(&key, seconds);
        }
        usual
    }

    fn derive(&mut self, payload: &Map<String, Json>, now: i64, subjects: &[Subject]) -> PlannedEvent {
        let (deliveries, explanation) = self.notify(subjects);
        let (id, kind) = subjects
            .first()
            .map_or_else(|| (derived_id(now), String::new()), |subject| (subject.id, subject.kind.clone()));
        PlannedEvent {
            id,
            kind,
            accepted_at: now,
            ticket: 0,
            payload: to_bytes(payload),
            state: EventState::Final,
            deliveries,
            explanation,
            resolved_alert: None,
        }
    }
}

/// The log text for a task whose batch has ended.
pub fn late_task(id: &str) -> String {
    let id = id.escape_debug();
    format!("a task of batch `{id}` came after the batch had ended; it is not counted")
}

/// The end of a queue or batch, and the same end for each task that asked to be notified of it.
fn with_asked(facts: &Facts<'_>, end: Subject, asked: &Wishes) -> Vec<Subject> {
    let mut for_asked: Vec<Subject> =
        asked.iter().map(|asked| Subject::of_asked(facts, &end, asked)).collect();
    for_asked.insert(0, end);
    for_asked
}

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
