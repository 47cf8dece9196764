//! The request of an attempt: the message as its platform sees it, its file, and the signed headers.

use super::attachment;
use super::attachment_fit;
use super::body::Body;
use super::drawing;
use super::job::Job;
use crate::endpoint::Endpoint;
use crate::platform::{Attachment, Degradation, Live, RenderedMessage, Request};
use crate::transport::HeaderLine;
use std::borrow::Cow;

/// The file that goes with a message, if it names one. An error says why the message goes without it.
pub(super) fn attached_file(
    endpoint: &Endpoint,
    job: &Job,
    body: &Body,
) -> Result<Option<Attachment>, String> {
    let keeps = !job.without_file && job.plain.is_none_or(|how| how == Degradation::Pruned);
    let path = body.extras.file.as_deref().filter(|_| keeps);
    let (platform, description) = (endpoint.platform, endpoint.platform.description());
    // A message in the spool may have been rendered when the endpoint belonged to another platform.
    let is_taken = description.file_limit.is_some() || body.extras.form && description.reads_forms;
    if !is_taken {
        return Ok(None);
    }
    let Some(path) = path else {
        let Some(drawing) = body.extras.drawing.as_ref().filter(|_| keeps) else { return Ok(None) };
        return drawing::draw(drawing, &endpoint.file_roots)
            .and_then(|file| attachment_fit::pack(file, platform))
            .map(Some)
            .map_err(|error| format!("sent without its picture: it {error}"));
    };
    attachment::read(path, &endpoint.file_roots, attachment::LARGEST)
        .and_then(|file| attachment_fit::pack(file, platform))
        .map(Some)
        .map_err(|error| format!("sent without the file {}: it {error}", attachment::shown_name(path)))
}

pub(super) fn rendered<'a>(
    job: &'a Job,
    body: &'a Body,
    event_id: &'a str,
    file: Option<&'a Attachment>,
    now: i64,
) -> RenderedMessage<'a> {
    RenderedMessage {
        event_id,
        kind: &job.kind,
        created_at: job.created_at,
        now,
        content_type: &body.content_type,
        body: &body.bytes,
        file,
        form: body.extras.form,
        live: job.live.as_ref().map(|live| Live { first: &live.first, message: live.message.as_deref() }),
    }
}

/// The headers of an attempt: a fresh timestamp and signature each time, the same id.
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
pub(super) fn signed_headers<'a>(
    endpoint: &'a Endpoint,
    request: &'a Request<'_>,
    event_id: &'a str,
    number: u32,
    timestamp_s: i64,
) -> Vec<HeaderLine<'a>> {
    let mut headers = Vec::with_capacity(8);
    headers.push((Cow::Borrowed("content-type"), Cow::Borrowed(&*request.content_type)));
    let mut set = |name: Cow<'a, str>, value: Cow<'a, str>| match headers
        .iter_mut()
        .find(|(present, _)| *present == name)
    {
        Some((_, present)) => *present = value,
        None => headers.push((name, value)),
    };
    request.headers.iter().for_each(|(name, value)| set(name.into(), value.into()));
    if request.is_storage {
        return headers;
    }
    endpoint.headers.iter().for_each(|(name, value)| set(name.into(), value.expose().into()));
    if endpoint.platform.description().webhook_headers {
        set("webhook-id".into(), event_id.into());
        set("webhook-timestamp".into(), timestamp_s.to_string().into());
        set("taskbell-attempt".into(), number.to_string().into());
    }
    for signer in &endpoint.sign {
        for (name, value) in signer.sign(event_id, timestamp_s, &request.body) {
            set(name.into(), value.into());
        }
    }
    headers
}
