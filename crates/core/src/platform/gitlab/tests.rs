//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &[
        "https://gitlab.example.com/sub/api/v4/projects/12/trigger/pipeline",
        "https://gitlab.example.com/api/v4/projects/g%2Fp/trigger/pipeline",
    ],
    pace: (&[(20, 60_000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: true,
    templates,
};

#[test]
fn gitlab_answers_with_the_pipeline() {
    for (status, body, outcome) in [
        (201, r#"{"id":7,"web_url":"https://gitlab.example.com/p/7"}"#, "delivered"),
        (201, "", "retry"),
        (200, "<html>", "retry"),
        (400, r#"{"message":{"base":["Reference not found"]}}"#, "plainer NoMarkup"),
        (401, "", "final"),
        (403, r#"{"message":"403 Forbidden"}"#, "final"),
        (404, r#"{"message":"404 Not Found"}"#, "final"),
        (429, "Retry later", "retry"),
        (500, "", "retry"),
    ] {
        assert_eq!(read("gitlab", status, &[], body), outcome, "{status} {body}");
    }
}

#[test]
fn gitlab_gets_a_form_with_token_ref_and_variables() {
    let keys = [("ref", "main"), ("token", "glptt-1&2")];
    let endpoint = to("gitlab", "https://gitlab.example.com/api/v4/projects/1/trigger/pipeline", &keys);
    let (url, headers, text) = sent(&endpoint, &json!({"MODEL": "a b&c", "N": 3}), None);
    assert_eq!(text, "token=glptt-1%262&ref=main&variables%5BMODEL%5D=a+b%26c&variables%5BN%5D=3");
    assert_eq!(header(&headers, "content-type"), "application/x-www-form-urlencoded");
    assert!(!url.contains("glptt"));
    assert_eq!(sent(&endpoint, &json!({"variables": {"N": 3}}), None).2.matches("variables").count(), 1);
}

fn check_card(pipeline: &Value) {
    for (name, value) in pipeline["variables"].as_object().unwrap() {
        assert!(name.starts_with("TASKBELL_") && value.is_string());
    }
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    let pairs: Vec<_> = url::form_urlencoded::parse(sent).collect();
    let has = |name: &str| pairs.iter().any(|(key, _)| key == name);
    if has("token") && has("ref") { Ok(()) } else { Err("no token, or no ref".to_owned()) }
}

fn templates() -> Vec<Value> {
    vec![json!({"variables": {"PROMPT": HUGE}})]
}
