//! What Slack answers, and what it means.

use super::super::limits::{Unit, fit};
use super::super::{Answer, Outcome};
use super::canned_responses::RESPONSES;
use super::inline;
use serde_json::Value;

/// The one word Slack answers with, from plain text or from `{"ok": …, "error": …}`.
pub(in super::super) fn word(answer: &Answer) -> Option<String> {
    if let Some(Value::Object(json)) = answer.json() {
        let error = json.get("error").and_then(Value::as_str).map(str::to_owned);
        return if json.get("ok") == Some(&Value::Bool(true)) { Some("ok".to_owned()) } else { error };
    }
    // Further words may follow, such as what is wrong with a block.
    let text = std::str::from_utf8(&answer.body).ok()?.trim();
    let text = text
        .split_once([':', '\n', ' '])
        .map_or(text, |(word, _)| if word.contains('_') { word } else { text });
    let is_word =
        !text.is_empty() && text.len() <= 60 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_word.then(|| text.to_owned())
}

/// What an answer other than success means.
pub(in super::super) fn refusal(answer: &Answer, word: Option<String>) -> Outcome {
    let status = answer.status;
    let plain = answer.plain_reason();
    let Some(word) = word.filter(|word| word != "ok") else {
        return match status {
            410 => Outcome::Gone(format!("{plain}: this webhook is gone")),
            200..=299 => Outcome::Retry(format!("{plain}, but not as Slack does: no `ok`")),
            _ => Outcome::Retry(plain),
        };
    };
    let reason = format!("answered {status} `{}`", fit(&word, 60, Unit::Bytes, inline));
    let waits = matches!(status, 408 | 425 | 429 | 500..);
    match RESPONSES.iter().find(|response| response.body == word) {
        _ if waits => Outcome::Retry(reason),
        Some(known) => known.outcome(format!("{reason}: {}", known.meaning)),
        None if status == 400 => answer.refused(reason),
        None if status == 410 => Outcome::Gone(format!("{reason}: this webhook is gone")),
        None if (400..=499).contains(&status) => Outcome::Final(reason),
        None => Outcome::Retry(reason),
    }
}
