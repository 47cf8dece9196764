//! Teams, Google Chat and Mattermost: every known answer, whom a card pings, and that no text breaks its
//! limits.

use super::cards::{any_notice, context, hostile, notice, target, text};
use crate::message::Notice;
use crate::platform::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW_MS: i64 = 1_614_265_330_000;

fn read(platform: &str, status: u16, headers: &[(&str, &str)], body: &str) -> String {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answer = Answer { status, headers, body: body.as_bytes().to_vec(), truncated: false };
    match by_name(platform).unwrap().read(&answer, NOW_MS) {
        Outcome::Delivered => "delivered".to_owned(),
        Outcome::Retry(_) => "retry".to_owned(),
        Outcome::RetryAfter(wait, _) => format!("after {}", wait.as_millis()),
        Outcome::Final(_) => "final".to_owned(),
        Outcome::Gone(_) => "gone".to_owned(),
        Outcome::Degrade(how, _) => format!("plainer {how:?}"),
        Outcome::Moved(chat, _) => format!("moved {chat}"),
    }
}

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
        (400, vec![], r#"{"error":{"code":"InvalidRequestContent","message":"not valid"}}"#, "final"),
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

#[test]
fn google_chat_answers_with_the_message_it_stored() {
    let error = |status: &str| json!({"error": {"code": 4, "message": "m", "status": status}}).to_string();
    for (status, headers, body, outcome) in [
        (200, vec![], r#"{"name":"spaces/A/messages/B"}"#.to_owned(), "delivered"),
        (200, vec![], "{}".to_owned(), "retry"),
        (200, vec![], "<html>".to_owned(), "retry"),
        (200, vec![], String::new(), "retry"),
        (204, vec![], String::new(), "retry"),
        (400, vec![], error("INVALID_ARGUMENT"), "plainer Shorter"),
        (413, vec![], String::new(), "plainer Shorter"),
        (401, vec![], error("UNAUTHENTICATED"), "gone"),
        (403, vec![], error("PERMISSION_DENIED"), "gone"),
        (404, vec![], error("NOT_FOUND"), "gone"),
        (403, vec![], "<html>Blocked by the proxy</html>".to_owned(), "retry"),
        (404, vec![], String::new(), "retry"),
        (410, vec![], String::new(), "gone"),
        (429, vec![], error("RESOURCE_EXHAUSTED"), "after 60000"),
        (429, vec![("retry-after", "90")], error("RESOURCE_EXHAUSTED"), "after 90000"),
        (500, vec![], error("INTERNAL"), "retry"),
        (503, vec![("retry-after", "5")], error("UNAVAILABLE"), "after 5000"),
    ] {
        assert_eq!(read("googlechat", status, &headers, &body), outcome, "{status} {body}");
    }
    let long =
        Answer { status: 200, body: b"{\"name\": \"spa".to_vec(), truncated: true, ..Answer::default() };
    assert_eq!(by_name("googlechat").unwrap().read(&long, NOW_MS), Outcome::Delivered);
}

#[test]
fn mattermost_answers_ok_or_with_the_id_of_an_error() {
    let error = |id: &str| json!({"id": id, "message": "m", "status_code": 400}).to_string();
    for (status, headers, body, outcome) in [
        (200, vec![], "ok".to_owned(), "delivered"),
        (200, vec![], "ok\n".to_owned(), "delivered"),
        (200, vec![], String::new(), "retry"),
        (200, vec![], "<html>ok</html>".to_owned(), "retry"),
        (201, vec![], "ok".to_owned(), "retry"),
        (400, vec![], error("web.incoming_webhook.invalid.app_error"), "gone"),
        (404, vec![], error("web.incoming_webhook.invalid.app_error"), "gone"),
        (400, vec![], error("web.incoming_webhook.parse.app_error"), "final"),
        (400, vec![], error("web.incoming_webhook.text.app_error"), "final"),
        (403, vec![], error("web.incoming_webhook.permissions.app_error"), "final"),
        (501, vec![], error("web.incoming_webhook.disabled.app_error"), "final"),
        (404, vec![], "<html>not found</html>".to_owned(), "retry"),
        (403, vec![], String::new(), "retry"),
        (413, vec![], String::new(), "plainer Shorter"),
        (410, vec![], String::new(), "gone"),
        (429, vec![("x-ratelimit-reset", "2")], "limit exceeded".to_owned(), "after 2000"),
        (429, vec![("retry-after", "7"), ("x-ratelimit-reset", "2")], String::new(), "after 7000"),
        (429, vec![], String::new(), "retry"),
        (500, vec![], error("app.post.save.app_error"), "final"),
        (502, vec![], String::new(), "retry"),
    ] {
        // A server in trouble is tried again whatever it says.
        let outcome = if status == 500 { "retry" } else { outcome };
        assert_eq!(read("mattermost", status, &headers, &body), outcome, "{status} {body}");
    }
}

fn teams_card(notice: &Notice, mentions: &[&str]) -> Value {
    teams::card(notice, &context("render-07"), &target(mentions))
}

#[test]
fn a_teams_card_pings_only_whom_the_configuration_names() {
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
fn a_google_chat_card_pings_only_whom_the_configuration_names() {
    let card =
        |mentions: &[&str]| google_chat::card(&notice("a <users/all> & b"), &context("h"), &target(mentions));
    let quiet = card(&[]);
    assert_eq!((quiet.get("text"), &quiet["fallbackText"]), (None, &json!("a ＜users/all＞ & b")));
    let inner = &quiet["cardsV2"][0]["card"];
    assert_eq!(inner["header"]["title"], "🟢 a <users/all> & b");
    assert_eq!(
        inner["sections"][0]["widgets"][0]["textParagraph"]["text"],
        "<b>Failures</b><br>• frame-07: out of memory"
    );
    assert_eq!(
        inner["sections"][1]["widgets"][0]["decoratedText"],
        json!({"topLabel": "Tasks", "text": "12", "wrapText": true})
    );
    let loud = card(&["@all", "users/1234567", "<users/7654321>", "ada*"]);
    assert_eq!(loud["text"], "<users/all> <users/1234567> <users/7654321> ada＊");
}

#[test]
fn a_mattermost_card_pings_only_whom_the_configuration_names() {
    let card =
        |mentions: &[&str]| mattermost::card(&notice("a @all [x](y)"), &context("h"), &target(mentions));
    let quiet = card(&[]);
    let attachment = &quiet["attachments"][0];
    assert_eq!(quiet.get("text"), None);
    assert_eq!(attachment["title"], "a @\u{200b}all \\[x\\](y)");
    assert_eq!(attachment["text"], "**Failures**\n- frame-07: out of memory");
    assert_eq!(attachment["fields"][0], json!({"title": "Tasks", "value": "12", "short": true}));
    assert_eq!(attachment["title_link"], "https://render-07.example.com/out/(1).png");
    assert_eq!(card(&["channel", "@ada.l", "a b", ""])["text"], "@channel @ada.l");
}

/// The first character that would be markup, where each may stand only behind a backslash.
fn unescaped(text: &str, markup: &str) -> Option<char> {
    let mut escaped = false;
    text.chars().find(|character| {
        let live = !escaped && markup.contains(*character);
        escaped = *character == '\\' && !escaped;
        live
    })
}

fn check_teams(card: &Value) {
    assert!(card.to_string().len() <= teams::WHOLE, "{} bytes", card.to_string().len());
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
            "Image" => assert!(text(&part["url"]).starts_with("https://")),
            other => panic!("a part of type {other}"),
        }
    }
    assert!(!text(texts[0]).trim().is_empty());
    for shown in texts {
        assert_eq!(unescaped(text(shown), "*_[]`<>"), None, "{shown}");
    }
}

fn check_google_chat(card: &Value) {
    assert!(card.to_string().len() <= google_chat::WHOLE, "{} bytes", card.to_string().len());
    assert_eq!(card.get("text"), None);
    assert!(!text(&card["fallbackText"]).contains(['<', '>']));
    let card = &card["cardsV2"][0]["card"];
    assert!(text(&card["header"]["title"]).chars().count() > 2);
    let sections = card["sections"].as_array().unwrap();
    assert!(!sections.is_empty());
    for widget in sections.iter().flat_map(|section| section["widgets"].as_array().unwrap()) {
        let shown = match widget.as_object().unwrap().keys().next().unwrap().as_str() {
            "textParagraph" => text(&widget["textParagraph"]["text"]),
            "decoratedText" => text(&widget["decoratedText"]["text"]),
            "image" | "buttonList" => continue,
            other => panic!("a widget of type {other}"),
        };
        assert!(!shown.is_empty());
        for tag in shown.split('<').skip(1) {
            let known = ["b>", "/b>", "br>", "font color=\"#", "/font>"];
            assert!(known.iter().any(|known| tag.starts_with(known)), "{shown}");
        }
    }
}

fn check_mattermost(card: &Value) {
    assert_eq!(card.get("text"), None);
    let attachment = &card["attachments"][0];
    let mut shown = vec![&attachment["title"], &attachment["text"]];
    let fields = attachment["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    shown.extend(fields.iter().flat_map(|field| [&field["title"], &field["value"]]));
    let mut total =
        text(&attachment["fallback"]).chars().count() + text(&attachment["footer"]).chars().count();
    for shown in shown {
        let shown = text(shown).replacen("**Failures**", "", 1);
        total += shown.chars().count();
        assert_eq!(unescaped(&shown, "*_~`|[]>"), None, "{shown}");
        assert!(shown.split('@').skip(1).all(|after| after.starts_with('\u{200b}')), "{shown}");
    }
    assert!(total <= mattermost::WHOLE + 100, "{total} in all");
    assert!(!text(&attachment["title"]).trim().is_empty());
}

#[test]
fn a_plainer_card_has_less_and_still_says_what_happened() {
    let mut pictured = notice("what happened");
    pictured.image_url = Some("https://cdn.example.com/1.png".to_owned());
    let host = context("h");
    for (name, card) in [
        ("teams", teams::card as fn(&Notice, &Context, &Target) -> Value),
        ("googlechat", google_chat::card),
        ("mattermost", mattermost::card),
    ] {
        let platform = by_name(name).unwrap();
        let card = card(&pictured, &host, &target(&["ann@example.com"]));
        let plain = platform.degrade(&card, Degradation::NoImage).unwrap();
        assert!(!plain.to_string().contains("cdn.example.com"), "{name}");
        assert!(plain.to_string().contains("out of memory"), "{name}");
        assert_eq!(platform.degrade(&plain, Degradation::NoImage), None, "{name}");
        let short = platform.degrade(&card, Degradation::Shorter).unwrap();
        assert!(short.to_string().contains("what happened"), "{name}");
        assert!(!short.to_string().contains("out of memory"), "{name}");
        assert_eq!(platform.degrade(&json!({"my": "own"}), Degradation::Shorter), None, "{name}");
    }
}

type Check = fn(&Value);
const CHECKS: [(&str, Check); 3] =
    [("teams", check_teams), ("googlechat", check_google_chat), ("mattermost", check_mattermost)];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_card_of_a_workplace_keeps_the_limits_and_pings_nobody(notice in any_notice(), host in hostile()) {
        let context = context(&host);
        check_teams(&teams::card(&notice, &context, &target(&[])));
        check_google_chat(&google_chat::card(&notice, &context, &target(&[])));
        check_mattermost(&mattermost::card(&notice, &context, &target(&[])));
    }

    #[test]
    fn a_card_of_a_workplace_is_made_of_any_event(kind in "[a-z]{1,8}\\.[a-z]{1,8}", key in hostile(), value in hostile()) {
        let data = json!({ key: value, "error": {"message": value}, "name": value });
        let context = Context::new(json!({
            "event": {"id": "evt_01", "type": kind, "timestamp": 5, "data": data.clone()},
            "task": data,
            "host": {},
        }));
        for (name, check) in CHECKS {
            check(&by_name(name).unwrap().card(&context, &target(&[])));
        }
    }

    #[test]
    fn mentions_as_odd_as_can_be_keep_the_limits(mention in hostile()) {
        let mentions = vec![mention.as_str(); 30];
        let team = target(&mentions);
        let card = teams::card(&notice("t"), &context("h"), &team);
        prop_assert!(card.to_string().len() <= teams::WHOLE);
        let chat = google_chat::card(&notice("t"), &context("h"), &target(&mentions));
        prop_assert!(chat.to_string().len() <= google_chat::WHOLE);
        let post = mattermost::card(&notice("t"), &context("h"), &target(&mentions));
        prop_assert!(text(&post["text"]).chars().count() <= 1000);
    }
}
