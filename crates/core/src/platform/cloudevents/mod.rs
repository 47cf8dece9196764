//! `cloudevents`: CloudEvents 1.0 over HTTP, structured or binary.
//!
//! Sources: the CloudEvents specification 1.0.2, its JSON format, its HTTP binding and its HTTP webhook page. The
//! message is kept in structured form, and binary attempts are made of it. Source and id are the same on
//! each attempt, so a receiver can tell a repetition.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::{
    Answer, Description, Example, Platform, PlatformOption, RenderedMessage, Request, Target, event_kind,
};
use crate::clock;
use crate::json::json;
use crate::message::{Context, Notice, default_body};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::borrow::Cow;

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";

/// The longest attribute of a sender's own that is told on: headers have limits that nobody states.
const ATTRIBUTE: usize = 1000;

pub(super) struct CloudEvents;

static DESCRIPTION: Description = Description {
    name: "cloudevents",
    options: &[
        PlatformOption {
            name: "mode",
            form: "`structured` or `binary`",
            accepts: |value| matches!(value, "structured" | "binary"),
            required: false,
            secret: false,
            meaning: "Whether the attributes are in the body (the default) or in headers.",
        },
        PlatformOption {
            name: "source",
            form: "a URI or a path without spaces",
            accepts: |value| value.len() <= ATTRIBUTE && value.bytes().all(|b| b.is_ascii_graphic()),
            required: false,
            secret: false,
            meaning: "The `source` of every event, in the place of `/taskbell/HOST`.",
        },
    ],
    concurrency: 4,
    coalesces: false,
    responses: canned_responses::RESPONSES,
    refuses_for_good: false,
    faults: rules::faults,
    example: Example { target: "/", options: &[] },
    ..Description::BASE
};

impl Platform for CloudEvents {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn layout(&self, _notice: &Notice, context: &Context, target: &Target) -> Value {
        card(context, target)
    }

    /// A template makes the data, unless it names `specversion` and so is the whole event.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        let event = match message.json() {
            Some(Value::Object(event)) if event.contains_key("specversion") => event,
            Some(data) => envelope(message, target, data),
            None => return request,
        };
        if target.option("mode") == Some("binary") {
            return binary(request, event);
        }
        request.set_json(&Value::Object(event));
        request.content_type = Cow::Borrowed(STRUCTURED);
        request
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        if (200..=299).contains(&answer.status) { Ok(()) } else { Err("not 2xx") }
    }
}

pub(super) fn card(context: &Context, target: &Target) -> Value {
    let kind = event_kind(context);
    let host = context.text_at(&["host", "name"]).unwrap_or("host");
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
    put("specversion", json!("1.0"));
    put("id", json!(context.text_at(&["event", "id"]).unwrap_or("evt")));
    put("source", json!(source(target, host)));
    put("type", json!(format!("taskbell.{kind}")));
    if let Some(at) = context.text_at(&["event", "timestamp"]).and_then(clock::parse_rfc3339) {
        put("time", json!(clock::rfc3339(at)));
    }
    if let Some(subject) = subject(context) {
        put("subject", json!(subject));
    }
    put("datacontenttype", json!("application/json"));
    put("data", default_body(kind, context)["data"].take());
    Value::Object(event)
}

/// An event around data that a template made.
fn envelope(message: &RenderedMessage<'_>, target: &Target, data: Value) -> Map<String, Value> {
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
    put("specversion", json!("1.0"));
    put("id", json!(message.event_id));
    put("source", json!(target.option("source").unwrap_or("/taskbell")));
    put("type", json!(format!("taskbell.{}", message.kind)));
    put("time", json!(clock::rfc3339(message.created_at)));
    put("datacontenttype", json!("application/json"));
    put("data", data);
    event
}

/// A URI reference (RFC 3986): whatever a host is called, it is one segment of a path.
fn source(target: &Target, host: &str) -> String {
    match target.option("source") {
        Some(source) => source.to_owned(),
        None => format!(
            "/taskbell/{}",
            escaped(&clipped(host), |byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
            })
        ),
    }
}

fn subject(context: &Context) -> Option<String> {
    let paths = [["task", "id"], ["task", "name"], ["batch", "id"], ["alert", "name"], ["queue", "name"]];
    let found = paths.iter().find_map(|path| context.text_at(path))?;
    Some(clipped(found)).filter(|subject| !subject.trim().is_empty())
}

/// Without characters that no attribute may hold, and not too long.
fn clipped(text: &str) -> String {
    super::limits::fit(text, ATTRIBUTE, super::limits::Unit::Bytes, super::limits::flatten)
}

/// HTTP binding, section 3.1: each attribute is a header, the data is the body.
fn binary(mut request: Request<'_>, mut event: Map<String, Value>) -> Request<'_> {
    let data = event.remove("data").unwrap_or(Value::Null);
    let encoded = event.remove("data_base64");
    let media = event.remove("datacontenttype");
    for (name, value) in event {
        let text = match value {
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => continue,
        };
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%');
        request.headers.push((format!("ce-{}", name.to_ascii_lowercase()), escaped(&text, is_plain)));
    }
    request.set_json(&data);
    if let Some(bytes) = encoded.as_ref().and_then(|text| STANDARD.decode(text.as_str()?).ok()) {
        request.content_type = Cow::Borrowed("application/octet-stream");
        request.body = Cow::Owned(bytes);
    }
    if let Some(Value::String(media)) = media {
        request.content_type = Cow::Owned(media);
    }
    request
}

/// Percent-encodes every byte that is not plain.
fn escaped(text: &str, is_plain: impl Fn(u8) -> bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests;
