//! An event as conditions and templates see it.

use super::event_source::{About, EventSource, TaskFacts};
use super::task_params::TaskParams;
use crate::clock;
use crate::endpoint::parse_task_url;
use crate::event::{BATCH_PROGRESS, EventId, NamedFields, Payload, QUEUE_PROGRESS, whole_number};
use crate::hash::stable_hash;
use crate::json::{Members, json};
use crate::message::{Context, HostInfo, Several};
use crate::tally::{
    BatchTally, EndRequest, QueueTally, Task, add_progress, queue_name, read_duration, scalar_text,
    told_duration,
};
use serde_json::{Map, Value as Json};
use std::sync::{Arc, OnceLock};

/// The measures that a hook's `min_tasks`, `min_duration`, `relative` and `smart` use.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scale {
    /// Tasks of the queue or batch; for a task, those of its queue so far.
    pub tasks: Option<u64>,
    /// Seconds that the task, queue or batch took.
    pub duration_s: Option<f64>,
    /// Failed tasks; for a task 1 or 0.
    pub failed: u64,
    /// Whether a queue was left open by a host that died or stopped: as bad as a failure.
    pub interrupted: bool,
    /// The usual seconds of such a task, queue or batch, once known.
    pub usual_s: Option<f64>,
    /// What the host tells in a form that cannot be read.
    pub unread: Unread,
}

/// The measures that an event has, in a form that cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    /// `total`.
    pub tasks: bool,
    /// `duration_s`, or `started_at` and `finished_at`.
    pub duration: bool,
    /// `failed`.
    pub failed: bool,
}

impl Scale {
    /// The fields that [`Scale::of`] reads.
    const FIELDS: [&str; 9] = [
        "total",
        "done",
        "failed",
        "failures",
        "interrupted",
        "duration_s",
        "started_at",
        "finished_at",
        "usual_s",
    ];

    fn of(summary: &dyn NamedFields) -> Scale {
        let given = |name: &str| summary.get(name).filter(|value| !value.is_null());
        let count = |name: &str| given(name).and_then(whole_number);
        // A host may name its failures without their number.
        let named = || given("failures").and_then(Json::as_array).map(|named| named.len() as u64);
        let (duration_s, duration_unread) = told_duration(summary);
        Scale {
            // Of a queue that goes on the total may be unknown.
            tasks: count("total").or_else(|| count("done")),
            duration_s,
            failed: count("failed").or_else(named).unwrap_or(0),
            interrupted: given("interrupted") == Some(&Json::Bool(true)),
            usual_s: usual_s(summary),
            unread: Unread {
                tasks: given("total").is_some() && count("total").is_none(),
                duration: duration_unread,
                failed: given("failed").is_some() && count("failed").is_none(),
            },
        }
    }

    /// Whether it took more than `times` its usual duration; `false` while that is unknown.
    pub fn is_longer_than_usual(&self, times: f64) -> bool {
        self.duration_s.zip(self.usual_s).is_some_and(|(took, usual)| took > usual * times)
    }
}

/// An event with everything that hooks decide by.
pub struct Subject {
    pub id: EventId,
    pub kind: String,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: i64,
    /// The task's `webhook_params`.
    pub params: TaskParams,
    pub scale: Scale,
    pub context: Context,
    /// Whether this is the end of a queue or batch for a task that asked to be notified then: it only matches
    /// hooks with `manual = true`.
    pub for_asked: bool,
    /// The number of what is decided about, the same in every process: a derived event has another id each time.
    pub number: u64,
}

/// The facts that every event has.
pub struct Facts<'a> {
    pub id: EventId,
    pub kind: &'a str,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: i64,
    /// The payload without `webhook_params`.
    pub payload: &'a Arc<Payload>,
    /// `[host]`.
    pub host: &'a Arc<HostInfo>,
    /// What its title must name.
    pub several: Several,
    /// The usual seconds of such a task, queue or batch, once known.
    pub usual_s: Option<f64>,
    /// The node of a farm that posted it.
    pub node: Option<&'a str>,
}

/// What tells the alert of an event from others: its name, and in a farm its node, since each may have one of that name.
pub fn alert_key(name: Option<&Json>, node: Option<&str>) -> String {
    let name = name.and_then(scalar_text).unwrap_or_default();
    node.map_or(name.clone(), |node| format!("{node}/{name}"))
}

impl<'a> Facts<'a> {
    /// Without what other queues and runs add.
    pub fn new(
        id: EventId,
        kind: &'a str,
        accepted_at: i64,
        payload: &'a Arc<Payload>,
        host: &'a Arc<HostInfo>,
    ) -> Facts<'a> {
        Facts { id, kind, accepted_at, payload, host, several: Several::default(), usual_s: None, node: None }
    }

    fn number(&self) -> u64 {
        let text = |name: &str| self.payload.value(name).filter(|value| !value.is_null());
        match self.payload.value_text("derived") {
            Some(b"true") => {
                let of = text("name").or_else(|| text("id"));
                stable_hash(&format!(
                    "{} {}",
                    self.kind,
                    of.as_ref().and_then(Json::as_str).unwrap_or_default()
                ))
            }
            _ => self.id.stable_hash(),
        }
    }

    fn add_usual(&self, fields: &mut Map<String, Json>) {
        if let Some(seconds) = self.usual_s {
            fields.put("usual_s", json!(seconds));
        }
    }
}

impl Subject {
    /// A `task.*` event, with the tally of its queue so far.
    pub fn of_task(
        facts: &Facts<'_>,
        params: TaskParams,
        task: &Task,
        so_far: Option<&QueueTally>,
    ) -> Subject {
        let told = || facts.payload.value("usual_s").as_ref().and_then(clock::read_seconds);
        let scale = Scale {
            tasks: so_far.map(|tally| tally.total),
            duration_s: task.duration_s,
            failed: u64::from(task.status == crate::tally::Status::Error),
            interrupted: false,
            usual_s: facts.usual_s.or_else(told).filter(|seconds| *seconds > 0.0),
            unread: Unread { duration: task.duration_unread, ..Unread::default() },
        };
        let about = About::Task(Box::new(TaskFacts::of(task, facts.usual_s, so_far)));
        Subject::build(facts, params, scale, about)
    }

    pub fn of_queue(facts: &Facts<'_>, tally: &QueueTally) -> Subject {
        Subject::of_queue_until(facts, tally, facts.accepted_at)
    }

    /// As [`Subject::of_queue`], for a queue whose work ended at this time, in Unix milliseconds.
    pub fn of_queue_until(facts: &Facts<'_>, tally: &QueueTally, over_at: i64) -> Subject {
        let passed = facts.payload.tree();
        let name = queue_name(passed);
        let mut queue = match facts.kind {
            "queue.end" => tally.end_summary(&name, over_at, passed),
            _ => tally.summary(&name, over_at, passed),
        };
        if facts.kind == QUEUE_PROGRESS {
            let total = tally.expected.or_else(|| passed.get("total").and_then(whole_number));
            add_progress(&mut queue, tally, total);
        }
        facts.add_usual(&mut queue);
        let scale = Scale::of(&queue);
        let about = About::Summary(vec![("queue", Json::Object(queue))]);
        Subject::build(facts, TaskParams::default(), scale, about)
    }

    /// A `batch.*` event that Taskbell makes: the summary of a queue, with `id` and `expected`; for one that has
    /// stalled also how much is `done`, `since` when nothing came, and the seconds of that, `idle_s`; for one that goes
    /// on its progress.
    pub fn of_batch(facts: &Facts<'_>, id: &str, batch: &BatchTally) -> Subject {
        let mut fields = Map::new();
        fields.put("id", json!(id));
        let expected = (batch.expected > 0).then_some(batch.expected);
        fields.put("expected", json!(expected));
        let until = batch.ended_at.unwrap_or(facts.accepted_at);
        fields.extend(batch.tally.summary(&batch.queue, until, &Map::new()));
        if facts.kind == "batch.stalled" {
            let since = batch.tally.finished_at.max(batch.tally.started_at);
            fields.put("done", json!(batch.tally.total));
            fields.put("since", clock::rfc3339(since).into());
            fields.put("idle_s", json!((facts.accepted_at - since).max(0) as f64 / 1000.0));
        }
        if facts.kind == BATCH_PROGRESS {
            add_progress(&mut fields, &batch.tally, expected);
        }
        facts.add_usual(&mut fields);
        let scale = Scale::of(&fields);
        let about = About::Summary(vec![("batch", Json::Object(fields))]);
        Subject::build(facts, TaskParams::default(), scale, about)
    }

    /// The end of a queue or batch for a task that asked to be notified then: with that task, without
    /// its outputs.
    pub fn of_asked(facts: &Facts<'_>, end: &Subject, asked: &EndRequest) -> Subject {
        let params = TaskParams {
            to: asked.to.clone(),
            vars: asked.vars.clone(),
            url: asked.url.as_deref().and_then(parse_task_url),
            ..TaskParams::default()
        };
        let mut task = asked.task.clone();
        task.put("status", json!(Task::read(&task).status.as_str()));
        let mut named = vec![("task", Json::Object(task))];
        for about in ["queue", "batch"] {
            named.extend(end.context.at(&[about]).map(|summary| (about, summary.clone())));
        }
        Subject { for_asked: true, ..Subject::build(facts, params, end.scale, About::Summary(named)) }
    }

    /// Any other event: `batch` and `alert` events have their payload under that name.
    pub fn of_other(facts: &Facts<'_>) -> Subject {
        let family = facts.kind.split('.').next().unwrap_or("");
        let scale = Scale::of(&facts.payload.fields(&Scale::FIELDS));
        let about = match ["batch", "alert"].into_iter().find(|known| *known == family) {
            Some(family) => {
                let mut fields = facts.payload.tree().clone();
                read_duration(&mut fields);
                if let (Some(node), "alert") = (facts.node, family) {
                    fields.put("node", node.into());
                }
                About::Summary(vec![(family, Json::Object(fields))])
            }
            None => About::Payload,
        };
        Subject::build(facts, TaskParams::default(), scale, about)
    }

    fn build(facts: &Facts<'_>, params: TaskParams, scale: Scale, mut about: About) -> Subject {
        let mut roots = Vec::with_capacity(5);
        roots.push(("event", OnceLock::new()));
        if let About::Summary(named) = &mut about {
            roots.extend(named.drain(..).map(|(name, value)| (name, value.into())));
        }
        let of_task: &[&str] = match &about {
            About::Task(task) if task.so_far.is_some() => &["task", "host", "vars", "queue"],
            About::Task(_) => &["task", "host", "vars"],
            _ => &["host", "vars"],
        };
        roots.extend(of_task.iter().map(|name| (*name, OnceLock::new())));
        let source = EventSource {
            id: facts.id,
            kind: facts.kind.to_owned(),
            accepted_at: facts.accepted_at,
            payload: Arc::clone(facts.payload),
            host: Arc::clone(facts.host),
            vars: params.vars.clone(),
            about,
        };
        Subject {
            id: facts.id,
            kind: facts.kind.to_owned(),
            accepted_at: facts.accepted_at,
            params,
            scale,
            context: Context::made_of(roots, Box::new(source)).among(facts.several),
            for_asked: false,
            number: facts.number(),
        }
    }
}

/// Taskbell's own estimate, or one from the host.
fn usual_s(fields: &dyn NamedFields) -> Option<f64> {
    fields.get("usual_s").and_then(clock::read_seconds).filter(|seconds| *seconds > 0.0)
}
