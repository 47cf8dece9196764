//! The receiver's side: checks that a request is signed with one of its secrets, and recent.

use super::scheme::{Scheme, SchemeFields, SchemeParameters, SchemeUse};
use serde_json::Value;
use std::fmt;

/// The default tolerance of a timestamp, in seconds, as in the reference libraries of Standard Webhooks and
/// Stripe.
const DEFAULT_TOLERANCE_S: u64 = 300;

/// The longest tolerance that may be configured: a week.
const LONGEST_TOLERANCE_S: u64 = 7 * 86_400;

/// The most signatures checked in one request, so that a header of thousands costs little.
const MOST_SIGNATURES: usize = 32;

/// A valid signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The id, when the scheme carries one: the same on every attempt, so use it to drop duplicates.
    pub id: Option<String>,
    /// Unix seconds of the attempt, when the scheme carries it.
    pub timestamp: Option<i64>,
    /// The name of the scheme.
    pub scheme: &'static str,
    /// The index in `secrets` of the one that matched.
    pub secret: usize,
}

/// Why a request is refused, or cannot be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyError {
    /// The scheme cannot be used; the text has the reason.
    Scheme(String),
    /// The headers are not an object of texts or lists of texts.
    Headers(String),
    /// A header that the scheme needs is missing.
    Missing(String),
    /// A header is malformed.
    Malformed {
        /// Its name.
        header: String,
        /// The reason.
        reason: &'static str,
    },
    /// No signature matches one of the secrets.
    NoMatch,
    /// The signature is valid, but the request is too old, or from the future.
    Stale {
        /// Seconds by which the timestamp is behind the clock; negative when it is ahead.
        behind_s: i64,
        /// Seconds that are allowed either way.
        tolerance_s: u64,
    },
}

impl VerifyError {
    /// Whether the caller's arguments are wrong, rather than the request.
    pub fn is_usage(&self) -> bool {
        matches!(self, VerifyError::Scheme(_) | VerifyError::Headers(_))
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyError::Scheme(fault) => write!(f, "the scheme cannot be used: {fault}"),
            VerifyError::Headers(fault) => write!(f, "the headers cannot be read: {fault}"),
            VerifyError::Missing(header) => write!(f, "the request has no header `{header}`"),
            VerifyError::Malformed { header, reason } => write!(f, "the header `{header}` {reason}"),
            VerifyError::NoMatch => f.write_str(
                "no signature of the request matches: another secret signed it, or the body is not byte for \
                 byte what was signed",
            ),
            VerifyError::Stale { behind_s, tolerance_s } if *behind_s >= 0 => write!(
                f,
                "the request was signed {behind_s} s ago, more than the {tolerance_s} s allowed: a replay, or the \
                 clocks differ"
            ),
            VerifyError::Stale { behind_s, tolerance_s } => write!(
                f,
                "the request was signed {} s in the future, more than the {tolerance_s} s allowed: the clocks differ",
                behind_s.unsigned_abs()
            ),
        }
    }
}

impl std::error::Error for VerifyError {}

/// A scheme and its secrets, ready to check any number of requests from any thread.
pub struct Verifier {
    scheme: Scheme,
    tolerance_s: u64,
}

impl Verifier {
    /// Reads an entry of `sign`, with an optional `tolerance` (`"5m"`, or seconds; 300 by default; in both
    /// directions). Under `standard-webhooks` a `whpk_` public key is enough.
    ///
    /// # Errors
    /// A sentence without secrets.
    pub fn from_json(entry: &Value) -> Result<Verifier, String> {
        let scheme = Scheme::read(entry, SchemeUse::Receiver)?;
        let tolerance_s = match SchemeFields::new(entry)?.get("tolerance") {
            None => DEFAULT_TOLERANCE_S,
            Some(value) => read_tolerance(value).ok_or(
                "`tolerance` must be a time from 1 second to 7 days, as \"5m\" or a whole number of seconds: without \
                 it any captured request could be played again for ever",
            )?,
        };
        Ok(Verifier { scheme, tolerance_s })
    }

    /// Checks a request. Header names are case-insensitive, and a name may occur several times. The signature
    /// is checked before the time, so only a genuine request is [`VerifyError::Stale`].
    pub fn verify(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        now_unix_s: i64,
    ) -> Result<Verified, VerifyError> {
        let row = &self.scheme.row;
        let claim = ClaimedSignature::read(row, headers)?;
        let feed = |take: &mut dyn FnMut(&[u8])| {
            let (id, timestamp) = (claim.id.unwrap_or_default(), claim.timestamp.unwrap_or_default());
            row.content.feed(id, timestamp, body, take);
        };
        let mut matching = self.scheme.keys.iter().map(|key| key.recognises(&claim.signatures, &feed));
        let secret = matching.position(|matches| matches).ok_or(VerifyError::NoMatch)?;
        if let Some(seconds) = claim.seconds {
            self.check_age(seconds, now_unix_s)?;
        }
        Ok(Verified { id: claim.id.map(str::to_owned), timestamp: claim.seconds, scheme: row.name, secret })
    }

    fn check_age(&self, timestamp: i64, now_unix_s: i64) -> Result<(), VerifyError> {
        let behind_s = now_unix_s.saturating_sub(timestamp);
        if behind_s.unsigned_abs() <= self.tolerance_s {
            Ok(())
        } else {
            Err(VerifyError::Stale { behind_s, tolerance_s: self.tolerance_s })
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({}, {} secrets)", self.scheme.row.name, self.scheme.keys.len())
    }
}

/// Checks one request whose scheme and headers are given as JSON: [`Verifier::from_json`] and
/// [`Verifier::verify`] in one. `headers_json` maps names to a text or a list of texts. `now_unix_s` is
/// the receiver's clock.
pub fn verify(
    scheme_json: &str,
    headers_json: &str,
    body: &[u8],
    now_unix_s: i64,
) -> Result<Verified, VerifyError> {
    // The parser's message could quote the text, and with it a secret, so only the position is reported.
    let scheme: Value = serde_json::from_slice(scheme_json.as_bytes()).map_err(|fault| {
        let (line, column) = (fault.line(), fault.column());
        VerifyError::Scheme(format!("it is not JSON, line {line}, column {column}"))
    })?;
    let verifier = Verifier::from_json(&scheme).map_err(VerifyError::Scheme)?;
    verifier.verify(&read_headers(headers_json)?, body, now_unix_s)
}

fn read_headers(text: &str) -> Result<Vec<(String, String)>, VerifyError> {
    let refused = |reason: String| VerifyError::Headers(reason);
    let json: Value = serde_json::from_slice(text.as_bytes()).map_err(|fault| {
        refused(format!("they are not JSON, line {}, column {}", fault.line(), fault.column()))
    })?;
    let fault =
        || refused("give an object of names and values, each value a text or a list of texts".to_owned());
    let mut headers = Vec::new();
    for (name, value) in json.as_object().ok_or_else(fault)? {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        for value in values {
            headers.push((name.clone(), value.as_str().ok_or_else(fault)?.to_owned()));
        }
    }
    Ok(headers)
}

/// The signatures, id and timestamp in the headers of a request.
#[derive(Default)]
struct ClaimedSignature<'h> {
    id: Option<&'h str>,
    /// As written, because this text was signed.
    timestamp: Option<&'h str>,
    seconds: Option<i64>,
    signatures: Vec<&'h str>,
}

impl<'h> ClaimedSignature<'h> {
    fn read(
        row: &SchemeParameters,
        headers: &'h [(String, String)],
    ) -> Result<ClaimedSignature<'h>, VerifyError> {
        let only = |name: &Option<String>| name.as_deref().map(|name| only(headers, name)).transpose();
        let mut claim = ClaimedSignature {
            id: only(&row.id_header)?,
            timestamp: only(&row.timestamp_header)?,
            ..ClaimedSignature::default()
        };
        let mut present = false;
        for value in all(headers, &row.header) {
            present = true;
            claim.add(row, value)?;
        }
        if !present {
            return Err(VerifyError::Missing(row.header.clone()));
        }
        if claim.signatures.len() > MOST_SIGNATURES {
            return Err(malformed(&row.header, "holds more signatures than a sender has reason to send"));
        }
        if let Some(text) = claim.timestamp {
            let header = row.timestamp_header.as_ref().unwrap_or(&row.header);
            let seconds =
                read_timestamp(text).ok_or_else(|| malformed(header, "is not a time in Unix seconds"))?;
            claim.seconds = Some(seconds);
        }
        // A dot ends the id, so an id with a dot could move bytes from the body into the timestamp.
        if row.name == "standard-webhooks" && claim.id.is_some_and(|id| id.contains('.')) {
            return Err(malformed("webhook-id", "holds a `.`, which Standard Webhooks forbids"));
        }
        Ok(claim)
    }

    /// One value of the signature's header, and the id and timestamp that may stand in it.
    fn add(&mut self, row: &SchemeParameters, value: &'h str) -> Result<(), VerifyError> {
        let reading = row
            .value
            .read(value)
            .ok_or_else(|| malformed(&row.header, "is not written as the scheme says"))?;
        for (place, found) in [(&mut self.id, reading.id), (&mut self.timestamp, reading.timestamp)] {
            if found.is_some() && place.is_some() && *place != found {
                return Err(malformed(&row.header, "contradicts another id or timestamp of the request"));
            }
            *place = place.or(found);
        }
        match &row.joiner {
            Some(joiner) => self.signatures.extend(reading.signature.split(joiner.as_str())),
            None => self.signatures.push(reading.signature),
        }
        Ok(())
    }
}

fn malformed(header: &str, reason: &'static str) -> VerifyError {
    VerifyError::Malformed { header: header.to_owned(), reason }
}

fn all<'h>(headers: &'h [(String, String)], name: &str) -> impl Iterator<Item = &'h str> {
    headers
        .iter()
        .filter(move |(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_matches([' ', '\t']))
}

/// The one value of a header; the same value twice is one.
fn only<'h>(headers: &'h [(String, String)], name: &str) -> Result<&'h str, VerifyError> {
    let mut values = all(headers, name);
    let first = values.next().ok_or_else(|| VerifyError::Missing(name.to_owned()))?;
    if values.all(|other| other == first) {
        Ok(first)
    } else {
        Err(malformed(name, "occurs several times with different values"))
    }
}

fn read_timestamp(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn read_tolerance(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => {
            let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
            let scale = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                "d" => 86_400,
                _ => return None,
            };
            number.parse::<u64>().ok()?.checked_mul(scale)?
        }
        _ => return None,
    };
    (1..=LONGEST_TOLERANCE_S).contains(&seconds).then_some(seconds)
}
