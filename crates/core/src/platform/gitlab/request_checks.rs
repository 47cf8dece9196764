//! What GitLab looks at in a request before it responds.

use super::super::ReceivedRequest;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let body = String::from_utf8_lossy(request.body);
    let has =
        |name: &str| body.split('&').any(|part| part.strip_prefix(name).is_some_and(|value| value.len() > 1));
    if !has("token") {
        return Some("404");
    }
    let known = |part: &str| {
        let name = part.split_once('=').map_or(part, |(name, _)| name);
        let of =
            |list: &str| name.starts_with(&format!("{list}[")) || name.starts_with(&format!("{list}%5B"));
        matches!(name, "token" | "ref") || of("variables") || of("inputs")
    };
    (!has("ref") || !body.split('&').all(known)).then_some("400")
}
