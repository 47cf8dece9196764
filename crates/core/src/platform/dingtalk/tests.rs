//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://oapi.dingtalk.com/robot/send?access_token=t"],
    pace: (&[(1, 3200)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn dingtalk_answers_count_by_errcode_inside_200() {
    for (code, words, outcome) in [
        (0, "ok", "delivered"),
        (-1, "系统繁忙", "retry"),
        (130_101, "send too fast", "after 60000"),
        (410_100, "", "after 60000"),
        (310_000, "keywords not in content", "final"),
        (310_000, "sign not match", "final"),
        (310_000, "invalid timestamp", "retry"),
        (300_005, "token is not exist", "gone"),
        (300_001, "token is not exist", "gone"),
        (300_001, "too busy", "retry"),
        (400_101, "", "gone"),
        (400_102, "", "gone"),
        (400_013, "", "gone"),
        (400_106, "", "gone"),
        (40_035, "缺少参数 access_token", "final"),
        (43_002, "", "final"),
        (400_105, "", "plainer NoMarkup"),
        (460_101, "message too long, exceed 20000 bytes", "plainer Shorter"),
        (99_999, "", "retry"),
    ] {
        let body = json!({"errcode": code, "errmsg": words}).to_string();
        assert_eq!(read("dingtalk", 200, &[], &body), outcome, "{code} {words}");
    }
    for (status, body, outcome) in [
        (200, r#"{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}"#, "after 60000"),
        (200, r#"{"status":1111,"wait":90,"source":"x5","punish":"deny"}"#, "after 90000"),
        (200, r#"{"errcode":130101,"punish":"deny","wait":5}"#, "after 60000"),
        (200, "", "retry"),
        (200, "{}", "retry"),
        (200, "<html>", "retry"),
        (200, r#"{"errcode":"0"}"#, "retry"),
        (502, r#"{"errcode":0}"#, "retry"),
    ] {
        assert_eq!(read("dingtalk", status, &[], body), outcome, "{status} {body}");
    }
}

#[test]
fn a_dingtalk_card_pings_in_the_text_and_in_at() {
    let team = ["@all", "13800000001", "manager7036", "<x>"];
    let loud = card_of("dingtalk", &notice("a @13800000000 [x](y)"), &team);
    let expected = "### ✅ a ＠13800000000 ［x］(y)\n\n- Tasks: 12\n\n> frame-07: out of memory\n\n\
                    [Open](https://render-07.example.com/out/%281%29.png)\n\nh\n\n\
                    @all @13800000001 @manager7036";
    assert_eq!(loud["markdown"]["text"], expected);
    let at = json!({"atMobiles": ["13800000001"], "atUserIds": ["manager7036"], "isAtAll": true});
    assert_eq!(loud["at"], at);
    assert_eq!(card_of("dingtalk", &notice("t"), &[]).get("at"), None);
}

#[test]
fn dingtalk_signs_each_attempt_and_only_with_a_secret() {
    let url = "https://oapi.dingtalk.com/robot/send?access_token=abc";
    let body = json!({"msgtype": "text"});
    let signed = to("dingtalk", url, &[("secret", "SECthisisatestsecret0123456789")]);
    let sign = "sign=j%2B%2BDBIHIK8yQd7zhsz6YwNTWn5w%2FpXX5KfVQnZWVh3g%3D";
    assert_eq!(sent(&signed, &body, None).0, format!("{url}&timestamp=1700000000000&{sign}"));
    assert_eq!(sent(&to("dingtalk", url, &[]), &body, None).0, url);
}

/// With buttons, or without.
fn said(card: &Value) -> &Value {
    card.get("actionCard").unwrap_or(&card["markdown"])
}

fn check_card(card: &Value) {
    let shown = text(&said(card)["text"]);
    assert!(card.to_string().len() <= 20_000 && shown.len() <= 6000, "{} bytes", shown.len());
    assert!(!text(&said(card)["title"]).trim().is_empty());
    for button in said(card)["btns"].as_array().into_iter().flatten() {
        assert!(!text(&button["title"]).contains(['<', '`', '*', '@']), "{button}");
    }
    assert!(!shown.contains(['<', '`', '*', '@', '\0', '\r']), "{shown}");
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    read_json(sent)?;
    refuse_size(sent, 20_000)
}

fn templates() -> Vec<Value> {
    vec![
        json!({"msgtype": "text", "text": {"content": HUGE}}),
        json!({"msgtype": "markdown", "markdown": {"title": SAID, "text": HUGE}, "at": {"isAtAll": true}}),
        json!({"msgtype": "link", "link": {"title": HUGE, "text": HUGE, "messageUrl": "https://example.com/"}}),
        json!({"msgtype": "actionCard", "actionCard": {"title": SAID, "text": HUGE,
                            "btns": many(json!({"title": NAME, "actionURL": "https://example.com/"}))}}),
    ]
}

#[test]
fn the_lines_of_a_text_stand_on_lines_of_their_own() {
    let content =
        Notice { text: Some("Traceback:\r\n  File train.py\nRuntimeError".to_owned()), ..notice("t") };
    let card = super::card(&content, &context("h"), &target(&[]));
    let shown = text(&said(&card)["text"]);
    assert!(shown.contains("\n\nTraceback:\n\n  File train.py\n\nRuntimeError\n\n"), "{shown}");
}
