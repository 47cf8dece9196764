//! `pagerduty`: events of PagerDuty's Events API v2, and change events at its other URL.
//!
//! Source: developer.pagerduty.com on the Events API v2. An alert that ends resolves what it opened: both carry the
//! same `dedup_key`, which also makes a repeated attempt harmless. Whoever should not be called for a
//! success uses `…/v2/change/enqueue`, which notifies nobody.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::content::{last_lines, pictures, shown_links};
use super::cut::Markup;
use super::limits::{Unit, fit, flatten};
use super::{
    Answer, Degradation, Description, Example, Outcome, Platform, PlatformOption, RenderedMessage, Request,
    Target, event_kind, links, or_event_kind, origin, path_parts, trim,
};
use crate::clock;
use crate::hash::sha256_hex;
use crate::json::{Members, json};
use crate::message::{Context, Fact, Notice, Strings, Tone, WorkProgress};
use serde_json::{Map, Value};
use url::Url;

const SUMMARY: usize = 1024;
const DEDUP_KEY: usize = 255;
/// The whole event of a template; PagerDuty takes 512 KB.
const EVENT: usize = 500_000;
const FIELD: usize = 1000;
const FIELDS: usize = 60;
const LINK: usize = 2000;

pub(super) struct PagerDuty;

static DESCRIPTION: Description = Description {
    name: "pagerduty",
    default_url: Some("https://events.pagerduty.com/v2/enqueue"),
    options: &[PlatformOption {
        name: "routing_key",
        form: "the integration key of a service, 32 letters and digits",
        accepts: |value| value.len() == 32 && value.bytes().all(|b| b.is_ascii_alphanumeric()),
        required: true,
        secret: true,
        meaning: "The service or event orchestration that receives the events.",
    }],
    coalesces: false,
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example {
        target: "/v2/enqueue",
        options: &[("routing_key", "0123456789abcdef0123456789abcdef")],
    },
    edits: true,
    ..Description::BASE
};

impl Platform for PagerDuty {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        matches!(url.host_str(), Some("events.pagerduty.com" | "events.eu.pagerduty.com"))
            && path_parts(url).first() == Some(&"v2")
    }

    fn missing_end(&self, url: &Url) -> Option<String> {
        let whole = matches!(path_parts(url).as_slice(), ["v2", "enqueue"] | ["v2", "change", "enqueue"]);
        (!whole).then(|| "it ends in `/v2/enqueue`, or in `/v2/change/enqueue` for change events".to_owned())
    }

    /// The rules of a service read the names of details, so those are the same in every language.
    fn card(&self, context: &Context, target: &Target) -> Value {
        let mut notice = Notice::from_context(event_kind(context), context);
        let plain = Notice::from_context(event_kind(context), &context.in_english());
        for (fact, plain) in notice.facts.iter_mut().zip(plain.facts) {
            fact.label = plain.label;
        }
        self.layout(&notice, context, target)
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        if let (Some(key), Some(Value::Object(mut body))) = (target.option("routing_key"), message.json()) {
            body.put("routing_key", json!(key));
            if !is_change(target) {
                body.entry("event_action").or_insert(json!("trigger"));
                if body["event_action"] == "trigger" {
                    let key = message.live.map_or(message.event_id, |live| live.first);
                    body.entry("dedup_key").or_insert(json!(key));
                    body.get_mut("payload").into_iter().for_each(complete);
                }
            }
            request.set_json(&Value::Object(body));
        }
        request
    }

    /// Events of one `dedup_key` are one incident.
    fn message_id(&self, _answer: &Answer, first: &str) -> Option<String> {
        Some(first.to_owned())
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        plain.as_object_mut()?.remove("images");
        if how > Degradation::NoImage {
            for name in ["links", "client_url"] {
                plain.as_object_mut()?.remove(name);
            }
        }
        if how == Degradation::Shorter {
            plain.get_mut("payload")?.as_object_mut()?.remove("custom_details");
        }
        (plain != *body).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        trim::cut(body, &["payload", "summary"], SUMMARY, Unit::CodePoints);
        if let Some(Value::String(key)) = body.get_mut("dedup_key") {
            *key = short_key(std::mem::take(key));
        }
        trim::squeeze(body, EVENT, Markup::Fences);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        if answer.status == 202 && !answer.is_page() { Ok(()) } else { Err("not 202 as PagerDuty does") }
    }

    fn unknown(&self, answer: &Answer, _is_coded: bool, reason: String) -> Outcome {
        match answer.status {
            401..=404 | 405 | 407 | 409 | 412 | 416..=421 | 423 | 424 | 426 | 428 if !answer.is_page() => {
                Outcome::Final(reason)
            }
            _ => Outcome::Retry(reason),
        }
    }
}

/// Fills in what PagerDuty requires and a template leaves out: a call with a guessed severity is better than none.
fn complete(payload: &mut Value) {
    let Some(payload) = payload.as_object_mut() else { return };
    let is_blank =
        |text: Option<&Value>| text.and_then(Value::as_str).is_none_or(|text| text.trim().is_empty());
    if is_blank(payload.get("source")) {
        payload.put("source", json!("taskbell"));
    }
    let given = payload.get("severity").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let known = match given.as_str() {
        "critical" | "fatal" | "emergency" | "alert" | "p1" => "critical",
        "warning" | "warn" | "medium" | "p3" => "warning",
        "info" | "information" | "low" | "notice" | "debug" | "ok" | "p4" | "p5" => "info",
        _ => "error",
    };
    payload.put("severity", json!(known));
}

fn is_change(target: &Target) -> bool {
    target.url.expose().path().starts_with("/v2/change/")
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let words = Strings::of(context);
    let cut = |text: &str, max| fit(text, max, Unit::CodePoints, flatten);
    let whole = |text: &str| json!(fit(text, FIELD * 4, Unit::CodePoints, |_| None));
    let summary = or_event_kind(cut(&notice.title, SUMMARY), context);
    let mut details = Map::new();
    // The reason of a failure, first.
    for (name, text) in [("text", &notice.text), ("prompt", &notice.quote)] {
        details.extend(text.as_deref().map(|text| (name.to_owned(), whole(text))));
    }
    let share = notice.progress.and_then(WorkProgress::share);
    details.extend(share.map(|share| ("progress".to_owned(), json!(share))));
    for Fact { label, value, .. } in notice.facts.iter().take(FIELDS) {
        details.insert(cut(label, FIELD / 10), json!(cut(value, FIELD)));
    }
    if !notice.failures.is_empty() {
        let failures: Vec<_> =
            notice.failures.iter().take(FIELDS).map(|failure| cut(&failure.line(words), FIELD)).collect();
        details.put("failures", json!(failures));
    }
    let cut_whole = |text: &str, max| fit(text, max, Unit::CodePoints, |_| None);
    let lines =
        notice.details.as_deref().map(|text| last_lines(text, FIELD * 4, Unit::CodePoints, &cut_whole));
    details.extend(lines.map(|lines| ("details".to_owned(), json!(lines.join("\n")))));
    let source = context.text_at(&["host", "name"]).unwrap_or("taskbell");
    // A name of nothing that can be shown is none.
    let shown = Some(cut(source, FIELD)).filter(|name| !name.is_empty()).unwrap_or("taskbell".into());
    let mut payload = json!({"summary": summary, "source": shown});
    if let Some(at) = context.text_at(&["event", "timestamp"]).and_then(clock::parse_rfc3339) {
        payload["timestamp"] = json!(clock::rfc3339(at));
    }
    let mut card = Map::new();
    if !is_change(target) {
        payload["severity"] = json!(severity(notice.tone, event_kind(context)));
        payload["class"] = json!(cut(event_kind(context), FIELD));
        // A success calls nobody; it ends what the same thing opened, if anything.
        let action = if notice.tone == Tone::Good { "resolve" } else { "trigger" };
        card.put("event_action", json!(action));
        card.put("dedup_key", json!(dedup_key(context, source)));
        card.put("client", json!(cut(&client(context), FIELD)));
        let page = context.text_at(&["host", "base_url"]).or(notice.link());
        if let Some(url) = links::followable(page, LINK) {
            card.put("client_url", json!(url.as_str()));
        }
        let images = pictures(notice, LINK);
        let images =
            images.map(|(caption, url)| json!({"src": url.as_str(), "alt": cut(caption, FIELD / 10)}));
        let images: Vec<Value> = images.collect();
        if !images.is_empty() {
            card.put("images", json!(images));
        }
    }
    payload["custom_details"] = Value::Object(details);
    card.put("payload", payload);
    let links = shown_links(notice, LINK);
    let links: Vec<Value> =
        links.map(|(label, url)| json!({"href": url.as_str(), "text": cut(label, FIELD / 10)})).collect();
    if !links.is_empty() {
        card.put("links", json!(links));
    }
    Value::Object(card)
}

/// Who speaks, and of which event: the field is made for it.
fn client(context: &Context) -> String {
    let id = context.text_at(&["event", "id"]);
    ["taskbell", origin(context)].into_iter().chain(id).collect::<Vec<_>>().join(" · ")
}

fn severity(tone: Tone, kind: &str) -> &'static str {
    match tone {
        Tone::Bad if kind.starts_with("alert.") => "critical",
        Tone::Bad => "error",
        Tone::Warn => "warning",
        Tone::Good | Tone::Neutral => "info",
    }
}

/// One key for an alert and for a batch, whatever host tells of it, from the first trouble to the end; for anything else
/// the event itself.
fn dedup_key(context: &Context, source: &str) -> String {
    let kind = event_kind(context);
    let alert = context.text_at(&["alert", "name"]).filter(|_| kind.starts_with("alert."));
    let batch = context.text_at(&["batch", "id"]).filter(|_| kind.starts_with("batch."));
    let key = match (alert, batch) {
        (Some(name), _) => format!("taskbell/{source}/alert/{name}"),
        (_, Some(id)) => format!("taskbell/batch/{id}"),
        _ => context.text_at(&["event", "id"]).unwrap_or("taskbell").to_owned(),
    };
    short_key(key)
}

/// A key that is too long as its digest: cut, it could be that of another.
fn short_key(key: String) -> String {
    if key.chars().count() <= DEDUP_KEY {
        return key;
    }
    format!("taskbell/{}", sha256_hex(key, 64))
}

#[cfg(test)]
pub(super) mod tests;
