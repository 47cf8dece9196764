//! What is said of a template's body before it is sent.

use super::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn a_body_that_a_platform_would_refuse_is_objected_to() {
    let long = "汉".repeat(5000);
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": long}});
    let fields = json!([{"fields": vec![json!({"name": "n", "value": "v"}); 26]}]);
    let half = json!({"description": "x".repeat(3500)});
    let card = |version: &str| {
        let content =
            json!({"type": "AdaptiveCard", "version": version, "body": [{"type": "TextBlock", "text": "t"}]});
        json!({"type": "message", "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "content": content},
        ]})
    };
    for (platform, body, doubt) in [
        ("slack", json!({"message": "t"}), Some("`text`, `blocks` or `attachments`")),
        ("slack", json!({"text": "t"}), None),
        ("slack", json!({"blocks": vec![json!({"type": "divider"}); 51]}), Some("takes 50, and here are 51")),
        ("slack", json!({"blocks": [section]}), Some("3000 characters, and here are 5000")),
        (
            "slack",
            json!({"attachments": [{"blocks": [{"text": "t"}]}]}),
            Some("`attachments[0].blocks[0].type` is missing"),
        ),
        (
            "slack",
            json!({"blocks": [{"type": "image", "image_url": "https://a.example.com/1"}]}),
            Some(".alt_text`"),
        ),
        ("slack-workflow", json!({"a": "t", "b": 5}), Some("`b`")),
        ("slack-workflow", json!(["t"]), Some("an object")),
        ("slack-workflow", json!({"a": "t"}), None),
        ("discord", json!({"text": "t"}), Some("`content`")),
        (
            "discord",
            json!({"content": long}),
            Some("`content` is too long: Discord takes 2000 characters, and here are 5000"),
        ),
        ("discord", json!({"embeds": fields}), Some("takes 25, and here are 26")),
        (
            "discord",
            json!({"embeds": [half, half]}),
            Some("6000 characters in all embeds together, and here are 7000"),
        ),
        ("discord", json!({"embeds": [{"title": "t", "color": "#ff0000"}]}), Some("a number")),
        ("discord", json!({"embeds": [{"title": "t", "color": 5}]}), None),
        ("wecom", json!({"text": {"content": "t"}}), Some("`msgtype`")),
        ("wecom", json!({"msgtype": "markdown", "text": {"content": "t"}}), Some("`markdown` is missing")),
        ("wecom", json!({"msgtype": "text", "text": {"content": ""}}), Some("empty")),
        ("wecom", json!({"msgtype": "markdown", "markdown": {"content": long}}), Some("4096 bytes")),
        ("wecom", json!({"msgtype": "news", "news": {"articles": []}}), Some("an empty list")),
        ("teams", json!({"text": "t"}), Some("`attachments`")),
        ("teams", card("1.6"), Some("`1.4`")),
        ("teams", card("1.4"), None),
        ("googlechat", json!({"message": "t"}), Some("`text`, `cardsV2`")),
        ("googlechat", json!({"text": "x".repeat(32_000)}), Some("32000 bytes")),
        ("mattermost", json!({"message": "t"}), Some("`text` or `attachments`")),
        ("mattermost", json!({"text": "x".repeat(16_384)}), Some("16383 characters")),
        ("dingtalk", json!({"text": {"content": "t"}}), Some("`msgtype`")),
        ("dingtalk", json!({"msgtype": "text", "markdown": {}}), Some("`text` is missing")),
        (
            "dingtalk",
            json!({"msgtype": "text", "text": {"content": "x".repeat(20_000)}}),
            Some("20000 bytes"),
        ),
        ("dingtalk", json!({"msgtype": "text", "text": {"content": "t"}}), None),
        ("feishu", json!({"msgtype": "text"}), Some("`msg_type`")),
        ("feishu", json!({"msg_type": "interactive", "content": {}}), Some("`card` is missing")),
        ("feishu", json!({"msg_type": "text", "content": {"text": "t"}}), None),
        ("telegram", json!({"message": "t"}), Some("`text`")),
        ("telegram", json!({"text": long}), Some("4096 characters")),
        ("telegram", json!({"text": "t"}), None),
        ("ntfy", json!({"text": "t"}), Some("`message`")),
        ("ntfy", json!({"message": long}), Some("4096 bytes")),
        ("json", json!({"anything": true}), None),
    ] {
        let said = faults_in(by_name(platform).unwrap(), &body);
        match doubt {
            None => assert_eq!(said, None, "{platform}"),
            Some(words) => {
                assert!(said.as_deref().is_some_and(|said| said.contains(words)), "{platform}: {said:?}")
            }
        }
    }
}

proptest! {
    #![proptest_config(crate::property::cases(48))]

    #[test]
    fn no_body_makes_an_objection_fail(depth in 0..4_usize, name in "text|blocks|attachments|embeds|msgtype|type") {
        let mut body = json!([null, 5, {"type": "section"}]);
        for _ in 0..depth {
            body = json!({ name.clone(): body });
        }
        for platform in names() {
            let _ = faults_in(by_name(platform).unwrap(), &body);
        }
    }
}
