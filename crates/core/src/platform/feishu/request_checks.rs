//! What Feishu looks at in a request. The secret is not known here, so only a signature's time is judged.

use super::super::ReceivedRequest;
use crate::clock;
use serde_json::Value;

/// How far the time of a signature may be from the receiver's.
const AN_HOUR_MS: i64 = 3_600_000;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let json = request.json();
    let json = json.as_ref();
    let Some(json) = json.filter(|_| request.body.len() <= 20_480) else { return Some("9499") };
    let content = match json["msg_type"].as_str() {
        Some("interactive") => &json["card"],
        Some(_) => &json["content"],
        None => &Value::Null,
    };
    if !content.is_object() {
        return Some("19002");
    }
    if content["schema"] == "2.0" && !is_card(content) {
        return Some("11246");
    }
    let signed = json.get("timestamp").or(json.get("sign")).is_some();
    let time = json["timestamp"].as_str().and_then(|time| time.parse::<i64>().ok());
    let is_near = time.is_some_and(|time| (clock::unix_ms() - time.saturating_mul(1000)).abs() <= AN_HOUR_MS);
    let has_sign = json["sign"].as_str().is_some_and(|sign| !sign.is_empty());
    (signed && !(is_near && has_sign)).then_some("19021")
}

/// A card of schema 2.0: it has its elements in its body, and no member that is not its own.
fn is_card(card: &Value) -> bool {
    const MEMBERS: [&str; 6] = ["schema", "config", "card_link", "header", "body", "i18n_header"];
    const CONFIG: [&str; 10] = [
        "streaming_mode",
        "streaming_config",
        "summary",
        "locales",
        "enable_forward",
        "update_multi",
        "width_mode",
        "use_custom_translation",
        "enable_forward_interaction",
        "style",
    ];
    let only = |object: &Value, names: &[&str]| {
        object.as_object().into_iter().flatten().all(|(name, _)| names.contains(&name.as_str()))
    };
    card["body"]["elements"].is_array() && only(card, &MEMBERS) && only(&card["config"], &CONFIG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
