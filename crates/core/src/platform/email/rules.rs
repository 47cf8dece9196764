//! What a message may hold: RFC 5322, section 2.1.1, and where mail programs cut.

use super::super::ReceivedRequest;
use super::super::limits::Unit;
use super::super::rules::Rule::{Object, Plain, Text};
use super::super::rules::{BodyFault, Faults, Shape, may, shape};
use super::{HTML, SUBJECT, TEXT};
use serde_json::Value;

pub(super) fn faults(body: &Value, _url: &str) -> Vec<BodyFault> {
    Faults::of("email", &Object(&MESSAGE), body).answered(|_| "554")
}

static MESSAGE: Shape = shape(&[
    may("subject", Plain(SUBJECT, true)),
    may("text", Text(TEXT, Unit::Bytes, true)),
    may("html", Text(HTML, Unit::Bytes, true)),
])
.some_of(&["text", "html"])
.elsewhere(&[
    ("title", "the title of a message is `subject`"),
    ("body", "the text of a message is `text`, or `html`"),
    ("message", "the text of a message is `text`, or `html`"),
    ("to", "recipients belong to the endpoint, as `to`"),
    ("from", "the sender belongs to the endpoint, as `from`"),
]);

/// The longest line without its end, in bytes.
const LINE: usize = 998;

/// What each message has once (RFC 5322, section 3.6).
const NEEDED: [&str; 6] = ["from", "to", "subject", "date", "message-id", "auto-submitted"];

/// What a server refuses that looks closely: a line that is too long or ends with one character of two, bytes of more
/// than seven bits, which it did not offer to take, and a head in which something is missing or twice.
pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let lines = request.body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").ok_or(line));
    let count = request.body.iter().filter(|byte| **byte == b'\n').count();
    let is_line = |line: Result<&[u8], &[u8]>| match line {
        Ok(line) => line.len() <= LINE && !line.contains(&b'\r'),
        // After the last end of a line.
        Err(rest) => rest.is_empty(),
    };
    let is_whole = lines.map(is_line).filter(|good| *good).count() == count + 1;
    let once = |name: &str| request.headers.iter().filter(|(key, _)| key == name).count() == 1;
    let is_sound = is_whole && request.body.is_ascii() && NEEDED.iter().all(|name| once(name));
    (!is_sound).then_some("554")
}
