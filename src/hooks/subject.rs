//! An event as hooks and templates see it.

use super::TaskParams;
use crate::clock;
use crate::config::HostInfo;
use crate::event::EventId;
use crate::message::Context;
use crate::tally::{Asked, QueueTally, Task, queue_name};
use serde_json::{Map, Value as Json, json};

/// What the shorthands of a hook measure.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scale {
    /// Tasks of the queue or batch; for a task, of its queue so far.
    pub tasks: Option<u64>,
    /// Seconds that the task, queue or batch took.
    pub duration_s: Option<f64>,
    /// How many failed: 1 or 0 for a task.
    pub failed: u64,
}

/// An event with everything that decides about it.
#[derive(Debug)]
pub struct Subject {
    /// The event's id.
    pub id: EventId,
    /// The event's type.
    pub kind: String,
    /// What the task asked for.
    pub params: TaskParams,
    /// What the shorthands measure.
    pub scale: Scale,
    /// What templates and conditions see.
    pub context: Context,
    /// Whether this is the end of a queue as the tasks see it that asked to be told of then: it fires the
    /// hooks with `manual = true`, and no others.
    pub for_asked: bool,
}

/// What every event has.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The event's id.
    pub id: EventId,
    /// The event's type.
    pub kind: &'a str,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: i64,
    /// The payload as given, less `webhook_params`.
    pub payload: &'a Map<String, Json>,
    /// `[host]`.
    pub host: &'a HostInfo,
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
        fields.insert("status".into(), json!(task.status.as_str()));
        fields.insert("queue".into(), json!(task.queue));
        if let Some(seconds) = task.duration_s {
            fields.insert("duration_s".into(), json!(seconds));
        }
        let scale = Scale {
            tasks: so_far.map(|tally| tally.total),
            duration_s: task.duration_s,
            failed: u64::from(task.status == crate::tally::Status::Error),
        };
        let queue = so_far.map(|tally| tally.summary(&task.queue, facts.accepted_at, &Map::new()));
        let mut named = vec![("task", Json::Object(fields))];
        named.extend(queue.map(|queue| ("queue", queue)));
        Subject::build(facts, params, scale, named)
    }

    /// A `queue.*` event with the tally of the queue.
    pub fn of_queue(facts: &Facts<'_>, tally: &QueueTally) -> Subject {
        let queue = tally.summary(queue_name(facts.payload), facts.accepted_at, facts.payload);
        let scale = Scale {
            tasks: queue["total"].as_u64(),
            duration_s: queue["duration_s"].as_f64(),
            failed: queue["failed"].as_u64().unwrap_or(0),
        };
        Subject::build(facts, TaskParams::default(), scale, vec![("queue", queue)])
    }

    /// The end of a queue for the tasks that asked to be told of then: with the last such task, less its
    /// outputs.
    pub fn of_asked(facts: &Facts<'_>, tally: &QueueTally, asked: &Asked) -> Subject {
        let of_queue = Subject::of_queue(facts, tally);
        let params = TaskParams { to: asked.to.clone(), vars: asked.vars.clone(), ..TaskParams::default() };
        let queue = of_queue.context.at(&["queue"]).cloned().unwrap_or(Json::Null);
        let mut task = asked.task.clone();
        task.insert("status".into(), json!(Task::read(&task).status.as_str()));
        let named = vec![("task", Json::Object(task)), ("queue", queue)];
        Subject { for_asked: true, ..Subject::build(facts, params, of_queue.scale, named) }
    }

    /// Any other event: its payload stands under the first part of its type where that is a name of the
    /// contract.
    pub fn of_other(facts: &Facts<'_>) -> Subject {
        let family = facts.kind.split('.').next().unwrap_or("");
        let payload = Json::Object(facts.payload.clone());
        let scale = Scale {
            tasks: payload["total"].as_u64(),
            duration_s: payload["duration_s"].as_f64(),
            failed: payload["failed"].as_u64().unwrap_or(0),
        };
        let named = match family {
            "batch" => vec![("batch", payload)],
            "alert" => vec![("alert", payload)],
            _ => Vec::new(),
        };
        Subject::build(facts, TaskParams::default(), scale, named)
    }

    fn build(facts: &Facts<'_>, params: TaskParams, scale: Scale, named: Vec<(&str, Json)>) -> Subject {
        let mut context = Map::new();
        context.insert(
            "event".into(),
            json!({
                "id": facts.id.to_string(),
                "type": facts.kind,
                "timestamp": clock::rfc3339(facts.accepted_at),
                "data": facts.payload,
            }),
        );
        context.extend(named.into_iter().map(|(name, value)| (name.to_owned(), value)));
        context.insert("host".into(), json!({ "name": facts.host.name, "base_url": facts.host.base_url }));
        context.insert("vars".into(), Json::Object(params.vars.clone()));
        Subject {
            id: facts.id,
            kind: facts.kind.to_owned(),
            params,
            scale,
            context: Context::new(Json::Object(context)),
            for_asked: false,
        }
    }
}
