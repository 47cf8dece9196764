//! What PagerDuty takes in an event: developer.pagerduty.com on the Events API v2 and on change events.

use super::super::rules::Rule::{List, Object, OneOf, Table, Time};
use super::super::rules::{BodyFault, FILLED, FaultKind, Faults, Rule, Shape, TEXT, may, need, shape, text};
use super::super::{ReceivedRequest, refusal};
use super::{DEDUP_KEY, SUMMARY};
use serde_json::Value;

/// `url` tells an event from a change event, which has no severity.
pub(super) fn faults(body: &Value, url: &str) -> Vec<BodyFault> {
    let action = body["event_action"].as_str().unwrap_or("trigger");
    let rule = match action {
        _ if url.contains("/change/") => Object(&CHANGE),
        "acknowledge" | "resolve" => Object(&RESOLUTION),
        _ => Object(&EVENT),
    };
    let mut faults = Faults::of("PagerDuty", &rule, body);
    let is_end = matches!(action, "acknowledge" | "resolve") && !url.contains("/change/");
    if is_end && body["dedup_key"].as_str().is_none_or(str::is_empty) {
        let words = "is missing: without the key of the event that opened it, nothing is found to end";
        faults.add("dedup_key", FaultKind::Missing, words);
    }
    faults.answered(|_| "400")
}

/// What only the whole request shows: the key, the action, and its size.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.body.len() > 512 * 1024 {
        return Some("413");
    }
    let Some(json) = request.json() else { return Some("400") };
    let key = json["routing_key"].as_str().is_some_and(|key| key.len() == 32);
    let is_change = request.target.contains("/change/");
    let acts = is_change || json["event_action"].is_string();
    if !key || !acts {
        return Some("400");
    }
    refusal(faults(&json, request.target))
}

pub(super) const SEVERITIES: &[&str] = &["critical", "error", "warning", "info"];

/// Members of the payload that people write next to it.
const PAYLOAD_PLACE: &[(&str, &str)] = &[
    ("severity", "it belongs into `payload`"),
    ("summary", "it belongs into `payload`"),
    ("source", "it belongs into `payload`"),
    ("custom_details", "it belongs into `payload`"),
    ("details", "PagerDuty's word is `custom_details`, in `payload`"),
    ("component", "it belongs into `payload`"),
    ("group", "it belongs into `payload`"),
    ("class", "it belongs into `payload`"),
    ("timestamp", "it belongs into `payload`"),
    ("service_key", "that is of the first version; Taskbell writes the `routing_key` of the endpoint"),
];
/// Members that belong next to the payload.
const EVENT_PLACE: &[(&str, &str)] = &[
    ("dedup_key", "it belongs next to `payload`"),
    ("event_action", "it belongs next to `payload`"),
    ("links", "they belong next to `payload`"),
    ("images", "they belong next to `payload`"),
    ("client", "it belongs next to `payload`"),
    ("client_url", "it belongs next to `payload`"),
];

static EVENT: Shape = shape(&[
    need("payload", Object(&PAYLOAD)),
    may("event_action", ACTION),
    may("dedup_key", text(DEDUP_KEY)),
    may("routing_key", TEXT),
    may("client", TEXT),
    may("client_url", Rule::Address(2048)),
    may("links", LINKS),
    may("images", List(&Object(&IMAGE), 0, usize::MAX)),
])
.elsewhere(PAYLOAD_PLACE);

static RESOLUTION: Shape = shape(&[
    may("payload", Table),
    may("event_action", ACTION),
    may("dedup_key", text(DEDUP_KEY)),
    may("routing_key", TEXT),
    may("client", TEXT),
    may("client_url", Rule::Address(2048)),
    may("links", LINKS),
    may("images", List(&Object(&IMAGE), 0, usize::MAX)),
]);

static CHANGE: Shape = shape(&[
    need("payload", Object(&CHANGE_PAYLOAD)),
    may("routing_key", TEXT),
    may("links", LINKS),
    may("images", List(&Object(&IMAGE), 0, usize::MAX)),
]);

const ACTION: Rule = OneOf(&["trigger", "acknowledge", "resolve"]);
const LINKS: Rule = List(&Object(&LINK), 0, usize::MAX);
static LINK: Shape = shape(&[need("href", Rule::Link(2048)), may("text", TEXT)]);
static IMAGE: Shape =
    shape(&[need("src", Rule::Picture(2048)), may("href", TEXT), may("alt", TEXT)]).also(|image, faults| {
        if image["src"].as_str().is_some_and(|src| src.starts_with("http://")) {
            faults.add(
                "src",
                FaultKind::Shown,
                "begins with `http://`, and PagerDuty shows pictures of `https` only",
            );
        }
    });

static PAYLOAD: Shape = shape(&[
    need("summary", Rule::Plain(SUMMARY, false)),
    need("source", FILLED),
    need("severity", OneOf(SEVERITIES)),
    may("timestamp", Time),
    may("component", TEXT),
    may("group", TEXT),
    may("class", TEXT),
    may("custom_details", Rule::Any),
])
.elsewhere(EVENT_PLACE);

static CHANGE_PAYLOAD: Shape = shape(&[
    need("summary", Rule::Plain(SUMMARY, false)),
    may("source", TEXT),
    may("timestamp", Time),
    may("custom_details", Rule::Any),
]);
