//! Templates that a platform refuses or shows wrongly: each kind of fault is named by its field.

use super::*;
use proptest::prelude::*;

/// Platform, body, and what the sentence must hold.
fn wrong() -> Vec<(String, Value, String)> {
    serde_json::from_str(include_str!("wrong_bodies.json")).unwrap()
}

#[test]
fn a_wrong_template_is_warned_of_with_its_field_and_the_reason() {
    let mut missed = Vec::new();
    for (platform, body, words) in wrong() {
        let said = faults_in(by_name(&platform).unwrap(), &body).unwrap_or_default();
        if !said.contains(&words) {
            missed.push(format!("{platform} {body}: no {words:?} in {said:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_is_too_long_is_told_with_the_limit_and_what_is_there() {
    let long = "汉".repeat(5000);
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": long}});
    let fields = json!([{"fields": vec![json!({"name": "n", "value": "v"}); 26]}]);
    let half = json!({"description": "x".repeat(3500)});
    for (platform, body, words) in [
        ("slack", json!({"blocks": vec![json!({"type": "divider"}); 51]}), "takes 50, and here are 51"),
        ("slack", json!({"blocks": [section]}), "3000 characters, and here are 5000"),
        (
            "discord",
            json!({"content": long}),
            "`content` is too long: Discord takes 2000 characters, and here are 5000",
        ),
        ("discord", json!({"embeds": fields}), "takes 25, and here are 26"),
        (
            "discord",
            json!({"embeds": [half, half]}),
            "6000 characters in all embeds together, and here are 7000",
        ),
        ("wecom", json!({"msgtype": "markdown", "markdown": {"content": long}}), "4096 bytes"),
        ("googlechat", json!({"text": "x".repeat(32_000)}), "32000 bytes"),
        ("mattermost", json!({"text": "x".repeat(16_384)}), "16383 characters"),
        ("dingtalk", json!({"msgtype": "text", "text": {"content": "x".repeat(20_000)}}), "20000 bytes"),
        ("telegram", json!({"text": "x".repeat(4097)}), "4096 characters, and here are 4097"),
        ("ntfy", json!({"message": "x".repeat(4097)}), "4096 bytes"),
    ] {
        let said = faults_in(by_name(platform).unwrap(), &body).unwrap_or_default();
        assert!(said.contains(words), "{platform}: {said}");
    }
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
        let platform = by_name(&platform).unwrap();
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
fn every_right_body_of_the_list_is_without_a_fault() {
    let list: Vec<(String, Value)> = serde_json::from_str(include_str!("right_bodies.json")).unwrap();
    let told = |(platform, body): (String, Value)| {
        faults_in(by_name(&platform).unwrap(), &body).map(|said| format!("{platform} {body}: {said}"))
    };
    let told: Vec<String> = list.into_iter().filter_map(told).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
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
