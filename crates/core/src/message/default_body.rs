//! The body of a message without template and card, as in the Standard Webhooks specification:
//! `{"type", "timestamp", "data"}`.

use super::context::Context;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value as Json;

/// The default body of an event of this type. `data` holds what the event is about (`task`, `queue`,
/// `batch`, `alert`, or the `digest`) and the `host`; for the other types it is the payload as the host
/// gave it.
pub fn default_body(kind: &str, context: &Context) -> Json {
    serde_json::to_value(DefaultBody { kind, context }).unwrap_or_default()
}

/// Serializes [`default_body`] without copying the event.
pub(crate) fn default_text(kind: &str, context: &Context) -> Vec<u8> {
    context
        .default_body()
        .unwrap_or_else(|| serde_json::to_vec(&DefaultBody { kind, context }).unwrap_or_default())
}

struct DefaultBody<'a> {
    kind: &'a str,
    context: &'a Context,
}

/// The subject of the event under its name with the host, or the payload.
enum BodyData<'a> {
    About(&'a str, &'a Json, Option<&'a Json>),
    Payload(Option<&'a Json>),
}

impl Serialize for DefaultBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        match self.context.at(&["event", "type"]) {
            Some(kind) => body.serialize_entry("type", kind)?,
            None => body.serialize_entry("type", self.kind)?,
        }
        if let Some(timestamp) = self.context.at(&["event", "timestamp"]) {
            body.serialize_entry("timestamp", timestamp)?;
        }
        body.serialize_entry("data", &BodyData::of(self.kind, self.context))?;
        body.end()
    }
}

impl<'a> BodyData<'a> {
    fn of(kind: &str, context: &'a Context) -> BodyData<'a> {
        let digest = context.at(&["digest"]).is_some();
        let subject = if digest { "digest" } else { kind.split('.').next().unwrap_or_default() };
        let about = ["digest", "task", "queue", "batch", "alert"].into_iter().find(|known| *known == subject);
        match about.and_then(|about| context.at(&[about]).map(|value| (about, value))) {
            Some((about, value)) => BodyData::About(about, value, context.at(&["host"])),
            None => BodyData::Payload(context.at(&["event", "data"])),
        }
    }
}

impl Serialize for BodyData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            BodyData::Payload(Some(payload)) => payload.serialize(serializer),
            BodyData::Payload(None) => serializer.serialize_map(Some(0))?.end(),
            BodyData::About(name, value, host) => {
                let mut data = serializer.serialize_map(Some(2))?;
                data.serialize_entry(name, value)?;
                data.serialize_entry("host", host)?;
                data.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::context as sample_context;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_data_contains_the_subject_of_the_event() {
        for (kind, about) in [
            ("task.complete", "task"),
            ("queue.end", "queue"),
            ("batch.end", "batch"),
            ("alert.firing", "alert"),
        ] {
            let context = sample_context(kind);
            let body = default_body(kind, &context);
            assert_eq!(body["type"], kind);
            assert_eq!(body["timestamp"], "2026-03-01T18:24:05.120Z");
            assert_eq!(body["data"][about], context.json()[about]);
            assert_eq!(default_text(kind, &context), body.to_string().into_bytes());
            let keys: Vec<_> = body["data"].as_object().unwrap().keys().collect();
            assert_eq!(keys, [about, "host"]);
        }
    }

    #[test]
    fn a_custom_type_carries_its_payload() {
        for kind in ["render.saved", "server.start"] {
            let context = sample_context(kind);
            assert_eq!(default_body(kind, &context)["data"], context.json()["event"]["data"]);
        }
        assert_eq!(default_body("x", &Context::new(json!({}))), json!({"type": "x", "data": {}}));
    }

    #[test]
    fn a_digest_carries_its_items() {
        let context =
            Context::new(json!({"event": {"type": "task.complete"}, "digest": {"items": [], "count": 0}}));
        assert_eq!(default_body("task.complete", &context)["data"]["digest"]["count"], 0);
    }
}
