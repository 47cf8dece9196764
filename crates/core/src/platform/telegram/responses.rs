//! What the Bot API answers to a message that it does not take, and what it means.

use super::super::{Answer, Degradation, Outcome};
use serde_json::Value;

/// A 400 in the words of the Bot API, which has no codes for them.
pub(super) fn refusal(answer: &Answer, json: &Value, reason: String) -> Outcome {
    let words = answer.words().to_ascii_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if let Some(chat) = json["parameters"]["migrate_to_chat_id"].as_i64() {
        let said = answer.words();
        Outcome::Moved(chat, format!("{reason} ({said}): the group has a new number; set `chat_id = {chat}`"))
    } else if says(&["chat", "thread", "topic", "rights", "peer_id", "deactivated"]) {
        Outcome::Final(reason)
    } else if says(&["can't parse", "can't find end"]) {
        Outcome::Degrade(Degradation::NoMarkup, reason)
    } else if says(&["document", "image_process", "file", "webpage", "web page", "http url content"]) {
        Outcome::Degrade(Degradation::NoImage, reason)
    } else {
        answer.refused(reason)
    }
}
