//! What follows a delivered message on a platform whose messages take no files, or not all of a message at once: requests
//! that are each made by the answer before.

use super::attempt::Attempt;
use super::exchange::Exchange;
use super::lane::Lane;
use super::request::rendered;
use crate::platform::Outcome;
use crate::secret::url_secrets;
use crate::spool::AttemptRow;

/// Sends it. Each request has its row, and what its answer means for the endpoint.
pub(super) fn send(lane: &Lane, attempt: &Attempt) {
    let (target, platform) = (&lane.endpoint.target, lane.endpoint.platform);
    let event_id = attempt.event_id.as_str();
    let mut started_at = lane.clock.unix_ms();
    let mut number = attempt.leader.attempts + 2;
    let message = rendered(&attempt.leader, &attempt.body, event_id, attempt.file.as_ref(), started_at);
    let first = attempt.answer().map(std::slice::from_ref).unwrap_or_default();
    let mut next = platform.follow_up(target, &message, first);
    if next.is_none() {
        return;
    }
    let mut answers = first.to_vec();
    while let Some(Ok((what, request))) = next {
        let exchange = Exchange::make(lane, &request, event_id, number, started_at);
        let outcome = exchange.outcome(lane);
        // The address that an answer named is a secret of the receiver's.
        let named = if request.is_storage { url_secrets(&request.url) } else { Vec::new() };
        let scrubber = lane.scrubber().and(named.iter().map(String::as_str));
        let mut row = exchange.row(attempt.leader.seq, outcome.as_ref(), &scrubber);
        (number, started_at) = (number + 1, exchange.ended_at());
        let answer = exchange.result.ok().filter(|_| outcome == Some(Outcome::Delivered));
        next = answer.and_then(|answer| {
            answers.push(answer);
            platform.follow_up(target, &message, &answers)
        });
        match &next {
            Some(Ok((_, request))) if request.is_storage => row.response = None,
            Some(Err(lack)) => {
                row = AttemptRow { outcome: "final", response: None, ..row };
                row.error = Some(format!("the answer {lack}"));
            }
            _ => {}
        }
        lane.log_follow_up(labelled(row, what), outcome, !request.is_storage);
    }
}

/// The row says that it is not about the message itself.
fn labelled(mut row: AttemptRow, what: &str) -> AttemptRow {
    if row.outcome != "delivered" {
        let reason = row.error.take().unwrap_or_else(|| "the shutdown broke it off".to_owned());
        row.error = Some(format!("the message was delivered, its {what} was not: {reason}"));
    }
    row
}
