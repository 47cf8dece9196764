//! What DingTalk looks at in a request. The secret is not known here, so only a signature's time is judged.

use super::super::ReceivedRequest;
use super::WHOLE;
use crate::clock;

/// How far the time of a signature may be from the receiver's.
const AN_HOUR_MS: i64 = 3_600_000;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let json = request.json();
    let json = json.as_ref();
    if request.parameter("access_token").is_none_or(str::is_empty) {
        return Some("40035");
    }
    if let Some(timestamp) = request.parameter("timestamp") {
        let time = timestamp.parse::<i64>().ok();
        if time.is_none_or(|time| (clock::unix_ms() - time).abs() > AN_HOUR_MS) {
            return Some("timestamp");
        }
        if request.parameter("sign").is_none_or(str::is_empty) {
            return Some("310000");
        }
    }
    if request.body.len() > WHOLE {
        return Some("460101");
    }
    let kind = json.and_then(|json| json["msgtype"].as_str()).unwrap_or_default();
    let known = ["text", "markdown", "link", "actionCard", "feedCard"].contains(&kind);
    let Some(part) = json.map(|json| &json[kind]).filter(|part| known && part.is_object()) else {
        return Some("400105");
    };
    let needed: &[&str] = match kind {
        "text" => &["content"],
        "markdown" | "actionCard" => &["title", "text"],
        "link" => &["title", "text", "messageUrl"],
        _ => &[],
    };
    needed.iter().any(|name| part[name].as_str().is_none_or(str::is_empty)).then_some("40035")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_signature_of_two_hours_ago_is_refused() {
        let now = clock::unix_ms();
        let old = now - 2 * AN_HOUR_MS;
        let body = json!({"msgtype": "text", "text": {"content": "t"}}).to_string();
        for (query, fault) in [
            (String::new(), None),
            (format!("&timestamp={now}&sign=x"), None),
            (format!("&timestamp={now}"), Some("310000")),
            (format!("&timestamp={old}&sign=x"), Some("timestamp")),
            ("&timestamp=now&sign=x".to_owned(), Some("timestamp")),
        ] {
            let target = format!("/robot/send?access_token=t{query}");
            assert_eq!(refuses(&ReceivedRequest::post(&target, &[], body.as_bytes())), fault, "{query}");
        }
    }
}
