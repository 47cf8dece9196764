//! One request of an attempt and its answer: what they mean, and their row in the attempt log.

use super::lane::Lane;
use super::request::signed_headers;
use crate::platform::{Answer, Outcome, Request};
use crate::secret::Scrubber;
use crate::spool::AttemptRow;
use crate::transport::{Phases, TransportError, TransportErrorKind};

/// The most bytes of an answer's body in the attempt log.
const MAX_LOGGED_RESPONSE: usize = 4096;

pub(super) struct Exchange {
    pub(super) number: u32,
    pub(super) started_at: i64,
    pub(super) phases: Phases,
    pub(super) result: Result<Answer, TransportError>,
    is_storage: bool,
}

impl Exchange {
    /// Signs the request, sends it, and waits for the answer within the endpoint's timeout.
    pub(super) fn make(
        lane: &Lane,
        request: &Request<'_>,
        event_id: &str,
        number: u32,
        started_at: i64,
    ) -> Exchange {
        let headers = signed_headers(&lane.endpoint, request, event_id, number, started_at.div_euclid(1000));
        let (result, phases) = match &request.envelope {
            Some(envelope) => lane.client.mail(&request.url, envelope, &request.body),
            None => lane.client.send(request.method, &request.url, &headers, &request.body),
        };
        Exchange { number, started_at, phases, result, is_storage: request.is_storage }
    }

    pub(super) fn ended_at(&self) -> i64 {
        self.started_at + i64::from(self.phases.total_us / 1000)
    }

    /// What it means; `None` when a shutdown cut it off, which says nothing.
    pub(super) fn outcome(&self, lane: &Lane) -> Option<Outcome> {
        match &self.result {
            Ok(answer) if self.is_storage => Some(match answer.status {
                200 => Outcome::Delivered,
                status => Outcome::Final(format!("answered {status}")),
            }),
            Ok(answer) => Some(lane.endpoint.read(answer, self.ended_at())),
            Err(error) => match error.kind {
                TransportErrorKind::Cancelled => None,
                TransportErrorKind::Refused => Some(Outcome::Final(error.reason.clone())),
                TransportErrorKind::Resolve
                | TransportErrorKind::Connect
                | TransportErrorKind::Tls
                | TransportErrorKind::Timeout
                | TransportErrorKind::Broken
                | TransportErrorKind::Protocol => Some(Outcome::Retry(error.reason.clone())),
            },
        }
    }

    pub(super) fn row(&self, delivery: i64, outcome: Option<&Outcome>, scrubber: &Scrubber) -> AttemptRow {
        let answer = self.result.as_ref().ok();
        // One message may have several recipients.
        let refused = || answer?.header("refused").map(|who| format!("delivered, but not to {who}"));
        let reason = |outcome| reason(outcome).map(str::to_owned);
        AttemptRow {
            delivery,
            number: self.number,
            started_at: self.started_at,
            phases: self.phases,
            status: answer.map(|answer| answer.status),
            outcome: outcome.map_or("cancelled", name),
            error: outcome.and_then(reason).or_else(refused).map(|reason| scrubber.scrub(&reason)),
            response: answer.and_then(|answer| logged_response(answer, scrubber)),
            next_at: None,
        }
    }
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

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        // It goes again at once, in another form or to another chat.
        Outcome::Retry(_) | Outcome::Degrade(..) | Outcome::Moved(..) => "retry",
        Outcome::RetryAfter(..) => "retry_after",
        Outcome::Final(_) => "final",
        Outcome::Gone(_) => "gone",
    }
}

/// The answer is scrubbed before it is cut, so that no half of a secret remains at the end.
fn logged_response(answer: &Answer, scrubber: &Scrubber) -> Option<String> {
    if answer.body.is_empty() {
        return None;
    }
    let mut text = scrubber.scrub(&String::from_utf8_lossy(&answer.body));
    let end = (0..=text.len().min(MAX_LOGGED_RESPONSE)).rfind(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or_default());
    Some(text)
}
