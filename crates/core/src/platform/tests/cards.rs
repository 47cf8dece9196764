//! What each platform's card shows, whom it pings, and that no text breaks its limits.

use crate::message::{Notice, Tone};
use crate::platform::*;
use crate::secret::SecretUrl;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) fn target(mentions: &[&str]) -> Target {
    Target {
        url: SecretUrl::new(Url::parse("https://example.com/").unwrap()),
        options: Vec::new(),
        mentions: mentions.iter().map(|mention| (*mention).to_owned()).collect(),
    }
}

pub(super) fn context(host: &str) -> Context {
    Context::new(json!({
        "event": {"id": "evt_01", "type": "queue.end", "timestamp": "2021-02-25T15:02:10Z", "data": {}},
        "host": {"name": host},
    }))
}

pub(super) fn notice(title: &str) -> Notice {
    Notice {
        tone: Tone::Good,
        title: title.to_owned(),
        facts: vec![("Tasks".to_owned(), "12".to_owned())],
        failures: vec!["frame-07: out of memory".to_owned()],
        text: None,
        link: Some("https://render-07.example.com/out/(1).png".to_owned()),
        image_url: None,
    }
}

#[test]
fn a_slack_card_pings_only_whom_the_configuration_names() {
    let team = target(&["@here", "U0123ABCD", "S0123ABCD", "<@W0123ABCD>", "ada"]);
    let card = slack::card(&notice("a <!channel> & b"), &context("render-07"), &team);
    let expected = "<!here> <@U0123ABCD> <!subteam^S0123ABCD> <@W0123ABCD> ada a &lt;!channel&gt; &amp; b";
    assert_eq!(card["text"], expected);
    let blocks = &card["attachments"][0]["blocks"];
    assert_eq!(blocks[0]["text"]["text"], "a &lt;!channel&gt; &amp; b");
    assert_eq!(blocks[1]["fields"][0]["text"], "*Tasks*\n12");
    assert_eq!(blocks[2]["text"]["text"], "*Failures*\n• frame-07: out of memory");
    assert_eq!(blocks[3]["elements"][0]["url"], "https://render-07.example.com/out/(1).png");
    assert_eq!(blocks[4]["elements"][0]["text"], "render-07 · evt_01");
}

#[test]
fn no_text_in_a_slack_card_toggles_its_markup() {
    let mut loud = notice("*bold* frame_07_final.png");
    loud.text = Some("```code``` _x_ ~y~".to_owned());
    let card = slack::card(&loud, &context("h"), &target(&[]));
    let blocks = &card["attachments"][0]["blocks"];
    assert_eq!(blocks[0]["text"]["text"], "*bold* frame_07_final.png", "a header reads no markup");
    assert_eq!(card["text"], "\u{200b}*\u{200b}bold\u{200b}*\u{200b} frame_07_final.png");
    assert!(!text(&blocks[1]["text"]["text"]).contains("``"), "{}", blocks[1]);
    assert_eq!(text(&blocks[1]["text"]["text"]).replace('\u{200b}', ""), "```code``` _x_ ~y~");
}

#[test]
fn slack_failures_that_do_not_fit_are_counted() {
    let mut many = notice("t");
    many.failures = (0..100).map(|index| format!("{index}: {}", "x".repeat(200))).collect();
    let card = slack::card(&many, &context("h"), &target(&[]));
    let shown: Vec<_> = card["attachments"][0]["blocks"].as_array().unwrap()[2..4]
        .iter()
        .map(|block| block["text"]["text"].as_str().unwrap())
        .collect();
    let listed = shown.iter().map(|text| text.matches('•').count()).sum::<usize>();
    assert!(shown[1].ends_with(&format!("… and {} more", 100 - listed)), "{}", shown[1]);
}

#[test]
fn a_discord_card_pings_only_whom_the_configuration_names() {
    let quiet = discord::card(&notice("@everyone <@1> _x_"), &context("h"), &target(&[]));
    assert_eq!(quiet["allowed_mentions"], json!({"parse": []}));
    assert_eq!(quiet.get("content"), None);
    assert_eq!(quiet["embeds"][0]["title"], r"@everyone \<@1\> \_x\_");
    assert_eq!(quiet["embeds"][0]["timestamp"], "2021-02-25T15:02:10.000Z");
    let team = target(&["<@&77>", "42", "<@!42>", "@here", "<@nobody>"]);
    let loud = discord::card(&notice("t"), &context("h"), &team);
    assert_eq!(loud["content"], "<@&77> <@42> <@42> @here nobody");
    assert_eq!(loud["allowed_mentions"], json!({"parse": ["everyone"], "users": ["42"], "roles": ["77"]}));
}

#[test]
fn a_wecom_card_takes_the_form_that_pings() {
    let card = |mentions: &[&str]| wecom::card(&notice("a <@all> [x](y)"), &context("h"), &target(mentions));
    let marked = card(&["wangqing", "<@lili>"]);
    let content = "### <font color=\"info\">a ＜@all＞ ［x］(y)</font>\n\
                   > Tasks: <font color=\"comment\">12</font>\n\
                   **Failures**\n\
                   > <font color=\"warning\">frame-07: out of memory</font>\n\
                   [Open](https://render-07.example.com/out/%281%29.png)\n\
                   <font color=\"comment\">h · evt_01</font>\n\
                   <@wangqing><@lili>";
    assert_eq!(marked, json!({"msgtype": "markdown", "markdown": {"content": content}}));
    let text = card(&["@all", "wangqing", "13800001111"]);
    assert_eq!(text["msgtype"], "text");
    assert_eq!(text["text"]["mentioned_list"], json!(["@all", "wangqing"]));
    assert_eq!(text["text"]["mentioned_mobile_list"], json!(["13800001111"]));
}

pub(super) fn hostile() -> impl Strategy<Value = String> {
    const SEEDS: &[&str] = &[
        "渲染完成",
        "👩‍👩‍👧‍👦",
        "\u{202e}שלום عليكم",
        "<!channel> <!subteam^S0123ABCD> <@U0123ABCD>",
        "@everyone <@1> <@&2> @here",
        "<@all> <@wangqing> </font>",
        "**b** `c` [t](u) > q # h _i_ ~s~ |x|",
        "&amp;&<>\"'\\",
        "\0\r\n\t\u{2028}",
        " ",
    ];
    let repeated =
        (proptest::sample::select(SEEDS), 0..3000_usize).prop_map(|(seed, times)| seed.repeat(times));
    prop_oneof![any::<String>(), repeated, ".{0,60}"]
}

pub(super) fn any_notice() -> impl Strategy<Value = Notice> {
    let tone = proptest::sample::select(&[Tone::Good, Tone::Bad, Tone::Warn, Tone::Neutral][..]);
    let link = prop_oneof![hostile(), hostile().prop_map(|path| format!("https://cdn.example.com/{path}"))];
    let facts = vec((hostile(), hostile()), 0..40);
    (
        tone,
        hostile(),
        facts,
        vec(hostile(), 0..40),
        option::of(hostile()),
        option::of(link.clone()),
        option::of(link),
    )
        .prop_map(|(tone, title, facts, failures, text, link, image_url)| Notice {
            tone,
            title,
            facts,
            failures,
            text,
            link,
            image_url,
        })
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn check_slack(card: &Value) {
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
    for block in blocks {
        match text(&block["type"]) {
            "header" => visible(&block["text"]["text"], 150),
            "section" if block.get("fields").is_some() => {
                let fields = block["fields"].as_array().unwrap();
                assert!((1..=10).contains(&fields.len()));
                fields.iter().for_each(|field| visible(&field["text"], 2000));
                for field in fields {
                    let (label, value) = text(&field["text"]).split_once('\n').unwrap();
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
            other => panic!("a block of type {other}"),
        }
    }
    assert!(total < 13_000, "{total} bytes in all");
}

fn check_discord(card: &Value) {
    assert_eq!(card["allowed_mentions"], json!({"parse": []}));
    assert_eq!(card.get("content"), None);
    let embed = &card["embeds"][0];
    let mut total = text(&embed["footer"]["text"]).chars().count();
    let mut visible = |value: &Value, max: usize| {
        let text = text(value);
        let count = text.chars().count();
        assert!((1..=max).contains(&count), "{count} of {max}");
        total += count;
        let mut escaped = false;
        for character in text.chars() {
            assert!(escaped || !"*_~`|<>#[]()".contains(character), "{character} in {text}");
            escaped = character == '\\' && !escaped;
        }
    };
    visible(&embed["title"], 256);
    if let Some(description) = embed.get("description") {
        visible(description, 4096);
    }
    let fields = embed["fields"].as_array().unwrap();
    assert!(fields.len() <= 25);
    for field in fields {
        visible(&field["name"], 256);
        visible(&field["value"], 1024);
    }
    assert!(total <= 6000, "{total} in all");
    assert!(embed["color"].as_u64().unwrap() <= 0xff_ff_ff);
    for url in [&embed["url"], &embed["image"]["url"]] {
        assert!(text(url).len() <= 2048);
    }
}

fn check_wecom(card: &Value) {
    let content = text(&card["markdown"]["content"]);
    assert!(!content.is_empty() && content.len() <= 4096, "{} bytes", content.len());
    for after in content.split('<').skip(1) {
        assert!(after.starts_with("font color=\"") || after.starts_with("/font>"), "{content}");
    }
    assert!(!content.contains(['\0', '`', '\r']), "{content}");
    assert!(!content.replacen("\n**Failures**\n", "", 1).contains("**"), "{content}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_card_keeps_the_limits_and_pings_nobody(notice in any_notice(), host in hostile()) {
        let context = context(&host);
        let cards = [
            (slack::card(&notice, &context, &target(&[])), check_slack as fn(&Value)),
            (discord::card(&notice, &context, &target(&[])), check_discord),
            (wecom::card(&notice, &context, &target(&[])), check_wecom),
        ];
        for (card, check) in cards {
            let sent = serde_json::to_string(&card).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), card.clone());
            check(&card);
        }
        let everybody = wecom::card(&notice, &context, &target(&["@all"]));
        prop_assert!(text(&everybody["text"]["content"]).len() <= 2048);
        let variables = slack_workflow::card(&notice, &context);
        for (_, variable) in variables.as_object().unwrap() {
            prop_assert!(text(variable).len() <= 2000 && !text(variable).contains(['<', '>']));
        }
    }

    #[test]
    fn a_card_is_made_of_any_event(kind in "[a-z]{1,8}\\.[a-z]{1,8}", key in hostile(), value in hostile()) {
        let data = json!({ key: value, "error": {"message": value}, "name": value });
        let context = Context::new(json!({
            "event": {"id": "evt_01", "type": kind, "timestamp": 5, "data": data.clone()},
            "task": data,
            "host": {},
        }));
        type Check = fn(&Value);
        let checks = [("slack", check_slack as Check), ("discord", check_discord), ("wecom", check_wecom)];
        for (name, check) in checks {
            check(&by_name(name).unwrap().card(&context, &target(&[])));
        }
        let body = by_name("json").unwrap().card(&context, &target(&[]));
        prop_assert_eq!(text(&body["type"]), kind);
    }
}
