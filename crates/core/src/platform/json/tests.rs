//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial =
    Trial { urls: &[], pace: (&[], 4), check_card, refuse_sent, has_no_limit: true, templates };

#[test]
fn json_answers_mean_what_standard_webhooks_says() {
    for status in [200, 201, 202, 204, 299] {
        assert_eq!(read("json", status, &[("retry-after", "9")], "<html>"), "delivered");
    }
    for status in [100, 301, 302, 307, 400, 401, 404, 408, 422, 429, 500, 502, 503, 504, 599, 999] {
        assert_eq!(read("json", status, &[], ""), "retry", "{status}");
        assert_eq!(read("json", status, &[("retry-after", "3600")], ""), "after 3600000", "{status}");
    }
    let date = [("retry-after", "Thu, 25 Feb 2021 15:03:10 GMT")];
    assert_eq!(read("json", 503, &date, ""), "after 60000");
    assert_eq!(read("json", 410, &[("retry-after", "5")], ""), "gone");
    let redirect = Answer {
        status: 302,
        headers: vec![("location".into(), "https://x/?key=1".into())],
        ..Answer::default()
    };
    let Outcome::Retry(reason) = by_name("json").unwrap().read(&redirect, NOW_MS) else {
        panic!("not a retry")
    };
    assert!(
        reason.contains("302") && reason.contains("never followed") && !reason.contains("key"),
        "{reason}"
    );
}

fn check_card(body: &Value) {
    assert!(!text(&body["type"]).is_empty());
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    read_json(sent).map(drop)
}

fn templates() -> Vec<Value> {
    vec![json!({"text": HUGE, "list": many(json!(NAME))})]
}

#[test]
fn the_type_of_a_body_is_that_of_the_event() {
    assert_eq!(by_name("json").unwrap().card(&context("h"), &target(&[]))["type"], "queue.end");
}
