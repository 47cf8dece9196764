//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://api.github.com/repos/o/r/dispatches"],
    pace: (&[(1, 1000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn github_answers_204_and_throttles_with_403_too() {
    let now_s = NOW_MS / 1000;
    let reset = (now_s + 600).to_string();
    for (status, headers, body, outcome) in [
        (204, vec![], "", "delivered"),
        (200, vec![], "", "retry"),
        (404, vec![], r#"{"message":"Not Found"}"#, "final"),
        (422, vec![], r#"{"message":"Invalid request"}"#, "plainer NoMarkup"),
        (422, vec![], r#"{"message":"client_payload is too large"}"#, "plainer Shorter"),
        (401, vec![], r#"{"message":"Bad credentials"}"#, "final"),
        (403, vec![], r#"{"message":"Resource not accessible"}"#, "final"),
        (403, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset)], "", "after 600000"),
        (403, vec![("retry-after", "60")], "", "after 60000"),
        (429, vec![], "", "after 60000"),
        (413, vec![], "", "plainer Shorter"),
        (301, vec![], "", "retry"),
        (502, vec![], "", "retry"),
    ] {
        assert_eq!(read("github", status, &headers, body), outcome, "{status} {body}");
    }
}

#[test]
fn github_dispatches_what_a_template_made_under_its_event_type() {
    let keys = [("event_type", "trained"), ("token", "ghp_1")];
    let endpoint = to("github", "https://api.github.com/repos/o/r/dispatches", &keys);
    let (_, headers, text) = sent(&endpoint, &json!({"model": "m"}), None);
    assert_eq!(json_of(&text), json!({"client_payload": {"model": "m"}, "event_type": "trained"}));
    assert_eq!(header(&headers, "authorization"), "Bearer ghp_1");
    assert_eq!(header(&headers, "accept"), "application/vnd.github+json");
    let many: Value = (0..11).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(json_of(&sent(&endpoint, &many, None).2)["client_payload"]["taskbell"], many);
    let whole = json!({"event_type": "other", "client_payload": {"a": 1}});
    assert_eq!(json_of(&sent(&endpoint, &whole, None).2), whole);
}

fn check_card(dispatch: &Value) {
    assert!(dispatch["client_payload"].to_string().len() < 64 * 1024);
    assert!(dispatch["client_payload"].as_object().unwrap().len() <= 10);
}

fn refuse_body(body: &Value) -> Result<(), String> {
    refuse_lengths(body, &[("event_type", code_points, 1, 100)])?;
    let payload = &body["client_payload"];
    if payload.as_object().is_none_or(|members| members.len() > 10) {
        return Err("more than 10 members".to_owned());
    }
    refuse_size(payload.to_string().as_bytes(), 64 * 1024 - 1)
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    refuse_body(&read_json(sent)?)
}

fn templates() -> Vec<Value> {
    let details =
        json!({"a": NAME, "prompt": HUGE, "list": many(json!(NAME)), "params": "{{ task.params }}"});
    vec![
        json!({"event_type": HUGE, "client_payload": details}),
        json!({"details": many(json!({"a": NAME, "b": NAME, "c": SAID}))}),
    ]
}
