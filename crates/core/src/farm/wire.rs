//! The wire format between node and relay: one POST carries a head and up to 500 events, one JSON object a line.
//!
//! ```text
//! {"node":"render-07","host":"render-07.studio","version":"0.1.0","waiting":12,"sent_at":1769000000500}
//! {"id":"evt_…","type":"task.complete","accepted_at":1769000000000,"data":{"id":7}}
//! ```
//!
//! A post without events says that the node lives. `data` is what the host reported, `webhook_params` included.
//! `accepted_at` is in Unix milliseconds, by the clock of the node.

use crate::event::{EventId, Payload, check_type, whole_number};
use crate::json::{self, json};
use serde_json::{Map, Value as Json};
use std::fmt;

/// Where a relay takes posts.
pub const POST_PATH: &str = "/v1/events";

/// The content type of a post.
pub const POST_CONTENT_TYPE: &str = "application/x-ndjson";

/// The header of an answer with the history of the relay's database: a node that knows another one may have to post again.
pub const TIMELINE_HEADER: &str = "taskbell-timeline";

/// The header of an answer 409: of how many seconds what a node has posted is to be posted again.
pub const RESEND_HEADER: &str = "taskbell-resend";

/// The most events of one post.
pub const MAX_POST_EVENTS: usize = 500;

/// The most bytes of one post, unless it carries one event alone.
pub const MAX_POST_BYTES: usize = 1024 * 1024;

/// The most bytes of a node's or a host's name.
const MAX_NAME_BYTES: usize = 256;

/// For whom the queue events of a node speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SpeaksFor {
    /// For its own part of a queue: the queue ends when every node has ended it.
    #[default]
    Node,
    /// For the whole queue: a dispatcher ends it alone.
    Queue,
}

impl SpeaksFor {
    /// As the configuration and the wire write it.
    pub fn as_str(self) -> &'static str {
        match self {
            SpeaksFor::Node => "node",
            SpeaksFor::Queue => "queue",
        }
    }
}

/// The first line of a post: who sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeHead {
    /// The name of the node, unique in its farm.
    pub node: String,
    /// `host.name` of the node.
    pub host: String,
    /// The version of the node's library.
    pub version: String,
    /// How many events wait on the node, those of this post among them.
    pub waiting: u64,
    /// Left out of the line where it is the node.
    pub speaks_for: SpeaksFor,
    /// When the post was written, in Unix milliseconds of the node's clock: the relay learns how wrong that is.
    pub sent_at: Option<i64>,
    /// The history of the relay's database that the node knows, if it knows one.
    pub timeline: Option<String>,
}

impl NodeHead {
    fn write(&self, out: &mut Vec<u8>) {
        let mut line = json!({
            "node": self.node,
            "host": self.host,
            "version": self.version,
            "waiting": self.waiting,
        });
        if let (SpeaksFor::Queue, Json::Object(line)) = (self.speaks_for, &mut line) {
            line.insert("speaks_for".to_owned(), self.speaks_for.as_str().into());
        }
        if let (Some(sent_at), Json::Object(line)) = (self.sent_at, &mut line) {
            line.insert("sent_at".to_owned(), sent_at.into());
        }
        if let (Some(timeline), Json::Object(line)) = (&self.timeline, &mut line) {
            line.insert("timeline".to_owned(), timeline.as_str().into());
        }
        out.extend(json::bytes(&line));
        out.push(b'\n');
    }

    fn read(line: &[u8]) -> Result<NodeHead, String> {
        let fields: Map<String, Json> =
            serde_json::from_slice(line).map_err(|fault| format!("it is not a JSON object: {fault}"))?;
        let speaks_for = match fields.get("speaks_for").map(Json::as_str) {
            None | Some(Some("node")) => SpeaksFor::Node,
            Some(Some("queue")) => SpeaksFor::Queue,
            Some(_) => return Err("`speaks_for` must be `node` or `queue`".to_owned()),
        };
        let node = name_of(&fields, "node")?.ok_or("it has no `node`")?;
        Ok(NodeHead {
            host: name_of(&fields, "host")?.unwrap_or_else(|| node.clone()),
            node,
            // It is only shown.
            version: name_of(&fields, "version").unwrap_or_default().unwrap_or_default(),
            waiting: fields.get("waiting").and_then(whole_number).unwrap_or(0),
            speaks_for,
            sent_at: fields.get("sent_at").and_then(Json::as_i64),
            timeline: fields.get("timeline").and_then(Json::as_str).map(str::to_owned),
        })
    }
}

fn name_of(fields: &Map<String, Json>, key: &str) -> Result<Option<String>, String> {
    let Some(value) = fields.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    let fits =
        |name: &&str| (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    match value.as_str().filter(fits) {
        Some(name) => Ok(Some(name.to_owned())),
        None => {
            Err(format!("`{key}` must be a text of 1 to {MAX_NAME_BYTES} bytes without control characters"))
        }
    }
}

/// One event of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardedEvent {
    /// The id that the node gave it.
    pub id: EventId,
    /// The type of the event.
    pub kind: String,
    /// When the node accepted it, in Unix milliseconds of its clock.
    pub accepted_at: i64,
    /// The payload: a JSON object.
    pub data: Vec<u8>,
}

/// Writes the body of one post.
#[derive(Debug)]
pub struct PostWriter {
    body: Vec<u8>,
    events: usize,
}

impl PostWriter {
    /// A post of this node, without events so far.
    pub fn new(head: &NodeHead) -> PostWriter {
        let mut body = Vec::new();
        head.write(&mut body);
        PostWriter { body, events: 0 }
    }

    /// Adds an event, whose payload is a JSON object. `false` when the post is full without it; the first one always
    /// fits.
    pub fn add(&mut self, id: EventId, kind: &str, accepted_at: i64, data: &[u8]) -> bool {
        let before = self.body.len();
        self.body.extend_from_slice(b"{\"id\":\"");
        self.body.extend_from_slice(id.written().as_bytes());
        self.body.extend_from_slice(b"\",\"type\":");
        json::write(kind, &mut self.body);
        self.body.extend_from_slice(format!(",\"accepted_at\":{accepted_at},\"data\":").as_bytes());
        // Strings of JSON hold no line break, so each of them is a blank between two values.
        self.body.extend(data.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
        self.body.extend_from_slice(b"}\n");
        let fits = self.events < MAX_POST_EVENTS && self.body.len() <= MAX_POST_BYTES;
        if self.events > 0 && !fits {
            self.body.truncate(before);
            return false;
        }
        self.events += 1;
        true
    }

    /// How many events it has.
    pub fn events(&self) -> usize {
        self.events
    }

    /// The body to send.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

/// The content of one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPost {
    /// Who sends it.
    pub head: NodeHead,
    /// In the order in which the node accepted them.
    pub events: Vec<ForwardedEvent>,
}

/// Why a post is not taken. Nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostFault {
    /// The first line cannot be read: a sentence.
    Head(String),
    /// It has more than [`MAX_POST_EVENTS`], or more than [`MAX_POST_BYTES`] with several events.
    TooLarge,
    /// These events cannot be taken; the others can, in another post.
    Events(Vec<RefusedEvent>),
}

impl fmt::Display for PostFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PostFault::Head(fault) => write!(f, "the first line of the post cannot be read: {fault}"),
            PostFault::TooLarge => write!(
                f,
                "a post has at most {MAX_POST_EVENTS} events and {MAX_POST_BYTES} bytes, or one event"
            ),
            PostFault::Events(refused) => match refused.first() {
                Some(first) => write!(
                    f,
                    "{} of the events of the post cannot be taken; event {}: {}",
                    refused.len(),
                    first.place,
                    first.reason
                ),
                None => f.write_str("an event of the post cannot be taken"),
            },
        }
    }
}

/// An event that a relay refuses for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedEvent {
    /// Its place in the post: the first event is 1.
    pub place: usize,
    /// Its id; `None` where the line has none that can be read.
    pub id: Option<EventId>,
    /// Why, in a sentence.
    pub reason: String,
}

impl EventPost {
    /// Reads the body of a post. An event may have `max_event_bytes`.
    ///
    /// # Errors
    /// The whole post is refused, and the fault says whether parts of it can come again.
    pub fn read(body: &[u8], max_event_bytes: usize) -> Result<EventPost, PostFault> {
        let mut lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let head = NodeHead::read(lines.next().unwrap_or_default()).map_err(PostFault::Head)?;
        let (mut events, mut refused) = (Vec::new(), Vec::new());
        for (line, place) in lines.zip(1..) {
            if place > MAX_POST_EVENTS || place > 1 && body.len() > MAX_POST_BYTES {
                return Err(PostFault::TooLarge);
            }
            match read_event(line, max_event_bytes) {
                Ok(event) => events.push(event),
                Err((id, reason)) => refused.push(RefusedEvent { place, id, reason }),
            }
        }
        if refused.is_empty() { Ok(EventPost { head, events }) } else { Err(PostFault::Events(refused)) }
    }
}

fn read_event(line: &[u8], max_event_bytes: usize) -> Result<ForwardedEvent, (Option<EventId>, String)> {
    let record =
        Payload::read(line).map_err(|fault| (None, format!("the line is not a JSON object: {fault}")))?;
    let id = record.value("id").as_ref().and_then(Json::as_str).and_then(EventId::parse);
    let refuse = |reason: String| (id, reason);
    let Some(known) = id else {
        return Err(refuse("`id` must be the id of an event: `evt_` and 32 hexadecimal digits".to_owned()));
    };
    let kind = record.value("type");
    let Some(kind) = kind.as_ref().and_then(Json::as_str) else {
        return Err(refuse("`type` must be the type of the event".to_owned()));
    };
    check_type(kind).map_err(refuse)?;
    let accepted_at = record.value("accepted_at").as_ref().and_then(Json::as_i64);
    let Some(accepted_at) = accepted_at.filter(|at| *at >= 0) else {
        return Err(refuse("`accepted_at` must be a whole number of Unix milliseconds".to_owned()));
    };
    match record.value_text("data") {
        Some(data) if data.first() == Some(&b'{') && data.len() <= max_event_bytes => {
            Ok(ForwardedEvent { id: known, kind: kind.to_owned(), accepted_at, data: data.to_vec() })
        }
        Some(data) if data.first() == Some(&b'{') => Err(refuse(format!(
            "the event has {} bytes; `queue.max_event_bytes` of the relay allows {max_event_bytes}",
            data.len()
        ))),
        _ => Err(refuse("`data` must be a JSON object".to_owned())),
    }
}

/// The body of an answer 422.
pub fn write_refusals(refused: &[RefusedEvent]) -> Vec<u8> {
    let entry = |one: &RefusedEvent| {
        json!({
            "place": one.place,
            "id": one.id.map(|id| id.written()),
            "reason": one.reason,
        })
    };
    let entries: Vec<Json> = refused.iter().map(entry).collect();
    json::bytes(&json!({ "refused": entries }))
}

/// Reads the body of an answer 422; entries that cannot be read are left out.
pub fn read_refusals(body: &[u8]) -> Vec<RefusedEvent> {
    let answer: Json = serde_json::from_slice(body).unwrap_or_default();
    let entries = answer.get("refused").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = |entry: &Json| {
        Some(RefusedEvent {
            place: usize::try_from(entry.get("place").and_then(Json::as_u64)?).ok()?,
            id: entry.get("id").and_then(Json::as_str).and_then(EventId::parse),
            reason: entry.get("reason").and_then(Json::as_str).unwrap_or_default().to_owned(),
        })
    };
    entries.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests;
