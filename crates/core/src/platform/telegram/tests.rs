//! What the platform answers, shows and takes, as it documents it.

use super::parse_modes;
use crate::platform::tests::*;
use proptest::prelude::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://api.telegram.org/bot1:a/sendMessage"],
    pace: (&[(1, 1000), (20, 60_000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn telegram_answers_count_by_ok_and_by_what_it_says() {
    let refused = |words: &str| json!({"ok": false, "error_code": 400, "description": words}).to_string();
    for (status, body, outcome) in [
        (200, r#"{"ok":true,"result":{"message_id":1}}"#.to_owned(), "delivered"),
        (200, r#"{"ok":false}"#.to_owned(), "retry"),
        (200, String::new(), "retry"),
        (200, "<html>".to_owned(), "retry"),
        (
            429,
            r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 34","parameters":{"retry_after":34}}"#
                .to_owned(),
            "after 34000",
        ),
        (429, String::new(), "retry"),
        (400, refused("Bad Request: can't parse entities: Unsupported start tag"), "plainer NoMarkup"),
        (400, refused("Bad Request: message is too long"), "plainer Shorter"),
        (400, refused("Bad Request: message caption is too long"), "plainer Shorter"),
        (400, refused("Bad Request: PHOTO_INVALID_DIMENSIONS"), "plainer NoImage"),
        (400, refused("Bad Request: IMAGE_PROCESS_FAILED"), "plainer NoImage"),
        (400, refused("Bad Request: chat not found"), "final"),
        (400, refused("Bad Request: CHAT_ADMIN_REQUIRED"), "final"),
        (400, refused("Bad Request: message thread not found"), "final"),
        (400, refused("Bad Request: not enough rights to send photos to the chat"), "plainer NoImage"),
        (400, refused("Bad Request: not enough rights to send text messages to the chat"), "final"),
        (400, refused("Bad Request: ENTITY_MENTION_USER_INVALID"), "plainer NoMarkup"),
        (
            400,
            r#"{"ok":false,"error_code":400,"description":"group chat was upgraded","parameters":{"migrate_to_chat_id":-1001}}"#
                .to_owned(),
            "moved -1001",
        ),
        (401, r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#.to_owned(), "gone"),
        (404, r#"{"ok":false,"error_code":404,"description":"Not Found"}"#.to_owned(), "gone"),
        (404, "<html>".to_owned(), "retry"),
        (403, r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked"}"#.to_owned(), "gone"),
        (403, "<html>Blocked by the proxy</html>".to_owned(), "retry"),
        (401, String::new(), "retry"),
        (413, "Request Entity Too Large".to_owned(), "plainer NoImage"),
        (502, "<html>".to_owned(), "retry"),
    ] {
        assert_eq!(read("telegram", status, &[], &body), outcome, "{status} {body}");
    }
}

#[test]
fn a_telegram_card_pings_only_whom_the_configuration_names() {
    let loud = card_of("telegram", &notice("a <b> & @ada"), &["@ada", "42", "<x>"]);
    let expected = "✅ <b>a &lt;b&gt; &amp; @\u{200b}ada</b>\n<b>Tasks</b>: 12\n• frame-07: out of memory\n\
                    <i>h</i>\n\
                    @ada <a href=\"tg://user?id=42\">42</a>";
    assert_eq!(loud["text"], expected);
    let button = json!({"text": "Open", "url": "https://render-07.example.com/out/(1).png"});
    assert_eq!(loud["reply_markup"], json!({"inline_keyboard": [[button]]}));
    assert_eq!(loud["link_preview_options"], json!({"is_disabled": true}));
}

#[test]
fn telegram_is_addressed_by_url_or_token() {
    let keys = [("chat_id", "-100123"), ("token", "1:ab"), ("thread_id", "7")];
    let body = json!({"text": "hi"});
    let (url, _, text) = sent(&to("telegram", "https://api.telegram.org/", &keys), &body, None);
    assert_eq!(url, "https://api.telegram.org/bot1:ab/sendMessage");
    assert_eq!(json_of(&text), json!({"text": "hi", "chat_id": -100_123, "message_thread_id": 7}));
    for given in ["https://api.telegram.org/bot1:ab", "https://api.telegram.org/bot1:ab/sendDocument"] {
        let (url, _, text) = sent(&to("telegram", given, &[("chat_id", "@farm")]), &body, None);
        assert_eq!(url, "https://api.telegram.org/bot1:ab/sendMessage");
        assert_eq!(json_of(&text)["chat_id"], "@farm");
    }
    let own = to("telegram", "http://127.0.0.1:8081/sub", &[("chat_id", "1"), ("token", "1:ab")]);
    assert_eq!(sent(&own, &body, None).0, "http://127.0.0.1:8081/sub/bot1:ab/sendMessage");
}

#[test]
fn telegram_sends_a_picture_with_its_caption_or_after_a_long_text() {
    let endpoint = to("telegram", "https://api.telegram.org/bot1:ab", &[("chat_id", "5")]);
    let picture = picture();
    let short =
        json!({"text": "<b>hi</b>", "parse_mode": "HTML", "link_preview_options": {"is_disabled": true}});
    let (url, headers, text) = sent(&endpoint, &short, Some(&picture));
    assert!(
        url.ends_with("/sendPhoto") && header(&headers, "content-type").starts_with("multipart/form-data")
    );
    assert!(text.contains("name=\"caption\"\r\n\r\n<b>hi</b>") && text.contains("name=\"chat_id\"\r\n\r\n5"));
    assert!(text.contains("name=\"photo\"; filename=\"portrait-07.png\""));
    let long = json!({"text": "x".repeat(1025)}).to_string();
    let message = message(long.as_bytes(), Some(&picture));
    let first = endpoint.platform.request(&endpoint.target, &message);
    assert!(first.url.as_str().ends_with("/sendMessage"));
    let (what, second) = follow_up(&endpoint, &message, &["{}"]).unwrap().unwrap();
    assert!(what == "image" && second.url.as_str().ends_with("/sendPhoto"));
    assert!(follow_up(&endpoint, &message, &["{}", "{}"]).is_none());
    assert!(follow_up(&endpoint, &RenderedMessage { file: None, ..message }, &["{}"]).is_none());
    let live = Some(Live { first: "evt_01", message: Some("7m") });
    assert!(follow_up(&endpoint, &RenderedMessage { live, ..message }, &["{}"]).is_none());
}

#[test]
fn telegram_sends_what_is_no_photo_as_a_document() {
    let endpoint = to("telegram", "https://api.telegram.org/bot1:ab", &[("chat_id", "5")]);
    let (url, _, text) = sent(&endpoint, &json!({"text": "hi"}), Some(&document()));
    assert!(url.ends_with("/sendDocument"), "{url}");
    assert!(text.contains("name=\"caption\"\r\n\r\nhi"));
    assert!(text.contains("name=\"document\"; filename=\"run.log\"\r\n"));
    let long = json!({"text": "x".repeat(1025)}).to_string();
    let file = document();
    let (what, second) =
        follow_up(&endpoint, &message(long.as_bytes(), Some(&file)), &["{}"]).unwrap().unwrap();
    assert!(what == "file" && second.url.as_str().ends_with("/sendDocument"));
    let png = |width: u32, height: u32| {
        let mut bytes = Vec::new();
        png::Encoder::new(&mut bytes, width, height).write_header().unwrap();
        Attachment { name: "a.png".into(), media: "image/png", bytes }
    };
    for (file, method) in [
        (png(5000, 5000), "/sendPhoto"),
        (png(5001, 5000), "/sendDocument"),
        (png(400, 20), "/sendPhoto"),
        (png(20, 401), "/sendDocument"),
        (Attachment { media: "image/gif", ..document() }, "/sendDocument"),
        (Attachment { media: "image/jpeg", bytes: vec![0; (10 << 20) + 1], ..document() }, "/sendDocument"),
    ] {
        assert!(sent(&endpoint, &json!({"text": "hi"}), Some(&file)).0.ends_with(method), "{}", file.name);
    }
}

fn check_card(card: &Value) {
    let shown = text(&card["text"]);
    assert!(shown.encode_utf16().count() <= 4096 && !shown.trim().is_empty());
    let mut open: Vec<&str> = Vec::new();
    for after in shown.split('<').skip(1) {
        let tag = after.split_once('>').expect("a tag ends").0;
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{shown}"),
            None => {
                let name = tag.split(' ').next().unwrap();
                assert!(["b", "i", "pre", "a", "blockquote", "tg-time"].contains(&name), "{tag} in {shown}");
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{shown}");
    for after in shown.split('&').skip(1) {
        assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|entity| after.starts_with(entity)), "{shown}");
    }
    let words: String =
        shown.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
    for after in words.split('@').skip(1) {
        assert!(after.starts_with('\u{200b}'), "{words}");
    }
}

/// The length behind the markup, and whether the markup is whole.
fn refuse_body(body: &Value) -> Result<(), String> {
    let text = text(&body["text"]);
    let shown = if body["parse_mode"] == "HTML" { shown(text)? } else { text.to_owned() };
    match shown.encode_utf16().count() {
        1..=4096 => Ok(()),
        length => Err(format!("{length} units of UTF-16")),
    }
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    refuse_body(&read_json(sent)?)
}

fn templates() -> Vec<Value> {
    vec![json!({"text": format!("t {HUGE}")})]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_breaks_the_markup_around_it_in_any_parse_mode(prompt in hostile_value()) {
        for (mode, template) in [
            ("HTML", "<b>{{ task.name }}</b> <a href='https://x.example.com/?{{ task.name }}'>{{ task.name }}</a>"),
            ("MarkdownV2", "*{{ task.name }}* _{{ task.name }}_ [{{ task.name }}](https://x.example.com/{{ task.name }}) ||{{ task.name }}|| `{{ task.name }}`"),
            ("Markdown", "*{{ task.name }}* _{{ task.name }}_ [{{ task.name }}](https://x.example.com/{{ task.name }}) `{{ task.name }}`"),
        ] {
            let read = |prompt: &str| {
                let body = rendered_for("telegram", &json!({"text": template, "parse_mode": mode}), prompt);
                let sent = text(&body["text"]).to_owned();
                let shown = match mode {
                    "HTML" => parse_modes::html(&sent),
                    "MarkdownV2" => parse_modes::markdown_v2(&sent),
                    _ => parse_modes::markdown(&sent),
                };
                (shown, sent)
            };
            let (shown, sent) = read(&prompt);
            prop_assert!(shown.is_ok(), "{mode}: {shown:?} of {sent}");
        }
    }

    #[test]
    fn telegram_reads_a_value_as_it_was_in_every_parse_mode(prompt in hostile_value()) {
        for (mode, template) in [
            ("HTML", "<b>Done</b> {{ task.name }} <code>{{ task.name }}</code>"),
            ("MarkdownV2", "*Done* {{ task.name }} _x_"),
            ("Markdown", "*Done* {{ task.name }} _x_"),
        ] {
            let body = rendered_for("telegram", &json!({"text": template, "parse_mode": mode}), &prompt);
            let sent = text(&body["text"]);
            let shown = match mode {
                "HTML" => parse_modes::html(sent),
                "MarkdownV2" => parse_modes::markdown_v2(sent),
                _ => parse_modes::markdown(sent),
            };
            let plain = |text: &str| text.replace(['\u{200b}', '\u{fffd}'], "");
            let value = prompt.replace(['\u{fdd0}', '\u{fdeb}', '\u{fffe}', '\u{dfffe}', '\u{200b}'], "");
            let in_address = value.contains("https://");
            let wanted = match mode {
                "HTML" => format!("Done {value} {value}"),
                _ => format!("Done {value} x"),
            };
            let shown = shown.map(|shown: String| plain(&shown));
            prop_assert!(shown.is_ok(), "{mode}: {body}");
            prop_assert!(in_address || shown == Ok(wanted), "{mode}: {shown:?} of {body}");
        }
    }
}
