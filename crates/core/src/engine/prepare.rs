//! From a record of the ring to the messages that ring for it.

use super::shaping::PreparedReserve;
use super::stats::Counters;
use crate::config::{Config, Endpoint, Hook};
use crate::event::EventId;
use crate::hooks::{Account, Facts, Notify, Subject, TaskParams};
use crate::intake::Record;
use crate::lanes::Body;
use crate::message::{Message, clip};
use crate::platform;
use crate::shape::Shape;
use crate::tally::{BatchTask, EndRequest, EndRequests, HeldEnd, QueueTally, Tally, Task, queue_name};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::time::Duration;

/// The most characters that are kept of what is said of an event.
const MOST_SAID: usize = 4096;

/// An event with the deliveries it makes.
#[derive(Debug)]
pub struct Prepared {
    /// The event's id.
    pub id: EventId,
    /// The event's type.
    pub kind: String,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: i64,
    /// Its ticket in this run; 0 for an event of an earlier one.
    pub ticket: u64,
    /// The payload less `webhook_params`.
    pub payload: Vec<u8>,
    /// Whether it is the end of a queue and is held.
    pub held: bool,
    /// Whether it is the end of a queue that was held, and the spool has it.
    pub fired: bool,
    /// What rings.
    pub deliveries: Vec<PreparedDelivery>,
    /// What is to be said of the hooks that do not, a line each.
    pub said: Option<String>,
    /// The task to be counted in its batch, in the transaction that keeps the event.
    pub batch_task: Option<Box<BatchTask>>,
}

/// One delivery.
#[derive(Debug)]
pub struct PreparedDelivery {
    /// The endpoint's name.
    pub endpoint: String,
    /// The hook's name.
    pub hook: String,
    /// Why it fires, in words.
    pub why: String,
    /// The message; or why there is none.
    pub message: Result<Arc<Body>, String>,
    /// When it is stale, in Unix milliseconds.
    pub expires_at: Option<i64>,
    /// The thing it speaks of, of which only the newest message waits.
    pub thing: Option<String>,
    /// A newer event that takes its place before it was even kept.
    pub superseded: Option<EventId>,
    /// Messages that are ready in case this one does not arrive.
    pub reserves: Vec<PreparedReserve>,
    /// The endpoint itself, when it is an address that the task named.
    pub named: Option<Arc<Endpoint>>,
}

/// What came of a record.
#[derive(Debug)]
pub struct Taken {
    /// The event.
    pub event: Prepared,
    /// What Taskbell derives from it and comes before it: the start of its queue.
    pub before: Option<Prepared>,
    /// The ticket of an end that was held for the same queue and does not count any more.
    pub superseded: Option<u64>,
}

/// Counts an event, decides who hears of it and renders the messages.
#[derive(Debug)]
pub struct Preparer<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// The tally.
    pub tally: &'a mut Tally,
    /// What shaping remembers.
    pub shape: &'a mut Shape,
    /// The wall clock, in Unix milliseconds.
    pub unix_ms: i64,
    /// The counters.
    pub counters: &'a Counters,
    /// What the operator should know, for the log.
    pub remarks: &'a mut Vec<String>,
    /// Takes an account of each decision, by the event's type, when somebody asks for it.
    pub accounts: Option<&'a mut Vec<(String, Vec<Account>)>>,
}

impl Preparer<'_> {
    /// Takes a record of the ring at this monotonic time.
    pub fn take(&mut self, record: Record, now: Duration) -> Taken {
        let (mut payload, is_whole) = self.payload(&record);
        let (params, faults) = TaskParams::take(&mut payload);
        self.counters.params_ignored.add(faults.len() as u64);
        self.remarks.extend(faults.iter().map(|fault| format!("{} of {}: ignored", fault, record.id)));
        let mut facts = self.facts(record.id, &record.kind, record.accepted_at, &payload);
        let (mut superseded, mut before, mut batch_task) = (None, None, None);
        let subject = match record.kind.as_str() {
            "queue.end" => {
                return self.hold(&record, payload, now);
            }
            "queue.start" => {
                let queue = queue_name(&payload);
                let (is_news, held) = self.tally.start(&queue, record.accepted_at);
                superseded = held;
                self.tally.stir(&queue, now);
                is_news.then(|| self.of_queue(&facts))
            }
            kind if kind.starts_with("queue.") => {
                let queue = queue_name(&payload);
                if kind == "queue.tick" && self.config.queue.idle_end.is_some() {
                    before = self.start_if_idle(&queue, record.accepted_at, record.accepted_at);
                    superseded = self.tally.tick(&queue, record.accepted_at);
                }
                self.tally.stir(&queue, now);
                Some(self.of_queue(&facts))
            }
            kind if kind.starts_with("task.") => {
                let task = Task::read(&payload);
                if kind == "task.complete" {
                    let began = task.began_at(record.accepted_at);
                    before = self.start_if_idle(&task.queue, began, record.accepted_at);
                    facts.usual_s = self.usual_task(&task);
                    superseded = self.tally.count(&task, record.accepted_at);
                    let asked = (params.notify == Notify::ManualAtEnd).then(|| {
                        let mut asked = EndRequest::by(record.id, &payload, &params.to, &params.vars);
                        asked.url = params.url.as_ref().map(|url| url.as_str().to_owned());
                        asked
                    });
                    if let Some(asked) = &asked
                        && !self.tally.ask(&task.queue, asked.clone(), record.accepted_at)
                    {
                        self.counters.params_ignored.one();
                        self.remarks.push(format!(
                            "the wish of {} to be told at the end is ignored: too many wait for it already",
                            record.id
                        ));
                    }
                    batch_task = BatchTask::new(&task, asked, record.accepted_at).map(Box::new);
                }
                self.tally.stir(&task.queue, now);
                let so_far = self.tally.so_far(&task.queue);
                self.is_heard(kind).then(|| Subject::of_task(&facts, params, &task, so_far))
            }
            _ => Some(Subject::of_other(&facts)),
        };
        let (deliveries, mut said) = self.ring(subject.as_slice());
        if subject.is_none() && record.kind == "queue.start" {
            said = Some("the queue had started already".to_owned());
        }
        let event = Prepared {
            id: record.id,
            kind: record.kind,
            accepted_at: record.accepted_at,
            ticket: record.ticket,
            payload: if is_whole { record.payload } else { bytes(&payload) },
            held: false,
            fired: false,
            deliveries,
            said,
            batch_task,
        };
        self.remarks.extend(self.tally.forgotten());
        Taken { event, before, superseded: superseded.map(|end| end.ticket) }
    }

    /// The end of a queue counts now.
    pub fn end_queue(&mut self, tally: &QueueTally, end: &HeldEnd) -> Prepared {
        let mut facts = self.facts(end.id, "queue.end", end.accepted_at, &end.payload);
        let queue = queue_name(&end.payload);
        facts.usual_s = self.usual_queue(&queue);
        let mut subjects = vec![Subject::of_queue_until(&facts, tally, end.idle_since)];
        self.learn_queue(&queue, &subjects, end.worked);
        add_asked(&facts, &mut subjects, &tally.asked);
        let (deliveries, said) = self.ring(&subjects);
        self.shape.end_queue(&queue, self.unix_ms);
        Prepared {
            id: end.id,
            kind: "queue.end".to_owned(),
            accepted_at: end.accepted_at,
            ticket: end.ticket,
            payload: bytes(&end.payload),
            held: false,
            fired: true,
            deliveries,
            // It takes the place of what was said while it was held.
            said: said.or_else(|| Some(String::new())),
            batch_task: None,
        }
    }

    fn hold(&mut self, record: &Record, payload: Map<String, Json>, now: Duration) -> Taken {
        let stored = bytes(&payload);
        let queue = queue_name(&payload).into_owned();
        let is_repeated = self.tally.has_ended(&queue) && !tells_of_work(&payload);
        if is_repeated {
            self.counters.unheard.one();
        }
        let end = HeldEnd {
            id: record.id,
            ticket: record.ticket,
            accepted_at: record.accepted_at,
            idle_since: record.accepted_at,
            payload,
            due: now + self.config.queue.end_delay,
            worked: false,
        };
        let superseded = if is_repeated { None } else { self.tally.hold(&queue, end) };
        let said = if is_repeated {
            "the queue had ended already, and nothing was done since".to_owned()
        } else {
            let delay = self.config.queue.end_delay.as_secs_f64();
            format!("held for {delay} s, the `end_delay`, and forgotten if the queue goes on before that")
        };
        let event = Prepared {
            id: record.id,
            kind: record.kind.clone(),
            accepted_at: record.accepted_at,
            ticket: record.ticket,
            payload: stored,
            held: !is_repeated,
            fired: false,
            deliveries: Vec::new(),
            said: Some(said),
            batch_task: None,
        };
        Taken { event, before: None, superseded: superseded.map(|end| end.ticket) }
    }

    /// Whether a hook listens to this type, or somebody asks why none fires: only then is it worth a
    /// context.
    pub(super) fn is_heard(&self, kind: &str) -> bool {
        self.accounts.is_some() || self.config.hooks.iter().any(|hook| hook.on.iter().any(|on| on == kind))
    }

    /// The deliveries of one event, which may be several subjects: an endpoint hears of it once.
    /// And what is to be said of the hooks that do not ring.
    pub(super) fn ring(&mut self, subjects: &[Subject]) -> (Vec<PreparedDelivery>, Option<String>) {
        let mut deliveries: Vec<PreparedDelivery> = Vec::new();
        let mut said = Vec::new();
        let mut heard = false;
        for subject in subjects {
            let rung = self.ring_for(subject);
            heard |= rung.fires;
            said.extend(rung.said);
            for delivery in rung.deliveries {
                if !deliveries.iter().any(|other| other.endpoint == delivery.endpoint) {
                    deliveries.push(delivery);
                }
            }
        }
        if !heard {
            self.counters.unheard.one();
        }
        (deliveries, (!said.is_empty()).then(|| clip(&said.join("\n"), MOST_SAID)))
    }

    fn of_queue(&self, facts: &Facts<'_>) -> Subject {
        let nothing = QueueTally::opened_at(facts.accepted_at);
        Subject::of_queue(facts, self.tally.so_far(&queue_name(facts.payload)).unwrap_or(&nothing))
    }

    /// The payload, and whether its bytes may be kept as they came: without what it asks of Taskbell.
    ///
    /// Intake lets only objects in, so a payload that is none was damaged on disk: the event itself is
    /// still told.
    fn payload(&mut self, record: &Record) -> (Map<String, Json>, bool) {
        match serde_json::from_slice::<Map<String, Json>>(&record.payload) {
            Ok(payload) => {
                let is_whole = !payload.contains_key(TaskParams::KEY);
                (payload, is_whole)
            }
            Err(error) => {
                self.remarks
                    .push(format!("the payload of {} cannot be read and is left out: {error}", record.id));
                (Map::new(), false)
            }
        }
    }

    pub(super) fn facts<'b>(
        &self,
        id: EventId,
        kind: &'b str,
        accepted_at: i64,
        payload: &'b Map<String, Json>,
    ) -> Facts<'b>
    where
        Self: 'b,
    {
        let host = &self.config.host;
        Facts { id, kind, accepted_at, payload, host, usual_s: None }
    }
}

/// The end of a queue or batch, the first of these, as each that asked is told of it.
pub(super) fn add_asked(facts: &Facts<'_>, subjects: &mut Vec<Subject>, asked: &EndRequests) {
    for asked in asked.iter() {
        subjects.extend(subjects.first().map(|end| Subject::of_asked(facts, end, asked)));
    }
}

/// Whether a host that counts for itself says with the end of a queue that something was done.
fn tells_of_work(payload: &Map<String, Json>) -> bool {
    let positive = |key: &&str| payload.get(*key).and_then(Json::as_f64).is_some_and(|number| number > 0.0);
    ["total", "succeeded", "failed", "cancelled", "duration_s"].iter().any(positive)
}

/// A card keeps its platform's limits; what a template makes is cut to them.
pub(super) fn trimmed(hook: Option<&Hook>, endpoint: &Endpoint, message: Message) -> Message {
    let template = hook.and_then(|hook| hook.template.as_ref());
    let body = template.and_then(|_| platform::trimmed(endpoint.platform, &message.body));
    Message { body: body.unwrap_or(message.body), ..message }
}

pub(super) fn bytes(payload: &Map<String, Json>) -> Vec<u8> {
    serde_json::to_vec(payload).unwrap_or_default()
}
