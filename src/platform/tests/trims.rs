//! What a template makes is cut to what its platform takes.

use super::cards::{endpoint, hostile};
use crate::message::Template;
use crate::platform::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn trim(platform: &str, body: &Value) -> Value {
    let platform = by_name(platform).unwrap();
    match trimmed(platform, body.to_string().as_bytes()) {
        Some(bytes) => serde_json::from_slice(&bytes).unwrap(),
        None => body.clone(),
    }
}

#[test]
fn a_long_section_of_slack_is_split_and_nothing_of_it_is_lost() {
    let text: String = (0..500).map(|line| format!("line {line:04}\n")).collect();
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": text}, "block_id": "b"});
    let body = trim("slack", &json!({"text": "t", "blocks": [section, {"type": "divider"}]}));
    let blocks = body["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 3);
    assert_eq!((&blocks[0]["block_id"], blocks[1].get("block_id")), (&json!("b"), None));
    let whole: Vec<&str> = blocks[..2].iter().map(|block| block["text"]["text"].as_str().unwrap()).collect();
    assert_eq!(whole.join("\n"), text);
    assert!(whole.iter().all(|piece| piece.len() <= 3000));
}

#[test]
fn all_embeds_of_discord_share_one_room() {
    let embed =
        json!({"title": "t", "description": "x".repeat(4000), "fields": [{"name": "n", "value": "v"}]});
    let body = trim("discord", &json!({"embeds": [embed, embed, embed]}));
    assert_eq!(by_name("discord").unwrap().doubt(&body), None);
    assert_eq!(body["embeds"][0], embed);
    assert_eq!(body["embeds"][1]["description"].as_str().unwrap().chars().count(), 1996);
    assert_eq!(body["embeds"][2]["fields"], json!([]));
}

#[test]
fn what_fits_stays_as_it_is_to_the_byte() {
    for platform in names() {
        let body = br#"{ "text":"a",  "content": "b", "message":"c" }"#;
        assert_eq!(trimmed(by_name(platform).unwrap(), body), None, "{platform}");
    }
}

#[test]
fn a_body_of_the_further_platforms_is_doubted_too() {
    for (platform, body, doubt) in [
        ("dingtalk", json!({"text": "t"}), Some("`msgtype`")),
        ("dingtalk", json!({"msgtype": "text"}), Some("`text`, which is missing")),
        ("dingtalk", json!({"msgtype": "markdown", "markdown": {"text": "t"}}), Some("`markdown.title`")),
        ("dingtalk", json!({"msgtype": "text", "text": {"content": "t"}}), None),
        ("feishu", json!({"msgtype": "text"}), Some("`msg_type`")),
        (
            "feishu",
            json!({"msg_type": "interactive", "content": {"card": {}}}),
            Some("`card`, which is missing"),
        ),
        ("feishu", json!({"msg_type": "text", "content": {"text": "t"}}), None),
        ("telegram", json!({"message": "t"}), Some("`text`")),
        ("telegram", json!({"text": "x".repeat(4097)}), Some("here are 4097")),
        ("ntfy", json!({"text": "t"}), Some("`message` or `title`")),
        ("ntfy", json!({"message": "x".repeat(4097)}), Some("makes a file")),
        ("pagerduty", json!({"payload": {}}), Some("`payload.summary`")),
        ("pagerduty", json!({"payload": {"summary": "s", "severity": "bad"}}), Some("`payload.severity`")),
        ("pagerduty", json!({"event_action": "resolve"}), None),
        (
            "github",
            json!({"client_payload": (0..11).map(|n| (n.to_string(), n)).collect::<std::collections::BTreeMap<_, _>>()}),
            Some("here are 11"),
        ),
        ("github", json!({"model": "m"}), None),
        ("gitlab", json!({"my-model": "m"}), Some("`my-model`")),
        ("gitlab", json!({"MODEL": "m"}), None),
        ("cloudevents", json!({"specversion": "1.0", "id": "1", "source": "/"}), Some("`type`")),
        (
            "cloudevents",
            json!({"specversion": "1.0", "id": "1", "source": "/", "type": "t", "myExt": 1}),
            Some("`myExt`"),
        ),
        ("cloudevents", json!({"anything": 1}), None),
    ] {
        let said = by_name(platform).unwrap().doubt(&body);
        match doubt {
            None => assert_eq!(said, None, "{platform}"),
            Some(words) => {
                assert!(said.as_deref().is_some_and(|said| said.contains(words)), "{platform}: {said:?}")
            }
        }
    }
}

/// A template of each platform's own shape with one value from outside everywhere.
fn templates() -> Vec<(&'static str, Value)> {
    let x = "{{ task.name }}";
    let fields = json!({"$for": "n in range(40)", "do": {"name": x, "value": x}});
    let sections =
        json!({"$for": "n in range(60)", "do": {"type": "section", "text": {"type": "mrkdwn", "text": x}}});
    vec![
        ("slack", json!({"text": x, "blocks": sections})),
        ("discord", json!({"content": x, "embeds": [{"title": x, "description": x, "fields": fields}]})),
        (
            "wecom",
            json!({"msgtype": "markdown", "markdown": {"content": format!("<font color=\"info\">{x}</font>")}}),
        ),
        ("wecom", json!({"msgtype": "text", "text": {"content": x}})),
        ("dingtalk", json!({"msgtype": "markdown", "markdown": {"title": x, "text": x}})),
        ("feishu", json!({"msg_type": "text", "content": {"text": x}})),
        ("telegram", json!({"text": x})),
        ("ntfy", json!({"message": x, "title": x})),
        ("pagerduty", json!({"payload": {"summary": x, "source": "s", "severity": "info"}})),
    ]
}

#[test]
fn no_shape_of_a_body_makes_a_platform_fail() {
    for body in
        [json!(null), json!([1]), json!("t"), json!({"embeds": 5, "blocks": {}, "text": [], "payload": 1})]
    {
        for platform in names().into_iter().map(|name| by_name(name).unwrap()) {
            let mut trimmed = body.clone();
            platform.trim(&mut trimmed);
            assert_eq!(trimmed, body, "{platform:?}");
            let _ = platform.doubt(&body);
            for how in [Plainer::NoImage, Plainer::NoMarkup, Plainer::Shorter] {
                let _ = platform.plainer(&body, how);
            }
            let to = endpoint(platform.name(), &[]);
            let sent = body.to_string();
            let letter = Letter {
                event_id: "evt_01",
                kind: "task.complete",
                created_at: 0,
                now: 0,
                content_type: "application/json",
                body: sent.as_bytes(),
                file: None,
            };
            let _ = platform.shape(&to, &letter);
            let _ = platform.sequel(&to, &letter);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_template_makes_a_request_beyond_the_limits(name in hostile().prop_filter("said", |name| {
        name.chars().filter(|c| c.is_alphanumeric()).count() > 2
    })) {
        let context = Context::new(json!({"event": {"type": "task.complete"}, "task": {"name": name}}));
        for (platform, template) in templates() {
            let Ok(message) = Template::from_json("template", &template).unwrap().render(&context) else { continue };
            let body: Value = serde_json::from_slice(&message.body).unwrap();
            let fitting = trim(platform, &body);
            let doubt = by_name(platform).unwrap().doubt(&fitting);
            // Bytes that JSON writes as escapes are no text that a person would send.
            let is_text = !name.chars().any(char::is_control);
            prop_assert!(doubt.is_none() || !is_text, "{platform}: {doubt:?}");
            let to = endpoint(platform, &[]);
            let sent = fitting.to_string();
            let letter = Letter {
                event_id: "evt_01", kind: "task.complete", created_at: 0, now: 0,
                content_type: "application/json", body: sent.as_bytes(), file: None,
            };
            let shaped = to.platform.shape(&to, &letter);
            prop_assert!(serde_json::from_slice::<Value>(&shaped.body).is_ok());
        }
    }
}
