//! What the context and the default body of an event are made of.

use crate::clock;
use crate::event::{EventId, Payload};
use crate::json::{self, Members, json};
use crate::message::{ContextSource, HostInfo};
use crate::tally::{QueueTally, Status, Task};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// An event, less what it is about where that is no task.
#[derive(Debug)]
pub(super) struct EventSource {
    pub id: EventId,
    pub kind: String,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: i64,
    pub payload: Arc<Payload>,
    pub host: Arc<HostInfo>,
    pub vars: Map<String, Json>,
    pub about: About,
}

#[derive(Debug)]
pub(super) enum About {
    Task(Box<TaskFacts>),
    /// The payload alone says what it is about.
    Payload,
    /// Roots that are made already; the context has them.
    Summary(Vec<(&'static str, Json)>),
}

/// What Taskbell knows of a task besides its payload.
#[derive(Debug)]
pub(super) struct TaskFacts {
    pub status: Status,
    pub queue: String,
    pub duration_s: Option<f64>,
    pub usual_s: Option<f64>,
    pub so_far: Option<QueueTally>,
}

/// The fields that replace those of the payload, or follow them.
const TASK_FIELDS: [&str; 4] = ["status", "queue", "duration_s", "usual_s"];

impl TaskFacts {
    pub fn of(task: &Task, usual_s: Option<f64>, so_far: Option<&QueueTally>) -> TaskFacts {
        TaskFacts {
            status: task.status,
            queue: task.queue.clone(),
            duration_s: task.duration_s,
            usual_s,
            so_far: so_far.map(QueueTally::snapshot),
        }
    }

    /// The field of this name that replaces that of the payload, or follows it.
    fn field(&self, name: &str) -> Option<Json> {
        match name {
            "status" => Some(self.status.as_str().into()),
            "queue" => Some(self.queue.as_str().into()),
            "duration_s" => self.duration_s.map(Json::from),
            "usual_s" => self.usual_s.map(Json::from),
            _ => None,
        }
    }

    fn fields(&self) -> impl Iterator<Item = (&'static str, Json)> {
        TASK_FIELDS.into_iter().filter_map(|name| Some((name, self.field(name)?)))
    }

    /// Writes the payload with these fields.
    fn write(&self, payload: &Payload, out: &mut Vec<u8>) {
        let text = payload.text();
        let mut written = [false; TASK_FIELDS.len()];
        // Up to here the text is written.
        let mut from = 0;
        for (name, place) in payload.places() {
            let Some(own) = TASK_FIELDS.iter().position(|known| known.as_bytes() == name) else { continue };
            let before = out.len();
            out.extend_from_slice(text.get(from..place.start).unwrap_or_default());
            if self.write_field(TASK_FIELDS[own], out) {
                (written[own], from) = (true, place.end);
            } else {
                out.truncate(before);
            }
        }
        let rest = text.strip_suffix(b"}").and_then(|text| text.get(from..));
        out.extend_from_slice(rest.unwrap_or_default());
        for name in TASK_FIELDS.iter().zip(written).filter(|(_, written)| !written).map(|(name, _)| name) {
            let before = out.len();
            out.extend_from_slice(if out.ends_with(b"{") { b"\"" } else { b",\"" });
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            if !self.write_field(name, out) {
                out.truncate(before);
            }
        }
        out.push(b'}');
    }

    /// Writes the value of one of Taskbell's own fields, if it has one.
    fn write_field(&self, name: &str, out: &mut Vec<u8>) -> bool {
        let seconds = |seconds: Option<f64>, out: &mut Vec<u8>| {
            seconds.map(|seconds| json::write(&seconds, out)).is_some()
        };
        match name {
            "status" => json::write(self.status.as_str(), out),
            "queue" => json::write(self.queue.as_str(), out),
            "duration_s" => return seconds(self.duration_s, out),
            _ => return seconds(self.usual_s, out),
        }
        true
    }

    fn scalar_of_queue(&self, name: &str) -> Option<Json> {
        let tally = self.so_far.as_ref()?;
        Some(match name {
            "name" => self.queue.as_str().into(),
            "total" => tally.total.into(),
            "succeeded" => tally.succeeded.into(),
            "failed" => tally.failed.into(),
            "cancelled" => tally.cancelled.into(),
            _ => return None,
        })
    }
}

impl ContextSource for EventSource {
    fn kind(&self) -> &str {
        &self.kind
    }

    fn root(&self, name: &str) -> Json {
        match (name, &self.about) {
            ("event", _) => json!({
                "id": self.id.to_string(),
                "type": self.kind,
                "timestamp": clock::rfc3339(self.accepted_at),
                "data": self.payload.tree(),
                "suppressed": 0,
            }),
            ("host", _) => self.host.json(),
            ("vars", _) => Json::Object(self.vars.clone()),
            ("task", About::Task(task)) => {
                let mut fields = self.payload.tree().clone();
                task.fields().for_each(|(name, value)| fields.put(name, value));
                Json::Object(fields)
            }
            ("queue", About::Task(task)) => {
                let summary = |tally: &QueueTally| tally.summary(&task.queue, self.accepted_at, &Map::new());
                task.so_far.as_ref().map(summary).into()
            }
            _ => Json::Null,
        }
    }

    fn scalar(&self, path: &[String]) -> Option<Option<Json>> {
        let [root, name] = path else { return None };
        match (root.as_str(), &self.about) {
            ("event", _) if name == "type" => Some(Some(self.kind.as_str().into())),
            ("task", About::Task(task)) => {
                let own = task.field(name);
                match self.payload.value_text(name) {
                    Some([b'{' | b'[', ..]) if own.is_none() => None,
                    _ => Some(own.or_else(|| self.payload.value(name))),
                }
            }
            ("queue", About::Task(task)) => task.scalar_of_queue(name).map(Some),
            _ => None,
        }
    }

    fn default_body(&self) -> Option<Vec<u8>> {
        let payload = self.payload.text();
        let mut body = Vec::with_capacity(payload.len() + self.host.text().len() + 256);
        body.extend_from_slice(b"{\"type\":");
        json::write(self.kind.as_str(), &mut body);
        body.extend_from_slice(b",\"timestamp\":\"");
        clock::write_rfc3339(self.accepted_at, &mut body);
        body.extend_from_slice(b"\",\"data\":");
        match &self.about {
            About::Task(task) => {
                body.extend_from_slice(b"{\"task\":");
                task.write(&self.payload, &mut body);
                body.extend_from_slice(b",\"host\":");
                body.extend_from_slice(self.host.text());
                body.push(b'}');
            }
            About::Payload => body.extend_from_slice(payload),
            About::Summary(_) => return None,
        }
        body.push(b'}');
        Some(body)
    }
}
