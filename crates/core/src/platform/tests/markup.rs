//! What is cut of a template has its markup whole: no half a link, mention or entity, and nothing left open.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts of sound pieces, mostly longer than any limit.
fn made_of(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let most = prop_oneof![1..60_usize, 200..1500_usize];
    most.prop_flat_map(move |most| vec(proptest::sample::select(pieces), most))
        .prop_map(|pieces| pieces.concat())
}

const HTML: &[&str] = &[
    "word ",
    "汉字",
    "😀👩‍👩‍👧‍👦🇨🇳",
    "&lt;&amp;",
    "<b>bold</b> ",
    "<i>a <b>bold &amp; nested</b> one</i>\n",
    "<a href=\"https://example.com/?a=1&amp;b=2\">a link</a> ",
    "<pre>two lines\nof code</pre>",
];

const FENCED: &[&str] = &[
    "word ",
    "汉字",
    "😀👩‍👩‍👧‍👦🇨🇳",
    "line\n",
    "&lt;&amp; ",
    "<https://example.com/a?b=1|a label of it> ",
    "<!here> <@U0123ABCD> ",
    "```\nlet a = 1;\nlet b = 2;\n```\n",
    "```some code that stands on one line```",
];

const FONTS: &[&str] = &[
    "word ",
    "汉字\n",
    "&#42;&#60; ",
    "<font color=\"info\">in green</font> ",
    "<font color=\"warning\">in <b>bold orange</b></font>",
    "<@wangqing> ",
];

/// Whether no link, mention or entity of this text is half, and no fence open.
fn is_whole(text: &str) -> bool {
    let sound = ["<https://example.com/a?b=1|a label of it>", "<!here>", "<@U0123ABCD>", "&lt;", "&amp;"];
    let rest = sound.iter().fold(text.to_owned(), |text, piece| text.replace(piece, ""));
    !rest.contains(['<', '>', '&']) && text.matches("```").count().is_multiple_of(2)
}

/// Whether every tag is closed in its turn.
fn is_closed(text: &str) -> bool {
    let mut open = Vec::new();
    for tag in text.replace("<@wangqing>", "").split('<').skip(1) {
        let Some((tag, _)) = tag.split_once('>') else { return false };
        match tag.strip_prefix('/') {
            None => open.push(tag.split(' ').next().unwrap_or_default().to_owned()),
            Some(name) if open.pop().as_deref() == Some(name) => {}
            Some(_) => return false,
        }
    }
    open.is_empty() && text.replace("&#42;", "").replace("&#60;", "").find('&').is_none()
}

fn all_texts(node: &Value, found: &mut Vec<String>) {
    match node {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| all_texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| all_texts(field, found)),
        _ => {}
    }
}

fn texts(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    all_texts(body, &mut found);
    found
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 32, ..crate::property::cases(48) })]

    #[test]
    fn html_of_telegram_is_cut_between_its_tags_and_by_what_is_shown(inner in made_of(HTML), wrap in any::<bool>()) {
        let html = if wrap { format!("<blockquote><b>{inner}</b></blockquote>") } else { inner };
        let given = json!({"text": html, "parse_mode": "HTML"});
        let body = trim("telegram", &given);
        prop_assert_eq!(judge("telegram", &body), Ok(()));
        let (all, kept) = (shown(&html).unwrap(), shown(body["text"].as_str().unwrap()).unwrap());
        if all.encode_utf16().count() <= 4096 {
            prop_assert_eq!(body, given);
        } else {
            // A sign of several parts is eleven units long.
            prop_assert!(kept.encode_utf16().count() >= 4096 - 12);
            prop_assert!(all.starts_with(kept.strip_suffix('…').unwrap()));
        }
    }

    #[test]
    fn no_link_is_halved_and_no_fence_left_open(text in made_of(FENCED)) {
        let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
        for (platform, body) in [
            ("slack", json!({"text": text})),
            ("slack", json!({"text": "t", "blocks": [section]})),
            ("slack", json!({"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": text}]}]})),
            ("slack", json!({"blocks": [{"type": "markdown", "text": text}]})),
            ("discord", json!({"content": text, "embeds": [{"description": text, "fields": [{"name": "n", "value": text}]}]})),
            ("mattermost", json!({"text": text, "attachments": [{"text": text}]})),
            ("dingtalk", json!({"msgtype": "markdown", "markdown": {"title": "t", "text": text}})),
            ("ntfy", json!({"message": text, "markdown": true})),
            ("wecom", json!({"msgtype": "markdown_v2", "markdown_v2": {"content": text}})),
        ] {
            let body = trim(platform, &body);
            prop_assert_eq!(judge(platform, &body), Ok(()));
            for text in texts(&body) {
                prop_assert!(is_whole(&text), "{}: {}", platform, text);
            }
        }
    }

    #[test]
    fn a_section_of_slack_that_is_split_keeps_every_word(text in made_of(FENCED)) {
        let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
        let body = trim("slack", &json!({"blocks": [section]}));
        let empty = Vec::new();
        let pieces: Vec<String> = body["blocks"].as_array().unwrap_or(&empty).iter()
            .map(|block| block["text"]["text"].as_str().unwrap().replace("```", "")).collect();
        let said = |text: &str| text.split_whitespace().collect::<String>();
        let whole = said(&pieces.concat());
        let given = said(&text.replace("```", ""));
        if text.len() <= 12_000 {
            prop_assert_eq!(whole, given);
        } else {
            prop_assert!(given.starts_with(whole.trim_end_matches('…')));
        }
    }

    #[test]
    fn no_tag_is_left_open_where_a_platform_has_tags(inner in made_of(FONTS)) {
        let text = format!("<font color=\"comment\">{inner}</font>");
        let widget = json!({"textParagraph": {"text": text}});
        let card = json!({"schema": "2.0", "body": {"elements": vec![json!({"tag": "markdown", "content": text}); 2]}});
        for (platform, body) in [
            ("wecom", json!({"msgtype": "markdown", "markdown": {"content": text}})),
            ("googlechat", json!({"cardsV2": [{"card": {"sections": [{"widgets": vec![widget; 3]}]}}]})),
            ("feishu", json!({"msg_type": "interactive", "card": card})),
        ] {
            let body = trim(platform, &body);
            prop_assert_eq!(judge(platform, &body), Ok(()));
            for text in texts(&body) {
                prop_assert!(is_closed(&text), "{}: {}", platform, text);
            }
        }
    }
}
