//! What each platform's answers mean, one row an answer.

use crate::platform::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

pub(super) const NOW_MS: i64 = 1_614_265_330_000;

/// The outcome in a word, with the wait in milliseconds.
pub(super) fn read(platform: &str, status: u16, headers: &[(&str, &str)], body: &str) -> String {
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

#[test]
fn slack_answers_count_by_their_word() {
    for (status, headers, body, outcome) in [
        (200, vec![], "ok", "delivered"),
        (200, vec![], " ok\n", "delivered"),
        (200, vec![], r#"{"ok":true}"#, "delivered"),
        (200, vec![], "", "retry"),
        (200, vec![], "<html>ok</html>", "retry"),
        (200, vec![], "OK", "retry"),
        (204, vec![], "ok", "retry"),
        (200, vec![], r#"{"ok":false,"error":"invalid_blocks"}"#, "plainer NoImage"),
        (200, vec![], r#"{"ok":false,"error":"rate_limited","retry_after":2}"#, "after 2000"),
        (302, vec![], "", "retry"),
        (400, vec![], "invalid_payload", "final"),
        (400, vec![], "invalid_blocks", "plainer NoImage"),
        (400, vec![], "msg_blocks_too_long", "plainer Shorter"),
        (400, vec![], "no_text", "final"),
        (400, vec![], "user_not_found", "final"),
        (400, vec![], "too_many_attachments", "final"),
        (400, vec![], "something_new", "final"),
        (403, vec![], "action_prohibited", "final"),
        (403, vec![], "posting_to_general_channel_denied", "final"),
        (403, vec![], "invalid_token", "gone"),
        (403, vec![], "<html>Blocked by the proxy</html>", "retry"),
        (404, vec![], "channel_not_found", "final"),
        (404, vec![], "no_service", "gone"),
        (404, vec![], "no_team", "gone"),
        (404, vec![], "", "retry"),
        (410, vec![], "channel_is_archived", "gone"),
        (410, vec![], "", "gone"),
        (413, vec![], "", "plainer Shorter"),
        (429, vec![("retry-after", "30")], "", "after 30000"),
        (
            429,
            vec![("retry-after", "1")],
            r#"{"retry_after":3,"ok":false,"error":"rate_limited"}"#,
            "after 3000",
        ),
        (429, vec![], "rate_limited", "retry"),
        (500, vec![], "rollup_error", "retry"),
        (500, vec![], "invalid_payload", "retry"),
        (503, vec![("retry-after", "7")], "<html>", "after 7000"),
    ] {
        assert_eq!(read("slack", status, &headers, body), outcome, "{status} {body}");
    }
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

#[test]
fn discord_answers_count_by_their_code() {
    let missing_field = r#"{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"title":
        {"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 256 or fewer"}]}}}}}"#;
    let bad_image = r#"{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"image":{"url":
        {"_errors":[{"code":"URL_TYPE_INVALID_URL","message":"Not a well formed URL."}]}}}}}}"#;
    for (status, headers, body, outcome) in [
        (204, vec![], "", "delivered"),
        (200, vec![], r#"{"id":"123","content":""}"#, "delivered"),
        (200, vec![], "", "retry"),
        (200, vec![], "{}", "retry"),
        (200, vec![], "<html>", "retry"),
        (202, vec![], r#"{"id":"123"}"#, "retry"),
        (301, vec![], "", "retry"),
        (400, vec![], missing_field, "plainer Shorter"),
        (400, vec![], r#"{"code":50006,"message":"Cannot send an empty message"}"#, "final"),
        (400, vec![], r#"{"code":50109,"message":"The request body contains invalid JSON."}"#, "final"),
        (400, vec![], r#"{"code":220001,"message":"needs a thread"}"#, "final"),
        (401, vec![], r#"{"code":50027,"message":"Invalid Webhook Token"}"#, "gone"),
        (403, vec![], r#"{"code":50013,"message":"Missing Permissions"}"#, "final"),
        (403, vec![], r#"{"code":40333,"message":"internal network error"}"#, "retry"),
        (403, vec![], "error code: 1020", "retry"),
        (404, vec![], r#"{"code":10015,"message":"Unknown Webhook"}"#, "gone"),
        (404, vec![], "", "final"),
        (413, vec![], r#"{"code":40005,"message":"Request entity too large"}"#, "plainer NoImage"),
        (413, vec![], "<html>", "plainer NoImage"),
        (400, vec![], bad_image, "plainer NoImage"),
        (429, vec![("retry-after", "1")], r#"{"retry_after":0.376,"global":false}"#, "after 1000"),
        (429, vec![("retry-after", "1")], r#"{"retry_after":42.1239,"global":false}"#, "after 42124"),
        (429, vec![("x-ratelimit-reset-after", "2.5")], "", "after 2500"),
        (429, vec![], "error code: 1015", "retry"),
        (500, vec![], "", "retry"),
        (502, vec![("retry-after", "5")], "<html>", "after 5000"),
    ] {
        assert_eq!(read("discord", status, &headers, body), outcome, "{status} {body}");
    }
    for (body, delivered) in [("{\"id\":\"1\",\"emb", true), ("<html>", false)] {
        let answer = Answer { status: 200, body: body.into(), truncated: true, ..Answer::default() };
        assert_eq!(
            by_name("discord").unwrap().read(&answer, NOW_MS) == Outcome::Delivered,
            delivered,
            "{body}"
        );
    }
    let answer = Answer { status: 400, body: missing_field.into(), ..Answer::default() };
    let expected = "answered 400, code 50035 (Invalid Form Body) at embeds.0.title: Must be 256 or fewer";
    assert_eq!(
        by_name("discord").unwrap().read(&answer, NOW_MS),
        Outcome::Degrade(Degradation::Shorter, expected.to_owned())
    );
}

#[test]
fn wecom_answers_count_by_errcode_inside_200() {
    for (code, outcome) in [
        (0, "delivered"),
        (-1, "retry"),
        (45_009, "after 60000"),
        (45_033, "retry"),
        (93_000, "gone"),
        (40_006, "final"),
        (40_007, "final"),
        (40_008, "final"),
        (40_033, "final"),
        (40_058, "plainer Shorter"),
        (44_004, "final"),
        (45_001, "final"),
        (45_002, "plainer Shorter"),
        (45_034, "final"),
        (99_999, "retry"),
    ] {
        let body = json!({"errcode": code, "errmsg": "hint: [1], from ip: 192.0.2.1"}).to_string();
        assert_eq!(read("wecom", 200, &[], &body), outcome, "{code}");
    }
    for body in ["", "ok", "{}", "<html>", r#"{"errcode":"0"}"#, r#"{"errmsg":"ok"}"#, r#"{"errcode":null}"#]
    {
        assert_eq!(read("wecom", 200, &[], body), "retry", "{body}");
    }
    assert_eq!(read("wecom", 502, &[("retry-after", "4")], r#"{"errcode":0}"#), "after 4000");
}

proptest! {
    #[test]
    fn no_answer_makes_a_reader_fail(status in 0..1000_u16, body in vec(any::<u8>(), 0..200), wait in ".{0,20}") {
        let headers = vec![("retry-after".to_owned(), wait)];
        let answer = Answer { status, headers, body, truncated: true };
        for name in names() {
            let outcome = by_name(name).unwrap().read(&answer, NOW_MS);
            prop_assert!(outcome != Outcome::Delivered || (200..300).contains(&status));
        }
    }
}
