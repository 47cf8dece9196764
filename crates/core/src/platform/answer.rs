//! What a receiver answered, in its own words, and what an answer means on every platform alike: how long to wait, and
//! that a message is refused for its form.

use super::limits::{Unit, fit, flatten};
use super::retry_after;
use serde_json::Value;
use std::time::Duration;

/// The most code points of a receiver's words in a reason.
const WORDS: usize = 200;
/// The most of its faults that a reason quotes.
const DETAILS: usize = 4;

/// What a receiver answered, as far as it was read.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Decompressed, at most 64 KiB.
    pub body: Vec<u8>,
    /// Whether the body went on after what was read.
    pub truncated: bool,
}

/// What an attempt came to. The reason is a sentence fragment about the receiver; it may quote a few words
/// of the receiver, so whoever keeps it scrubs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// Not now: again by the schedule.
    Retry(String),
    /// Not before this time has passed.
    RetryAfter(Duration, String),
    /// Never: this message is dead.
    Final(String),
    /// Never again at this endpoint.
    Gone(String),
    /// Not like this: a plainer form of the message, at once.
    Degrade(Degradation, String),
    /// Not there: the same message to the chat of this number, at once and from now on.
    Moved(i64, String),
}

/// What the receiver refused; each also does without what is before it in this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Degradation {
    /// The parts that the platform's rules refuse.
    Pruned,
    /// The picture, or where it lies.
    NoImage,
    /// The markup.
    NoMarkup,
    /// The length.
    Shorter,
}

/// What an answer to an edit means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditAnswer {
    /// The message shows that already.
    Unchanged,
    /// The message is no longer there, or can no longer be edited.
    Lost,
}

impl Degradation {
    /// What is done about it, for the log.
    pub fn remedy(self) -> &'static str {
        match self {
            Degradation::Pruned => "sent again at once without the parts that it refuses",
            Degradation::NoImage => "sent again at once without the image",
            Degradation::NoMarkup => "sent again at once without markup",
            Degradation::Shorter => "sent again at once, cut short",
        }
    }
}

impl Answer {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `None` when it is anything else.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The code of platforms that answer in `errcode`, 0 for a message that they took.
    pub(super) fn errcode(&self) -> Option<i64> {
        self.json()?["errcode"].as_i64()
    }

    /// Whether it is the page of something between here and the platform.
    pub(super) fn is_page(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
    }

    /// What a status says that no platform gives a meaning of its own.
    pub(super) fn plain_reason(&self) -> String {
        let status = self.status;
        match status {
            300..=399 => {
                format!("answered {status}: redirects are never followed, so the URL must be changed")
            }
            429 => "answered 429: too many requests".to_owned(),
            500..=599 => format!("answered {status}: the receiver is in trouble"),
            _ => format!("answered {status}"),
        }
    }

    /// What the receiver says, on one line; empty when it says nothing.
    pub(super) fn words(&self) -> String {
        let said = match self.json() {
            Some(json) => said(&json),
            None if self.is_page() => {
                let page = String::from_utf8_lossy(&self.body).into_owned();
                let title = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
                title.map(|(title, _)| title.to_owned()).unwrap_or_default()
            }
            None => String::from_utf8_lossy(&self.body).into_owned(),
        };
        fit(said.trim(), WORDS, Unit::CodePoints, flatten).trim().to_owned()
    }

    /// All that it says, in lower case: JSON without escapes, and without the addresses of what explains it.
    pub(super) fn text(&self) -> String {
        let text = self.json().map(|mut json| {
            clear_links(&mut json);
            json.to_string()
        });
        text.unwrap_or_else(|| String::from_utf8_lossy(&self.body).into_owned()).to_lowercase()
    }

    /// The new number of a chat that got one.
    pub(super) fn moved_to(&self) -> Option<i64> {
        self.json()?.pointer("/parameters/migrate_to_chat_id")?.as_i64()
    }

    /// Whether the status says that the message will be refused as it is whenever it comes.
    fn refuses_form(&self) -> bool {
        matches!(self.status, 400 | 406 | 411 | 413 | 414 | 415 | 422 | 431)
    }

    /// A refusal of the form of the message. Its words tell the picture from the length; else the markup is in doubt.
    pub(super) fn refused(&self, reason: String) -> Outcome {
        let words = self.words().to_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
        let how = if says(&["image", "photo", "picture", "thumbnail", "attachment url"]) {
            Degradation::NoImage
        } else if self.status == 413 || self.status == 414 || says_length(&words) {
            Degradation::Shorter
        } else {
            Degradation::NoMarkup
        };
        Outcome::Degrade(how, reason)
    }

    /// A refusal inside of a 200, by a code that is not known: for good where it speaks of the message.
    pub(super) fn refused_or_again(&self, reason: String) -> Outcome {
        const FORM: &str = "\
            invalid|illegal|unsupported|not support|malformed|parse|format|param|missing|required|\
            is null|is empty|不合法|参数|格式|无效|缺少|为空|不支持";
        let words = self.words().to_lowercase();
        let is_said = says_length(&words) || FORM.split('|').any(|w| words.contains(w)) && !says_rate(&words);
        let is_form = self.refuses_form() || is_said;
        if is_form { self.refused(reason) } else { Outcome::Retry(reason) }
    }

    /// The outcome as a platform reads it, with what holds on all of them: the wait that the receiver asks for, a refusal
    /// of the form where `is_for_good`, and the receiver's own words.
    pub(super) fn finished(&self, outcome: Outcome, now_unix_ms: i64, is_for_good: bool) -> Outcome {
        if outcome == Outcome::Delivered {
            return outcome;
        }
        let wait = retry_after::asked(self, now_unix_ms).unwrap_or_default();
        let with_words = |reason: String| {
            let words = self.words();
            let is_said = words.is_empty() || reason.contains(&words) || words == self.status.to_string();
            if is_said { reason } else { format!("{reason} ({words})") }
        };
        let after = |wait: Duration, reason: String| match wait {
            Duration::ZERO => Outcome::Retry(with_words(reason)),
            wait => Outcome::RetryAfter(wait, with_words(reason)),
        };
        match outcome {
            Outcome::Delivered => Outcome::Delivered,
            Outcome::Retry(reason) if is_for_good && self.refuses_form() => self.refused(with_words(reason)),
            Outcome::Retry(reason) => after(wait, reason),
            Outcome::RetryAfter(least, reason) => after(wait.max(least), reason),
            // Who names a time expects another attempt.
            Outcome::Final(reason) if !wait.is_zero() => after(wait, reason),
            Outcome::Final(reason) => Outcome::Final(with_words(reason)),
            Outcome::Gone(reason) => Outcome::Gone(with_words(reason)),
            Outcome::Degrade(how, reason) => Outcome::Degrade(how, with_words(reason)),
            Outcome::Moved(chat, reason) => Outcome::Moved(chat, with_words(reason)),
        }
    }
}

/// Whether it is the number of messages that is too large.
fn says_rate(words: &str) -> bool {
    const OFTEN: [&str; 8] =
        ["too many requests", "rate", "freq", "too fast", "quota", "throttl", "频", "限流"];
    OFTEN.iter().any(|phrase| words.contains(phrase))
}

/// Whether something is too long, which receivers say in many ways.
fn says_length(words: &str) -> bool {
    const LONG: &str = "\
        too long|too large|too big|too many|maximum|exceed|at most|or fewer|no more than|size limit|\
        length|超过|过长|超出";
    !says_rate(words) && LONG.split('|').any(|phrase| words.contains(phrase))
}

/// The words of an answer in JSON, in the order in which receivers have them: a code, a message, and details.
fn said(json: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    match json {
        Value::Object(fields) => {
            if let Some(Value::Object(error)) = fields.get("error") {
                ["status", "code"].iter().for_each(|name| parts.extend(text(error.get(*name))));
                leaves(error.get("message").unwrap_or_default(), "", &mut parts);
            }
            let names = "error message errmsg msg StatusMessage description title detail reason";
            for name in names.split(' ') {
                let value = fields.get(name).filter(|value| name != "error" || !value.is_object());
                leaves(value.unwrap_or_default(), "", &mut parts);
            }
            leaves(fields.get("errors").unwrap_or_default(), "", &mut parts);
            leaves(json.pointer("/response_metadata/messages/0").unwrap_or_default(), "", &mut parts);
            // The older form of Discord, and that of many frameworks: the fields, each with its faults.
            if parts.is_empty() && fields.values().all(|field| field.is_array() || field.is_object()) {
                leaves(json, "", &mut parts);
            }
        }
        other => leaves(other, "", &mut parts),
    }
    parts.dedup();
    parts.truncate(DETAILS);
    parts.join(": ")
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn clear_links(node: &mut Value) {
    match node {
        Value::String(text) if text.starts_with("http") => text.clear(),
        Value::Array(items) => items.iter_mut().for_each(clear_links),
        Value::Object(fields) => fields.values_mut().for_each(clear_links),
        _ => {}
    }
}

/// Every fault in a tree of them, with the field that it speaks of.
fn leaves(node: &Value, path: &str, found: &mut Vec<String>) {
    match node {
        Value::String(said) if !said.trim().is_empty() => {
            // The hint behind the words of a platform changes with each answer, and holds addresses.
            let said = said.split(", hint").next().unwrap_or_default().trim();
            found.push(if path.is_empty() { said.to_owned() } else { format!("{path}: {said}") });
        }
        Value::Array(items) => items.iter().take(DETAILS).for_each(|item| leaves(item, path, found)),
        Value::Object(fields) => {
            let said = ["message", "detail", "title", "code"].iter().find_map(|name| text(fields.get(*name)));
            if let Some(said) = said {
                let path = text(fields.get("field")).unwrap_or(path.to_owned());
                return leaves(&Value::String(said), &path, found);
            }
            for (name, inner) in fields {
                let below = match (path, name.as_str()) {
                    (path, "_errors" | "base") => path.to_owned(),
                    ("", name) => name.to_owned(),
                    (path, name) => format!("{path}.{name}"),
                };
                leaves(inner, &below, found);
            }
        }
        _ => {}
    }
}
