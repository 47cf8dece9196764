//! PagerDuty, GitHub, GitLab and CloudEvents: every known answer, and what stands in their requests.

use super::answers::read;
use super::cards::{any_notice, context, hostile, target, text};
use crate::platform::*;
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn pagerduty_answers_202_or_why_not() {
    let refused = r#"{"status":"invalid event","message":"Event object is invalid","errors":["'payload.summary' is missing"]}"#;
    for (status, headers, body, outcome) in [
        (202, vec![], r#"{"status":"success","dedup_key":"k"}"#, "delivered"),
        (200, vec![], "", "retry"),
        (400, vec![], refused, "final"),
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
    let expected = "answered 400 (Event object is invalid: 'payload.summary' is missing)";
    assert_eq!(by_name("pagerduty").unwrap().read(&answer, 0), Outcome::Final(expected.to_owned()));
}

#[test]
fn github_answers_204_and_throttles_with_403_too() {
    let now_s = super::answers::NOW_MS / 1000;
    let reset = (now_s + 600).to_string();
    for (status, headers, body, outcome) in [
        (204, vec![], "", "delivered"),
        (200, vec![], "", "retry"),
        (404, vec![], r#"{"message":"Not Found"}"#, "final"),
        (422, vec![], r#"{"message":"Invalid request"}"#, "final"),
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
fn gitlab_answers_with_the_pipeline() {
    for (status, body, outcome) in [
        (201, r#"{"id":7,"web_url":"https://gitlab.example.com/p/7"}"#, "delivered"),
        (201, "", "retry"),
        (200, "<html>", "retry"),
        (400, r#"{"message":{"base":["Reference not found"]}}"#, "final"),
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
fn cloudevents_answers_mean_what_the_webhook_page_says() {
    for status in [200, 201, 202, 204, 299] {
        assert_eq!(read("cloudevents", status, &[], ""), "delivered");
    }
    for (status, outcome) in [(410, "gone"), (415, "final"), (400, "retry"), (429, "retry"), (503, "retry")] {
        assert_eq!(read("cloudevents", status, &[], ""), outcome, "{status}");
    }
    assert_eq!(read("cloudevents", 429, &[("retry-after", "30")], ""), "after 30000");
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
fn a_cloud_event_keeps_its_id_and_names_its_host() {
    let mut to = target(&[]);
    let event = cloudevents::card(&context("渲染 7"), &to);
    assert_eq!(event["id"], "evt_01");
    assert_eq!(event["source"], "/taskbell/%E6%B8%B2%E6%9F%93%207");
    assert_eq!(
        (&event["type"], &event["time"]),
        (&json!("taskbell.queue.end"), &json!("2021-02-25T15:02:10.000Z"))
    );
    to.options = vec![("source", crate::secret::Secret::new("urn:farm"))];
    assert_eq!(cloudevents::card(&context("h"), &to)["source"], "urn:farm");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_request_of_a_machine_keeps_the_limits(notice in any_notice(), host in hostile()) {
        let context = context(&host);
        let event = pagerduty::card(&notice, &context, &target(&[]));
        prop_assert!(event.to_string().len() < 512 * 1024);
        let count = |value: &Value| text(value).chars().count();
        prop_assert!((1..=1024).contains(&count(&event["payload"]["summary"])));
        prop_assert!((1..=255).contains(&count(&event["dedup_key"])));
        prop_assert!(!text(&event["payload"]["source"]).is_empty());

        let dispatch = github::card(&notice, &context);
        prop_assert!(dispatch["client_payload"].to_string().len() < 64 * 1024);
        prop_assert!(dispatch["client_payload"].as_object().unwrap().len() <= 10);

        let pipeline = gitlab::card(&notice, &context);
        for (name, value) in pipeline["variables"].as_object().unwrap() {
            prop_assert!(name.starts_with("TASKBELL_") && value.is_string());
        }
        let source = cloudevents::card(&context, &target(&[]))["source"].clone();
        prop_assert!(!text(&source).is_empty() && text(&source).bytes().all(|b| b.is_ascii_graphic()));
    }

    #[test]
    fn a_request_of_a_machine_is_made_of_any_event(kind in "[a-z]{1,8}\\.[a-z]{1,8}", key in hostile(), value in hostile()) {
        let data = json!({ key: value, "error": {"message": value}, "name": value, "id": value });
        let context = Context::new(json!({
            "event": {"id": "evt_01", "type": kind, "timestamp": 5, "data": data.clone()},
            "task": data,
            "alert": {"name": value},
            "host": {"name": value},
        }));
        let dispatch = by_name("github").unwrap().card(&context, &target(&[]));
        prop_assert!(dispatch["client_payload"].to_string().len() < 64 * 1024);
        let event = by_name("pagerduty").unwrap().card(&context, &target(&[]));
        prop_assert!(text(&event["dedup_key"]).chars().count() <= 255);
        for platform in ["gitlab", "cloudevents"] {
            by_name(platform).unwrap().card(&context, &target(&[]));
        }
    }
}
