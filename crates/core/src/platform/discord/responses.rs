//! What Discord answers to a message that it does not take, and what it means.

use super::super::canned_response::known;
use super::super::{Answer, Degradation, Outcome};
use super::canned_responses::RESPONSES;
use serde_json::Value;

/// A 4xx answer. Discord's own carry a JSON code; others come from what stands before Discord.
pub(super) fn refusal(answer: &Answer, json: Option<&Value>) -> Outcome {
    let status = answer.status;
    let plain = answer.plain_reason();
    let Some(code) = json.and_then(|json| json.get("code")?.as_i64()) else {
        return match status {
            413 => Outcome::Degrade(Degradation::NoImage, plain),
            400 if json.is_some_and(Value::is_object) => of_fields(answer, json, plain),
            404 => Outcome::Final(plain),
            _ => Outcome::Retry(plain),
        };
    };
    let reason = format!("{plain}, code {code}");
    match (status, code) {
        // The field that it names tells what to do without.
        (_, 50_035) => match at_fault(json).as_str() {
            path if path.contains("image") || path.contains("thumbnail") || path.contains("attachments") => {
                Outcome::Degrade(Degradation::NoImage, reason)
            }
            path if path.starts_with("embeds") || path.starts_with("content") => {
                Outcome::Degrade(Degradation::Shorter, reason)
            }
            _ => Outcome::Degrade(Degradation::NoMarkup, reason),
        },
        (408 | 425, _) => Outcome::Retry(reason),
        _ => match known(RESPONSES, &code.to_string()) {
            Some(known) => known.outcome(format!("{reason}: {}", known.meaning)),
            None if matches!(status, 401 | 404) => {
                Outcome::Gone(format!("{reason}: this webhook no longer exists"))
            }
            None if status == 413 => Outcome::Degrade(Degradation::NoImage, reason),
            None if status == 400 => answer.refused(reason),
            None => Outcome::Final(reason),
        },
    }
}

/// The older form, without a code: `{"embeds": ["0"]}`, `{"content": ["Must be 2000 or fewer in length."]}`.
fn of_fields(answer: &Answer, json: Option<&Value>, reason: String) -> Outcome {
    let has = |name: &str| json.is_some_and(|json| json.get(name).is_some());
    if has("embeds") || has("content") {
        Outcome::Degrade(Degradation::Shorter, reason)
    } else {
        answer.refused(reason)
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
