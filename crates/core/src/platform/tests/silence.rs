//! Messages without a sound: what each platform's pages say of it, by hand.

use super::*;
use crate::message::Context;
use crate::platform::silence::silenced;
use serde_json::{Value, json};

/// Platform, place and value.
fn silent() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("discord", "/flags", json!(4096)),
        ("telegram", "/disable_notification", json!(true)),
        ("ntfy", "/priority", json!(2)),
        ("bark", "/level", json!("passive")),
        ("gotify", "/priority", json!(2)),
        ("home-assistant", "/data/push/interruption-level", json!("passive")),
        ("home-assistant", "/data/importance", json!("low")),
        ("matrix", "/msgtype", json!("m.notice")),
        ("pushover", "/priority", json!(-1)),
    ]
}

fn of_task(status: &str) -> Context {
    Context::new(json!({
        "event": {"id": "evt_01", "type": "task.complete"},
        "host": {"name": "h"},
        "task": {"name": "portrait-07", "status": status, "outputs": [{"url": "https://cdn.example.com/a.png"}]},
    }))
}

/// The body for this event, silenced.
fn quiet(platform: &dyn Platform, body: &Value, status: &str, is_template: bool) -> Value {
    let bytes = silenced(platform, body.to_string().into_bytes(), &of_task(status), is_template);
    serde_json::from_slice(&bytes).unwrap()
}

fn card(platform: &dyn Platform, status: &str, mentions: &[&str]) -> Value {
    let target = Target { mentions: target(mentions).mentions, ..example_target(platform, &[]) };
    platform.card(&of_task(status), &target)
}

#[test]
fn a_success_makes_no_sound_where_the_platform_can_and_everything_else_does() {
    for (name, at, value) in silent() {
        let platform = by_name(name).unwrap();
        let success = card(platform, "success", &[]);
        assert_ne!(success.pointer(at), Some(&value), "{name} makes a sound by itself");
        let sent = quiet(platform, &success, "success", false);
        assert_eq!(sent.pointer(at), Some(&value), "{name} {at}");
        let to = example_target(platform, &[]);
        let url = platform.request(&to, &message(sent.to_string().as_bytes(), None)).url;
        let faults = platform.faults(&sent, url.as_str());
        assert_eq!((judge(name, &sent), faults), (Ok(()), vec![]), "{name}");
        for status in ["error", "cancelled"] {
            let other = card(platform, status, &[]);
            assert_eq!(quiet(platform, &other, status, false), other, "{name} {status}");
        }
    }
    let able = |platform: &&&dyn Platform| platform.description().silent.is_some();
    let mut able: Vec<_> = all().iter().filter(able).map(|platform| platform.name()).collect();
    let mut named: Vec<_> = silent().into_iter().map(|(name, ..)| name).collect();
    named.dedup();
    able.sort_unstable();
    named.sort_unstable();
    assert_eq!(able, named);
    let slack = by_name("slack").unwrap();
    let success = card(slack, "success", &[]);
    assert_eq!(quiet(slack, &success, "success", false), success);
}

#[test]
fn who_is_mentioned_hears_it() {
    for (name, mention) in
        [("discord", "@here"), ("discord", "<@&112233>"), ("telegram", "@ada"), ("telegram", "12345")]
    {
        let platform = by_name(name).unwrap();
        let success = card(platform, "success", &[mention]);
        assert_eq!(quiet(platform, &success, "success", false), success, "{name} {mention}");
    }
    for (name, template, sounds) in [
        ("telegram", json!({"text": "@ada: done"}), true),
        ("telegram", json!({"text": "x", "entities": [{"type": "text_mention", "user": {"id": 1}}]}), true),
        ("telegram", json!({"text": "mail@\u{200b}example.com", "entities": [{"type": "bold"}]}), false),
        ("discord", json!({"content": "<@1>", "allowed_mentions": {"parse": ["users"]}}), true),
        ("discord", json!({"content": "<@1>", "allowed_mentions": {"parse": []}}), false),
    ] {
        let sent = quiet(by_name(name).unwrap(), &template, "success", true);
        assert_eq!(sent == template, sounds, "{template}");
    }
}

#[test]
fn a_template_has_the_last_word_about_its_sound() {
    for (name, template, sent) in [
        ("ntfy", json!({"message": "x", "priority": 5}), json!({"message": "x", "priority": 5})),
        ("ntfy", json!({"message": "x"}), json!({"message": "x", "priority": 2})),
        (
            "telegram",
            json!({"text": "x", "disable_notification": false}),
            json!({"text": "x", "disable_notification": false}),
        ),
        // Flags are bits, and those of a template stay.
        ("discord", json!({"content": "x", "flags": 4}), json!({"content": "x", "flags": 4100})),
        ("discord", json!({"content": "x", "flags": "4"}), json!({"content": "x", "flags": "4"})),
        (
            "home-assistant",
            json!({"message": "x", "data": {"channel": "Farm"}}),
            json!({"message": "x", "data": {"channel": "Farm", "importance": "low",
                "push": {"interruption-level": "passive"}}}),
        ),
    ] {
        assert_eq!(quiet(by_name(name).unwrap(), &template, "success", true), sent);
    }
    let list = b"[1]".to_vec();
    assert_eq!(silenced(by_name("ntfy").unwrap(), list.clone(), &of_task("success"), true), list);
}

#[test]
fn a_plainer_form_is_as_silent_as_the_message() {
    for (name, at, value) in silent() {
        let platform = by_name(name).unwrap();
        let loud = card(platform, "success", &[]);
        let quiet = quiet(platform, &loud, "success", false);
        for how in [Degradation::NoImage, Degradation::NoMarkup, Degradation::Shorter] {
            let Some(plain) = platform.plainer(&quiet, how) else { continue };
            // An object may be what was refused.
            if !at.starts_with("/data") {
                assert_eq!(plain.pointer(at), Some(&value), "{name} {how:?}");
            }
            assert_eq!(platform.plainer(&loud, how), platform.degrade(&loud, how), "{name} {how:?}");
        }
    }
}
