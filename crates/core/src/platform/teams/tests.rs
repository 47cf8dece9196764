//! What the platform answers, shows and takes, as it documents it.

use crate::message::Notice;
use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &[
        "https://prod-07.westeurope.logic.azure.com:443/workflows/a1/triggers/manual/paths/invoke?sig=k",
        "https://a1.b2.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/c3/triggers/manual/paths/invoke?sig=k",
    ],
    pace: (&[(4, 1000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn teams_answers_tell_whether_the_workflow_has_started() {
    let failed = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error";
    for (status, headers, body, outcome) in [
        (202, vec![], "", "delivered"),
        (200, vec![], "", "delivered"),
        (200, vec![], "1", "delivered"),
        (202, vec![], "<html>sign in</html>", "retry"),
        (200, vec![], "\n<!doctype html>", "retry"),
        (204, vec![], "", "retry"),
        (200, vec![], &format!("{failed} 413 with ContextId"), "plainer Shorter"),
        (200, vec![], &format!("{failed} 429 with ContextId"), "retry"),
        (302, vec![], "", "retry"),
        (
            400,
            vec![],
            r#"{"error":{"code":"InvalidRequestContent","message":"not valid"}}"#,
            "plainer NoMarkup",
        ),
        (400, vec![], r#"{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"x"}}"#, "gone"),
        (400, vec![], r#"{"error":{"code":"WorkflowDisabled"}}"#, "gone"),
        (401, vec![], r#"{"error":{"code":"DirectApiAuthorizationRequired"}}"#, "gone"),
        (403, vec![], "", "gone"),
        (401, vec![], "<html>Sign in to the proxy</html>", "retry"),
        (403, vec![], "\n<!doctype html><title>Blocked</title>", "retry"),
        (404, vec![], "<html>not found</html>", "retry"),
        (404, vec![], r#"{"error":{"code":"WorkflowNotFound"}}"#, "gone"),
        (410, vec![], "", "gone"),
        (413, vec![], "", "plainer Shorter"),
        (429, vec![], "", "retry"),
        (429, vec![("retry-after", "17")], "", "after 17000"),
        (500, vec![], "", "retry"),
        (502, vec![], r#"{"error":{"code":"NoResponse"}}"#, "retry"),
        (504, vec![], "", "retry"),
    ] {
        assert_eq!(read("teams", status, &headers, body), outcome, "{status} {body}");
    }
}

fn teams_card(notice: &Notice, mentions: &[&str]) -> Value {
    super::card(notice, &context("render-07"), &target(mentions))
}

#[test]
fn a_teams_card_pings_only_whom_the_configuration_names() {
    let date = teams_card(&notice("{{DATE(2017-02-14T06:08:00Z, SHORT)}}"), &[]).to_string();
    assert!(date.contains("{\u{200b}{\u{200b}DATE("), "{date}");
    let card =
        teams_card(&notice("a <at>Ann</at> *b*"), &["ann@example.com", "Bob B <bob@example.com>", "<>"]);
    assert_eq!(card["type"], "message");
    let attachment = &card["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let content = &attachment["content"];
    assert_eq!(content["version"], "1.4");
    assert_eq!(content["body"][0]["items"][0]["text"], "a ＜at＞Ann＜/at＞ \\*b\\*");
    assert_eq!(content["body"][1]["text"], "<at>ann@example.com</at> <at>Bob B</at>");
    assert_eq!(
        content["msteams"]["entities"][1],
        json!({"type": "mention", "text": "<at>Bob B</at>", "mentioned": {"id": "bob@example.com", "name": "Bob B"}})
    );
    assert_eq!(content["actions"][0]["url"], "https://render-07.example.com/out/(1).png");
    let quiet = teams_card(&notice("t"), &[]);
    assert_eq!(quiet["attachments"][0]["content"]["msteams"], json!({"width": "Full"}));
}

#[test]
fn the_longest_mentions_and_links_leave_a_card_within_its_size() {
    let mention = format!("{} <{}@example.com>", "\\".repeat(64), "\"".repeat(100));
    let mut full = notice("t");
    full.links = ["a", "b", "c"]
        .map(|name| link(name, &format!("https://x.example/{name}{}", "x".repeat(1400))))
        .into();
    let card = teams_card(&full, &[mention.as_str(); 20]);
    assert!(card.to_string().len() <= super::WHOLE, "{} bytes", card.to_string().len());
    let content = &card["attachments"][0]["content"];
    assert!(content["msteams"]["entities"].as_array().unwrap().len() > 5);
    assert_eq!(content["actions"].as_array().unwrap().len(), 3);
}

fn check_card(card: &Value) {
    assert!(card.to_string().len() <= super::WHOLE, "{} bytes", card.to_string().len());
    let content = &card["attachments"][0]["content"];
    let mut texts = Vec::new();
    for part in content["body"].as_array().unwrap() {
        match text(&part["type"]) {
            "Container" => texts.push(&part["items"][0]["text"]),
            "TextBlock" => {
                assert_eq!(part["wrap"], true);
                texts.push(&part["text"]);
            }
            "FactSet" => {
                let facts = part["facts"].as_array().unwrap();
                assert!(!facts.is_empty());
                texts.extend(facts.iter().flat_map(|fact| [&fact["title"], &fact["value"]]));
            }
            "ImageSet" => {
                let images = part["images"].as_array().unwrap();
                assert!(images.iter().all(|image| text(&image["url"]).starts_with("https://")));
            }
            "Image" => assert!(text(&part["url"]).starts_with("https://")),
            other => panic!("a part of type {other}"),
        }
    }
    assert!(!text(texts[0]).trim().is_empty());
    let folds = at(content, "actions.*.targetElements.*").len();
    assert_eq!(folds, at(content, "body.*.isVisible").len(), "what is folded has a button");
    for shown in texts {
        assert_eq!(unescaped(text(shown), "*_[]`<>"), None, "{shown}");
        assert!(!text(shown).contains("{{"), "{shown}");
    }
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    read_json(sent)?;
    refuse_size(sent, 20_000)
}

fn templates() -> Vec<Value> {
    let card = |body: Value| {
        json!({"type": "message", "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {"type": "AdaptiveCard", "version": "1.4", "body": body},
        }]})
    };
    let block = |text: &str| json!({"type": "TextBlock", "text": text, "wrap": true});
    vec![
        card(
            json!([block(HUGE), block(HUGE), {"type": "FactSet", "facts": many(json!({"title": SAID, "value": NAME}))}]),
        ),
        card(many(block(NAME))),
    ]
}
