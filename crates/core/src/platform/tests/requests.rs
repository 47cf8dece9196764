//! What an attempt adds to a message: tokens, signatures, addresses and files; and what a template makes in
//! the place of a card.

use crate::platform::*;
use crate::secret::{Secret, SecretUrl};
use serde_json::{Value, json};

const NOW_MS: i64 = 1_700_000_000_000;

/// A platform, and where it sends.
struct Endpoint {
    platform: &'static dyn Platform,
    target: Target,
}

fn to(platform: &str, url: &str, keys: &[(&'static str, &str)]) -> Endpoint {
    let keys = keys.iter().map(|(name, value)| (*name, Secret::new(*value))).collect();
    let target =
        Target { url: SecretUrl::new(Url::parse(url).unwrap()), options: keys, mentions: Vec::new() };
    Endpoint { platform: by_name(platform).unwrap(), target }
}

fn message<'a>(body: &'a [u8], file: Option<&'a Attachment>) -> RenderedMessage<'a> {
    RenderedMessage {
        event_id: "evt_01",
        kind: "task.complete",
        created_at: NOW_MS - 5000,
        now: NOW_MS,
        content_type: "application/json",
        body,
        file,
        form: false,
    }
}

/// URL, headers, and the body as text.
fn sent(
    endpoint: &Endpoint,
    body: &Value,
    file: Option<&Attachment>,
) -> (String, Vec<(String, String)>, String) {
    let body = body.to_string();
    let request = endpoint.platform.request(&endpoint.target, &message(body.as_bytes(), file));
    let mut headers = request.headers.clone();
    headers.push(("content-type".to_owned(), request.content_type.to_string()));
    (request.url.to_string(), headers, String::from_utf8_lossy(&request.body).into_owned())
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> &'h str {
    headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

fn picture() -> Attachment {
    let bytes = vec![0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
    Attachment { name: "portrait-07.png".into(), media: "image/png", bytes }
}

#[test]
fn dingtalk_and_feishu_sign_each_attempt_and_only_with_a_secret() {
    let url = "https://oapi.dingtalk.com/robot/send?access_token=abc";
    let body = json!({"msgtype": "text"});
    let signed = to("dingtalk", url, &[("secret", "SECthisisatestsecret0123456789")]);
    let sign = "sign=j%2B%2BDBIHIK8yQd7zhsz6YwNTWn5w%2FpXX5KfVQnZWVh3g%3D";
    assert_eq!(sent(&signed, &body, None).0, format!("{url}&timestamp=1700000000000&{sign}"));
    assert_eq!(sent(&to("dingtalk", url, &[]), &body, None).0, url);

    let hook = "https://open.feishu.cn/open-apis/bot/v2/hook/k";
    let signed = to("feishu", hook, &[("secret", "this is a test secret")]);
    let (_, _, text) = sent(&signed, &json!({"msg_type": "text"}), None);
    let sign = "JkzBrVsGxbvDBl1MpDGeDcMT7Qj7hCzM4F21wfRvdlY=";
    assert_eq!(json_of(&text), json!({"msg_type": "text", "timestamp": "1700000000", "sign": sign}));
    assert_eq!(sent(&to("feishu", hook, &[]), &body, None).2, body.to_string());
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
    let second = endpoint.platform.follow_up(&endpoint.target, &message).unwrap();
    assert!(second.url.as_str().ends_with("/sendPhoto"));
    assert!(
        endpoint.platform.follow_up(&endpoint.target, &RenderedMessage { file: None, ..message }).is_none()
    );
}

#[test]
fn discord_uploads_a_picture_and_shows_it_in_the_first_embed() {
    let endpoint = to("discord", "https://discord.com/api/webhooks/1/t", &[]);
    let (url, headers, text) = sent(&endpoint, &json!({"embeds": [{"title": "t"}]}), Some(&picture()));
    assert!(
        url.ends_with("?wait=true") && header(&headers, "content-type").starts_with("multipart/form-data")
    );
    let payload = text.split("Content-Type: application/json\r\n\r\n").nth(1).unwrap();
    let payload = json_of(payload.split("\r\n--").next().unwrap());
    assert_eq!(payload["embeds"][0]["image"]["url"], "attachment://portrait-07.png");
    assert_eq!(payload["attachments"], json!([{"id": 0, "filename": "portrait-07.png"}]));
    assert!(text.contains("name=\"files[0]\"; filename=\"portrait-07.png\"\r\nContent-Type: image/png"));
}

#[test]
fn d1_a_file_that_goes_as_from_swarmui_is_image_beside_the_body_as_it_is() {
    let picture = picture();
    let body = br#"{"embeds": [{"image": {"url": "attachment://image.png"}}]}"#;
    let message = RenderedMessage { form: true, ..message(body, Some(&picture)) };
    for (platform, url) in
        [("discord", "https://discord.com/api/webhooks/1/t"), ("json", "https://relay.example.com/")]
    {
        let endpoint = to(platform, url, &[]);
        let request = endpoint.platform.request(&endpoint.target, &message);
        let boundary = request.content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8_lossy(&request.body);
        let parts: Vec<_> = text.split(&format!("--{boundary}")).collect();
        let json = "name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n\
                    {\"embeds\": [{\"image\": {\"url\": \"attachment://image.png\"}}]}\r\n";
        assert!(parts.len() == 4 && parts[1].ends_with(json), "{text}");
        assert!(parts[2].contains("name=\"file\"; filename=\"image.png\"\r\nContent-Type: image/png\r\n"));
        assert_eq!(
            endpoint.platform.request(&endpoint.target, &message),
            request,
            "each attempt sends the same"
        );
    }
    let slack = to("slack", "https://hooks.slack.com/services/T/B/x", &[]);
    assert_eq!(slack.platform.request(&slack.target, &message).body.as_ref(), body, "which reads no forms");
}

#[test]
fn wecom_sends_a_picture_after_the_text() {
    let endpoint = to("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k", &[]);
    let picture = picture();
    let body = json!({"msgtype": "markdown"}).to_string();
    let message = message(body.as_bytes(), Some(&picture));
    assert_eq!(endpoint.platform.request(&endpoint.target, &message).body.as_ref(), body.as_bytes());
    let second = endpoint.platform.follow_up(&endpoint.target, &message).unwrap();
    let image = json!({"base64": "iVBORw0KGgo=", "md5": "e9dd2797018cad79186e03e8c5aec8dc"});
    assert_eq!(
        serde_json::from_slice::<Value>(&second.body).unwrap(),
        json!({"msgtype": "image", "image": image})
    );
    assert!(
        endpoint.platform.follow_up(&endpoint.target, &RenderedMessage { file: None, ..message }).is_none()
    );
    assert!(endpoint.platform.shows("image/png") && !endpoint.platform.shows("image/webp"));
}

fn document() -> Attachment {
    Attachment { name: "run.log".into(), media: "application/octet-stream", bytes: b"epoch 1".to_vec() }
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
    let second =
        endpoint.platform.follow_up(&endpoint.target, &message(long.as_bytes(), Some(&file))).unwrap();
    assert!(second.url.as_str().ends_with("/sendDocument"));
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

#[test]
fn discord_attaches_what_is_no_picture_without_showing_it() {
    let endpoint = to("discord", "https://discord.com/api/webhooks/1/t", &[]);
    let (_, _, text) = sent(&endpoint, &json!({"embeds": [{"title": "t"}]}), Some(&document()));
    assert!(text.contains("name=\"files[0]\"; filename=\"run.log\"") && !text.contains("attachment://"));
}

#[test]
fn wecom_hands_a_file_over_and_then_names_it() {
    let endpoint = to("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k-1", &[]);
    let (platform, file) = (endpoint.platform, document());
    let message = message(b"{}", Some(&file));
    assert!(platform.follow_up(&endpoint.target, &message).is_none(), "it is no picture");
    let upload = platform.upload(&endpoint.target, &message).unwrap();
    assert_eq!(
        upload.url.as_str(),
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/upload_media?key=k-1&type=file"
    );
    let text = String::from_utf8_lossy(&upload.body);
    assert!(text.contains("name=\"media\"; filename=\"run.log\"; filelength=7\r\n"), "{text}");
    let answer = |body: &str| Answer { status: 200, body: body.into(), ..Answer::default() };
    let named =
        platform.uploaded(&endpoint.target, &message, &answer(r#"{"errcode":0,"media_id":"m-1"}"#)).unwrap();
    assert_eq!(named.url.as_str(), endpoint.target.url.expose().as_str());
    let expected = json!({"msgtype": "file", "file": {"media_id": "m-1"}});
    assert_eq!(serde_json::from_slice::<Value>(&named.body).unwrap(), expected);
    for nothing in [r#"{"errcode":0}"#, r#"{"errcode":0,"media_id":""}"#, r#"{"media_id":7}"#, "", "[]"] {
        assert!(platform.uploaded(&endpoint.target, &message, &answer(nothing)).is_none(), "{nothing}");
    }
    assert!(
        platform.upload(&endpoint.target, &RenderedMessage { file: Some(&picture()), ..message }).is_none()
    );
}

#[test]
fn ntfy_goes_to_the_root_with_its_topic_and_token() {
    let body = json!({"message": "m"});
    let by_path = to("ntfy", "https://ntfy.sh/farm_7", &[("token", "tk_1")]);
    let (url, headers, text) = sent(&by_path, &body, None);
    assert_eq!((url.as_str(), header(&headers, "authorization")), ("https://ntfy.sh/", "Bearer tk_1"));
    assert_eq!(json_of(&text), json!({"message": "m", "topic": "farm_7"}));
    let by_key = to("ntfy", "https://push.example.com/", &[("topic", "farm")]);
    assert_eq!(json_of(&sent(&by_key, &body, None).2)["topic"], "farm");
}

#[test]
fn pagerduty_gets_its_key_and_what_a_template_left_out() {
    let key = "0123456789abcdef0123456789abcdef";
    let events = to("pagerduty", "https://events.pagerduty.com/v2/enqueue", &[("routing_key", key)]);
    let (_, _, text) = sent(&events, &json!({"payload": {"summary": "s"}}), None);
    let expected = json!({
        "payload": {"summary": "s"}, "routing_key": key, "event_action": "trigger", "dedup_key": "evt_01",
    });
    assert_eq!(json_of(&text), expected);
    let changes = to("pagerduty", "https://events.pagerduty.com/v2/change/enqueue", &[("routing_key", key)]);
    let (_, _, text) = sent(&changes, &json!({"payload": {"summary": "s"}}), None);
    assert_eq!(json_of(&text), json!({"payload": {"summary": "s"}, "routing_key": key}));
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

#[test]
fn cloudevents_are_structured_or_binary_and_wrap_a_template() {
    let event = json!({
        "specversion": "1.0", "id": "evt_01", "source": "/taskbell/h", "type": "taskbell.task.complete",
        "subject": "渲 \"7\" 100%", "datacontenttype": "application/json", "data": {"a": 1},
    });
    let url = "https://ci.example.com/";
    let (_, headers, text) = sent(&to("cloudevents", url, &[]), &event, None);
    assert_eq!(header(&headers, "content-type"), "application/cloudevents+json; charset=utf-8");
    assert_eq!(json_of(&text), event);
    let (_, headers, text) = sent(&to("cloudevents", url, &[("mode", "binary")]), &event, None);
    assert_eq!((text.as_str(), header(&headers, "content-type")), (r#"{"a":1}"#, "application/json"));
    assert_eq!(header(&headers, "ce-subject"), "%E6%B8%B2%20%227%22%20100%25");
    assert_eq!(header(&headers, "ce-specversion"), "1.0");
    assert_eq!(header(&headers, "ce-datacontenttype"), "");
    let bytes = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data_base64": "aGk="});
    let (_, headers, text) = sent(&to("cloudevents", url, &[("mode", "binary")]), &bytes, None);
    assert_eq!((text.as_str(), header(&headers, "content-type")), ("hi", "application/octet-stream"));
    assert_eq!(header(&headers, "ce-data_base64"), "");
    let (_, _, text) = sent(&to("cloudevents", url, &[]), &json!({"model": "m"}), None);
    let wrapped = json_of(&text);
    assert_eq!((&wrapped["data"], &wrapped["id"]), (&json!({"model": "m"}), &json!("evt_01")));
    assert_eq!(wrapped["time"], "2023-11-14T22:13:15.000Z");
}

#[test]
fn a_picture_that_slack_cannot_reach_never_stands_in_its_blocks() {
    let endpoint = to("slack", "https://hooks.slack.com/services/T0/B0/k", &[]);
    let image = |url: &str| json!({"type": "image", "image_url": url, "alt_text": "a"});
    let body = json!({"text": "t", "blocks": [
        image("http://127.0.0.1/1.png"),
        image("https://cdn.example.com/1.png"),
        {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "accessory": image("https://nas.local/1.png")},
    ]});
    let left = json_of(&sent(&endpoint, &body, None).2);
    assert_eq!(left["blocks"].as_array().unwrap().len(), 2);
    assert_eq!(left["blocks"][0], image("https://cdn.example.com/1.png"));
    assert_eq!(left["blocks"][1].get("accessory"), None);
    let slack = by_name("slack").unwrap();
    let plain = slack.degrade(&left, Degradation::NoImage).unwrap();
    assert_eq!(plain["blocks"].as_array().unwrap().len(), 1);
    assert_eq!(slack.degrade(&plain, Degradation::NoImage).unwrap(), json!({"text": "t"}));
    assert_eq!(slack.degrade(&json!({"text": "t"}), Degradation::Shorter), None);
}

#[test]
fn a_plainer_message_of_each_platform_drops_what_it_must() {
    let plain = |name: &str, body: Value, how| by_name(name).unwrap().degrade(&body, how);
    let html = json!({"text": "<b>a &lt; b</b>", "parse_mode": "HTML"});
    let expected = json!({"text": "a < b", "link_preview_options": {"is_disabled": true}});
    assert_eq!(plain("telegram", html, Degradation::NoMarkup), Some(expected));
    let wecom =
        json!({"msgtype": "markdown", "markdown": {"content": "### <font color=\"info\">t</font>\n> x"}});
    let expected = json!({"msgtype": "text", "text": {"content": "t\nx"}});
    assert_eq!(plain("wecom", wecom, Degradation::Shorter), Some(expected));
    let discord = json!({"embeds": [{"title": "t", "image": {"url": "https://x/"}, "fields": []}, {}]});
    assert_eq!(
        plain("discord", discord.clone(), Degradation::NoImage),
        Some(json!({"embeds": [{"title": "t", "fields": []}, {}]}))
    );
    assert_eq!(plain("discord", discord, Degradation::Shorter), Some(json!({"embeds": [{"title": "t"}]})));
    let feishu = json!({"msg_type": "interactive", "card": {"header": {"title": {"content": "T"}},
        "body": {"elements": [{"tag": "markdown", "content": "**a** &#60;at id=all> <at id=all></at>"}]}}});
    let expected =
        json!({"msg_type": "text", "content": {"text": "T\na ＜at id=all> <at user_id=\"all\"></at>"}});
    assert_eq!(plain("feishu", feishu, Degradation::NoMarkup), Some(expected));
    let ding = json!({"msgtype": "markdown", "markdown": {"title": "t", "text": "a\n\n![p](https://x/)"}});
    assert_eq!(plain("dingtalk", ding, Degradation::Shorter).unwrap()["text"]["content"], "a\n");
}
