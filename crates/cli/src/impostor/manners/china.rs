//! What the bots of DingTalk and Feishu look at. Neither secret is known here, so of a signature only its time is
//! judged.

use super::super::super::serve::http::Request;
use super::parameter;
use serde_json::Value as Json;
use taskbell_core::clock;

/// How far the time of a signature may be from the receiver's.
const AN_HOUR_MS: i64 = 3_600_000;

pub(super) fn dingtalk(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    if parameter(request, "access_token").is_none_or(str::is_empty) {
        return Some("40035");
    }
    if let Some(timestamp) = parameter(request, "timestamp") {
        let time = timestamp.parse::<i64>().ok();
        if time.is_none_or(|time| (clock::unix_ms() - time).abs() > AN_HOUR_MS) {
            return Some("timestamp");
        }
        if parameter(request, "sign").is_none_or(str::is_empty) {
            return Some("310000");
        }
    }
    if request.body.len() > 20_000 {
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

pub(super) fn feishu(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    let Some(json) = json.filter(|_| request.body.len() <= 20_480) else { return Some("9499") };
    let content = match json["msg_type"].as_str() {
        Some("interactive") => &json["card"],
        Some(_) => &json["content"],
        None => &Json::Null,
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
fn is_card(card: &Json) -> bool {
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
    let only = |object: &Json, names: &[&str]| {
        object.as_object().into_iter().flatten().all(|(name, _)| names.contains(&name.as_str()))
    };
    card["body"]["elements"].is_array() && only(card, &MEMBERS) && only(&card["config"], &CONFIG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(target: &str, body: &Json) -> Request {
        Request {
            method: "POST".into(),
            target: target.into(),
            headers: Vec::new(),
            body: body.to_string().into(),
        }
    }

    #[test]
    fn a_signature_of_two_hours_ago_is_refused() {
        let now = clock::unix_ms();
        let old = now - 2 * AN_HOUR_MS;
        let body = json!({"msgtype": "text", "text": {"content": "t"}});
        for (query, fault) in [
            (String::new(), None),
            (format!("&timestamp={now}&sign=x"), None),
            (format!("&timestamp={now}"), Some("310000")),
            (format!("&timestamp={old}&sign=x"), Some("timestamp")),
            ("&timestamp=now&sign=x".to_owned(), Some("timestamp")),
        ] {
            let request = request(&format!("/robot/send?access_token=t{query}"), &body);
            assert_eq!(dingtalk(&request, Some(&body)), fault, "{query}");
        }
        for (time, fault) in [
            (json!((now / 1000).to_string()), None),
            (json!((old / 1000).to_string()), Some("19021")),
            (json!(now / 1000), Some("19021")),
        ] {
            let body = json!({"msg_type": "text", "content": {"text": "t"}, "timestamp": time, "sign": "x"});
            assert_eq!(feishu(&request("/", &body), Some(&body)), fault, "{body}");
        }
    }

    #[test]
    fn a_card_of_schema_2_has_no_member_of_schema_1() {
        let of = |card: Json| {
            let body = json!({"msg_type": "interactive", "card": card});
            feishu(&request("/", &body), Some(&body))
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
