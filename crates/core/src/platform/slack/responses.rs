//! The words that Slack answers with.

use super::super::Answer;
use super::super::limits::{Unit, fit};
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

/// The word as a code, where it is not a status that says to come again.
pub(in super::super) fn code(answer: &Answer) -> Option<String> {
    let word = word(answer).filter(|word| word != "ok")?;
    let waits = matches!(answer.status, 408 | 425 | 429 | 500..);
    (!waits).then(|| format!("`{}`", fit(&word, 60, Unit::Bytes, inline)))
}
