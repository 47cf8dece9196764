//! What follows a delivered message on a platform that takes files or galleries by themselves only: one request, or one that
//! uploads the file and one that names it.

use super::attempt::Attempt;
use super::exchange::Exchange;
use super::lane::Lane;
use super::request::rendered;
use crate::platform::Outcome;
use crate::spool::AttemptRow;

/// Sends it. Each request has its row, and what its answer means for the endpoint.
pub(super) fn send(lane: &Lane, attempt: &Attempt) -> Vec<(AttemptRow, Option<Outcome>)> {
    let (endpoint, platform) = (&lane.endpoint, lane.endpoint.platform);
    let started_at = lane.clock.unix_ms();
    let event_id = attempt.leader.event_id.to_string();
    let message = rendered(&attempt.leader, &attempt.body, &event_id, attempt.file.as_ref(), started_at);
    let mut next = platform.follow_up(&endpoint.target, &message);
    let upload = platform.upload(&endpoint.target, &message);
    if next.is_none() && upload.is_none() {
        return Vec::new();
    }
    let scrubber = lane.scrubber();
    // What follows without a file is a gallery that the platform fetches.
    let is_document = attempt.file.as_ref().is_some_and(|file| !platform.is_picture(file));
    let what = if is_document { "file" } else { "image" };
    let post = |request, number, started_at| {
        let exchange = Exchange::make(lane, &request, &event_id, number, started_at);
        let outcome = exchange.outcome(lane);
        let row = exchange.row(attempt.leader.seq, outcome.as_ref(), &scrubber);
        (exchange, row, outcome)
    };
    let mut rows = Vec::new();
    let mut number = attempt.leader.attempts + 2;
    let mut next_at = started_at;
    if let Some(upload) = upload {
        let (exchange, mut row, outcome) = post(upload, number, started_at);
        number += 1;
        next_at = exchange.ended_at();
        let is_uploaded = outcome == Some(Outcome::Delivered);
        let answer = exchange.result.ok().filter(|_| is_uploaded);
        next = answer.and_then(|answer| platform.uploaded(&endpoint.target, &message, &answer));
        if is_uploaded && next.is_none() {
            row.outcome = "final";
            row.error = Some("the answer to the upload names no file".to_owned());
        }
        rows.push((labelled(row, what), outcome));
    }
    if let Some(request) = next {
        let (_, row, outcome) = post(request, number, next_at);
        rows.push((labelled(row, what), outcome));
    }
    rows
}

/// The row says that it is not about the message itself.
fn labelled(mut row: AttemptRow, what: &str) -> AttemptRow {
    if row.outcome != "delivered" {
        let reason = row.error.take().unwrap_or_else(|| "the shutdown broke it off".to_owned());
        row.error = Some(format!("the message was delivered, its {what} was not: {reason}"));
    }
    row
}
