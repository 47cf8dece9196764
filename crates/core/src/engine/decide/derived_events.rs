//! Derived events: the first task or tick after idle starts a queue, silence ends one, and the last task of a
//! batch ends the batch. Each has an id of its own and `derived` in its payload, and is written to the spool in
//! the transaction of the counts that it reports.

use super::decider::Decider;
use super::planned::{EventState, PlannedEvent};
use crate::clock::Moment;
use crate::event::{BATCH_PROGRESS, EventId, Payload, QUEUE_PROGRESS};
use crate::hooks::{Facts, Subject};
use crate::json::json;
use crate::spool::{BatchCounts, ToldBatch};
use crate::tally::{
    EndRequests, HeldEnd, QueueTally, Status, Task, batch_key, queue_key, queue_name, task_key,
};
use serde_json::Value as Json;
use std::sync::Arc;

impl Decider {
    /// Decides about the ends of queues that are due, after their `end_delay` or because they fell idle, and about the
    /// progress of the others.
    pub fn end_due(&mut self, now: Moment) {
        self.now = now;
        self.lose_nodes(now);
        self.end_held_queues(now);
        for (queue, tally) in self.tally.fallen_idle(now.monotonic) {
            self.end_silent_queue(&queue, &tally, false);
        }
        for (queue, tally) in self.tally.progressed(now.monotonic) {
            self.add_queue_progress(&queue, &tally);
        }
    }

    /// Decides about batches that the present transaction ended, or found stalled or gone on.
    pub fn report_batches(&mut self, counts: &BatchCounts, now: Moment) {
        self.now = now;
        for batch in &counts.ended {
            self.tally.release_asked(|id, task| id == batch.id && batch.has_counted(task));
            self.add_batch_event("batch.end", batch);
        }
        for batch in &counts.stalled {
            self.add_batch_event("batch.stalled", batch);
        }
        for batch in &counts.progressed {
            self.add_batch_event(BATCH_PROGRESS, batch);
        }
    }

    /// Decides about the ends of queues whose `end_delay` is over.
    pub fn end_held_queues(&mut self, now: Moment) {
        self.now = now;
        for (queue, tally, mut end) in self.tally.ended(now.monotonic) {
            self.name_lost_nodes(&queue, &mut end);
            self.end_queue(&tally, &end);
        }
    }

    fn end_queue(&mut self, tally: &QueueTally, end: &HeldEnd) {
        let queue = queue_name(&end.payload).into_owned();
        let payload = Arc::new(Payload::from(end.payload.clone()));
        let subjects = self.queue_end_subjects(
            &queue,
            (end.id, end.accepted_at),
            &payload,
            (tally, end.idle_since),
            end.worked,
        );
        let (deliveries, explanation) = self.notify(&subjects);
        self.shaping.end_queue(&queue, self.now.unix_ms);
        self.note_ended(&queue);
        self.decisions.events.push(PlannedEvent {
            ticket: end.ticket,
            state: EventState::HeldBefore,
            deliveries,
            // Replaces the explanation that was written while the end was held.
            explanation: explanation.or_else(|| Some(String::new())),
            ..PlannedEvent::new(end.id, "queue.end", end.accepted_at, payload.text().to_vec())
        });
    }

    /// Decides about the ends of queues that nobody will work on any more: `interrupted`.
    pub fn end_interrupted(&mut self, queues: Vec<(String, QueueTally)>, now: Moment) {
        self.now = now;
        for (queue, tally) in queues {
            self.end_silent_queue(&queue, &tally, true);
        }
    }

    /// The work of a queue that fell idle, or was interrupted, was over with its last task.
    fn end_silent_queue(&mut self, queue: &str, tally: &QueueTally, interrupted: bool) {
        let now = self.now.unix_ms;
        let payload = match interrupted {
            true => fields(json!({"name": queue, "derived": true, "interrupted": true})),
            false => fields(json!({"name": queue, "derived": true})),
        };
        let over = (tally, tally.finished_at.max(tally.started_at));
        let subjects = self.queue_end_subjects(queue, (EventId::random(now), now), &payload, over, true);
        let mut event = self.derive(&payload, now, &subjects);
        // Only this node knows that its part of the queue is over.
        event.deliveries.extend(self.forward(payload.text()));
        self.shaping.end_queue(queue, now);
        self.note_ended(queue);
        self.decisions.events.push(event);
    }

    fn add_queue_progress(&mut self, queue: &str, tally: &QueueTally) {
        let now = self.now.unix_ms;
        let payload = fields(json!({"name": queue, "derived": true}));
        let mut facts = self.facts(EventId::random(now), QUEUE_PROGRESS, now, &payload);
        facts.usual_s = self.tally.usuals.seconds(&queue_key(queue));
        let subject = Subject::of_queue(&facts, tally);
        let event = self.derive(&payload, now, &[subject]);
        self.decisions.events.push(event);
    }

    /// The end of a queue, and the same end for each task that asked to be notified of it. A queue that has
    /// worked adds to its usual duration.
    fn queue_end_subjects(
        &mut self,
        queue: &str,
        (id, accepted_at): (EventId, i64),
        payload: &Arc<Payload>,
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
        if !scale.interrupted && (worked || scale.tasks.is_some_and(|tasks| tasks > 0)) {
            match scale.duration_s {
                Some(seconds) => self.tally.usuals.add(&key, seconds),
                None => self.tally.usuals.hear_of(&key),
            }
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
        let facts = self.facts(EventId::random(accepted_at), "queue.start", accepted_at, &payload);
        let subject = Subject::of_queue(&facts, &QueueTally::opened_at(began));
        Some(self.derive(&payload, accepted_at, &[subject]))
    }

    fn add_batch_event(&mut self, kind: &str, batch: &ToldBatch) {
        let (now, ToldBatch { id, tally, .. }) = (self.now.unix_ms, batch);
        let expected = (tally.expected > 0).then_some(tally.expected);
        let payload = fields(json!({"id": id, "queue": tally.queue, "total": expected, "derived": true}));
        let key = batch_key(&tally.queue);
        let usual_s = self.tally.usuals.seconds(&key);
        let mut facts = self.facts(EventId::random(now), kind, now, &payload);
        facts.usual_s = usual_s;
        let subject = Subject::of_batch(&facts, id, tally);
        let duration_s = subject.scale.duration_s;
        let is_end = kind == "batch.end";
        let subjects = match is_end {
            true => with_asked(&facts, subject, &tally.tally.asked),
            false => vec![subject],
        };
        if let Some(seconds) = duration_s.filter(|_| is_end) {
            self.tally.usuals.add(&key, seconds);
        }
        let event = self.derive(&payload, now, &subjects);
        self.decisions.events.push(event);
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

    fn derive(&mut self, payload: &Arc<Payload>, now: i64, subjects: &[Subject]) -> PlannedEvent {
        let (deliveries, explanation) = self.notify(subjects);
        let (id, kind) = subjects.first().map_or_else(
            || (EventId::random(now), String::new()),
            |subject| (subject.id, subject.kind.clone()),
        );
        PlannedEvent { deliveries, explanation, ..PlannedEvent::new(id, kind, now, payload.text().to_vec()) }
    }
}

/// The end of a queue or batch, and the same end for each task that asked to be notified of it.
fn with_asked(facts: &Facts<'_>, end: Subject, asked: &EndRequests) -> Vec<Subject> {
    let mut for_asked: Vec<Subject> =
        asked.iter().map(|asked| Subject::of_asked(facts, &end, asked)).collect();
    for_asked.insert(0, end);
    for_asked
}

fn fields(json: Json) -> Arc<Payload> {
    match json {
        Json::Object(fields) => Arc::new(fields.into()),
        _ => Arc::default(),
    }
}
