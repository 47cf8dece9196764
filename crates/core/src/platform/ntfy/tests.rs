//! What the platform answers, shows and takes, as it documents it.

use crate::message::Tone;
use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://ntfy.sh/topic"],
    pace: (&[(60, 300_000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn ntfy_answers_with_the_message_or_an_error() {
    for (status, headers, body, outcome) in [
        (200, vec![], r#"{"id":"x","event":"message"}"#, "delivered"),
        (200, vec![], "", "retry"),
        (200, vec![], "<html>", "retry"),
        (400, vec![], r#"{"code":40009,"http":400,"error":"invalid request: topic invalid"}"#, "final"),
        (
            400,
            vec![],
            r#"{"code":40013,"error":"invalid request: attachment URL is invalid"}"#,
            "plainer NoImage",
        ),
        (400, vec![], r#"{"code":40018,"error":"invalid request: actions invalid"}"#, "plainer NoMarkup"),
        (401, vec![], r#"{"error":"unauthorized"}"#, "final"),
        (403, vec![], r#"{"error":"forbidden"}"#, "final"),
        (404, vec![], "", "final"),
        (413, vec![], "", "plainer Shorter"),
        (429, vec![("retry-after", "5")], r#"{"error":"limit reached"}"#, "after 5000"),
        (429, vec![], r#"{"error":"limit reached"}"#, "retry"),
        (507, vec![], "", "retry"),
        (302, vec![], "", "retry"),
    ] {
        assert_eq!(read("ntfy", status, &headers, body), outcome, "{status} {body}");
    }
}

#[test]
fn an_ntfy_card_rings_louder_for_failures() {
    let mut bad = notice("Task failed");
    bad.tone = Tone::Bad;
    let card = card_of("ntfy", &bad, &[]);
    assert_eq!(card["message"], "• frame-07: out of memory\nTasks: 12\nh");
    assert_eq!(
        (&card["priority"], &card["tags"], &card["title"]),
        (&json!(4), &json!(["x"]), &json!("Task failed"))
    );
    assert_eq!(card["actions"][0]["url"], "https://render-07.example.com/out/(1).png");
}

#[test]
fn ntfy_goes_to_the_root_with_its_topic_and_token() {
    let body = json!({"message": "m"});
    let by_path = to("ntfy", "https://ntfy.sh/farm_7", &[("token", "tk_1")]);
    let (url, headers, text) = sent(&by_path, &body, None);
    assert_eq!((url.as_str(), header(&headers, "authorization")), ("https://ntfy.sh/", "Bearer tk_1"));
    assert_eq!(json_of(&text), json!({"message": "m", "topic": "farm_7"}));
    let by_key = to("ntfy", "https://push.example.com/", &[("topic", "farm")]);
    assert_eq!(json_of(&sent(&by_key, &body, None).2)["topic"], "farm");
}

fn check_card(card: &Value) {
    let message = text(&card["message"]);
    assert!(!message.trim().is_empty() && message.len() <= 4096, "{} bytes", message.len());
    assert!((1..=250).contains(&text(&card["title"]).chars().count()));
    assert!((1..=5).contains(&card["priority"].as_u64().unwrap()));
}

fn refuse_body(body: &Value) -> Result<(), String> {
    refuse_lengths(body, &[("message", bytes, 0, 4096), ("title", code_points, 0, 250)])
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    refuse_body(&read_json(sent)?)
}

fn templates() -> Vec<Value> {
    vec![
        json!({"message": HUGE, "title": HUGE, "click": "https://example.com/"}),
        json!({"message": HUGE, "markdown": true}),
    ]
}
