//! What Slack answers, and what it means.

use super::super::limits::{Unit, fit, flatten};
use super::super::{Answer, Outcome, retry_after};
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

/// The webhook itself is dead.
const GONE: [&str; 6] =
    ["no_service", "no_team", "invalid_token", "token_revoked", "team_disabled", "channel_is_archived"];

/// This message cannot be posted, whatever the status that comes with the word.
const REFUSED: [&str; 8] = [
    "invalid_payload",
    "invalid_blocks",
    "no_text",
    "too_many_attachments",
    "user_not_found",
    "channel_not_found",
    "action_prohibited",
    "posting_to_general_channel_denied",
];

/// What an answer other than success means.
pub(in super::super) fn refusal(answer: &Answer, word: Option<String>, now_unix_ms: i64) -> Outcome {
    let status = answer.status;
    let Some(word) = word.filter(|word| word != "ok") else {
        return match status {
            410 => Outcome::Gone("answered 410: this webhook is gone".to_owned()),
            413 => Outcome::Final("answered 413: the message is too large".to_owned()),
            200..=299 => {
                answer.again(now_unix_ms, format!("answered {status}, but not as Slack does: no `ok`"))
            }
            _ => slow_down(answer, now_unix_ms, answer.plain_reason()),
        };
    };
    let reason = format!("answered {status} `{}`{}", fit(&word, 60, Unit::Bytes, inline), details(answer));
    let word = word.as_str();
    let waits = matches!(status, 408 | 425 | 429) || matches!(word, "rate_limited" | "ratelimited");
    if GONE.contains(&word) || status == 410 {
        Outcome::Gone(format!("{reason}: this webhook no longer exists"))
    } else if !waits && ((400..=499).contains(&status) || (status < 500 && REFUSED.contains(&word))) {
        Outcome::Final(format!("{reason}: Slack will not take this message"))
    } else {
        slow_down(answer, now_unix_ms, reason)
    }
}

/// What Slack says beyond the word, in brackets.
fn details(answer: &Answer) -> String {
    let json = answer.json();
    let said = match &json {
        Some(json) => json["response_metadata"]["messages"][0].as_str().unwrap_or_default(),
        None => std::str::from_utf8(&answer.body).unwrap_or_default().trim(),
    };
    let said =
        if json.is_none() { said.split_once([':', '\n', ' ']).map_or("", |(_, more)| more) } else { said };
    let said = fit(said, 200, Unit::CodePoints, flatten);
    if said.trim().is_empty() { String::new() } else { format!(" ({})", said.trim()) }
}

/// The longer of the waits in the header and in the body.
fn slow_down(answer: &Answer, now_unix_ms: i64, reason: String) -> Outcome {
    let body = answer.json().and_then(|json| retry_after::seconds(json.get("retry_after")?.as_f64()?));
    match body.max(retry_after::asked(answer, now_unix_ms)) {
        Some(wait) => Outcome::RetryAfter(wait, reason),
        None => Outcome::Retry(reason),
    }
}
