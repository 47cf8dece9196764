//! What the Bot API answers to a message that it does not take, and what it means.

use super::super::{Answer, Degradation, Outcome, retry_after};
use serde_json::Value;

/// A 400 in the words of the Bot API, which has no codes for them.
pub(super) fn refusal(json: &Value, words: &str, reason: String) -> Outcome {
    let words = words.to_ascii_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if let Some(chat) = json["parameters"]["migrate_to_chat_id"].as_i64() {
        Outcome::Moved(chat, format!("{reason}: the group has a new number; set `chat_id = {chat}`"))
    } else if says(&["can't parse entities", "can't find end"]) {
        Outcome::Degrade(Degradation::NoMarkup, reason)
    } else if says(&["too long"]) {
        Outcome::Degrade(Degradation::Shorter, reason)
    } else if says(&["photo", "document", "image_process", "file", "webpage", "web page", "http url content"])
    {
        Outcome::Degrade(Degradation::NoImage, reason)
    } else {
        Outcome::Final(reason)
    }
}

pub(super) fn slow_down(answer: &Answer, json: &Value, now_unix_ms: i64, reason: String) -> Outcome {
    let body = json["parameters"]["retry_after"].as_f64().and_then(retry_after::seconds);
    match body.max(retry_after::asked(answer, now_unix_ms)) {
        Some(wait) => Outcome::RetryAfter(wait, reason),
        None => Outcome::Retry(reason),
    }
}
