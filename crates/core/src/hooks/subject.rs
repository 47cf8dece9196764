//! An event as conditions and templates see it.

use super::task_params::TaskParams;
use crate::clock;
use crate::endpoint::parse_task_url;
use crate::event::{BATCH_PROGRESS, EventId, QUEUE_PROGRESS, whole_number};
use crate::json::{Members, json};
use crate::message::{Context, HostInfo, LazyField, Several};
use crate::tally::{
    BatchTally, EndRequest, QueueTally, Task, add_progress, queue_name, read_duration, told_duration,
};
use serde_json::{Map, Value as Json};

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
    fn of(summary: &Map<String, Json>) -> Scale {
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
}

/// The facts that every event has.
pub struct Facts<'a> {
    pub id: EventId,
    pub kind: &'a str,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: i64,
    /// The payload without `webhook_params`.
    pub payload: &'a Map<String, Json>,
    /// `[host]`.
    pub host: &'a HostInfo,
    /// What its title must name.
    pub several: Several,
    /// The usual seconds of such a task, queue or batch, once known.
    pub usual_s: Option<f64>,
}

impl<'a> Facts<'a> {
    /// Without what other queues and runs add.
    pub fn new(
        id: EventId,
        kind: &'a str,
        accepted_at: i64,
        payload: &'a Map<String, Json>,
        host: &'a HostInfo,
    ) -> Facts<'a> {
        Facts { id, kind, accepted_at, payload, host, several: Several::default(), usual_s: None }
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
        let mut fields = facts.payload.clone();
        fields.put("status", json!(task.status.as_str()));
        fields.put("queue", json!(task.queue));
        if let Some(seconds) = task.duration_s {
            fields.put("duration_s", json!(seconds));
        }
        facts.add_usual(&mut fields);
        let scale = Scale {
            tasks: so_far.map(|tally| tally.total),
            duration_s: task.duration_s,
            failed: u64::from(task.status == crate::tally::Status::Error),
            interrupted: false,
            usual_s: usual_s(&fields),
            unread: Unread { duration: task.duration_unread, ..Unread::default() },
        };
        let subject = Subject::build(facts, params, scale, vec![("task", Json::Object(fields))]);
        let (name, now) = (task.queue.clone(), facts.accepted_at);
        let queue = so_far.map(QueueTally::snapshot).map(|tally| {
            LazyField::new("queue", move || Json::Object(tally.summary(&name, now, &Map::new())))
        });
        Subject { context: subject.context.with(queue), ..subject }
    }

    pub fn of_queue(facts: &Facts<'_>, tally: &QueueTally) -> Subject {
        Subject::of_queue_until(facts, tally, facts.accepted_at)
    }

    /// As [`Subject::of_queue`], for a queue whose work ended at this time, in Unix milliseconds.
    pub fn of_queue_until(facts: &Facts<'_>, tally: &QueueTally, over_at: i64) -> Subject {
        let name = queue_name(facts.payload);
        let mut queue = match facts.kind {
            "queue.end" => tally.end_summary(&name, over_at, facts.payload),
            _ => tally.summary(&name, over_at, facts.payload),
        };
        if facts.kind == QUEUE_PROGRESS {
            let total = tally.expected.or_else(|| facts.payload.get("total").and_then(whole_number));
            add_progress(&mut queue, tally, total);
        }
        facts.add_usual(&mut queue);
        let scale = Scale::of(&queue);
        Subject::build(facts, TaskParams::default(), scale, vec![("queue", Json::Object(queue))])
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
        Subject::build(facts, TaskParams::default(), scale, vec![("batch", Json::Object(fields))])
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
        Subject { for_asked: true, ..Subject::build(facts, params, end.scale, named) }
    }

    /// Any other event: `batch` and `alert` events have their payload under that name.
    pub fn of_other(facts: &Facts<'_>) -> Subject {
        let family = facts.kind.split('.').next().unwrap_or("");
        let named = match family {
            "batch" | "alert" => {
                let mut fields = facts.payload.clone();
                read_duration(&mut fields);
                vec![(family, Json::Object(fields))]
            }
            _ => Vec::new(),
        };
        Subject::build(facts, TaskParams::default(), Scale::of(facts.payload), named)
    }

    fn build(facts: &Facts<'_>, params: TaskParams, scale: Scale, named: Vec<(&str, Json)>) -> Subject {
        let event = object([
            ("id", facts.id.to_string().into()),
            ("type", facts.kind.into()),
            ("timestamp", clock::rfc3339(facts.accepted_at).into()),
            ("data", Json::Object(facts.payload.clone())),
            ("suppressed", 0.into()),
        ]);
        let mut host = object([
            ("name", facts.host.name.as_str().into()),
            ("base_url", facts.host.base_url.as_deref().into()),
            ("language", facts.host.language.code().into()),
        ]);
        if let Some(words) = &facts.host.words {
            host["words"] = object([("task", (*words.task).into()), ("tasks", (*words.tasks).into())]);
        }
        let mut context = Map::with_capacity(named.len() + 3);
        context.put("event", event);
        context.extend(named.into_iter().map(|(name, value)| (name.to_owned(), value)));
        context.put("host", host);
        context.put("vars", Json::Object(params.vars.clone()));
        Subject {
            id: facts.id,
            kind: facts.kind.to_owned(),
            accepted_at: facts.accepted_at,
            params,
            scale,
            context: Context::new(Json::Object(context)).among(facts.several),
            for_asked: false,
        }
    }
}

/// Allocates once: each event has several objects.
fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    let mut object = Map::with_capacity(N);
    object.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Json::Object(object)
}

/// Taskbell's own estimate, or one from the host.
fn usual_s(fields: &Map<String, Json>) -> Option<f64> {
    fields.get("usual_s").and_then(clock::read_seconds).filter(|seconds| *seconds > 0.0)
}
