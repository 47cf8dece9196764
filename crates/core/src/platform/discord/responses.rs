//! What Discord answers to a message that it does not take, and what it means.

use super::super::limits::{Unit, fit, flatten};
use super::super::{Answer, Degradation, Outcome, retry_after};
use serde_json::Value;

/// The longest of the waits it names: the header may be rounded down, the body is exact.
pub(super) fn slow_down(answer: &Answer, json: Option<&Value>, now_unix_ms: i64) -> Outcome {
    let body = json.and_then(|json| retry_after::seconds(json.get("retry_after")?.as_f64()?));
    let asked = body.max(retry_after::asked(answer, now_unix_ms));
    let reset = || retry_after::seconds(answer.header("x-ratelimit-reset-after")?.trim().parse().ok()?);
    match asked.or_else(reset) {
        Some(wait) => Outcome::RetryAfter(wait, answer.plain_reason()),
        None => Outcome::Retry(answer.plain_reason()),
    }
}

/// A 4xx answer. Discord's own carry a JSON code; others come from what stands before Discord.
pub(super) fn refusal(answer: &Answer, json: Option<&Value>, now_unix_ms: i64) -> Outcome {
    let status = answer.status;
    let Some(code) = json.and_then(|json| json.get("code")?.as_i64()) else {
        return match status {
            413 => {
                Outcome::Degrade(Degradation::NoImage, "answered 413: the request is too large".to_owned())
            }
            400 if json.is_some_and(Value::is_object) => of_fields(answer, json),
            400 | 404 => Outcome::Final(format!("answered {status} without a reason")),
            _ => answer.again(now_unix_ms, answer.plain_reason()),
        };
    };
    let reason = format!("answered {status}, code {code}{}", message(json));
    match (status, code) {
        (_, 10_015 | 50_027) | (401 | 404, _) => {
            Outcome::Gone(format!("{reason}: this webhook no longer exists"))
        }
        // Discord's edge, not its API, refused.
        (_, 40_333) | (408 | 425, _) => answer.again(now_unix_ms, reason),
        (413, _) | (_, 40_005) => Outcome::Degrade(Degradation::NoImage, reason),
        (_, 50_035) => match at_fault(json).as_str() {
            path if path.contains("image") || path.contains("thumbnail") || path.contains("attachments") => {
                Outcome::Degrade(Degradation::NoImage, reason)
            }
            path if path.starts_with("embeds") || path.starts_with("content") => {
                Outcome::Degrade(Degradation::Shorter, reason)
            }
            path if !path.is_empty() => Outcome::Degrade(Degradation::NoMarkup, reason),
            _ => Outcome::Final(reason),
        },
        _ => Outcome::Final(reason),
    }
}

/// The older form, without a code: `{"embeds": ["0"]}`, `{"content": ["Must be 2000 or fewer in length."]}`.
fn of_fields(answer: &Answer, json: Option<&Value>) -> Outcome {
    let said = json.map(Value::to_string).unwrap_or_default();
    let reason = format!("answered {} ({})", answer.status, fit(&said, 200, Unit::CodePoints, flatten));
    let names: Vec<&str> =
        json.and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if said.contains("empty message") {
        Outcome::Final(reason)
    } else if names.contains(&"embeds") || names.contains(&"content") {
        Outcome::Degrade(Degradation::Shorter, reason)
    } else {
        Outcome::Degrade(Degradation::NoMarkup, reason)
    }
}

/// The path of the first field it finds fault with; empty when it names none.
fn at_fault(json: Option<&Value>) -> String {
    let mut path = Vec::new();
    let mut node = json.map_or(&Value::Null, |json| &json["errors"]);
    while let Some((name, inner)) = node.as_object().and_then(|errors| errors.iter().next()) {
        if name == "_errors" {
            break;
        }
        path.push(name.as_str());
        node = inner;
    }
    path.join(".")
}

/// Discord's words, and the first field it finds fault with.
fn message(json: Option<&Value>) -> String {
    let Some(json) = json else { return String::new() };
    let words = |value: &Value| value.as_str().map(|text| fit(text, 200, Unit::CodePoints, flatten));
    let mut text = words(&json["message"]).map(|words| format!(" ({words})")).unwrap_or_default();
    let mut path = Vec::new();
    let mut node = &json["errors"];
    while let Some(errors) = node.as_object() {
        if let Some(error) = errors.get("_errors").and_then(|list| words(&list[0]["message"])) {
            let path = fit(&path.join("."), 100, Unit::CodePoints, flatten);
            text.push_str(&format!(" at {path}: {error}"));
            break;
        }
        let Some((name, inner)) = errors.iter().next() else { break };
        path.push(name.as_str());
        node = inner;
    }
    text
}
