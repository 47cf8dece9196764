//! Responses that platforms are known to give. One table per platform serves all uses: `meaning` looks codes up in it,
//! `taskbell serve --as` answers by it and lists its names, and the tests try it.

use super::{Answer, Degradation, Outcome};
use std::time::Duration;

/// One response of a platform.
#[derive(Debug)]
pub struct CannedResponse {
    /// The platform's own code, or a word.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Headers with names in lower case.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: &'static str,
    /// When the platform gives it.
    pub meaning: &'static str,
    /// What `Platform::read` makes of it.
    pub expected: Expected,
}

/// An [`Outcome`] without its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The receiver has it.
    Delivered,
    /// Another attempt by the schedule.
    Retry,
    /// Another attempt after so many milliseconds.
    RetryAfter(u128),
    /// The message is dead.
    Final,
    /// The endpoint is dead.
    Gone,
    /// A plainer form of the message.
    Degrade(Degradation),
    /// The same message to the chat of this number.
    Moved(i64),
}

impl From<&Outcome> for Expected {
    fn from(outcome: &Outcome) -> Expected {
        match outcome {
            Outcome::Delivered => Expected::Delivered,
            Outcome::Retry(_) => Expected::Retry,
            Outcome::RetryAfter(wait, _) => Expected::RetryAfter(wait.as_millis()),
            Outcome::Final(_) => Expected::Final,
            Outcome::Gone(_) => Expected::Gone,
            Outcome::Degrade(how, _) => Expected::Degrade(*how),
            Outcome::Moved(chat, _) => Expected::Moved(*chat),
        }
    }
}

pub(super) const fn response(
    name: &'static str,
    status: u16,
    body: &'static str,
    meaning: &'static str,
    expected: Expected,
) -> CannedResponse {
    CannedResponse { name, status, headers: &[], body, meaning, expected }
}

impl CannedResponse {
    /// What it means for a delivery. A wait that stands in the response itself is read from the one at hand.
    pub(super) fn outcome(&self, reason: String) -> Outcome {
        match self.expected {
            Expected::Delivered => Outcome::Delivered,
            Expected::RetryAfter(least) if self.headers.is_empty() => {
                Outcome::RetryAfter(Duration::from_millis(least as u64), reason)
            }
            // A time that is over: the schedule decides, whatever the status.
            Expected::Retry | Expected::RetryAfter(_) => Outcome::RetryAfter(Duration::ZERO, reason),
            Expected::Final => Outcome::Final(reason),
            Expected::Gone => Outcome::Gone(reason),
            Expected::Degrade(how) => Outcome::Degrade(how, reason),
            Expected::Moved(chat) => Outcome::Moved(chat, reason),
        }
    }

    pub(super) const fn with(mut self, headers: &'static [(&'static str, &'static str)]) -> CannedResponse {
        self.headers = headers;
        self
    }
}

/// The response of this name.
pub(super) fn known(table: &'static [CannedResponse], name: &str) -> Option<&'static CannedResponse> {
    table.iter().find(|response| response.name == name)
}

/// What a code means that stands in the body: by the table, where a `name` tells two meanings of one number apart; else by
/// whether codes of its kind refuse the form of a message.
pub(super) fn by_code(
    table: &'static [CannedResponse],
    answer: &Answer,
    (key, code, name): (&str, i64, Option<&str>),
    is_of_form: bool,
) -> Outcome {
    let reason = |what: &str| format!("{key} {code}: {what}");
    match known(table, name.unwrap_or(&code.to_string())) {
        Some(known) => known.outcome(reason(known.meaning)),
        None if is_of_form => answer.refused(reason("it refuses the form of the message")),
        None => answer.refused_or_again(reason("not known to Taskbell")),
    }
}

pub(super) const ONE_SECOND: &[(&str, &str)] = &[("retry-after", "1")];

// Responses of something between here and the platform, and of a platform in trouble.
pub(super) const PAGE: CannedResponse = response(
    "page",
    200,
    "<!doctype html><title>Sign in</title>",
    "a gateway's page with 200",
    Expected::Retry,
);
pub(super) const EMPTY: CannedResponse = response("empty", 200, "", "200 without a word", Expected::Retry);
pub(super) const GATEWAY: CannedResponse =
    response("502", 502, "<html>Bad gateway</html>", "something before the platform failed", Expected::Retry);
pub(super) const TROUBLE: CannedResponse =
    response("500", 500, "", "the platform is in trouble", Expected::Retry);
pub(super) const DOWN: CannedResponse = response("503", 503, "", "the platform is down", Expected::Retry);
