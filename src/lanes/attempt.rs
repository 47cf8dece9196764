//! One attempt: sign, send, and read what the answer means.

use super::{Body, Job};
use crate::config::Endpoint;
use crate::platform::{Answer, Letter, Outcome, Shaped};
use crate::secret::Scrubber;
use crate::spool::AttemptRow;
use crate::transport::{Client, Fault, FaultKind};
use url::Url;

/// The most bytes of an answer's body that are kept in the attempt log.
const KEPT_RESPONSE_BYTES: usize = 4096;

/// What an attempt came to.
#[derive(Debug)]
pub struct Attempted {
    /// What it means; `None` when it was broken off by a shutdown and says nothing.
    pub outcome: Option<Outcome>,
    /// The row of the attempt log, less what follows.
    pub row: AttemptRow,
}

/// Makes one attempt, within the endpoint's timeout.
pub fn attempt(
    endpoint: &Endpoint,
    client: &Client,
    scrubber: &Scrubber,
    job: &Job,
    body: &Body,
    started_at: i64,
) -> Attempted {
    let number = job.attempts + 1;
    let id = job.event_id.to_string();
    let shaped = endpoint.platform.shape(endpoint, &letter(job, body, &id, started_at));
    let headers = head(endpoint, &shaped, &id, number, started_at.div_euclid(1000));
    let (result, phases) = client.post(&shaped.url, &headers, &shaped.body);
    let ended_at = started_at + i64::from(phases.total_us / 1000);
    let (status, response, outcome) = match &result {
        Ok(answer) => {
            (Some(answer.status), kept(answer, scrubber), Some(endpoint.platform.read(answer, ended_at)))
        }
        Err(fault) => (None, None, outcome_of(fault)),
    };
    let error = match &outcome {
        None | Some(Outcome::Delivered) => None,
        Some(
            Outcome::Retry(reason)
            | Outcome::RetryAfter(_, reason)
            | Outcome::Final(reason)
            | Outcome::Gone(reason)
            | Outcome::Plainer(_, reason),
        ) => Some(scrubber.scrub(reason)),
    };
    let row = AttemptRow {
        delivery: job.seq,
        number,
        started_at,
        phases,
        status,
        outcome: outcome.as_ref().map_or("cancelled", name),
        error,
        response,
        next_at: None,
    };
    Attempted { outcome, row }
}

/// The message as its platform sees it.
fn letter<'a>(job: &'a Job, body: &'a Body, id: &'a str, now: i64) -> Letter<'a> {
    Letter {
        event_id: id,
        kind: &job.kind,
        created_at: job.created_at,
        now,
        content_type: &body.content_type,
        body: &body.bytes,
        file: None,
    }
}

/// What an attempt sends, for a preview.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is dialled; a secret.
    pub url: Url,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bytes that are signed.
    pub body: Vec<u8>,
}

/// The request of an attempt that starts at this Unix time in milliseconds. No file is read for it.
pub fn request(endpoint: &Endpoint, job: &Job, body: &Body, number: u32, now: i64) -> Request {
    let id = job.event_id.to_string();
    let shaped = endpoint.platform.shape(endpoint, &letter(job, body, &id, now));
    let headers = head(endpoint, &shaped, &id, number, now.div_euclid(1000));
    Request { url: shaped.url, headers, body: shaped.body.into_owned() }
}

/// The headers of such a request, by the time in seconds.
pub fn headers(
    endpoint: &Endpoint,
    job: &Job,
    body: &Body,
    number: u32,
    timestamp_s: i64,
) -> Vec<(String, String)> {
    request(endpoint, job, body, number, timestamp_s.saturating_mul(1000)).headers
}

/// The headers of an attempt: a fresh timestamp and signature each time, the same id.
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
fn head(
    endpoint: &Endpoint,
    shaped: &Shaped<'_>,
    id: &str,
    number: u32,
    timestamp_s: i64,
) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = vec![("content-type".into(), shaped.content_type.to_string())];
    let configured = endpoint.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned()));
    let mut set = |name: String, value: String| {
        headers.retain(|(present, _)| *present != name);
        headers.push((name, value));
    };
    shaped.headers.iter().cloned().for_each(|(name, value)| set(name, value));
    configured.for_each(|(name, value)| set(name, value));
    if endpoint.platform.webhook_headers() {
        set("webhook-id".into(), id.to_owned());
        set("webhook-timestamp".into(), timestamp_s.to_string());
        set("taskbell-attempt".into(), number.to_string());
    }
    for signer in &endpoint.sign {
        for (name, value) in signer.sign(id, timestamp_s, &shaped.body) {
            set(name, value);
        }
    }
    headers
}

/// A fault that cannot change by trying again ends the delivery; a cancelled attempt says nothing.
fn outcome_of(fault: &Fault) -> Option<Outcome> {
    match fault.kind {
        FaultKind::Cancelled => None,
        FaultKind::Refused => Some(Outcome::Final(fault.reason.clone())),
        FaultKind::Resolve
        | FaultKind::Connect
        | FaultKind::Tls
        | FaultKind::Timeout
        | FaultKind::Broken
        | FaultKind::Protocol => Some(Outcome::Retry(fault.reason.clone())),
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        // It goes again at once, in another form.
        Outcome::Retry(_) | Outcome::Plainer(..) => "retry",
        Outcome::RetryAfter(..) => "retry_after",
        Outcome::Final(_) => "final",
        Outcome::Gone(_) => "gone",
    }
}

/// The head of the answer for the log. It is scrubbed before it is cut, so that no half of a secret
/// stays behind at the edge.
fn kept(answer: &Answer, scrubber: &Scrubber) -> Option<String> {
    if answer.body.is_empty() {
        return None;
    }
    let mut text = scrubber.scrub(&String::from_utf8_lossy(&answer.body));
    let mut end = text.len().min(KEPT_RESPONSE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    Some(text)
}
