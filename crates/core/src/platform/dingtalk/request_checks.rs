//! What only the whole request shows: DingTalk knows the robot by the query. The secret is not known here, so only a signature's time is judged.

use super::super::{ReceivedRequest, refusal};
use super::{WHOLE, rules};
use crate::clock;

/// How far the time of a signature may be from the receiver's.
const AN_HOUR_MS: i64 = 3_600_000;

pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
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
    request.json().map_or(Some("40035"), |body| refusal(rules::faults(&body, request.target)))
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
