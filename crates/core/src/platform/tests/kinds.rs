//! Templates that a platform refuses or shows wrongly: each kind of fault is named by its field.

use super::*;
use serde_json::json;

/// Platform, body, and what the sentence must hold.
fn wrong() -> Vec<(&'static str, Value, &'static str)> {
    let block = |block: Value| json!({"blocks": [block]});
    let element =
        |element: Value| json!({"text": "t", "blocks": [{"type": "actions", "elements": [element]}]});
    let embed = |embed: Value| json!({"embeds": [embed]});
    let card = |element: Value| {
        json!({"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive",
            "content": {"type": "AdaptiveCard", "version": "1.4", "body": [element]}}]})
    };
    let feishu = |card: Value| json!({"msg_type": "interactive", "card": card});
    let widget =
        |widget: Value| json!({"cardsV2": [{"cardId": "a", "card": {"sections": [{"widgets": [widget]}]}}]});
    let wecom_card = |card: Value| json!({"msgtype": "template_card", "template_card": card});
    let label = json!({"type": "plain_text", "text": "o"});
    vec![
        (
            "slack",
            block(json!({"type": "sections", "text": {"type": "mrkdwn", "text": "x"}})),
            "`blocks[0].type` is `sections`",
        ),
        ("slack", block(json!({"type": "section", "text": "x"})), "`blocks[0].text` is a text"),
        ("slack", block(json!({"type": "section"})), "`blocks[0].text` is missing"),
        (
            "slack",
            block(json!({"type": "header", "text": {"type": "mrkdwn", "text": "x"}})),
            "`blocks[0].text.type` is `mrkdwn`",
        ),
        (
            "slack",
            block(json!({"type": "section", "text": {"type": "markdown", "text": "x"}})),
            "`blocks[0].text.type`",
        ),
        ("slack", json!({"blocks": {"type": "divider"}}), "`blocks` is an object, and Slack takes a list"),
        (
            "slack",
            element(json!({"type": "button", "text": "Open"})),
            "`blocks[0].elements[0].text` is a text",
        ),
        (
            "slack",
            element(json!({"type": "button", "text": label})),
            "`blocks[0].elements[0].url` is missing",
        ),
        (
            "slack",
            element(
                json!({"type": "button", "text": label, "url": "https://a.example.com", "style": "success"}),
            ),
            "`primary` or `danger`",
        ),
        (
            "slack",
            element(json!({"type": "button", "text": label, "url": "out.png"})),
            "`blocks[0].elements[0].url` is `out.png`",
        ),
        ("slack", json!({"txt": "x"}), "`text`"),
        ("slack", json!({"text": " "}), "`text` is empty"),
        (
            "slack",
            json!({"attachments": [{"fields": {"title": "a"}}]}),
            "`attachments[0].fields` is an object",
        ),
        ("discord", json!({"embeds": {"title": "a"}}), "`embeds` is an object"),
        (
            "discord",
            embed(json!({"title": "a", "fields": [{"name": "x", "value": ""}]})),
            "`embeds[0].fields[0].value` is empty",
        ),
        (
            "discord",
            embed(json!({"title": "a", "fields": [{"name": "x"}]})),
            "`embeds[0].fields[0].value` is missing",
        ),
        (
            "discord",
            embed(json!({"title": "a", "fields": [{"name": "x", "value": "y", "inline": "yes"}]})),
            "`embeds[0].fields[0].inline`",
        ),
        ("discord", embed(json!({"title": "a", "color": "#ff0000"})), "`embeds[0].color`"),
        ("discord", embed(json!({"title": "a", "color": 0x0100_0000})), "`embeds[0].color`"),
        ("discord", embed(json!({"title": "a", "timestamp": "yesterday"})), "`embeds[0].timestamp`"),
        ("discord", embed(json!({"title": "a", "footer": "by me"})), "`embeds[0].footer` is a text"),
        (
            "discord",
            embed(json!({"title": "a", "image": "https://a.example.com/1.png"})),
            "`embeds[0].image` is a text",
        ),
        ("discord", embed(json!({"titel": "a"})), "`titel`"),
        ("discord", json!({"content": "a", "username": ""}), "`username` is empty"),
        ("discord", json!({"content": ""}), "`content` is empty"),
        (
            "discord",
            json!({"content": "a", "allowed_mentions": {"parse": ["all"]}}),
            "`allowed_mentions.parse[0]`",
        ),
        (
            "discord",
            json!({"flags": 32768, "components": [{"type": 10, "content": "hi"}]}),
            "with_components=true",
        ),
        (
            "discord",
            json!({"flags": 32768, "content": "a", "components": [{"type": 10, "content": "hi"}]}),
            "`content` is refused",
        ),
        ("discord", json!({"components": [{"type": 10, "content": "hi"}]}), "flags = 32768"),
        ("teams", json!({"type": "AdaptiveCard", "version": "1.4", "body": []}), "`attachments` is missing"),
        ("teams", json!({"@type": "MessageCard", "text": "x"}), "`MessageCard`"),
        ("teams", json!({"text": "x"}), "`attachments` is missing"),
        ("teams", card(json!({"type": "Textblock", "text": "x"})), "`TextBlock` is near"),
        ("teams", card(json!({"type": "TextBlock"})), "body[0].text` is missing"),
        ("teams", card(json!({"type": "TextBlock", "text": "x", "weight": "bold"})), "`lighter` or `bolder`"),
        ("teams", card(json!({"type": "TextBlock", "text": "x", "wrap": "true"})), "body[0].wrap` is a text"),
        ("teams", card(json!({"type": "FactSet", "facts": {"a": "b"}})), "body[0].facts` is an object"),
        (
            "feishu",
            feishu(json!({"schema": "2.0", "elements": [{"tag": "markdown", "content": "x"}]})),
            "`card.body.elements`",
        ),
        (
            "feishu",
            feishu(json!({"schema": "2.0", "body": {"elements": [{"tag": "action", "actions": []}]}})),
            "`card.body.elements[0].tag` is `action`",
        ),
        (
            "feishu",
            feishu(json!({"schema": "2.0", "body": {"elements": [{"tag": "note", "elements": []}]}})),
            "`card.body.elements[0].tag`",
        ),
        (
            "feishu",
            feishu(json!({"header": {"title": "t"}, "elements": []})),
            "`card.header.title` is a text",
        ),
        (
            "feishu",
            feishu(
                json!({"header": {"title": {"tag": "plain_text", "content": "t"}, "template": "pink"}, "elements": []}),
            ),
            "`card.header.template` is `pink`",
        ),
        ("feishu", json!({"msgtype": "text", "content": {"text": "x"}}), "`msg_type` is missing"),
        ("feishu", json!({"msg_type": "markdown", "content": {"text": "x"}}), "`msg_type` is `markdown`"),
        ("feishu", json!({"msg_type": "text", "content": "x"}), "`content` is a text"),
        (
            "wecom",
            wecom_card(json!({"card_type": "text_notice", "main_title": {"title": "x"}})),
            "`template_card.card_action` is missing",
        ),
        (
            "wecom",
            wecom_card(json!({"card_type": "notice", "main_title": {"title": "x"}})),
            "`template_card.card_type` is `notice`",
        ),
        (
            "wecom",
            wecom_card(
                json!({"card_type": "text_notice", "main_title": "x", "card_action": {"type": 1, "url": "https://a.example.com"}}),
            ),
            "`template_card.main_title` is a text",
        ),
        ("wecom", json!({"msg_type": "text", "text": {"content": "x"}}), "`msgtype` is missing"),
        (
            "wecom",
            json!({"msgtype": "news", "news": {"articles": [{"title": "x"}]}}),
            "`news.articles[0].url` is missing",
        ),
        (
            "dingtalk",
            json!({"msgtype": "actionCard", "actionCard": {"title": "x", "text": "y"}}),
            "`actionCard.btns` is missing",
        ),
        (
            "dingtalk",
            json!({"msgtype": "link", "link": {"title": "x", "text": "y"}}),
            "`link.messageUrl` is missing",
        ),
        (
            "dingtalk",
            json!({"msgtype": "Markdown", "markdown": {"title": "x", "text": "y"}}),
            "`markdown` is near",
        ),
        ("dingtalk", json!({"msgtype": "text", "text": "x"}), "`text` is a text"),
        ("telegram", json!({"text": "*x*", "parse_mode": "Markdown"}), "`parse_mode` is `Markdown`"),
        ("telegram", json!({"text": "x", "parse_mode": "markdown2"}), "`parse_mode`"),
        ("telegram", json!({"text": "<h1>x</h1><br>", "parse_mode": "HTML"}), "`<h1>` is not a tag"),
        ("telegram", json!({"text": "<b>x", "parse_mode": "HTML"}), "`<b>` has no end"),
        ("telegram", json!({"text": "x.", "parse_mode": "MarkdownV2"}), "`.` is reserved"),
        ("telegram", json!({"photo": "https://a.example.com/c.png", "caption": "x"}), "`text` is missing"),
        ("telegram", json!({"text": "x", "disable_notification": "yes"}), "`disable_notification` is a text"),
        (
            "googlechat",
            widget(json!({"keyValue": {"topLabel": "a", "content": "b"}})),
            "widgets[0].keyValue`",
        ),
        ("googlechat", widget(json!({"textParagraph": "x"})), "widgets[0].textParagraph` is a text"),
        (
            "googlechat",
            widget(json!({"buttonList": {"buttons": [{"text": "o"}]}})),
            "buttons[0].onClick` is missing",
        ),
        (
            "googlechat",
            json!({"cards_v2": [{"card": {"header": {"subtitle": "x"}, "sections": []}}]}),
            "`cardsV2[0].card.header.title` is missing",
        ),
        ("googlechat", json!({"text": "x", "channel": "y"}), "`channel`"),
        ("mattermost", json!({"attachments": {"text": "x"}}), "`attachments` is an object"),
        ("mattermost", json!({"blocks": []}), "`text`"),
        ("mattermost", json!({"text": "x", "priority": "urgent"}), "`priority` is a text"),
        ("ntfy", json!({"message": "x", "tags": "warning"}), "`tags` is a text"),
        ("ntfy", json!({"message": "x", "priority": "high"}), "`priority` is a text"),
        ("ntfy", json!({"message": "x", "priority": 9}), "`priority` is 9"),
        (
            "ntfy",
            json!({"message": "x", "actions": [{"action": "open", "label": "o"}]}),
            "`actions[0].action` is `open`",
        ),
        (
            "ntfy",
            json!({"message": "x", "actions": [{"action": "view", "label": "o"}]}),
            "`actions[0].url` is missing",
        ),
        (
            "pagerduty",
            json!({"payload": {"summary": "x", "severity": "high", "source": "y"}}),
            "`payload.severity` is `high`",
        ),
        (
            "pagerduty",
            json!({"payload": {"summary": "x", "severity": "info"}}),
            "`payload.source` is missing",
        ),
        (
            "pagerduty",
            json!({"event_action": "fire", "payload": {"summary": "x", "severity": "info", "source": "y"}}),
            "`event_action` is `fire`",
        ),
        ("pagerduty", json!({"summary": "x"}), "`payload` is missing"),
        ("github", json!({"client_payload": "x"}), "`client_payload` is a text"),
        ("github", json!({"event_type": "x", "client_payload": {}, "inputs": {}}), "`inputs`"),
        ("gitlab", json!({"variables": [{"key": "A"}]}), "`variables` is a list"),
        ("slack-workflow", json!({"a": {"b": 1}}), "`a` is"),
        (
            "cloudevents",
            json!({"specversion": "1.1", "id": "1", "source": "/", "type": "t"}),
            "`specversion` is `1.1`",
        ),
    ]
}

#[test]
fn a_wrong_template_is_warned_of_with_its_field_and_the_reason() {
    let mut missed = Vec::new();
    for (platform, body, words) in wrong() {
        let said = faults_in(by_name(platform).unwrap(), &body).unwrap_or_default();
        if !said.contains(words) {
            missed.push(format!("{platform} {body}: no {words:?} in {said:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_templates_of_each_platform_are_without_a_fault() {
    let task = json!({"name": "frame 7", "params": {"prompt": "a lighthouse"}});
    let context = crate::message::Context::new(json!({"event": {"type": "task.complete"}, "task": task}));
    for platform in all() {
        for template in platform.trial().templates() {
            let message =
                crate::message::Template::from_json("template", &template).unwrap().render(&context).unwrap();
            let fitting = trimmed(*platform, &message.body).unwrap_or(message.body);
            let faults = faults_in(*platform, &serde_json::from_slice(&fitting).unwrap());
            assert_eq!(faults, None, "{platform:?}: {template}");
        }
    }
}

#[test]
fn what_is_refused_by_the_rules_is_refused_by_the_fake_platform() {
    for (platform, body, _) in wrong() {
        let platform = by_name(platform).unwrap();
        let faults = platform.faults(&body, platform.description().example.target);
        for name in faults.iter().filter_map(|fault| fault.response) {
            assert!(
                platform.description().responses.iter().any(|response| response.name == name),
                "{platform:?} has no `{name}`"
            );
        }
    }
}

#[test]
fn every_wrong_body_of_the_list_is_warned_of_at_its_place() {
    let list: Vec<(String, Value, String)> = serde_json::from_str(include_str!("wrong_bodies.json")).unwrap();
    let mut missed = Vec::new();
    for (platform, body, words) in list {
        let said = faults_in(by_name(&platform).unwrap(), &body).unwrap_or_default();
        if !said.to_lowercase().contains(&words.to_lowercase()) {
            missed.push(format!("{platform} {body}: no {words:?} in {said:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_right_body_of_the_list_is_without_a_fault() {
    let list: Vec<(String, Value)> = serde_json::from_str(include_str!("right_bodies.json")).unwrap();
    let told = |(platform, body): (String, Value)| {
        faults_in(by_name(&platform).unwrap(), &body).map(|said| format!("{platform} {body}: {said}"))
    };
    let told: Vec<String> = list.into_iter().filter_map(told).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}
