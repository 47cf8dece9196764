//! What is sent when neither a template nor a card says otherwise: the body of the Standard Webhooks
//! specification, `{"type", "timestamp", "data"}`.

use super::Context;
use serde_json::{Map, Value as Json, json};

/// The default body of an event of this type. `data` holds what the event is about (`task`, `queue`,
/// `batch`, `alert`, or the `digest`) and the `host`; for the other types it is the payload as the host
/// gave it.
pub fn default_body(kind: &str, context: &Context) -> Json {
    let mut body = Map::new();
    body.insert("type".into(), context.at(&["event", "type"]).cloned().unwrap_or_else(|| kind.into()));
    if let Some(timestamp) = context.at(&["event", "timestamp"]) {
        body.insert("timestamp".into(), timestamp.clone());
    }
    body.insert("data".into(), data(kind, context));
    Json::Object(body)
}

fn data(kind: &str, context: &Context) -> Json {
    let subject =
        if context.at(&["digest"]).is_some() { "digest" } else { kind.split('.').next().unwrap_or_default() };
    let about = ["digest", "task", "queue", "batch", "alert"].iter().find(|known| **known == subject);
    match about.and_then(|about| context.at(&[about]).map(|value| (*about, value))) {
        Some((about, value)) => {
            let mut data = Map::new();
            data.insert(about.to_owned(), value.clone());
            data.insert("host".into(), context.at(&["host"]).cloned().unwrap_or(Json::Null));
            Json::Object(data)
        }
        None => context.at(&["event", "data"]).cloned().unwrap_or_else(|| json!({})),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::context as sample_context;
    use super::*;

    #[test]
    fn the_data_is_what_the_event_is_about() {
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
            let keys: Vec<_> = body["data"].as_object().unwrap().keys().collect();
            assert_eq!(keys, [about, "host"]);
        }
    }

    #[test]
    fn a_hosts_own_type_carries_its_payload() {
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
