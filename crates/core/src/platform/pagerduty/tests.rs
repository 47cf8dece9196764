//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://events.eu.pagerduty.com/v2/enqueue", "https://events.pagerduty.com/v2/change/enqueue"],
    pace: (&[], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn pagerduty_answers_202_or_why_not() {
    let refused = r#"{"status":"invalid event","message":"Event object is invalid","errors":["'payload.summary' is missing"]}"#;
    for (status, headers, body, outcome) in [
        (202, vec![], r#"{"status":"success","dedup_key":"k"}"#, "delivered"),
        (200, vec![], "", "retry"),
        (202, vec![], "<html>sign in</html>", "retry"),
        (400, vec![], r#"{"message":"Event object is invalid","errors":["Invalid routing key"]}"#, "final"),
        (400, vec![], refused, "plainer NoMarkup"),
        (400, vec![], r#"{"errors":["'links[0].href' is not a valid URL"]}"#, "plainer NoMarkup"),
        (403, vec![], "", "final"),
        (404, vec![], "", "final"),
        (413, vec![], "", "plainer Shorter"),
        (408, vec![], "", "retry"),
        (429, vec![], "", "after 120000"),
        (429, vec![("retry-after", "300")], "", "after 300000"),
        (500, vec![], "", "retry"),
        (503, vec![("retry-after", "9")], "", "after 9000"),
    ] {
        assert_eq!(read("pagerduty", status, &headers, body), outcome, "{status}");
    }
    let answer = Answer { status: 400, body: refused.into(), ..Answer::default() };
    let expected = "answered 400: the form is wrong (Event object is invalid: 'payload.summary' is missing)";
    assert_eq!(
        by_name("pagerduty").unwrap().read(&answer, 0),
        Outcome::Degrade(Degradation::NoMarkup, expected.to_owned())
    );
}

fn alert(kind: &str) -> Value {
    let context = Context::new(json!({
        "event": {"id": format!("evt_{kind}"), "type": kind, "timestamp": "2021-02-25T15:02:10Z", "data": {}},
        "alert": {"name": "disk", "metric": "disk.free_gb", "value": 8.5, "threshold": 10},
        "host": {"name": "render-07"},
    }));
    by_name("pagerduty").unwrap().card(&context, &target(&[]))
}

#[test]
fn a_host_whose_name_cannot_be_shown_still_has_a_source() {
    let event = by_name("pagerduty").unwrap().card(&context("\u{e}"), &target(&[]));
    assert_eq!(event["payload"]["source"], "taskbell");
}

#[test]
fn an_alert_that_ends_resolves_what_it_opened() {
    let (firing, resolved) = (alert("alert.firing"), alert("alert.resolved"));
    assert_eq!((&firing["event_action"], &resolved["event_action"]), (&json!("trigger"), &json!("resolve")));
    assert_eq!(firing["dedup_key"], "taskbell/render-07/alert/disk");
    assert_eq!(firing["dedup_key"], resolved["dedup_key"]);
    assert_eq!(firing["payload"]["severity"], "critical");
    assert_eq!(firing["payload"]["source"], "render-07");
    assert_eq!(firing["payload"]["custom_details"]["Metric"], "disk.free_gb");
}

#[test]
fn pagerduty_gets_its_key_and_what_a_template_left_out() {
    let key = "0123456789abcdef0123456789abcdef";
    let events = to("pagerduty", "https://events.pagerduty.com/v2/enqueue", &[("routing_key", key)]);
    let (_, _, text) = sent(&events, &json!({"payload": {"summary": "s"}}), None);
    let expected = json!({
        "payload": {"summary": "s", "source": "taskbell", "severity": "error"},
        "routing_key": key, "event_action": "trigger", "dedup_key": "evt_01",
    });
    assert_eq!(json_of(&text), expected);
    let changes = to("pagerduty", "https://events.pagerduty.com/v2/change/enqueue", &[("routing_key", key)]);
    let (_, _, text) = sent(&changes, &json!({"payload": {"summary": "s"}}), None);
    assert_eq!(json_of(&text), json!({"payload": {"summary": "s"}, "routing_key": key}));
}

fn check_card(event: &Value) {
    assert!(event.to_string().len() < 512 * 1024);
    let count = |value: &Value| text(value).chars().count();
    assert!((1..=1024).contains(&count(&event["payload"]["summary"])));
    assert!((1..=255).contains(&count(&event["dedup_key"])));
    assert!(!text(&event["payload"]["source"]).is_empty());
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    refuse_lengths(
        &read_json(sent)?,
        &[("payload.summary", code_points, 1, 1024), ("dedup_key", code_points, 1, 255)],
    )?;
    refuse_size(sent, 512_000)
}

fn templates() -> Vec<Value> {
    let details =
        json!({"a": NAME, "prompt": HUGE, "list": many(json!(NAME)), "params": "{{ task.params }}"});
    vec![
        json!({"dedup_key": HUGE, "payload": {"summary": HUGE, "source": "s", "severity": "info", "custom_details": details}}),
    ]
}
