//! What a template makes is cut to what its platform takes.

use super::cards::{hostile, target};
use super::takes::judge;
use crate::message::Template;
use crate::platform::*;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) fn trim(platform: &str, body: &Value) -> Value {
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
    assert_eq!(by_name("discord").unwrap().objection(&body), None);
    assert_eq!(body["embeds"][0], embed);
    assert_eq!(body["embeds"][1]["description"].as_str().unwrap().chars().count(), 1996);
    assert_eq!(body["embeds"][2]["fields"], json!([]));
}

#[test]
fn an_address_or_an_id_that_is_too_long_is_left_out_and_never_cut() {
    let long = |most: usize| format!("https://example.com/{}", "a".repeat(most));
    let text = json!({"type": "plain_text", "text": "t"});
    let button = |url: &str| json!({"type": "button", "text": text, "url": url, "action_id": long(300)});
    let body = json!({"text": "t", "blocks": [
        {"type": "section", "text": text, "block_id": long(300), "accessory": button(&long(3000))},
        {"type": "actions", "elements": [button(&long(3000))]},
        {"type": "actions", "elements": [button(&long(2000)), button(&long(3000))]},
    ]});
    let mut kept = button(&long(2000));
    kept.as_object_mut().unwrap().remove("action_id");
    let fitting = json!({"text": "t", "blocks": [{"type": "section", "text": text}, {"type": "actions", "elements": [kept]}]});
    assert_eq!(trim("slack", &body), fitting);
    let embed =
        json!({"title": "t", "url": long(2048), "image": {"url": long(2048)}, "thumbnail": {"url": long(9)}});
    let fitting = json!({"embeds": [{"title": "t", "thumbnail": {"url": long(9)}}]});
    assert_eq!(trim("discord", &json!({"embeds": [embed]})), fitting);
    let key = "k".repeat(256);
    let event = |key: &str| trim("pagerduty", &json!({"dedup_key": key, "event_action": "resolve"}));
    assert_eq!(event(&key), event(&key), "what opens an alert also resolves it");
    assert_ne!(event(&key), event(&format!("{key}2")));
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
        let said = by_name(platform).unwrap().objection(&body);
        match doubt {
            None => assert_eq!(said, None, "{platform}"),
            Some(words) => {
                assert!(said.as_deref().is_some_and(|said| said.contains(words)), "{platform}: {said:?}")
            }
        }
    }
}

/// Templates of each platform's own shapes, with values from outside wherever a text may be.
fn templates() -> Vec<(&'static str, Value)> {
    let name = "{{ task.name }}";
    let said = "Done: {{ task.name }}";
    let huge = "{{ task.params.prompt }} of {{ task.name }}";
    let many = |each: Value| json!({"$for": "n in range(60)", "do": each});
    let mrkdwn = |text: &str| json!({"type": "mrkdwn", "text": text});
    let plain = |text: &str| json!({"type": "plain_text", "text": text});
    let picture = json!({"type": "image", "image_url": "https://cdn.example.com/1.png", "alt_text": said});
    let button =
        json!({"type": "button", "text": plain(said), "url": "https://example.com/", "action_id": "open"});
    let blocks = json!([
        {"type": "header", "text": plain(name)},
        {"type": "section", "text": mrkdwn(huge), "accessory": button},
        {"type": "section", "text": mrkdwn(name), "fields": many(mrkdwn(name))},
        {"type": "context", "elements": many(mrkdwn(name))},
        {"type": "markdown", "text": huge},
        {"type": "actions", "elements": many(button.clone())},
        picture,
    ]);
    let sections = many(json!({"type": "section", "text": mrkdwn(name)}));
    let fields = many(json!({"name": name, "value": name, "title": said, "short": true}));
    let embed = json!({
        "title": name, "description": huge, "fields": fields, "url": "https://example.com/",
        "author": {"name": name}, "footer": {"text": name},
    });
    let pair = json!({"name": "{{ task.name | clip(40) }}", "value": "{{ task.name | clip(60) }}"});
    let embeds =
        json!({"$for": "n in range(12)", "do": {"title": name, "description": name, "fields": many(pair)}});
    let card = |body: Value| {
        json!({"type": "message", "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {"type": "AdaptiveCard", "version": "1.4", "body": body},
        }]})
    };
    let block = |text: &str| json!({"type": "TextBlock", "text": text, "wrap": true});
    let widgets = many(json!({"decoratedText": {"topLabel": said, "text": name}}));
    let post = json!([many(json!({"tag": "text", "text": name})), [{"tag": "a", "text": said, "href": "https://example.com/"}]]);
    let elements =
        json!([{"tag": "markdown", "content": huge}, many(json!({"tag": "markdown", "content": name}))]);
    let details =
        json!({"a": name, "prompt": huge, "list": many(json!(name)), "params": "{{ task.params }}"});
    vec![
        ("json", json!({"text": huge, "list": many(json!(name))})),
        ("cloudevents", json!({"text": huge, "list": many(json!(name))})),
        ("gitlab", json!({"variables": {"PROMPT": huge}})),
        ("slack-workflow", json!({"prompt": huge})),
        ("slack", json!({"text": huge})),
        ("slack", json!({"text": huge, "blocks": blocks})),
        (
            "slack",
            json!({"text": name, "attachments": [{"color": "#123456", "blocks": sections}, {"blocks": blocks}]}),
        ),
        ("discord", json!({"content": huge, "username": said, "embeds": embeds})),
        ("discord", json!({"content": said, "embeds": [embed]})),
        (
            "wecom",
            json!({"msgtype": "markdown", "markdown": {"content": format!("<font color=\"info\">{huge}</font>")}}),
        ),
        ("wecom", json!({"msgtype": "markdown_v2", "markdown_v2": {"content": huge}})),
        ("wecom", json!({"msgtype": "text", "text": {"content": huge}})),
        (
            "wecom",
            json!({"msgtype": "news", "news": {"articles": many(json!({"title": said, "url": "https://example.com/"}))}}),
        ),
        (
            "teams",
            card(
                json!([block(huge), block(huge), {"type": "FactSet", "facts": many(json!({"title": said, "value": name}))}]),
            ),
        ),
        ("teams", card(many(block(name)))),
        ("googlechat", json!({"text": huge})),
        (
            "googlechat",
            json!({"text": said, "cardsV2": [{"cardId": "c", "card": {"header": {"title": name},
                              "sections": [{"widgets": widgets}, {"widgets": [{"textParagraph": {"text": huge}}]}]}}]}),
        ),
        (
            "mattermost",
            json!({"text": huge, "attachments": many(json!({"fallback": said, "text": name, "fields": [{"title": said, "value": name}]}))}),
        ),
        ("dingtalk", json!({"msgtype": "text", "text": {"content": huge}})),
        (
            "dingtalk",
            json!({"msgtype": "markdown", "markdown": {"title": said, "text": huge}, "at": {"isAtAll": true}}),
        ),
        (
            "dingtalk",
            json!({"msgtype": "link", "link": {"title": huge, "text": huge, "messageUrl": "https://example.com/"}}),
        ),
        (
            "dingtalk",
            json!({"msgtype": "actionCard", "actionCard": {"title": said, "text": huge,
                            "btns": many(json!({"title": name, "actionURL": "https://example.com/"}))}}),
        ),
        ("feishu", json!({"msg_type": "text", "content": {"text": huge}})),
        (
            "feishu",
            json!({"msg_type": "post", "content": {"post": {"zh_cn": {"title": huge, "content": post}}}}),
        ),
        (
            "feishu",
            json!({"msg_type": "interactive", "card": {"schema": "2.0",
                          "header": {"title": {"tag": "plain_text", "content": huge}}, "body": {"elements": elements}}}),
        ),
        ("telegram", json!({"text": format!("t {huge}")})),
        ("ntfy", json!({"message": huge, "title": huge, "click": "https://example.com/"})),
        (
            "pagerduty",
            json!({"dedup_key": huge, "payload": {"summary": huge, "source": "s", "severity": "info", "custom_details": details}}),
        ),
        ("github", json!({"event_type": huge, "client_payload": details})),
        ("github", json!({"details": many(json!({"a": name, "b": name, "c": said}))})),
    ]
}

/// What goes over the wire for a body of a template.
fn sent(platform: &str, body: &Value) -> Vec<u8> {
    let fitting = trim(platform, body).to_string();
    let mut to = target(&[]);
    to.options = ["token", "ref", "secret", "routing_key", "chat_id"]
        .map(|name| (name, crate::secret::Secret::new("7".repeat(32))))
        .into_iter()
        .collect();
    by_name(platform).unwrap().request(&to, &message(&fitting)).body.into_owned()
}

fn message(body: &str) -> RenderedMessage<'_> {
    RenderedMessage {
        event_id: "evt_01",
        kind: "task.complete",
        created_at: 0,
        now: 0,
        content_type: "application/json",
        body: body.as_bytes(),
        file: None,
        form: false,
    }
}

#[test]
fn every_platform_has_a_template_here() {
    let tried: Vec<_> = templates().into_iter().map(|(platform, _)| platform).collect();
    assert_eq!(
        names().into_iter().filter(|name| !tried.contains(name)).collect::<Vec<_>>(),
        Vec::<&str>::new()
    );
}

/// The body of a template for a task with this name and this prompt.
fn rendered(template: &Value, name: &str, prompt: &str) -> Value {
    let short = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let task = json!({
        "name": short(name, 500),
        "params": {"prompt": short(prompt, 40_000), short(name, 4000): short(name, 4000)},
    });
    let context = Context::new(json!({"event": {"type": "task.complete"}, "task": task}));
    let message = Template::from_json("template", template).unwrap().render(&context).unwrap();
    serde_json::from_slice(&message.body).unwrap()
}

#[test]
fn the_same_templates_break_the_limits_where_nothing_is_cut() {
    let free = ["json", "cloudevents", "gitlab", "slack-workflow"];
    for (platform, template) in templates().into_iter().filter(|(platform, _)| !free.contains(platform)) {
        let body = rendered(&template, &"name ".repeat(100), &"prompt ".repeat(6000));
        // A dispatch as it goes over the wire; of the others, the body is.
        let uncut = if platform == "github" && body.get("client_payload").is_none() {
            json!({"client_payload": {"taskbell": body}})
        } else {
            body.clone()
        };
        assert!(judge(platform, uncut.to_string().as_bytes()).is_err(), "{platform}: {template}");
        assert_eq!(judge(platform, &sent(platform, &body)), Ok(()), "{platform}: {template}");
    }
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
            let _ = platform.objection(&body);
            for how in [Degradation::NoImage, Degradation::NoMarkup, Degradation::Shorter] {
                let _ = platform.degrade(&body, how);
            }
            let to = target(&[]);
            let sent = body.to_string();
            let _ = platform.request(&to, &message(&sent));
            let _ = platform.follow_up(&to, &message(&sent));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 16, ..ProptestConfig::default() })]

    #[test]
    fn no_template_makes_a_request_beyond_the_limits(name in hostile(), prompt in hostile()) {
        for (platform, template) in templates() {
            let body = rendered(&template, &name, &prompt);
            let verdict = judge(platform, &sent(platform, &body));
            prop_assert!(verdict.is_ok(), "{}: {:?} of {}", platform, verdict, template);
        }
    }
}
