//! What a template makes is cut to what its platform takes.

use super::*;
use crate::message::Template;
use proptest::prelude::*;
use serde_json::{Value, json};

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

fn templates() -> Vec<(&'static dyn Platform, Value)> {
    let of = |platform: &&'static dyn Platform| {
        let templates = platform.trial().templates();
        assert!(!templates.is_empty(), "{platform:?}");
        templates.into_iter().map(|template| (*platform, template)).collect::<Vec<_>>()
    };
    all().iter().flat_map(of).collect()
}

/// What goes over the wire for a body of a template.
fn sent_of(platform: &dyn Platform, body: &Value) -> Vec<u8> {
    let fitting = trim(platform.name(), body).to_string();
    let to = example_target(platform, &[]);
    platform.request(&to, &message(fitting.as_bytes(), None)).body.into_owned()
}

/// The body of a template for a task with this name and this prompt. Where a template with this prompt in many places exceeds what
/// any message may have, the prompt is shorter.
fn rendered(template: &Value, name: &str, prompt: &str) -> Value {
    let short = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let template = Template::from_json("template", template).unwrap();
    let render = |most| {
        let task = json!({
            "name": short(name, 500),
            "params": {"prompt": short(prompt, most), short(name, 4000): short(name, 4000)},
        });
        template.render(&Context::new(json!({"event": {"type": "task.complete"}, "task": task}))).ok()
    };
    let message = render(40_000).or_else(|| render(8000)).unwrap();
    serde_json::from_slice(&message.body).unwrap()
}

#[test]
fn the_same_templates_break_the_limits_where_nothing_is_cut() {
    let limited = templates().into_iter().filter(|(platform, _)| !platform.trial().has_no_limit());
    for (platform, template) in limited {
        let body = rendered(&template, &"name ".repeat(100), &"prompt ".repeat(6000));
        // A dispatch as it goes over the wire; of the others, the body is.
        let uncut = if platform.name() == "github" && body.get("client_payload").is_none() {
            json!({"client_payload": {"taskbell": body}})
        } else {
            body.clone()
        };
        assert!(
            platform.trial().refuse_sent(uncut.to_string().as_bytes()).is_err(),
            "{platform:?}: {template}"
        );
        assert_eq!(
            platform.trial().refuse_sent(&sent_of(platform, &body)),
            Ok(()),
            "{platform:?}: {template}"
        );
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
            let _ = faults_in(platform, &body);
            for how in [Degradation::NoImage, Degradation::NoMarkup, Degradation::Shorter] {
                let _ = platform.degrade(&body, how);
            }
            let to = target(&[]);
            let sent = body.to_string();
            let _ = platform.request(&to, &message(sent.as_bytes(), None));
            let _ = platform.follow_up(&to, &message(sent.as_bytes(), None), &[Answer::default()]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 16, ..crate::property::cases(24) })]

    #[test]
    fn no_template_makes_a_request_beyond_the_limits(name in hostile(), prompt in hostile()) {
        for (platform, template) in templates() {
            let body = rendered(&template, &name, &prompt);
            let verdict = platform.trial().refuse_sent(&sent_of(platform, &body));
            prop_assert!(verdict.is_ok(), "{:?}: {:?} of {}", platform, verdict, template);
        }
    }
}
