//! Responses that platforms are known to give. One table per platform serves all uses: an answer is read by it,
//! `taskbell serve --as` answers by it and lists its names, and the tests try it.

use super::{Answer, Degradation, Outcome, Platform, retry_after};
use std::time::Duration;

/// One response of a platform.
#[derive(Debug)]
pub struct CannedResponse<'t> {
    /// The platform's own code, or a word.
    pub name: &'t str,
    /// The HTTP status.
    pub status: u16,
    /// Headers with names in lower case.
    pub headers: &'t [(&'t str, &'t str)],
    /// The body.
    pub body: &'t str,
    /// When the platform gives it.
    pub meaning: &'t str,
    /// What `read` makes of it.
    pub expected: Expected,
    /// Phrases in lower case of which an answer has one, where its code or status alone says too little.
    says: &'t [&'t str],
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

pub(super) const fn response<'t>(
    name: &'t str,
    status: u16,
    body: &'t str,
    meaning: &'t str,
    expected: Expected,
) -> CannedResponse<'t> {
    CannedResponse { name, status, headers: &[], body, meaning, expected, says: &[] }
}

impl<'t> CannedResponse<'t> {
    pub(super) const fn with(mut self, headers: &'t [(&'t str, &'t str)]) -> CannedResponse<'t> {
        self.headers = headers;
        self
    }

    pub(super) const fn says(mut self, phrases: &'t [&'t str]) -> CannedResponse<'t> {
        self.says = phrases;
        self
    }

    /// It, as it comes in.
    pub(super) fn answer(&self) -> Answer {
        let headers = self.headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Answer { status: self.status, headers, body: self.body.into(), truncated: false }
    }

    /// Whether an answer of the same code is this one. What is written in another form than the platform's comes from
    /// something before it, which speaks for itself alone.
    fn is_said_by(&self, answer: &Answer, text: &str) -> bool {
        let is_alike = match self.body.as_bytes().first() {
            Some(b'<') => answer.is_page(),
            Some(b'{') if self.status != 429 => answer.json().is_some_and(|json| json.is_object()),
            _ => !answer.is_page(),
        };
        is_alike && (self.says.is_empty() || self.says.iter().any(|phrase| text.contains(phrase)))
    }

    /// What it means for a delivery. A wait, or the number of a chat, that stands in the response itself is read from the
    /// one at hand.
    fn outcome(&self, answer: &Answer, reason: String) -> Outcome {
        match self.expected {
            Expected::Delivered => Outcome::Delivered,
            Expected::RetryAfter(least) => {
                let least = Duration::from_millis(least as u64);
                let is_named = retry_after::asked(&self.answer(), 0) == Some(least);
                Outcome::RetryAfter(if is_named { Duration::ZERO } else { least }, reason)
            }
            // A time that is over: the schedule decides, whatever the status.
            Expected::Retry => Outcome::RetryAfter(Duration::ZERO, reason),
            Expected::Final => Outcome::Final(reason),
            Expected::Gone => Outcome::Gone(reason),
            Expected::Degrade(how) => Outcome::Degrade(how, reason),
            Expected::Moved(_) => match answer.moved_to() {
                Some(chat) => {
                    Outcome::Moved(chat, format!("{reason} ({}); set `chat_id = {chat}`", answer.words()))
                }
                None => Outcome::Final(reason),
            },
        }
    }
}

impl dyn Platform + '_ {
    /// What an answer means. A wait that the answer asks for is added, and so are the receiver's words.
    pub fn read(&self, answer: &Answer, now_unix_ms: i64) -> Outcome {
        self.finish(answer, meaning(self, answer), now_unix_ms)
    }

    /// The outcome of an answer, with the wait that it asks for and the receiver's words.
    pub fn finish(&self, answer: &Answer, outcome: Outcome, now_unix_ms: i64) -> Outcome {
        answer.finished(outcome, now_unix_ms, self.description().refuses_for_good)
    }
}

/// What an answer means on its platform: by the first response of its table that has the same code, or status where the
/// platform has no codes; else by what the platform says of those it has no response for.
fn meaning(platform: &dyn Platform, answer: &Answer) -> Outcome {
    let Err(lack) = platform.took(answer) else { return Outcome::Delivered };
    let (status, code) = (answer.status, platform.code(answer));
    let is_same = |row: &CannedResponse<'_>| match &code {
        Some(_) => platform.code(&row.answer()) == code,
        None => {
            row.status == status && row.expected != Expected::Retry && platform.code(&row.answer()).is_none()
        }
    };
    let text = answer.text();
    let mut rows = platform.responses().iter().filter(|row| row.expected != Expected::Delivered);
    let reason = match &code {
        Some(code) if status == 200 => code.clone(),
        Some(code) => format!("answered {status}, {code}"),
        None => format!("answered {status}"),
    };
    match rows.find(|row| is_same(row) && row.is_said_by(answer, &text)) {
        Some(row) => row.outcome(answer, format!("{reason}: {}", row.meaning)),
        None => unlisted(platform, answer, code.is_some(), reason, lack),
    }
}

/// What an answer means that is none of the platform's responses.
fn unlisted(platform: &dyn Platform, answer: &Answer, is_coded: bool, reason: String, lack: &str) -> Outcome {
    let status = answer.status;
    match platform.asked(answer) {
        Some(outcome) => outcome,
        None if is_coded => platform.unknown(answer, true, reason),
        None if (200..=299).contains(&status) => Outcome::Retry(format!("{reason}, but {lack}")),
        None if status == 410 => {
            Outcome::Gone("answered 410: the receiver wants nothing more at this URL".to_owned())
        }
        None => platform.unknown(answer, false, answer.plain_reason()),
    }
}

/// How a platform without an answer of its own refuses: its path, its credentials, its body.
pub static REFUSALS: &[CannedResponse<'static>] = &[
    response("404", 404, "", "nothing listens at this path", Expected::Final),
    response("401", 401, "", "what names the sender is missing", Expected::Final),
    response("400", 400, "", "the body is not as described", Expected::Degrade(Degradation::NoMarkup)),
];

pub(super) const ONE_SECOND: &[(&str, &str)] = &[("retry-after", "1")];

// Responses of something between here and the platform, and of a platform in trouble.
pub(super) const PAGE: CannedResponse<'static> = response(
    "page",
    200,
    "<!doctype html><title>Sign in</title>",
    "a gateway's page with 200",
    Expected::Retry,
);
pub(super) const EMPTY: CannedResponse<'static> =
    response("empty", 200, "", "200 without a word", Expected::Retry);
pub(super) const GATEWAY: CannedResponse<'static> =
    response("502", 502, "<html>Bad gateway</html>", "something before the platform failed", Expected::Retry);
pub(super) const TROUBLE: CannedResponse<'static> =
    response("500", 500, "", "the platform is in trouble", Expected::Retry);
pub(super) const DOWN: CannedResponse<'static> =
    response("503", 503, "", "the platform is down", Expected::Retry);
