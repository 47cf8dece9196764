//! The requests of an attempt, without sending them.

use super::body::Body;
use super::job::Job;
use super::request::{attached_file, rendered, signed_headers};
use crate::endpoint::Endpoint;
use crate::platform::{Answer, Attachment, Envelope, RenderedMessage, Request};
use crate::secret::REDACTED;
use url::Url;

/// A request as an attempt sends it.
#[derive(Debug, Clone)]
pub struct DryRunRequest {
    /// `POST`, or `SMTP` for a message by mail.
    pub method: &'static str,
    /// The whole URL; a secret.
    pub url: Url,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bytes that are signed.
    pub body: Vec<u8>,
}

/// The first attempt of a delivery.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// The message, and what follows it once it is delivered.
    pub requests: Vec<DryRunRequest>,
    pub file: Option<Attachment>,
    /// Why there is none although the message names one.
    pub remark: Option<String>,
}

/// An answer from which what follows can be made, on any platform.
const ANSWER: &str = r#"{"media_id": "[from the answer before]", "file_id": "[from the answer before]",
    "channel": "[from the answer before]", "ts": "[from the answer before]",
    "upload_url": "https://files.slack.com/from-the-answer-before"}"#;

/// The requests of an attempt that starts at this Unix time in milliseconds. Reads the file.
pub fn dry_run(endpoint: &Endpoint, job: &Job, body: &Body, now: i64) -> DryRun {
    let (file, remark) = match attached_file(endpoint, job, body) {
        Ok(file) => (file, None),
        Err(remark) => (None, Some(remark)),
    };
    let id = job.event_id.to_string();
    let message = rendered(job, body, &id, file.as_ref(), now);
    let platform = endpoint.platform;
    let mut shaped = vec![platform.request(&endpoint.target, &message)];
    // Only the receiver knows what its answers name.
    let mut answers = vec![Answer { status: 200, body: ANSWER.into(), ..Answer::default() }];
    while let Some(Ok((_, next))) = platform.follow_up(&endpoint.target, &message, &answers) {
        shaped.push(next);
        answers.push(answers[0].clone());
    }
    let request = |(shaped, number)| match as_mail(&shaped, &message) {
        Some(mail) => mail,
        None => request(endpoint, shaped, &id, number, now),
    };
    let requests = shaped.into_iter().zip(1..).map(request).collect();
    DryRun { requests, file, remark }
}

/// A message by SMTP with its parts as they are, since few people read MIME.
fn as_mail(shaped: &Request<'_>, message: &RenderedMessage<'_>) -> Option<DryRunRequest> {
    let Envelope { from, to, .. } = shaped.envelope.as_ref()?;
    let headers = vec![("from".to_owned(), from.clone()), ("to".to_owned(), to.join(", "))];
    Some(DryRunRequest { method: "SMTP", url: shaped.url.clone(), headers, body: message.body.to_vec() })
}

fn request(endpoint: &Endpoint, shaped: Request<'_>, id: &str, number: u32, now: i64) -> DryRunRequest {
    let headers = signed_headers(endpoint, &shaped, id, number, now.div_euclid(1000));
    let headers = headers.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    DryRunRequest { method: shaped.method, url: shaped.url, headers, body: shaped.body.into_owned() }
}

/// The headers of an attempt without a file, at a Unix time in seconds, with secret keys of the platform
/// redacted.
pub fn headers(
    endpoint: &Endpoint,
    job: &Job,
    body: &Body,
    number: u32,
    timestamp_s: i64,
) -> Vec<(String, String)> {
    let secrets = endpoint.platform.description().options.iter().filter(|key| key.secret);
    let secrets: Vec<&str> = secrets.filter_map(|key| endpoint.target.option(key.name)).collect();
    let shown = |(name, value): (String, String)| {
        let is_secret = secrets.iter().any(|secret| value.contains(secret));
        (name, if is_secret { REDACTED.to_owned() } else { value })
    };
    let (id, now) = (job.event_id.to_string(), timestamp_s.saturating_mul(1000));
    let shaped = endpoint.platform.request(&endpoint.target, &rendered(job, body, &id, None, now));
    request(endpoint, shaped, &id, number, now).headers.into_iter().map(shown).collect()
}
