//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://hooks.slack.com/triggers/T0/1/key", "https://hooks.slack.com/workflows/T0/A0/1/key"],
    pace: (&[(1, 1000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: true,
    templates,
};

#[test]
fn slack_workflow_answers_count_by_their_word() {
    for (status, body, outcome) in [
        (200, r#"{"ok":true}"#, "delivered"),
        (200, "", "delivered"),
        (200, "<html>Sign in</html>", "retry"),
        (200, r#"{"ok":false,"error":"invalid_token"}"#, "gone"),
        (400, r#"{"ok":false,"error":"invalid_workflow_input"}"#, "final"),
        (500, "", "retry"),
    ] {
        assert_eq!(read("slack-workflow", status, &[], body), outcome, "{status} {body}");
    }
}

fn check_card(variables: &Value) {
    for (_, variable) in variables.as_object().unwrap() {
        assert!(text(variable).len() <= 2000 && !text(variable).contains(['<', '>']));
    }
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    read_json(sent).map(drop)
}

fn templates() -> Vec<Value> {
    vec![json!({"prompt": HUGE})]
}
