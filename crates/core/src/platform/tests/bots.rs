//! DingTalk, Feishu, Telegram and ntfy: every known answer, whom a card pings, and that no text breaks its
//! limits.

use super::answers::read;
use super::cards::{any_notice, context, hostile, notice, target, text};
use crate::message::Notice;
use crate::platform::*;
use proptest::prelude::*;
use serde_json::{Value, json};

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
        (400_105, "", "final"),
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
fn feishu_answers_count_by_code_new_or_old() {
    for (status, headers, body, outcome) in [
        (200, vec![], r#"{"code":0,"msg":"success","data":{}}"#, "delivered"),
        (200, vec![], r#"{"StatusCode":0,"StatusMessage":"success","code":0}"#, "delivered"),
        (200, vec![], r#"{"StatusCode":0,"StatusMessage":"success"}"#, "delivered"),
        (200, vec![], r#"{"StatusCode":0,"code":19021}"#, "final"),
        (200, vec![], "", "retry"),
        (200, vec![], "{}", "retry"),
        (200, vec![], "<html>", "retry"),
        (200, vec![], r#"{"code":"0"}"#, "retry"),
        (500, vec![], r#"{"code":0}"#, "retry"),
        (200, vec![], r#"{"code":19001}"#, "gone"),
        (200, vec![], r#"{"code":19002}"#, "plainer NoMarkup"),
        (200, vec![], r#"{"code":11310}"#, "plainer NoMarkup"),
        (
            200,
            vec![],
            r#"{"code":11246,"msg":"ext=ErrCode: 200621; ErrMsg: parse card json err"}"#,
            "plainer NoMarkup",
        ),
        (400, vec![], r#"{"code":9499}"#, "plainer Shorter"),
        (200, vec![], r#"{"code":19036}"#, "plainer Shorter"),
        (200, vec![], r#"{"code":19021}"#, "final"),
        (200, vec![], r#"{"code":19022}"#, "final"),
        (200, vec![], r#"{"code":19024}"#, "final"),
        (200, vec![], r#"{"code":11232}"#, "retry"),
        (429, vec![("x-ogw-ratelimit-reset", "42")], r#"{"code":99991400}"#, "after 42000"),
        (400, vec![("x-ogw-ratelimit-reset", "7")], r#"{"code":99991400}"#, "after 7000"),
        (429, vec![("retry-after", "3")], "", "after 3000"),
        (200, vec![], r#"{"code":1}"#, "retry"),
    ] {
        assert_eq!(read("feishu", status, &headers, body), outcome, "{status} {body}");
    }
}

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
fn ntfy_answers_with_the_message_or_an_error() {
    for (status, headers, body, outcome) in [
        (200, vec![], r#"{"id":"x","event":"message"}"#, "delivered"),
        (200, vec![], "", "retry"),
        (200, vec![], "<html>", "retry"),
        (400, vec![], r#"{"code":40009,"http":400,"error":"invalid request: topic invalid"}"#, "final"),
        (
            400,
            vec![],
            r#"{"code":40013,"error":"invalid request: attachment URL is invalid"}"#,
            "plainer NoImage",
        ),
        (400, vec![], r#"{"code":40018,"error":"invalid request: actions invalid"}"#, "plainer NoMarkup"),
        (401, vec![], r#"{"error":"unauthorized"}"#, "final"),
        (403, vec![], r#"{"error":"forbidden"}"#, "final"),
        (404, vec![], "", "final"),
        (413, vec![], "", "plainer Shorter"),
        (429, vec![("retry-after", "5")], r#"{"error":"limit reached"}"#, "after 5000"),
        (429, vec![], r#"{"error":"limit reached"}"#, "retry"),
        (507, vec![], "", "retry"),
        (302, vec![], "", "retry"),
    ] {
        assert_eq!(read("ntfy", status, &headers, body), outcome, "{status} {body}");
    }
}

fn card(platform: &str, notice: &Notice, mentions: &[&str], host: &str) -> Value {
    let (context, target) = (context(host), target(mentions));
    match platform {
        "dingtalk" => dingtalk::card(notice, &context, &target),
        "feishu" => feishu::card(notice, &context, &target),
        "telegram" => telegram::card(notice, &context, &target),
        _ => ntfy::card(notice, &context),
    }
}

#[test]
fn a_dingtalk_card_pings_in_the_text_and_in_at() {
    let team = ["@all", "13800000001", "manager7036", "<x>"];
    let loud = card("dingtalk", &notice("a @13800000000 [x](y)"), &team, "h");
    let expected = "### ✅ a ＠13800000000 ［x］(y)\n\n- Tasks: 12\n\n> frame-07: out of memory\n\n\
                    [Open](https://render-07.example.com/out/%281%29.png)\n\nh · evt_01\n\n\
                    @all @13800000001 @manager7036";
    assert_eq!(loud["markdown"]["text"], expected);
    let at = json!({"atMobiles": ["13800000001"], "atUserIds": ["manager7036"], "isAtAll": true});
    assert_eq!(loud["at"], at);
    assert_eq!(card("dingtalk", &notice("t"), &[], "h").get("at"), None);
}

#[test]
fn a_feishu_card_pings_only_whom_the_configuration_names() {
    let loud = card("feishu", &notice("a <at id=all></at>"), &["all", "ou_1", "<x"], "h");
    assert_eq!(loud["card"]["header"]["title"]["content"], "a <at id=all></at>", "the head is plain text");
    let expected = "**Tasks**: 12\n- frame-07: out of memory\n\
                    [Open](https://render-07.example.com/out/%281%29.png)\n\
                    <font color='grey'>h · evt&#95;01</font>\n<at id=all></at><at id=ou_1></at>";
    assert_eq!(loud["card"]["body"]["elements"][0]["content"], expected);
    assert_eq!((&loud["msg_type"], &loud["card"]["schema"]), (&json!("interactive"), &json!("2.0")));
}

#[test]
fn a_telegram_card_pings_only_whom_the_configuration_names() {
    let loud = card("telegram", &notice("a <b> & @ada"), &["@ada", "42", "<x>"], "h");
    let expected = "✅ <b>a &lt;b&gt; &amp; @\u{200b}ada</b>\n<b>Tasks</b>: 12\n• frame-07: out of memory\n\
                    <a href=\"https://render-07.example.com/out/(1).png\">Open</a>\n<i>h · evt_01</i>\n\
                    @ada <a href=\"tg://user?id=42\">42</a>";
    assert_eq!(loud["text"], expected);
    assert_eq!(loud["link_preview_options"], json!({"is_disabled": true}));
}

#[test]
fn an_ntfy_card_rings_louder_for_failures() {
    let mut bad = notice("Task failed");
    bad.tone = crate::message::Tone::Bad;
    let card = card("ntfy", &bad, &[], "h");
    assert_eq!(card["message"], "• frame-07: out of memory\nTasks: 12\nh · evt_01");
    assert_eq!(
        (&card["priority"], &card["tags"], &card["title"]),
        (&json!(4), &json!(["x"]), &json!("Task failed"))
    );
    assert_eq!(card["actions"][0]["url"], "https://render-07.example.com/out/(1).png");
}

fn check_dingtalk(card: &Value) {
    let shown = text(&card["markdown"]["text"]);
    assert!(card.to_string().len() <= 20_000 && shown.len() <= 6000, "{} bytes", shown.len());
    assert!(!text(&card["markdown"]["title"]).trim().is_empty());
    assert!(!shown.contains(['<', '`', '*', '@', '\0', '\r']), "{shown}");
}

fn check_feishu(card: &Value) {
    assert!(card.to_string().len() <= 19_900, "{} bytes", card.to_string().len());
    assert!(!text(&card["card"]["header"]["title"]["content"]).trim().is_empty());
    let shown = text(&card["card"]["body"]["elements"][0]["content"]);
    assert!(!shown.trim().is_empty());
    for after in shown.split('<').skip(1) {
        assert!(after.starts_with("font color='grey'>") || after.starts_with("/font>"), "{shown}");
    }
}

fn check_telegram(card: &Value) {
    let shown = text(&card["text"]);
    assert!(shown.encode_utf16().count() <= 4096 && !shown.trim().is_empty());
    let mut open: Vec<&str> = Vec::new();
    for after in shown.split('<').skip(1) {
        let tag = after.split_once('>').expect("a tag ends").0;
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{shown}"),
            None => {
                let name = tag.split(' ').next().unwrap();
                assert!(["b", "i", "pre", "a"].contains(&name), "{tag} in {shown}");
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

fn check_ntfy(card: &Value) {
    let message = text(&card["message"]);
    assert!(!message.trim().is_empty() && message.len() <= 4096, "{} bytes", message.len());
    assert!((1..=250).contains(&text(&card["title"]).chars().count()));
    assert!((1..=5).contains(&card["priority"].as_u64().unwrap()));
}

type Check = fn(&Value);

const CHECKS: [(&str, Check); 4] = [
    ("dingtalk", check_dingtalk),
    ("feishu", check_feishu),
    ("telegram", check_telegram),
    ("ntfy", check_ntfy),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_card_of_a_bot_keeps_the_limits_and_pings_nobody(notice in any_notice(), host in hostile()) {
        for (platform, check) in CHECKS {
            check(&card(platform, &notice, &[], &host));
        }
    }

    #[test]
    fn a_card_of_a_bot_is_made_of_any_event(kind in "[a-z]{1,8}\\.[a-z]{1,8}", key in hostile(), value in hostile()) {
        let data = json!({ key: value, "error": {"message": value}, "name": value });
        let context = Context::new(json!({
            "event": {"id": "evt_01", "type": kind, "timestamp": 5, "data": data.clone()},
            "task": data,
            "host": {},
        }));
        for (platform, check) in CHECKS {
            check(&by_name(platform).unwrap().card(&context, &target(&[])));
        }
    }

    #[test]
    fn a_plainer_card_is_plainer_and_still_says_something(notice in any_notice(), host in hostile()) {
        for (platform, _) in CHECKS {
            let full = card(platform, &notice, &[], &host);
            for how in [Degradation::NoImage, Degradation::NoMarkup, Degradation::Shorter] {
                let Some(plain) = by_name(platform).unwrap().degrade(&full, how) else { continue };
                prop_assert!(plain != full);
                prop_assert!(plain.to_string().len() <= full.to_string().len() + 200, "{platform} {how:?}");
                if how == Degradation::Shorter {
                    prop_assert!(plain.to_string().len() <= 12_000, "{platform}");
                }
            }
        }
    }
}
