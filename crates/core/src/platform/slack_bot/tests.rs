//! What the platform answers and takes, as it documents it. The card is that of `slack`.

use crate::platform::tests::*;

use crate::platform::slack::tests as of_webhook;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://slack.com/api/", "https://slack.com/api/chat.postMessage"],
    check_card,
    templates,
    ..of_webhook::TRIAL
};

fn check_card(card: &Value) {
    of_webhook::check_card(card);
    for reply in at(card, "thread.*") {
        assert_eq!(of_webhook::refuse_body(reply), Ok(()));
        let texts = [at(reply, "text"), at(reply, "blocks.*.text.text"), at(reply, "blocks.*.fields.*.text")];
        for shown in texts.concat().into_iter().map(text) {
            assert!(!shown.contains('<') || shown.contains("<!date^"), "{shown}");
        }
    }
}

fn templates() -> Vec<Value> {
    let own = (of_webhook::TRIAL.templates)();
    let thread = json!({"text": NAME, "thread": own});
    own.into_iter().chain([thread]).collect()
}

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
    let expected = json!({"text": "t", "channel": "C9", "ts": "17.2", "blocks": [], "attachments": []});
    assert_eq!(body, expected, "what Slack is not told, it keeps");
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

const POSTED: &str = r#"{"ok":true,"channel":"C9","ts":"17.2"}"#;
const NAMED: &str =
    r#"{"ok":true,"upload_url":"https:\/\/files.slack.com\/upload\/v1\/CwAB","file_id":"F7"}"#;

#[test]
fn a_file_goes_into_the_thread_in_three_requests_and_the_token_to_slack_alone() {
    let bot = to("slack-bot", "https://slack.com/api/", KEYS);
    let file = picture();
    let message = message(b"{\"text\":\"t\"}", Some(&file));
    let next = |answers: &[&str]| follow_up(&bot, &message, answers);
    let (what, asks) = next(&[POSTED]).unwrap().unwrap();
    assert_eq!((what, asks.url.path()), ("image", "/api/files.getUploadURLExternal"));
    assert_eq!(asks.body.as_ref(), b"filename=portrait-07.png&length=8");
    assert_eq!(header(&asks.headers, "authorization"), "Bearer xoxb-1-2-abc");
    let (_, bytes) = next(&[POSTED, NAMED]).unwrap().unwrap();
    assert_eq!(bytes.url.as_str(), "https://files.slack.com/upload/v1/CwAB");
    assert!(bytes.is_storage && bytes.headers.is_empty());
    assert_eq!((bytes.body.as_ref(), bytes.content_type.as_ref()), (&file.bytes[..], "image/png"));
    let (_, completes) = next(&[POSTED, NAMED, "OK - 8"]).unwrap().unwrap();
    assert_eq!(completes.url.path(), "/api/files.completeUploadExternal");
    let files = json!([{"id": "F7", "title": "portrait-07.png"}]);
    let expected = json!({"files": files, "channel_id": "C9", "thread_ts": "17.2"});
    assert_eq!(serde_json::from_slice::<Value>(&completes.body).unwrap(), expected);
    assert!(next(&[POSTED, NAMED, "OK - 8", "{}"]).is_none());
    assert_eq!(next(&[r#"{"ok":true}"#]), Some(Err("names no message")));
    assert_eq!(
        next(&[POSTED, r#"{"upload_url":"https://files.slack.com/x"}"#, "OK"]),
        Some(Err("names no file"))
    );
}

#[test]
fn no_bytes_go_to_an_address_that_is_not_slacks() {
    let file = picture();
    let message = message(b"{\"text\":\"t\"}", Some(&file));
    let (slack, own) = ("https://slack.com/api/", "http://127.0.0.1:8787/api/");
    for (url, named, is_taken) in [
        (slack, "https://files.slack.com/upload/v1/a", true),
        (slack, "https://files.slack-gov.com/upload/v1/a", true),
        (slack, "https://slack.com/upload", true),
        (own, "http://127.0.0.1:8787/upload/v1/a", true),
        (own, "https://files.slack.com/upload/v1/a", true),
        (own, "http://127.0.0.1:8788/upload/v1/a", false),
        (slack, "http://files.slack.com/upload/v1/a", false),
        (slack, "https://files.slack.com:8443/upload/v1/a", false),
        (slack, "https://user:key@files.slack.com/upload/v1/a", false),
        (slack, "https://files.slack.com@evil.example/upload/v1/a", false),
        (slack, "https://files.slack.com.evil.example/upload/v1/a", false),
        (slack, "https://evilslack.com/upload/v1/a", false),
        (slack, "http://169.254.169.254/latest/meta-data", false),
        (slack, "file:///etc/passwd", false),
        (slack, "/upload/v1/a", false),
        (slack, "", false),
    ] {
        let answer = json!({"ok": true, "upload_url": named, "file_id": "F7"}).to_string();
        let next = follow_up(&to("slack-bot", url, KEYS), &message, &[POSTED, &answer]).unwrap();
        assert_eq!(next.is_ok(), is_taken, "{url} {named}");
    }
}

#[test]
fn what_a_card_has_no_room_for_is_a_reply_in_its_thread() {
    let bot = to("slack-bot", "https://slack.com/api/", KEYS);
    let lines: Vec<String> = (0..60).map(|line| format!("  File \"sampler.py\", line {line}")).collect();
    let long = Notice { details: Some(lines.join("\n")), ..notice("t") };
    let card = card_of("slack-bot", &long, &[]);
    let whole = at(&card, "thread.*.blocks.*.elements.*.elements.*.text");
    assert_eq!(whole, [&json!(lines.join("\n"))]);
    assert_eq!(card_of("slack-bot", &notice("t"), &[]).get("thread"), None);
    let body =
        json!({"text": "t", "thread_ts": "11.1", "thread": [{"text": "a"}, {"text": "b"}]}).to_string();
    let post = message(body.as_bytes(), None);
    let sent = bot.platform.request(&bot.target, &post);
    assert_eq!(json_of(&String::from_utf8_lossy(&sent.body)).get("thread"), None);
    let reply = |answers: &[&str]| {
        let (what, request) = follow_up(&bot, &post, answers)?.unwrap();
        assert_eq!((what, request.url.path()), ("reply", "/api/chat.postMessage"));
        Some(json_of(&String::from_utf8_lossy(&request.body)))
    };
    let expected = |text: &str| Some(json!({"text": text, "channel": "C9", "thread_ts": "11.1"}));
    assert_eq!(reply(&[POSTED]), expected("a"));
    assert_eq!(reply(&[POSTED, POSTED]), expected("b"));
    assert_eq!(reply(&[POSTED, POSTED, POSTED]), None);
    let live = Some(Live { first: "evt_01", message: Some("C9:17.2") });
    let progress = RenderedMessage { live, kind: "queue.progress", ..post };
    assert!(follow_up(&bot, &progress, &[POSTED]).is_none(), "each state would add replies");
    let end = RenderedMessage { live, kind: "queue.end", ..post };
    assert!(follow_up(&bot, &end, &[POSTED]).is_some());
    let fault = faults_in(bot.platform, &json!({"text": "t", "thread": vec![json!({"text": "a"}); 6]}));
    assert!(fault.is_some_and(|fault| fault.contains("`thread`") && fault.contains("takes 5")));
}

#[test]
fn an_answer_that_repeats_a_long_message_still_names_it() {
    let bot = by_name("slack-bot").unwrap();
    let body = format!("{},\"message\":{{\"text\":\"{}", &POSTED[..POSTED.len() - 1], "x".repeat(99));
    let answer = Answer { status: 200, body: body.into_bytes(), truncated: true, ..Answer::default() };
    assert_eq!(bot.took(&answer), Ok(()));
    assert_eq!(bot.message_id(&answer, "evt_01").as_deref(), Some("C9:17.2"));
    assert!(bot.took(&Answer { truncated: false, ..answer }).is_err());
}

#[test]
fn a_receiver_that_plays_slack_knows_its_messages_and_its_files() {
    let refuses = played("slack-bot").unwrap().refuses;
    let known = ["C9999ZZZZ:17.2".to_owned()];
    let token = vec![("authorization".to_owned(), "Bearer xoxb-1-2-abc".to_owned())];
    let ask = |path: &str, headers: &[(String, String)], body: &str, uploaded: bool| {
        let request = ReceivedRequest::post(path, headers, body.as_bytes());
        refuses(&ReceivedRequest { uploaded, messages: &known, ..request })
    };
    let update = |ts: &str| json!({"channel": "C9999ZZZZ", "ts": ts, "text": "t"}).to_string();
    assert_eq!(ask("/api/chat.update", &token, &update("17.2"), false), None);
    assert_eq!(ask("/api/chat.update", &token, &update("17.3"), false), Some("message_not_found"));
    assert_eq!(ask("/api/chat.postMessage", &[], &update("17.2"), false), Some("invalid_auth"));
    let upload = "/api/files.getUploadURLExternal";
    assert_eq!(ask(upload, &token, "filename=a.png&length=8", false), Some("upload_url"));
    for wrong in ["filename=a.png", "filename=&length=8", "filename=a.png&length=0", ""] {
        assert_eq!(ask(upload, &token, wrong, false), Some("missing_argument"), "{wrong}");
    }
    assert_eq!(ask("/upload/v1/a", &[], "bytes", false), Some("stored"));
    assert_eq!(ask("/upload/v1/a", &token, "bytes", false), Some("502"), "a token that is not meant for it");
    let complete = "/api/files.completeUploadExternal";
    let of = |id: &str, channel: &str| json!({"files": [{"id": id}], "channel_id": channel}).to_string();
    assert_eq!(ask(complete, &token, &of("F0123ABCD", "C9999ZZZZ"), true), Some("completed"));
    assert_eq!(ask(complete, &token, &of("F0123ABCD", "#renders"), true), Some("invalid_channel"));
    assert_eq!(ask(complete, &token, &of("F0123ABCD", "C9999ZZZZ"), false), Some("file_not_found"));
    assert_eq!(ask(complete, &token, &of("F1", "C9999ZZZZ"), true), Some("file_not_found"));
}
