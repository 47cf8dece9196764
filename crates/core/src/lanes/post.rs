//! One post of a node to a relay: up to 500 events in the order in which they were accepted, or none, as a sign of life.

use super::body::Body;
use super::exchange::Exchange;
use super::job::Job;
use super::lane::{Lane, PostResult};
use super::relay_cycle::Forgotten;
use super::request::signed_headers;
use crate::endpoint::{Endpoint, Relays};
use crate::event::EventId;
use crate::farm::{NodeHead, POST_CONTENT_TYPE, PostWriter, RefusedEvent};
use crate::platform::{PostAnswer, Request, read_post_answer, timeline_of};
use crate::secret::SecretUrl;
use crate::spool::AttemptRow;
use crate::transport::{Client, TransportErrorKind};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use taskbell_ring::failpoint;

/// How soon an event that the spool cannot read now is asked for again.
const READ_AGAIN: Duration = Duration::from_secs(1);

const REPLACED: &str =
    "answered 409: its database was replaced or restored, and it wants what it may lack once more";

/// A post that was made.
pub(super) struct Posted {
    events: Vec<Job>,
    result: PostResult,
    row: AttemptRow,
}

impl Posted {
    pub(super) fn settle(self, lane: &Lane) {
        lane.settle_post(self.events, self.result, self.row);
    }
}

/// Posts these events, as many of them as one post carries; the others wait for the next one. `None` where nothing came
/// of it, and nothing is in flight.
pub(super) fn attempt(lane: &Lane, jobs: Vec<Job>) -> Option<Posted> {
    let (at, waiting, timeline) = lane.next_relay();
    let relays = lane.endpoint.relays.as_ref();
    let Some((relays, url)) = relays.and_then(|relays| Some((relays, relays.urls.get(at)?))) else {
        lane.put_back(jobs, lane.clock.monotonic());
        return None;
    };
    let is_sign_of_life = jobs.is_empty();
    let (waiting, sent_at) = ((waiting + jobs.len()) as u64, Some(lane.clock.unix_ms()));
    let head = NodeHead { waiting, sent_at, timeline, ..relays.head.clone() };
    let Gathered { events, body } = gather(lane, &head, jobs);
    if events.is_empty() && !is_sign_of_life {
        lane.release();
        return None;
    }
    let started_at = lane.clock.unix_ms();
    lane.begin_sending(&events, started_at);
    let exchange = exchange(lane, url, body, started_at);
    lane.end_sending(&events);
    let Some(result) = result(lane, &exchange, relays, url, &events) else {
        lane.put_back(events, lane.clock.monotonic());
        return None;
    };
    let row = exchange.row(0, None, &lane.scrubber());
    let (outcome, error) = match &result {
        PostResult::Taken(_) | PostResult::Refused(_) => ("delivered", None),
        PostResult::Wait(_, reason) => ("retry_after", Some(reason.clone())),
        PostResult::TooLarge(reason)
        | PostResult::SendAgain(_, reason)
        | PostResult::Unauthorized(reason)
        | PostResult::Elsewhere(reason) => ("retry", Some(reason.clone())),
    };
    Some(Posted { events, result, row: AttemptRow { outcome, error, ..row } })
}

/// The events of a post, and its body.
struct Gathered {
    events: Vec<Job>,
    body: Vec<u8>,
}

/// Puts events into a post until it is full; the rest waits. An event that the spool has no more, because an operator
/// dropped it, is left out.
fn gather(lane: &Lane, head: &NodeHead, jobs: Vec<Job>) -> Gathered {
    let mut post = PostWriter::new(head);
    let mut events = Vec::new();
    let mut left = jobs.into_iter();
    while let Some(mut job) = left.next() {
        let body = match stored(lane, &job) {
            Ok(Some(body)) => body,
            Ok(None) => {
                lane.drop_job(Job { attempts: 0, ..job }, "the event is no longer in the spool");
                continue;
            }
            Err(_) => {
                let due = lane.clock.monotonic() + READ_AGAIN;
                lane.let_wait(std::iter::once(job).chain(left), due);
                break;
            }
        };
        if !post.add(job.event_id, &job.kind, job.event_id.unix_ms(), &body.bytes) {
            job.body = Some(body);
            lane.let_wait(std::iter::once(job).chain(left), lane.clock.monotonic());
            break;
        }
        events.push(job);
    }
    Gathered { events, body: post.into_body() }
}

fn stored(lane: &Lane, job: &Job) -> Result<Option<Arc<Body>>, String> {
    match &job.body {
        Some(body) => Ok(Some(Arc::clone(body))),
        None => Ok(lane.sink.body(job.seq)?.map(Arc::new)),
    }
}

fn request(url: &SecretUrl, body: Vec<u8>) -> Request<'static> {
    Request {
        url: url.expose().clone(),
        content_type: Cow::Borrowed(POST_CONTENT_TYPE),
        method: "POST",
        headers: Vec::new(),
        body: Cow::Owned(body),
        envelope: None,
        is_storage: false,
    }
}

/// What a relay answers to a post without events, which changes nothing there.
///
/// # Errors
/// Why a node gets nothing through to it, in a sentence.
pub(crate) fn ask_relay(
    endpoint: &Endpoint,
    client: &Client,
    (head, url): (&NodeHead, &SecretUrl),
    now: i64,
) -> Result<&'static str, String> {
    let request = request(url, PostWriter::new(head).into_body());
    let id = EventId::random(now).written();
    let headers = signed_headers(endpoint, &request, &id, 1, now.div_euclid(1000));
    let (result, _) = client.send(request.method, &request.url, &headers, &request.body);
    let answer = result.map_err(|error| error.reason)?;
    match read_post_answer(&answer, now) {
        PostAnswer::Taken => Ok("takes posts"),
        PostAnswer::Elsewhere(_) if answer.status == 421 => Ok("is on standby"),
        PostAnswer::Wait(_, reason)
        | PostAnswer::TooLarge(reason)
        | PostAnswer::Unauthorized(reason)
        | PostAnswer::Elsewhere(reason) => Err(reason),
        PostAnswer::SendAgain(..) => Err(REPLACED.to_owned()),
        PostAnswer::Refused(_) => Err("answered 422: it refuses a post without events".to_owned()),
    }
}

fn exchange(lane: &Lane, url: &SecretUrl, body: Vec<u8>, started_at: i64) -> Exchange {
    let request = request(url, body);
    // Each post is another one, also where its events were in an earlier one.
    let id = EventId::random(started_at).written();
    failpoint::reach("before-send");
    let exchange = Exchange::make(lane, &request, &id, 1, started_at);
    failpoint::reach("after-send");
    exchange
}

/// What became of it; `None` when a shutdown cut it off.
fn result(
    lane: &Lane,
    exchange: &Exchange,
    relays: &Relays,
    url: &SecretUrl,
    jobs: &[Job],
) -> Option<PostResult> {
    let scrubber = lane.scrubber();
    // One of several is named; the words of the transport name it anyway.
    let named = |reason: String| match relays.urls.len() {
        1 => scrubber.scrub(&format!("the relay {reason}")),
        _ => scrubber.scrub(&format!("the relay at {} {reason}", shown(url))),
    };
    match &exchange.result {
        Err(error) if error.kind == TransportErrorKind::Cancelled => None,
        Err(error) => Some(PostResult::Elsewhere(scrubber.scrub(&error.reason))),
        Ok(answer) => Some(match read_post_answer(answer, exchange.ended_at()) {
            PostAnswer::Taken => PostResult::Taken(timeline_of(answer)),
            PostAnswer::SendAgain(timeline, within) => {
                PostResult::SendAgain(Forgotten { timeline, within }, named(REPLACED.to_owned()))
            }
            PostAnswer::Refused(refused) => of_these(jobs, &refused, &named),
            PostAnswer::TooLarge(reason) => PostResult::TooLarge(named(reason)),
            PostAnswer::Wait(wait, reason) => PostResult::Wait(wait, named(reason)),
            PostAnswer::Unauthorized(reason) => PostResult::Unauthorized(named(reason)),
            PostAnswer::Elsewhere(reason) => PostResult::Elsewhere(named(reason)),
        }),
    }
}

/// The events of this post that the relay refuses, by their deliveries. With none of them the answer is no answer to
/// this post.
fn of_these(jobs: &[Job], refused: &[RefusedEvent], named: &dyn Fn(String) -> String) -> PostResult {
    let reason_of = |(job, place): (&Job, usize)| {
        let is_meant = |one: &&RefusedEvent| match one.id {
            Some(id) => id == job.event_id,
            None => one.place == place,
        };
        let one = refused.iter().find(is_meant)?;
        Some((job.seq, named(format!("refuses the event: {}", one.reason))))
    };
    let reasons: HashMap<i64, String> = jobs.iter().zip(1..).filter_map(reason_of).collect();
    if reasons.is_empty() {
        return PostResult::Elsewhere(named("answered 422 and names no event of the post".to_owned()));
    }
    PostResult::Refused(reasons)
}

/// Scheme, host and port.
pub(crate) fn shown(url: &SecretUrl) -> String {
    url.to_string().trim_end_matches("/…").to_owned()
}
