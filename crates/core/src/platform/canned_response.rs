//! Responses that platforms are known to give. One table per platform serves three uses: the tests of `read`,
//! `taskbell serve --as`, and its list of names.

use super::{Degradation, Outcome};

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
    pub(super) const fn with(mut self, headers: &'static [(&'static str, &'static str)]) -> CannedResponse {
        self.headers = headers;
        self
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
