//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"],
    pace: (&[(20, 60_000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

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
        (40_008, "plainer NoMarkup"),
        (40_033, "plainer NoMarkup"),
        (40_058, "plainer Shorter"),
        (44_004, "plainer NoMarkup"),
        (45_001, "final"),
        (45_002, "plainer Shorter"),
        (45_034, "plainer NoMarkup"),
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

#[test]
fn a_wecom_card_takes_the_form_that_pings() {
    let card = |mentions: &[&str]| super::card(&notice("a <@all> [x](y)"), &context("h"), &target(mentions));
    let marked = card(&["wangqing", "<@lili>"]);
    let content = "### <font color=\"info\">a ＜@all＞ ［x］(y)</font>\n\
                   > Tasks: <font color=\"comment\">12</font>\n\
                   **Failures**\n\
                   > <font color=\"warning\">frame-07: out of memory</font>\n\
                   [Open](https://render-07.example.com/out/%281%29.png)\n\
                   <font color=\"comment\">h</font>\n\
                   <@wangqing><@lili>";
    assert_eq!(marked, json!({"msgtype": "markdown", "markdown": {"content": content}}));
    let text = card(&["@all", "wangqing", "13800001111"]);
    assert_eq!(text["msgtype"], "text");
    assert_eq!(text["text"]["mentioned_list"], json!(["@all", "wangqing"]));
    assert_eq!(text["text"]["mentioned_mobile_list"], json!(["13800001111"]));
}

#[test]
fn wecom_sends_a_picture_after_the_text() {
    let endpoint = to("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k", &[]);
    let picture = picture();
    let body = json!({"msgtype": "markdown"}).to_string();
    let message = message(body.as_bytes(), Some(&picture));
    assert_eq!(endpoint.platform.request(&endpoint.target, &message).body.as_ref(), body.as_bytes());
    let (_, second) = follow_up(&endpoint, &message, &["{}"]).unwrap().unwrap();
    let image = json!({"base64": "iVBORw0KGgo=", "md5": "e9dd2797018cad79186e03e8c5aec8dc"});
    assert_eq!(
        serde_json::from_slice::<Value>(&second.body).unwrap(),
        json!({"msgtype": "image", "image": image})
    );
    assert!(follow_up(&endpoint, &message, &["{}", "{}"]).is_none());
    assert!(follow_up(&endpoint, &RenderedMessage { file: None, ..message }, &["{}"]).is_none());
    assert!(
        endpoint.platform.description().shows("image/png")
            && !endpoint.platform.description().shows("image/webp")
    );
}

#[test]
fn wecom_hands_a_file_over_and_then_names_it() {
    let endpoint = to("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k-1", &[]);
    let file = document();
    let message = message(b"{}", Some(&file));
    let (_, upload) = follow_up(&endpoint, &message, &["{}"]).unwrap().unwrap();
    assert_eq!(
        upload.url.as_str(),
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/upload_media?key=k-1&type=file"
    );
    let text = String::from_utf8_lossy(&upload.body);
    assert!(text.contains("name=\"media\"; filename=\"run.log\"; filelength=7\r\n"), "{text}");
    let next = |answer: &str| follow_up(&endpoint, &message, &["{}", answer]).unwrap();
    let (_, named) = next(r#"{"errcode":0,"media_id":"m-1"}"#).unwrap();
    assert_eq!(named.url.as_str(), endpoint.target.url.expose().as_str());
    let expected = json!({"msgtype": "file", "file": {"media_id": "m-1"}});
    assert_eq!(serde_json::from_slice::<Value>(&named.body).unwrap(), expected);
    for nothing in [r#"{"errcode":0}"#, r#"{"errcode":0,"media_id":""}"#, r#"{"media_id":7}"#, "", "[]"] {
        assert_eq!(next(nothing), Err("names no file"), "{nothing}");
    }
}

fn check_card(card: &Value) {
    if card["msgtype"] == "template_card" {
        return;
    }
    let content = text(&card["markdown"]["content"]);
    assert!(!content.is_empty() && content.len() <= 4096, "{} bytes", content.len());
    for after in content.split('<').skip(1) {
        assert!(after.starts_with("font color=\"") || after.starts_with("/font>"), "{content}");
    }
    assert!(!content.contains(['\0', '`', '\r']), "{content}");
    assert!(!content.replacen("\n**Failures**\n", "", 1).contains("**"), "{content}");
}

fn refuse_body(body: &Value) -> Result<(), String> {
    refuse_lengths(
        body,
        &[
            ("text.content", bytes, 1, 2048),
            ("markdown.content", bytes, 1, 4096),
            ("markdown_v2.content", bytes, 1, 4096),
        ],
    )?;
    refuse_counts(
        body,
        &[
            ("news.articles", 8),
            ("template_card.horizontal_content_list", 6),
            ("template_card.vertical_content_list", 4),
            ("template_card.jump_list", 3),
        ],
    )
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    refuse_body(&read_json(sent)?)
}

fn templates() -> Vec<Value> {
    vec![
        json!({"msgtype": "markdown", "markdown": {"content": format!("<font color=\"info\">{HUGE}</font>")}}),
        json!({"msgtype": "markdown_v2", "markdown_v2": {"content": HUGE}}),
        json!({"msgtype": "text", "text": {"content": HUGE}}),
        json!({"msgtype": "news", "news": {"articles": many(json!({"title": SAID, "url": "https://example.com/"}))}}),
    ]
}
