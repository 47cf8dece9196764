//! The requests that an event would cause, without sending them.

use super::decide::{Decider, Decisions, PlannedDelivery, PlannedEvent};
use super::error::{Error, ErrorKind};
use super::ingest::IngestedEvent;
use super::usual_durations;
use crate::clock::{self, Moment};
use crate::config::Config;
use crate::endpoint::{Endpoint, FARM};
use crate::event::{self, EventId};
use crate::intake::Record;
use crate::json::{Members, json};
use crate::lanes::{self, DryRun, DryRunRequest, Job};
use crate::message::sample;
use crate::os;
use crate::platform::{self, Attachment};
use crate::secret::{REDACTED, SecretUrl};
use crate::shaping::ShapingState;
use crate::spool::{SpoolErrorKind, SpoolPath, SpoolReader};
use crate::tally::Tally;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::time::Duration;

/// What a node does with each event, besides its own hooks.
const FORWARDED: &str = "this configuration is that of a node, so the event also goes to its relay, which decides whom to \
                         notify; try it with the configuration of the relay";

/// The requests that an event of this type would cause, with every secret taken out: `event`, `requests`
/// and `remarks`. A file that goes with a message is read as an attempt would. `payload` as for `taskbell_emit`; a sample when it is left out.
///
/// # Errors
/// `InvalidArgument` for a type out of pattern, `InvalidJson` for a payload that is no JSON object.
pub fn preview(config: &Arc<Config>, kind: &str, payload: Option<&str>) -> Result<Json, Error> {
    on_own_thread(|| preview_here(config, kind, payload))
}

fn preview_here(config: &Arc<Config>, kind: &str, payload: Option<&str>) -> Result<Json, Error> {
    let record = record(kind, payload)?;
    let (id, now) = (record.id, record.accepted_at);
    let Decisions { events, remarks, .. } =
        decide(Decider::new(Arc::clone(config), Tally::default(), ShapingState::default()), record);
    let of = |event: &PlannedEvent| -> Vec<Json> {
        let deliveries = event.deliveries.iter();
        deliveries.map(|delivery| request(config, delivery, event.id, kind, now)).collect()
    };
    let requests: Vec<Json> = events.iter().flat_map(of).collect();
    Ok(json!({
        "event": { "id": id.to_string(), "type": kind },
        "requests": requests,
        "remarks": remarks,
    }))
}

/// What each hook would do with an event of this type, and why: `event`, `hooks` and `remarks`. Counts
/// start from nothing, so a queue or batch takes its numbers from the payload. What is usual is looked up in
/// the configured spool, if there is one; where that knows nothing, `usual_s` in the payload counts.
///
/// # Errors
/// As [`preview`].
pub fn explain(config: &Arc<Config>, kind: &str, payload: Option<&str>) -> Result<Json, Error> {
    on_own_thread(|| explain_here(config, kind, payload))
}

fn explain_here(config: &Arc<Config>, kind: &str, payload: Option<&str>) -> Result<Json, Error> {
    let record = record(kind, payload)?;
    let id = record.id;
    let (tally, fault) = with_usual(config);
    let decider = Decider::new(Arc::clone(config), tally, ShapingState::default()).explaining();
    let Decisions { events, mut remarks, explanations, .. } = decide(decider, record);
    remarks.extend(fault);
    if explanations.is_empty() {
        // No hook was asked, because the event repeats what was told.
        let said = events.iter().filter(|event| event.id == id).find_map(|event| event.explanation.clone());
        remarks.extend(said.filter(|said| !said.is_empty()));
    }
    let own = explanations.into_iter().filter(|(of, _)| of == kind).flat_map(|(_, explained)| explained);
    let hooks: Vec<Json> = own
        .map(|explained| {
            let why = config.scrubber.scrub(&explained.why);
            json!({"hook": explained.hook, "fires": explained.matched, "to": explained.to, "why": why})
        })
        .collect();
    Ok(json!({ "event": { "id": id.to_string(), "type": kind }, "hooks": hooks, "remarks": remarks }))
}

/// Templates are rendered here, so the caller's stack does not count.
fn on_own_thread(work: impl FnOnce() -> Result<Json, Error> + Send) -> Result<Json, Error> {
    os::run_to_render("taskbell-try", work).unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Spool, format!("no thread can be started: {error}")))
    })
}

/// A tally with the usual durations of the spool, which is only read; the second value says why that failed.
fn with_usual(config: &Config) -> (Tally, Option<String>) {
    let mut tally = Tally::default();
    let SpoolPath::File(path) = &config.spool.path else { return (tally, None) };
    let looked_up =
        SpoolReader::open(path).and_then(|spool| usual_durations::look_up_usual(&spool, &mut tally));
    let trouble = looked_up.err().filter(|error| error.kind() != SpoolErrorKind::Missing);
    (tally, trouble.map(|error| format!("the usual durations cannot be read: {error}")))
}

/// The event as the ring would hold it, accepted now.
fn record(kind: &str, payload: Option<&str>) -> Result<Record, Error> {
    event::check_type(kind).map_err(|fault| Error::new(ErrorKind::InvalidArgument, fault))?;
    let payload = payload.map_or_else(|| sample_payload(kind), |given| event::without_mark(given).to_owned());
    event::check_object(&payload).map_err(|fault| {
        Error::new(ErrorKind::InvalidJson, format!("the event is not a JSON object: {fault}"))
    })?;
    let now = clock::unix_ms();
    Ok(Record {
        ticket: 0,
        id: EventId::random(now),
        accepted_at: now,
        kind: kind.to_owned(),
        payload: payload.into_bytes(),
    })
}

/// Runs an event through the code that the dispatcher runs. The end of a queue counts at once, and a digest is
/// sent with this match.
fn decide(mut decider: Decider, record: Record) -> Decisions {
    let unix_ms = record.accepted_at;
    let at = |monotonic: Duration| Moment { monotonic, unix_ms };
    decider.take(IngestedEvent::from(record), at(Duration::ZERO));
    decider.end_held_queues(at(Duration::MAX));
    decider.shaping.hurry(unix_ms);
    decider.close_windows(at(Duration::ZERO), true);
    let is_of_node = decider.config.relays().is_some();
    let mut decisions = decider.take_decisions();
    if is_of_node {
        // What the relay makes of it, only the relay's configuration says.
        decisions.events.iter_mut().for_each(|event| event.deliveries.retain(|to| &*to.endpoint != FARM));
        decisions.remarks.push(FORWARDED.to_owned());
    }
    decisions
}

fn request(config: &Config, delivery: &PlannedDelivery, id: EventId, kind: &str, now: i64) -> Json {
    let found = delivery.task_endpoint.as_ref().or_else(|| config.endpoint(&delivery.endpoint));
    let Some(endpoint) = found else { return Json::Null };
    let mut request = Map::new();
    request.put("endpoint", json!(delivery.endpoint));
    request.put("platform", json!(endpoint.platform.name()));
    request.put("hook", json!(delivery.hook));
    match &delivery.message {
        Ok(message) => {
            let job = Job::new(0, id, kind, "", now);
            let DryRun { requests, file, remark } = lanes::dry_run(endpoint, &job, message, now);
            let mut sent = requests.into_iter().map(|sent| shown(config, endpoint, sent, file.as_ref()));
            request.extend(sent.next().unwrap_or_default());
            let then: Vec<Json> = sent.map(Json::Object).collect();
            if let Some(path) = message.extras.file.as_ref().filter(|_| file.is_some()) {
                request.put("file", json!(path));
            }
            if let Some(remark) = remark {
                request.put("remark", json!(config.scrubber.scrub(&remark)));
            }
            if !then.is_empty() {
                request.put("then", json!(then));
            }
        }
        Err(reason) => {
            request.put("error", json!(reason));
        }
    }
    Json::Object(request)
}

/// A request as it would be sent, but for secrets and the bytes of its file.
fn shown(
    config: &Config,
    endpoint: &Endpoint,
    sent: DryRunRequest,
    file: Option<&Attachment>,
) -> Map<String, Json> {
    let content_type = sent.headers.first().map_or("", |(_, value)| value);
    let form = file.and_then(|file| platform::shown_form(content_type, &sent.body, file));
    let mut request = Map::new();
    request.put("method", json!(sent.method));
    let body = match form {
        Some(mut fields) => {
            for value in fields.values_mut() {
                if let Some(text) = value.as_str() {
                    let clean = config.scrubber.scrub(text);
                    let json = serde_json::from_slice(clean.as_bytes()).ok().filter(Json::is_object);
                    *value = json.unwrap_or(Json::String(clean));
                }
            }
            ("form", Json::Object(fields))
        }
        None => ("body", body_json(config, &sent.body, file)),
    };
    request.put("url", json!(SecretUrl::new(sent.url).to_string()));
    request.put("headers", headers(config, endpoint, sent.headers));
    request.insert(body.0.into(), body.1);
    request
}

/// The headers as they would be sent. A configured value is shown only by its name.
fn headers(config: &Config, endpoint: &Endpoint, sent: Vec<(String, String)>) -> Json {
    let configured = |name: &str| endpoint.headers.iter().any(|(key, _)| key == name);
    let shown = |(name, value): (String, String)| {
        let value = if configured(&name) { REDACTED.to_owned() } else { config.scrubber.scrub(&value) };
        (name, Json::String(value))
    };
    Json::Object(sent.into_iter().map(shown).collect())
}

/// The body as JSON where it is JSON, so that a person can read it, with the size of its file instead of the
/// bytes.
fn body_json(config: &Config, body: &[u8], file: Option<&Attachment>) -> Json {
    if file.is_some_and(|file| file.bytes == body) {
        return json!(format!("[{} bytes]", body.len()));
    }
    let mut text = String::from_utf8_lossy(body).into_owned();
    if let Some(file) = file.filter(|file| !file.bytes.is_empty()) {
        let size = format!("[{} bytes in base64]", file.bytes.len());
        text = text.replace(&STANDARD.encode(&file.bytes), &size);
    }
    let text = config.scrubber.scrub(&text);
    serde_json::from_slice(text.as_bytes()).unwrap_or(Json::String(text))
}

/// What a host would pass. A queue or batch that nobody has counted yet takes its numbers from here.
fn sample_payload(kind: &str) -> String {
    let context = sample::context(kind);
    let family = kind.split('.').next().unwrap_or_default();
    match context.json().get(family) {
        Some(summary) if matches!(family, "queue" | "batch") => summary.to_string(),
        _ => context.json()["event"]["data"].to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mentions_of_a_hook_stand_in_the_place_of_the_endpoints() {
        let config = Config::load(
            r#"
            spool = { path = ":memory:" }
            [endpoints.team]
            url = "https://hooks.slack.com/services/T0/B0/KEY"
            mentions = ["U0123ABCD"]
            [[hooks]]
            on = ["task.complete"]
            to = ["team"]
            when = "task.status == 'error'"
            mentions = ["@here"]
            [[hooks]]
            on = ["task.complete"]
            to = ["team"]
            when = "task.status == 'cancelled'"
            mentions = []
            [[hooks]]
            on = ["task.complete"]
            to = ["team"]
            "#,
        )
        .unwrap();
        let config = Arc::new(config);
        for (status, start) in [
            ("error", "<!here> Task failed"),
            ("cancelled", "Task cancelled"),
            ("success", "<@U0123ABCD> Task done"),
        ] {
            let payload = json!({"name": "t", "status": status}).to_string();
            let sent = preview(&config, "task.complete", Some(&payload)).unwrap();
            let text = sent["requests"][0]["body"]["text"].as_str().unwrap_or_default().to_owned();
            assert!(text.starts_with(start), "{status}: {sent}");
        }
    }
}
