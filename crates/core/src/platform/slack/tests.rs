//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) const TRIAL: Trial = Trial {
    urls: &["https://hooks.slack.com/services/T0/B0/key", "https://hooks.slack-gov.com/services/T0/B0/key"],
    pace: (&[(1, 1000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

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
        (400, vec![], "invalid_payload", "plainer NoMarkup"),
        (400, vec![], "invalid_blocks", "plainer NoImage"),
        (400, vec![], "msg_blocks_too_long", "plainer Shorter"),
        (400, vec![], "no_text", "plainer NoMarkup"),
        (400, vec![], "user_not_found", "final"),
        (400, vec![], "too_many_attachments", "plainer Shorter"),
        (400, vec![], "something_new", "plainer NoMarkup"),
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
}

#[test]
fn a_slack_card_pings_only_whom_the_configuration_names() {
    let team = target(&["@here", "U0123ABCD", "S0123ABCD", "<@W0123ABCD>", "ada"]);
    let card = super::card(&notice("a <!channel> & b"), &context("render-07"), &team);
    let expected = "<!here> <@U0123ABCD> <!subteam^S0123ABCD> <@W0123ABCD> ada a &lt;!channel&gt; &amp; b";
    assert_eq!(card["text"], expected);
    let blocks = &card["attachments"][0]["blocks"];
    assert_eq!(blocks[0]["text"]["text"], "a &lt;!channel&gt; &amp; b");
    assert_eq!(blocks[1]["fields"][0]["text"], "*Tasks*\n12");
    assert_eq!(blocks[2]["text"]["text"], "*Failures*\n• frame-07: out of memory");
    assert_eq!(blocks[3]["elements"][0]["url"], "https://render-07.example.com/out/(1).png");
    assert_eq!(blocks[4]["elements"][0]["text"], "render-07");
}

#[test]
fn no_text_in_a_slack_card_toggles_its_markup() {
    let mut loud = notice("*bold* frame_07_final.png");
    loud.text = Some("```code``` _x_ ~y~".to_owned());
    let card = super::card(&loud, &context("h"), &target(&[]));
    let blocks = &card["attachments"][0]["blocks"];
    assert_eq!(blocks[0]["text"]["text"], "*bold* frame_07_final.png", "a header reads no markup");
    assert_eq!(card["text"], "\u{200b}*\u{200b}bold\u{200b}*\u{200b} frame_07_final.png");
    assert!(!text(&blocks[1]["text"]["text"]).contains("``"), "{}", blocks[1]);
    assert_eq!(text(&blocks[1]["text"]["text"]).replace('\u{200b}', ""), "```code``` _x_ ~y~");
}

#[test]
fn slack_failures_that_do_not_fit_are_counted() {
    let mut many = notice("t");
    many.failures = (0..100).map(|index| failure(Some(&"x".repeat(200)), 1, &[&index.to_string()])).collect();
    let card = super::card(&many, &context("h"), &target(&[]));
    let shown: Vec<_> = card["attachments"][0]["blocks"].as_array().unwrap()[2..4]
        .iter()
        .map(|block| block["text"]["text"].as_str().unwrap())
        .collect();
    let listed = shown.iter().map(|text| text.matches('•').count()).sum::<usize>();
    assert!(shown[1].ends_with(&format!("… and {} more", 100 - listed)), "{}", shown[1]);
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
fn a_long_section_of_slack_is_split_and_nothing_of_it_is_lost() {
    let text: String = (0..500).map(|line| format!("line {line:04}\n")).collect();
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": text}, "block_id": "b"});
    let body = trim("slack", &json!({"text": "t", "blocks": [section, {"type": "divider"}]}));
    let blocks = body["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 3);
    assert_eq!((&blocks[0]["block_id"], blocks[1].get("block_id")), (&json!("b"), None));
    let whole: Vec<&str> = blocks[..2].iter().map(|block| block["text"]["text"].as_str().unwrap()).collect();
    assert_eq!(whole.join("\n"), text);
    assert!(whole.iter().all(|piece| piece.len() <= 3000));
}

pub(in crate::platform) fn check_card(card: &Value) {
    let blocks = card["attachments"][0]["blocks"].as_array().unwrap();
    let mut total = 0;
    let mut visible = |value: &Value, max: usize| {
        let text = text(value);
        assert!(!text.trim().is_empty() && text.len() <= max, "{} bytes of {max}", text.len());
        assert!(!text.contains(['<', '>']), "{text}");
        for after in text.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;"].iter().any(|entity| after.starts_with(entity)), "{text}");
        }
        total += text.len();
    };
    // Where markup is read, a mark of a text's own is between letters or has no neighbour.
    let quiet = |value: &Value| {
        let shown: Vec<char> = text(value).replacen("*Failures*", "", 1).chars().collect();
        for (index, character) in shown.iter().enumerate().filter(|(_, mark)| "*_~`".contains(**mark)) {
            let before = index.checked_sub(1).and_then(|index| shown.get(index)).copied().unwrap_or(' ');
            let after = shown.get(index + 1).copied().unwrap_or(' ');
            let in_a_word = before.is_alphanumeric() && (after.is_alphanumeric() || after == '…');
            assert!(in_a_word || before == '\u{200b}', "{character} behind {before:?} in {value}");
        }
    };
    visible(&card["text"], 4000);
    quiet(&card["text"]);
    assert!(blocks.len() <= 50);
    let mut total_literal = 0;
    for block in blocks {
        match text(&block["type"]) {
            "header" => visible(&block["text"]["text"], 150),
            "section" if block.get("fields").is_some() => {
                let fields = block["fields"].as_array().unwrap();
                assert!((1..=10).contains(&fields.len()));
                for field in fields {
                    let (label, value) = text(&field["text"]).split_once('\n').unwrap();
                    // A time of the reader's has its words for others behind a bar.
                    let time = value.strip_prefix("<!date^").and_then(|date| date.strip_suffix('>'));
                    let value = time.and_then(|date| date.split_once('|')).map_or(value, |(_, words)| words);
                    visible(&json!(format!("{label}\n{value}")), 2000);
                    quiet(&json!(label.strip_prefix('*').unwrap().strip_suffix('*').unwrap()));
                    quiet(&json!(value));
                }
            }
            "section" => {
                visible(&block["text"]["text"], 3000);
                quiet(&block["text"]["text"]);
            }
            "context" => {
                visible(&block["elements"][0]["text"], 3000);
                quiet(&block["elements"][0]["text"]);
            }
            "actions" => assert!(text(&block["elements"][0]["url"]).len() <= 3000),
            "image" => {
                assert!(
                    text(&block["image_url"]).starts_with("https://") && !text(&block["alt_text"]).is_empty()
                );
            }
            "rich_text" => {
                // Such texts are shown as they are.
                let shown = at(block, "elements.*.elements.*.text");
                assert!(shown.iter().all(|shown| !text(shown).trim().is_empty()));
                total_literal += shown.iter().map(|shown| text(shown).len()).sum::<usize>();
            }
            other => panic!("a block of type {other}"),
        }
    }
    assert!(total + total_literal < 13_000, "{total} bytes in all");
}

/// In bytes, which is never less than code points: Slack tells no unit.
pub(in crate::platform) fn refuse_body(body: &Value) -> Result<(), String> {
    refuse_lengths(body, &[("text", bytes, 0, 4000)])?;
    refuse_counts(body, &[("blocks", 50), ("attachments", 100), ("attachments.*.blocks", 50)])?;
    let blocks = [at(body, "blocks.*"), at(body, "attachments.*.blocks.*")].concat();
    for block in blocks {
        let of_its_type: &[Limit] = match text(&block["type"]) {
            "header" => &[("text.text", bytes, 1, 150)],
            "section" => &[("text.text", bytes, 1, 3000)],
            "context" => &[("elements.*.text", bytes, 1, 3000)],
            "image" => &[("alt_text", bytes, 1, 2000), ("image_url", bytes, 1, 3000)],
            "markdown" => &[("text", bytes, 1, 12_000)],
            _ => &[],
        };
        refuse_lengths(block, of_its_type)?;
        refuse_lengths(
            block,
            &[
                ("fields.*.text", bytes, 1, 2000),
                ("elements.*.text.text", bytes, 1, 75),
                ("accessory.text.text", bytes, 1, 75),
                ("elements.*.url", bytes, 1, 3000),
                ("accessory.image_url", bytes, 1, 3000),
                ("accessory.alt_text", bytes, 1, 2000),
                ("block_id", bytes, 1, 255),
                ("elements.*.action_id", bytes, 1, 255),
            ],
        )?;
        let elements = if block["type"] == "context" { 10 } else { 25 };
        refuse_counts(block, &[("fields", 10), ("elements", elements)])?;
        if block["type"] == "section" && block.get("text").or(block.get("fields")).is_none() {
            return Err("a section without text".to_owned());
        }
    }
    let mut texts = Vec::new();
    seen(body, "", &mut texts);
    let all: usize = texts.into_iter().map(bytes).sum();
    if all > 13_100 { Err(format!("{all} bytes of text in all")) } else { Ok(()) }
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    refuse_body(&read_json(sent)?)
}

fn templates() -> Vec<Value> {
    let mrkdwn = |text: &str| json!({"type": "mrkdwn", "text": text});
    let plain = |text: &str| json!({"type": "plain_text", "text": text});
    let picture = json!({"type": "image", "image_url": "https://cdn.example.com/1.png", "alt_text": SAID});
    let button = |id: &str| json!({"type": "button", "text": plain(SAID), "url": "https://example.com/", "action_id": id});
    let blocks = json!([
        {"type": "header", "text": plain(NAME)},
        {"type": "section", "text": mrkdwn(HUGE), "accessory": button("open")},
        {"type": "section", "text": mrkdwn(NAME), "fields": many(mrkdwn(NAME))},
        {"type": "context", "elements": many(mrkdwn(NAME))},
        {"type": "markdown", "text": HUGE},
        {"type": "actions", "elements": many(button("open-{{ n }}"))},
        picture,
    ]);
    let sections = many(json!({"type": "section", "text": mrkdwn(NAME)}));
    vec![
        json!({"text": HUGE}),
        json!({"text": HUGE, "blocks": blocks}),
        json!({"text": NAME, "attachments": [{"color": "#123456", "blocks": sections}, {"blocks": blocks}]}),
    ]
}
