//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &[
        "https://open.feishu.cn/open-apis/bot/v2/hook/key",
        "https://open.larksuite.com/open-apis/bot/v2/hook/key",
    ],
    pace: (&[(5, 1000), (100, 60_000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

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
fn a_feishu_card_pings_only_whom_the_configuration_names() {
    let loud = card_of("feishu", &notice("a <at id=all></at>"), &["all", "ou_1", "<x"]);
    assert_eq!(loud["card"]["header"]["title"]["content"], "a <at id=all></at>", "the head is plain text");
    let elements = &loud["card"]["body"]["elements"];
    assert_eq!(at(elements, "*.columns.*.elements.*.content"), ["**Tasks**\n12"]);
    let shown = [
        "**Failures**\n- frame-07: out of memory",
        "<font color='grey'>h</font>\n<at id=all></at><at id=ou_1></at>",
    ];
    assert_eq!(at(elements, "*.content"), shown);
    let open = at(elements, "*.columns.*.elements.*.behaviors.*.default_url");
    assert_eq!(open, ["https://render-07.example.com/out/(1).png"]);
    assert_eq!((&loud["msg_type"], &loud["card"]["schema"]), (&json!("interactive"), &json!("2.0")));
}

#[test]
fn feishu_signs_each_attempt_and_only_with_a_secret() {
    let hook = "https://open.feishu.cn/open-apis/bot/v2/hook/k";
    let signed = to("feishu", hook, &[("secret", "this is a test secret")]);
    let (_, _, text) = sent(&signed, &json!({"msg_type": "text"}), None);
    let sign = "JkzBrVsGxbvDBl1MpDGeDcMT7Qj7hCzM4F21wfRvdlY=";
    assert_eq!(json_of(&text), json!({"msg_type": "text", "timestamp": "1700000000", "sign": sign}));
    let body = json!({"msg_type": "text"});
    assert_eq!(sent(&to("feishu", hook, &[]), &body, None).2, body.to_string());
}

fn check_card(card: &Value) {
    assert!(card.to_string().len() <= 19_900, "{} bytes", card.to_string().len());
    assert!(!text(&card["card"]["header"]["title"]["content"]).trim().is_empty());
    let elements = &card["card"]["body"]["elements"];
    let texts = ["*.content", "*.columns.*.elements.*.content", "*.elements.*.content"];
    for shown in texts.into_iter().flat_map(|path| at(elements, path)).map(text) {
        assert!(!shown.trim().is_empty());
        for after in shown.split('<').skip(1) {
            assert!(after.starts_with("font color='grey'>") || after.starts_with("/font>"), "{shown}");
        }
    }
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    read_json(sent)?;
    refuse_size(sent, 20_000)
}

fn templates() -> Vec<Value> {
    let post = json!([many(json!({"tag": "text", "text": NAME})), [{"tag": "a", "text": SAID, "href": "https://example.com/"}]]);
    let elements =
        json!([{"tag": "markdown", "content": HUGE}, many(json!({"tag": "markdown", "content": NAME}))]);
    vec![
        json!({"msg_type": "text", "content": {"text": HUGE}}),
        json!({"msg_type": "post", "content": {"post": {"zh_cn": {"title": HUGE, "content": post}}}}),
        json!({"msg_type": "interactive", "card": {"schema": "2.0",
                          "header": {"title": {"tag": "plain_text", "content": HUGE}}, "body": {"elements": elements}}}),
    ]
}
