//! What the platform answers and takes, as it documents it. The card is that of `slack`.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://slack.com/api/", "https://slack.com/api/chat.postMessage"],
    ..crate::platform::slack::tests::TRIAL
};

const KEYS: &[(&str, &str)] = &[("token", "xoxb-1-2-abc"), ("channel", "C0123ABCD")];

#[test]
fn the_error_says_whether_to_try_again() {
    for (status, headers, body, outcome) in [
        (200, vec![], r#"{"ok":true,"channel":"C1","ts":"1.2"}"#, "delivered"),
        (200, vec![], "ok", "retry"),
        (200, vec![], "<html>ok</html>", "retry"),
        (429, vec![("retry-after", "30")], r#"{"ok":false,"error":"ratelimited"}"#, "after 30000"),
        (200, vec![("retry-after", "3")], r#"{"ok":false,"error":"rate_limited"}"#, "after 3000"),
        (200, vec![], r#"{"ok":false,"error":"rate_limited"}"#, "retry"),
        (200, vec![], r#"{"ok":false,"error":"invalid_auth"}"#, "gone"),
        (200, vec![], r#"{"ok":false,"error":"account_inactive"}"#, "gone"),
        (200, vec![], r#"{"ok":false,"error":"token_revoked"}"#, "gone"),
        (200, vec![], r#"{"ok":false,"error":"channel_not_found"}"#, "final"),
        (200, vec![], r#"{"ok":false,"error":"not_in_channel"}"#, "final"),
        (200, vec![], r#"{"ok":false,"error":"is_archived"}"#, "final"),
        (200, vec![], r#"{"ok":false,"error":"invalid_blocks"}"#, "plainer NoImage"),
        (200, vec![], r#"{"ok":false,"error":"msg_too_long"}"#, "plainer Shorter"),
        (200, vec![], r#"{"ok":false,"error":"internal_error"}"#, "retry"),
        (503, vec![], r#"{"ok":false,"error":"service_unavailable"}"#, "retry"),
        (200, vec![], r#"{"ok":false,"error":"an_error_of_tomorrow"}"#, "retry"),
    ] {
        assert_eq!(read("slack-bot", status, &headers, body), outcome, "{status} {body}");
    }
}

#[test]
fn a_message_goes_to_its_channel_with_the_token_in_a_header_alone() {
    for url in ["https://slack.com/api/", "https://slack.com/api", "https://slack.com/api/chat.postMessage"] {
        let (url, headers, body) = sent(&to("slack-bot", url, KEYS), &json!({"text": "t"}), None);
        assert_eq!(url, "https://slack.com/api/chat.postMessage");
        assert_eq!(header(&headers, "authorization"), "Bearer xoxb-1-2-abc");
        assert_eq!(json_of(&body), json!({"text": "t", "channel": "C0123ABCD"}));
    }
    let own = json!({"text": "t", "channel": "C9999ZZZZ", "thread_ts": "1.2"});
    let bot = to("slack-bot", "https://slack.com/api/", KEYS);
    assert_eq!(json_of(&sent(&bot, &own, None).2), own);
    let long = json!({"text": "t".repeat(9000), "channel": "C9999ZZZZ", "thread_ts": "1.2"});
    let short = bot.platform.degrade(&long, Degradation::Shorter).unwrap();
    assert_eq!((&short["channel"], &short["thread_ts"]), (&own["channel"], &own["thread_ts"]));
}

#[test]
fn a_message_is_edited_in_the_channel_and_at_the_time_that_slack_named() {
    let bot = to("slack-bot", "https://slack.com/api/", KEYS);
    let answer = |body: &str| Answer { status: 200, body: body.into(), ..Answer::default() };
    let id = bot.platform.message_id(&answer(r#"{"ok":true,"channel":"C9","ts":"17.2"}"#), "evt_01");
    assert_eq!(id.as_deref(), Some("C9:17.2"));
    let live = Live { first: "evt_01", message: id.as_deref() };
    let edit = RenderedMessage { live: Some(live), ..message(b"{\"text\":\"t\"}", None) };
    let request = bot.platform.request(&bot.target, &edit);
    assert_eq!(request.url.as_str(), "https://slack.com/api/chat.update");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body, json!({"text": "t", "channel": "C9", "ts": "17.2"}));
    let lost = answer(r#"{"ok":false,"error":"message_not_found"}"#);
    assert_eq!(bot.platform.edit_answer(&lost), Some(EditAnswer::Lost));
    assert_eq!(bot.platform.edit_answer(&answer(r#"{"ok":false,"error":"is_archived"}"#)), None);
}

#[test]
fn values_are_escaped_as_for_the_webhook() {
    let markup = |name: &str| by_name(name).unwrap().description().markup.unwrap() as usize;
    assert_eq!(markup("slack-bot"), markup("slack"));
    let notice = notice("<!channel> done");
    assert_eq!(card_of("slack-bot", &notice, &["@here"]), card_of("slack", &notice, &["@here"]));
}

#[test]
fn a_channel_is_an_id_or_a_name_with_its_sign() {
    for (value, is_one) in
        [("C0123ABCD", true), ("#renders", true), ("renders", false), ("C01", false), ("# a", false)]
    {
        assert_eq!(super::is_channel(value), is_one, "{value}");
    }
}
