//! Decides about one event.

use super::decider::Decider;
use super::farm::NodeEvent;
use super::planned::{EventState, PlannedDelivery, PlannedEvent};
use crate::clock::Moment;
use crate::engine::ingest::{EventFacts, IngestedEvent, IngestedRecord};
use crate::hooks::{Facts, Notify, Subject, alert_key};
use crate::tally::{BatchTask, EndRequest, HeldEnd, QueueTally, Task};
use serde_json::{Map, Value as Json};
use taskbell_ring::failpoint;

impl Decider {
    /// Decides about an event, and about the events derived from it.
    pub fn take(&mut self, event: IngestedEvent, now: Moment) {
        self.now = now;
        failpoint::reach_in("in-decision", &event.stored);
        self.decisions.counts.params_ignored += event.ignored_params;
        self.decisions.remarks.extend_from_slice(&event.faults);
        let mut batch_task = None;
        let mut usual_s = None;
        let note = self.note_node(&event);
        let is_late = matches!(note, NodeEvent::ChangesNothing(_));
        if let (EventFacts::Queue(_), NodeEvent::ChangesNothing(why)) = (&event.facts, &note) {
            self.decisions.counts.unheard += 1;
            let why = why.clone();
            return self.plan(event, EventState::Final, Some(why));
        }
        match &event.facts {
            EventFacts::Queue(queue) => match event.kind.as_str() {
                "queue.end" => return self.hold_end(event),
                "queue.start" => {
                    // A start begins the count at zero.
                    let foreign = self.tally.take_foreign(queue);
                    self.end_interrupted(foreign, now);
                    self.end_held_queues(now);
                    let (is_new, held) = self.tally.start(queue, event.accepted_at);
                    self.supersede(held);
                    self.tally.stir(queue, now.monotonic);
                    if !is_new {
                        let explanation = "the queue had started already".to_owned();
                        self.decisions.counts.unheard += 1;
                        return self.plan(event, EventState::Final, Some(explanation));
                    }
                }
                kind => {
                    let ticks = self.config.queue.idle_end.is_some() || event.origin.is_some();
                    if kind == "queue.tick" && ticks {
                        let start = self.start_if_idle(queue, event.accepted_at, event.accepted_at);
                        self.decisions.events.extend(start);
                        let held = self.tally.tick(queue, event.accepted_at);
                        self.supersede(held);
                    }
                    self.tally.stir(queue, now.monotonic);
                }
            },
            EventFacts::Task(task) => {
                if event.kind == "task.complete" {
                    usual_s = self.usual_task(task);
                    let asked = if is_late { None } else { self.count_in_queue(task, &event, &note) };
                    let task = self.counts_batches().then_some(task);
                    batch_task = task.and_then(|task| BatchTask::new(task, asked, event.accepted_at));
                }
                self.tally.stir(&task.queue, now.monotonic);
            }
            EventFacts::Other if event.kind == "server.stop" && self.tally.nodes.is_some() => {
                event.origin.iter().for_each(|origin| self.stop_node(origin));
            }
            EventFacts::Other if event.kind == "server.stop" => {
                let stopped = self.tally.stopped();
                self.end_interrupted(stopped, now);
            }
            EventFacts::Other => {}
        }
        // No hook of a node has to explain why it is silent: the relay's may not be.
        let (deliveries, explanation) = if self.is_of_node() && !self.is_heard(&event.kind) {
            (Vec::new(), None)
        } else {
            let subject = self.subject(&event, usual_s);
            self.notify(subject.as_slice())
        };
        let explanation = match note {
            NodeEvent::ChangesNothing(why) => {
                Some(explanation.map_or(why.clone(), |other| format!("{why}\n{other}")))
            }
            _ => explanation,
        };
        let batch_task = batch_task.map(Box::new);
        self.plan_with(event, EventState::Final, (deliveries, explanation), batch_task);
        let forgotten = self.tally.forgotten();
        self.decisions.remarks.extend(forgotten);
    }

    /// Keeps an event that cannot be decided about, and says why nobody is told of it.
    pub fn give_up(&mut self, given_up: IngestedRecord, reason: &str) {
        let IngestedRecord { record, origin } = given_up;
        self.decisions.counts.unheard += 1;
        self.decisions.remarks.push(format!(
            "no message for {}: {reason}; `taskbell show {}` has what the host reported",
            record.id, record.id
        ));
        self.decisions.events.push(PlannedEvent {
            ticket: record.ticket,
            origin,
            deliveries: self.forward(&record.payload).into_iter().collect(),
            explanation: Some(reason.to_owned()),
            ..PlannedEvent::new(record.id, record.kind, record.accepted_at, record.payload)
        });
    }

    /// Counts a completed task, and keeps what it asked for.
    fn count_in_queue(&mut self, task: &Task, event: &IngestedEvent, note: &NodeEvent) -> Option<EndRequest> {
        if matches!(note, NodeEvent::CountsBeforeEnd) {
            self.tally.count_before_end(task, event.accepted_at);
        } else {
            let began = task.began_at(event.accepted_at);
            let start = self.start_if_idle(&task.queue, began, event.accepted_at);
            self.decisions.events.extend(start);
            let held = self.tally.count(task, event.accepted_at);
            self.supersede(held);
        }
        self.ask(task, event)
    }

    fn subject(&mut self, event: &IngestedEvent, usual_s: Option<f64>) -> Option<Subject> {
        let host = self.host_of(event.origin.as_ref());
        let node = event.origin.as_ref().map(|origin| origin.node.as_str());
        let facts = self.facts(event.id, &event.kind, event.accepted_at, &event.payload);
        let facts = Facts { usual_s, host: &host, node, ..facts };
        match &event.facts {
            EventFacts::Queue(queue) => {
                let nothing = QueueTally::opened_at(event.accepted_at);
                Some(Subject::of_queue(&facts, self.tally.so_far(queue).unwrap_or(&nothing)))
            }
            EventFacts::Task(task) => {
                let so_far = self.tally.so_far(&task.queue);
                self.is_heard(&event.kind)
                    .then(|| Subject::of_task(&facts, event.params.clone(), task, so_far))
            }
            EventFacts::Other => Some(Subject::of_other(&facts)),
        }
    }

    /// Notes that a task asks to be notified of the end of its queue, and returns what it asked for.
    fn ask(&mut self, task: &Task, event: &IngestedEvent) -> Option<EndRequest> {
        let params = &event.params;
        if params.notify != Notify::ManualAtEnd {
            return None;
        }
        let mut asked = EndRequest::by(event.id, event.payload.tree(), &params.to, &params.vars);
        asked.url = params.url.as_ref().map(|url| url.as_str().to_owned());
        if !self.tally.ask(&task.queue, asked.clone(), event.accepted_at) {
            self.decisions.counts.params_ignored += 1;
            self.decisions.remarks.push(format!(
                "`manual_at_end` of {} is ignored: too many tasks wait for the end already",
                event.id
            ));
        }
        Some(asked)
    }

    /// Holds the end of a queue for `end_delay`; one that repeats an earlier end is written and nothing more.
    fn hold_end(&mut self, event: IngestedEvent) {
        let EventFacts::Queue(queue) = &event.facts else { return };
        if self.tally.has_ended(queue) && !reports_work(event.payload.tree()) {
            self.decisions.counts.unheard += 1;
            let explanation = "the queue had ended already, and nothing was done since".to_owned();
            return self.plan(event, EventState::Final, Some(explanation));
        }
        let end = HeldEnd {
            id: event.id,
            ticket: event.ticket,
            accepted_at: event.accepted_at,
            idle_since: event.accepted_at,
            payload: event.payload.tree().clone(),
            due: self.now.monotonic + self.config.queue.end_delay,
            worked: false,
        };
        let earlier = self.tally.hold(queue, end);
        self.supersede(earlier);
        let delay = self.config.queue.end_delay.as_secs_f64();
        let explanation =
            format!("held for {delay} s, the `end_delay`, and forgotten if the queue goes on before that");
        self.plan(event, EventState::Held, Some(explanation));
    }

    fn supersede(&mut self, end: Option<HeldEnd>) {
        self.decisions.superseded.extend(end.map(|end| end.ticket));
    }

    fn plan(&mut self, event: IngestedEvent, state: EventState, explanation: Option<String>) {
        self.plan_with(event, state, (Vec::new(), explanation), None);
    }

    fn plan_with(
        &mut self,
        event: IngestedEvent,
        state: EventState,
        (mut deliveries, explanation): (Vec<PlannedDelivery>, Option<String>),
        batch_task: Option<Box<BatchTask>>,
    ) {
        deliveries.extend(self.forward(event.whole.as_deref().unwrap_or(&event.stored)));
        let node = event.origin.as_ref().map(|origin| origin.node.as_str());
        let resolved_alert =
            (event.kind == "alert.resolved").then(|| alert_key(event.payload.value("name").as_ref(), node));
        self.decisions.events.push(PlannedEvent {
            ticket: event.ticket,
            origin: event.origin,
            state,
            deliveries,
            explanation,
            resolved_alert,
            batch_task,
            ..PlannedEvent::new(event.id, event.kind, event.accepted_at, event.stored)
        });
    }
}

/// Whether a host that counts by itself reports with the end of a queue that something was done.
fn reports_work(payload: &Map<String, Json>) -> bool {
    let positive = |key: &&str| payload.get(*key).and_then(Json::as_f64).is_some_and(|number| number > 0.0);
    ["total", "succeeded", "failed", "cancelled", "duration_s"].iter().any(positive)
}
