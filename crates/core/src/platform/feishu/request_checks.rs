//! What only the whole request shows: the signature in the body. The secret is not known here, so only a signature's time is judged.

use super::super::{ReceivedRequest, refusal};
use super::rules;
use crate::clock;

/// How far the time of a signature may be from the receiver's.
const AN_HOUR_MS: i64 = 3_600_000;

pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let Some(json) = request.json().filter(|_| request.body.len() <= 20_480) else { return Some("9499") };
    if let Some(refusal) = refusal(rules::faults(&json, request.target)) {
        return Some(refusal);
    }
    let signed = json.get("timestamp").or(json.get("sign")).is_some();
    let time = json["timestamp"].as_str().and_then(|time| time.parse::<i64>().ok());
    let is_near = time.is_some_and(|time| (clock::unix_ms() - time.saturating_mul(1000)).abs() <= AN_HOUR_MS);
    let has_sign = json["sign"].as_str().is_some_and(|sign| !sign.is_empty());
    (signed && !(is_near && has_sign)).then_some("19021")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refused(body: &Value) -> Option<&'static str> {
        refuses(&ReceivedRequest::post("/", &[], body.to_string().as_bytes()))
    }

    #[test]
    fn a_signature_of_two_hours_ago_is_refused() {
        let now = clock::unix_ms();
        let old = now - 2 * AN_HOUR_MS;
        for (time, fault) in [
            (json!((now / 1000).to_string()), None),
            (json!((old / 1000).to_string()), Some("19021")),
            (json!(now / 1000), Some("19021")),
        ] {
            let body = json!({"msg_type": "text", "content": {"text": "t"}, "timestamp": time, "sign": "x"});
            assert_eq!(refused(&body), fault, "{body}");
        }
    }

    #[test]
    fn a_card_of_schema_2_has_no_member_of_schema_1() {
        let of = |card: Value| {
            let body = json!({"msg_type": "interactive", "card": card});
            refused(&body)
        };
        let elements = json!([{"tag": "markdown", "content": "t"}]);
        let body = json!({"elements": elements});
        assert_eq!(of(json!({"schema": "2.0", "config": {"width_mode": "fill"}, "body": body})), None);
        assert_eq!(of(json!({"config": {"wide_screen_mode": true}, "elements": elements})), None);
        for card in [
            json!({"schema": "2.0", "config": {"wide_screen_mode": true}, "body": body}),
            json!({"schema": "2.0", "elements": elements}),
        ] {
            assert_eq!(of(card.clone()), Some("11246"), "{card}");
        }
    }
}
