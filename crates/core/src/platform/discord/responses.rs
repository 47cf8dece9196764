//! What Discord means by an answer that is not in its table.

use super::super::{Answer, Degradation, Outcome};

/// An answer by the field that it names, as both forms of Discord's refusals do: `{"errors": {"embeds": …}}`, and without a
/// code `{"embeds": ["0"]}`. What comes without a code otherwise is said by something before Discord.
pub(super) fn unknown(answer: &Answer, is_coded: bool, reason: String) -> Outcome {
    let json = answer.json().unwrap_or_default();
    match answer.status {
        400 => match at_fault(json.get("errors").unwrap_or(&json)).as_str() {
            path if path.contains("image") || path.contains("thumbnail") || path.contains("attachments") => {
                Outcome::Degrade(Degradation::NoImage, reason)
            }
            path if path.starts_with("embeds") || path.starts_with("content") => {
                Outcome::Degrade(Degradation::Shorter, reason)
            }
            _ => answer.refused(reason),
        },
        401 | 404 if is_coded => Outcome::Gone(format!("{reason}: this webhook no longer exists")),
        413 => Outcome::Degrade(Degradation::NoImage, reason),
        402..=428 | 430..=499 if is_coded && !matches!(answer.status, 408 | 425) => Outcome::Final(reason),
        _ => Outcome::Retry(reason),
    }
}

/// The path of the first field it finds fault with; empty when it names none.
fn at_fault(errors: &serde_json::Value) -> String {
    let mut path = Vec::new();
    let mut node = errors;
    while let Some((name, inner)) = node.as_object().and_then(|errors| errors.iter().next()) {
        if name == "_errors" {
            break;
        }
        path.push(name.as_str());
        node = inner;
    }
    path.join(".")
}
