//! One attempt: sign, send, and read what the answer means.

use super::{Body, Job, attachment, attachment_fit};
use crate::endpoint::Endpoint;
use crate::platform::{Answer, Attachment, Degradation, Outcome, RenderedMessage, Request};
use crate::secret::Scrubber;
use crate::spool::AttemptRow;
use crate::transport::{Client, Fault, FaultKind};
use serde_json::Value;

/// The most bytes of an answer's body that are kept in the attempt log.
const KEPT_RESPONSE_BYTES: usize = 4096;

/// A file of this many bytes may be what a line is too slow for, or a proxy on the way too strict.
const HEAVY: usize = 1024 * 1024;

/// What an attempt came to.
#[derive(Debug)]
pub struct Attempted {
    /// What it means; `None` when it was broken off by a shutdown and says nothing.
    pub outcome: Option<Outcome>,
    /// The row of the attempt log, less what follows.
    pub row: AttemptRow,
    /// The file that went with it.
    pub file: Option<Attachment>,
    /// Whether it may have failed because of that file, so that the next one is better made without.
    pub too_heavy: bool,
}

/// One attempt in the making: whose, of what, and when.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// To whom.
    pub endpoint: &'a Endpoint,
    /// Over which connections.
    pub client: &'a Client,
    /// Takes secrets out of what is logged.
    pub scrubber: &'a Scrubber,
    /// Of which delivery.
    pub job: &'a Job,
    /// The message.
    pub body: &'a Body,
    /// When it starts, in Unix milliseconds.
    pub started_at: i64,
}

impl Trial<'_> {
    /// Makes the attempt, within the endpoint's timeout.
    pub fn run(&self) -> Attempted {
        let (file, remark) = match attachment(self.endpoint, self.job, self.body) {
            Some(Ok(file)) => (Some(file), None),
            Some(Err(remark)) => (None, Some(remark)),
            None => (None, None),
        };
        let id = self.job.event_id.to_string();
        let letter = letter(self.job, self.body, &id, file.as_ref(), self.started_at);
        let shaped = self.endpoint.platform.request(&self.endpoint.target, &letter);
        let (outcome, mut row, result) = self.send(&shaped, &id, self.job.attempts + 1);
        let broke_off =
            result.is_err_and(|fault| matches!(fault.kind, FaultKind::Timeout | FaultKind::Broken));
        let is_heavy = |file: &Attachment| file.bytes.len().min(shaped.body.len()) >= HEAVY;
        let too_heavy = broke_off && file.as_ref().is_some_and(is_heavy);
        if too_heavy {
            let reason = row.error.take().unwrap_or_default();
            row.error =
                Some(format!("{reason}; the file may be too much, so the next attempt goes without it"));
        }
        if let Some(remark) = remark {
            let error = row.error.take().map(|error| format!("{error}; {remark}")).unwrap_or(remark);
            row.error = Some(self.scrubber.scrub(&error));
        }
        Attempted { outcome, row, file, too_heavy }
    }

    /// Sends what follows a delivered message, when its platform takes the file by itself only: one request,
    /// or one that hands the file over and one that names it. Each has its row, and what its
    /// answer means for the endpoint.
    pub fn follow_up(&self, file: &Attachment) -> Vec<(AttemptRow, Option<Outcome>)> {
        let id = self.job.event_id.to_string();
        let letter = letter(self.job, self.body, &id, Some(file), self.started_at);
        let (endpoint, platform) = (self.endpoint, self.endpoint.platform);
        let what = if platform.is_picture(file) { "image" } else { "file" };
        let mut rows = Vec::new();
        let mut number = self.job.attempts + 2;
        let mut next = platform.follow_up(&endpoint.target, &letter);
        if let Some(upload) = platform.upload(&endpoint.target, &letter) {
            let (outcome, mut row, result) = self.send(&upload, &id, number);
            number += 1;
            next = result
                .ok()
                .filter(|_| outcome == Some(Outcome::Delivered))
                .and_then(|answer| platform.uploaded(&endpoint.target, &letter, &answer));
            if outcome == Some(Outcome::Delivered) && next.is_none() {
                row.outcome = "final";
                row.error = Some("the answer to the upload names no file".to_owned());
            }
            rows.push((undelivered(row, what), outcome));
        }
        if let Some(shaped) = next {
            let spent: i64 = rows.iter().map(|(row, _)| i64::from(row.phases.total_us / 1000)).sum();
            let trial = Trial { started_at: self.started_at + spent, ..*self };
            let (outcome, row, _) = trial.send(&shaped, &id, number);
            rows.push((undelivered(row, what), outcome));
        }
        rows
    }

    fn send(
        &self,
        shaped: &Request<'_>,
        id: &str,
        number: u32,
    ) -> (Option<Outcome>, AttemptRow, Result<Answer, Fault>) {
        let headers = head(self.endpoint, shaped, id, number, self.started_at.div_euclid(1000));
        let (result, phases) = self.client.post(&shaped.url, &headers, &shaped.body);
        let ended_at = self.started_at + i64::from(phases.total_us / 1000);
        let (status, response, outcome) = match &result {
            Ok(answer) => {
                let outcome = self.endpoint.platform.read(answer, ended_at);
                (Some(answer.status), kept(answer, self.scrubber), Some(outcome))
            }
            Err(fault) => (None, None, outcome_of(fault)),
        };
        let row = AttemptRow {
            delivery: self.job.seq,
            number,
            started_at: self.started_at,
            phases,
            status,
            outcome: outcome.as_ref().map_or("cancelled", name),
            error: outcome.as_ref().and_then(reason).map(|reason| self.scrubber.scrub(reason)),
            response,
            next_at: None,
        };
        (outcome, row, result)
    }
}

/// The row of what followed a message, in words that keep the two apart.
fn undelivered(mut row: AttemptRow, what: &str) -> AttemptRow {
    if row.outcome != "delivered" {
        let reason = row.error.take().unwrap_or_else(|| "broken off by the shutdown".to_owned());
        row.error = Some(format!("the message was delivered, its {what} was not: {reason}"));
    }
    row
}

/// The file that goes with a message; why it is left out, when it cannot be read. The message goes
/// without it then.
pub(super) fn attachment(endpoint: &Endpoint, job: &Job, body: &Body) -> Option<Result<Attachment, String>> {
    let path = body.extras.file.as_deref().filter(|_| job.plain.is_none() && !job.without_file)?;
    let platform = endpoint.platform;
    // What was kept for an endpoint may be for another platform by now.
    if platform.file_limit().is_none() && !(body.extras.form && platform.reads_forms()) {
        return None;
    }
    let read = attachment::read(path, &endpoint.file_roots, attachment::LARGEST)
        .and_then(|file| attachment_fit::pack(file, platform));
    Some(read.map_err(|fault| format!("sent without the file {}: it {fault}", attachment::shown_name(path))))
}

/// The plainer form of a message whose receiver stumbled; `None` when there is none.
pub fn degrade(endpoint: &Endpoint, body: &Body, how: Degradation, had_file: bool) -> Option<Body> {
    let json: Value = serde_json::from_slice(&body.bytes).ok()?;
    let bytes = match endpoint.platform.degrade(&json, how) {
        Some(plain) => plain.to_string().into_bytes(),
        // Without its file it is plainer too.
        None if had_file => body.bytes.clone(),
        None => return None,
    };
    Some(Body { content_type: body.content_type.clone(), bytes, extras: body.extras.clone() })
}

/// The message to the chat that took the place of the configured one. `None` for one that says itself to which
/// chat it goes: where that has moved, its template must follow.
pub fn sent_to(body: &Body, chat: i64) -> Option<Body> {
    let mut json: Value = serde_json::from_slice(&body.bytes).ok()?;
    let fields = json.as_object_mut().filter(|fields| !fields.contains_key("chat_id"))?;
    fields.insert("chat_id".to_owned(), chat.into());
    let bytes = json.to_string().into_bytes();
    Some(Body { content_type: body.content_type.clone(), bytes, extras: body.extras.clone() })
}

fn reason(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Delivered => None,
        Outcome::Retry(reason)
        | Outcome::RetryAfter(_, reason)
        | Outcome::Final(reason)
        | Outcome::Gone(reason)
        | Outcome::Degrade(_, reason)
        | Outcome::Moved(_, reason) => Some(reason),
    }
}

/// The message as its platform sees it.
pub(super) fn letter<'a>(
    job: &'a Job,
    body: &'a Body,
    id: &'a str,
    file: Option<&'a Attachment>,
    now: i64,
) -> RenderedMessage<'a> {
    RenderedMessage {
        event_id: id,
        kind: &job.kind,
        created_at: job.created_at,
        now,
        content_type: &body.content_type,
        body: &body.bytes,
        file,
        form: body.extras.form,
    }
}

/// The headers of an attempt: a fresh timestamp and signature each time, the same id.
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
pub(super) fn head(
    endpoint: &Endpoint,
    shaped: &Request<'_>,
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
        // It goes again at once, in another form or to another place.
        Outcome::Retry(_) | Outcome::Degrade(..) | Outcome::Moved(..) => "retry",
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
