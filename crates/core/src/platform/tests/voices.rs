//! Colour, picture and pings, platform by platform: what must be there, where the checks of hostile texts only
//! see what must not.

use super::*;
use crate::message::{Context, Notice, Several, Tone};
use serde_json::{Value, json};

const PICTURE: &str = "https://cdn.example.com/1.png";

#[test]
fn every_tone_has_its_colour_or_sign() {
    // Good, bad, warning, neutral; of a text, how it starts.
    for (name, pointer, shown) in [
        ("slack", "/attachments/0/color", json!(["#2eb67d", "#e01e5a", "#ecb22e", "#36c5f0"])),
        ("slack-workflow", "/tone", json!(["good", "bad", "warn", "neutral"])),
        ("discord", "/embeds/0/color", json!([0x2eb67d, 0xe01e5a, 0xecb22e, 0x5865f2])),
        (
            "wecom",
            "/markdown/content",
            json!([
                "### <font color=\"info\">",
                "### <font color=\"warning\">",
                "### <font color=\"warning\">",
                "### <font color=\"comment\">"
            ]),
        ),
        ("dingtalk", "/actionCard/text", json!(["### ✅", "### ❌", "### ⚠️", "### 🔔"])),
        ("feishu", "/card/header/template", json!(["green", "red", "orange", "blue"])),
        ("teams", "/attachments/0/content/body/0/style", json!(["good", "attention", "warning", "emphasis"])),
        (
            "teams",
            "/attachments/0/content/body/0/items/0/color",
            json!(["good", "attention", "warning", "default"]),
        ),
        ("telegram", "/text", json!(["✅", "❌", "⚠️", "🔔"])),
        ("googlechat", "/cardsV2/0/card/header/title", json!(["🟢", "🔴", "🟡", "🔵"])),
        ("mattermost", "/attachments/0/color", json!(["#3db887", "#d24b4e", "#ffbc1f", "#5d89ea"])),
        ("email", "/subject", json!(["✅", "❌", "⚠️", "🔔"])),
        ("ntfy", "/tags/0", json!(["white_check_mark", "x", "warning", "bell"])),
        ("ntfy", "/priority", json!([3, 4, 4, 3])),
        ("pagerduty", "/payload/severity", json!(["info", "error", "warning", "info"])),
    ] {
        for (index, tone) in [Tone::Good, Tone::Bad, Tone::Warn, Tone::Neutral].into_iter().enumerate() {
            let card = card_of(name, &Notice { tone, ..notice("t") }, &[]);
            let (found, wanted) = (card.pointer(pointer).unwrap_or(&Value::Null), &shown[index]);
            let is_so = match wanted.as_str() {
                Some(start) => text(found).starts_with(start),
                None => found == wanted,
            };
            assert!(is_so, "{name} {tone:?}: {found} is not {wanted}");
        }
    }
    for platform in described::BUILT_IN.iter() {
        let card =
            |tone| platform.layout(&Notice { tone, ..notice("t") }, &context("h"), &target(&[])).to_string();
        let mut cards = [Tone::Good, Tone::Bad, Tone::Warn, Tone::Neutral].map(card).to_vec();
        cards.sort_unstable();
        cards.dedup();
        assert_eq!(cards.len(), 4, "{platform:?}");
    }
}

#[test]
fn a_picture_at_a_public_address_is_in_every_card_that_can_show_one() {
    let pictured = Notice { images: vec![image(PICTURE)], ..notice("t") };
    // The block, or the text, in which it is: its place among other parts is not what matters.
    for (name, pointer, part) in [
        (
            "slack",
            "/attachments/0/blocks",
            json!({"type": "image", "image_url": PICTURE, "alt_text": "frame"}),
        ),
        ("discord", "/embeds/0/image/url", json!(PICTURE)),
        ("wecom", "/markdown/content", json!(format!("\n[frame]({PICTURE})\n"))),
        ("dingtalk", "/actionCard/text", json!(format!("\n\n![frame]({PICTURE})\n\n"))),
        ("feishu", "/card/body/elements/3/content", json!(format!("[frame]({PICTURE})\n"))),
        ("teams", "/attachments/0/content/body", json!({"type": "Image", "url": PICTURE})),
        ("telegram", "/link_preview_options/url", json!(PICTURE)),
        ("googlechat", "/cardsV2/0/card/sections", json!({"image": {"imageUrl": PICTURE}})),
        ("mattermost", "/attachments/0/image_url", json!(PICTURE)),
        ("ntfy", "/attach", json!(PICTURE)),
        ("email", "/html", json!(format!("<img src=\"{PICTURE}\""))),
        ("pagerduty", "/images", json!({"src": PICTURE, "alt": "frame"})),
    ] {
        let card = card_of(name, &pictured, &[]);
        let found = card.pointer(pointer).unwrap_or(&Value::Null);
        let is_there = match part.as_str() {
            Some(part) => text(found).contains(part),
            None => holds(found, &part),
        };
        assert!(is_there, "{name}: no {part} in {found}");
    }
    for platform in described::BUILT_IN.iter().filter(|platform| platform.takes_pictures()) {
        let card = platform.layout(&pictured, &context("h"), &target(&[])).to_string();
        assert!(card.contains(PICTURE), "{card}");
    }
}

#[test]
fn the_reason_of_a_failure_stands_before_the_facts() {
    let failed = Notice { text: Some("REASON".to_owned()), failures: Vec::new(), ..notice("t") };
    let is_read = |one: &&&dyn Platform| {
        one.description().markup.is_some() || ["ntfy", "pagerduty"].contains(&one.name())
    };
    for platform in all().iter().filter(is_read) {
        let card = platform.layout(&failed, &context("h"), &target(&[])).to_string();
        let at = |word: &str| card.find(word).unwrap_or_else(|| panic!("{platform:?}: no {word} in {card}"));
        assert!(at("REASON") < at("Tasks"), "{platform:?}: {card}");
    }
}

#[test]
fn every_card_names_its_queue_and_host_where_there_are_several() {
    let mut json = context("studio").json().clone();
    json["queue"] = json!({"name": "portraits", "total": 3, "succeeded": 3, "failed": 0, "cancelled": 0});
    for (language, titled) in [("en", "portraits on studio: all 3 "), ("zh", "portraits（studio）：3 ")] {
        json["host"]["language"] = json!(language);
        let among = |hosts| Context::new(json.clone()).among(Several { queues: true, hosts });
        for platform in all().iter().filter(|one| one.description().markup.is_some() || one.name() == "ntfy")
        {
            let card = |hosts| {
                let target = example_target(*platform, &[]);
                let card: Value =
                    serde_json::from_slice(&platform.card_text(&among(hosts), &target)).unwrap();
                card.to_string()
            };
            for hosts in [true, false] {
                assert!(card(hosts).contains(titled), "{platform:?}: {}", card(hosts));
            }
        }
    }
}

/// Whether an object with these members is somewhere inside.
fn holds(node: &Value, part: &Value) -> bool {
    let members = |node: &Value, part: &Value| -> bool {
        part.as_object().unwrap().iter().all(|(name, wanted)| {
            let found = &node[name.as_str()];
            if wanted.is_object() { holds(found, wanted) } else { found == wanted }
        })
    };
    node.is_object() && members(node, part)
        || node.as_array().is_some_and(|items| items.iter().any(|item| holds(item, part)))
        || node.as_object().is_some_and(|fields| fields.values().any(|field| holds(field, part)))
}

#[test]
fn a_plainer_message_pings_whom_the_card_pinged() {
    let long = Notice {
        text: Some("a long prompt @ada @all <@all> <at id=all></at> ".repeat(200)),
        failures: vec![failure(Some("out of memory"), 1, &[]); 60],
        ..notice("t <at id=all></at>")
    };
    for (name, mentions, pointer, live) in [
        ("slack", &["@here", "U0123ABCD"][..], "/text", json!("<!here> <@U0123ABCD> ")),
        ("discord", &["<@&77>"], "/content", json!("<@&77>")),
        ("wecom", &["wangqing", "<@lili>"], "/text/mentioned_list", json!(["wangqing", "lili"])),
        ("wecom", &["@all", "wangqing"], "/text/mentioned_list", json!(["@all", "wangqing"])),
        ("wecom", &["13800001111"], "/text/mentioned_mobile_list", json!(["13800001111"])),
        ("dingtalk", &["@all", "13800000001", "u1"], "/text/content", json!("\n@all @13800000001 @u1")),
        (
            "feishu",
            &["all", "ou_1"],
            "/content/text",
            json!("<at user_id=\"all\"></at><at user_id=\"ou_1\"></at>"),
        ),
        (
            "teams",
            &["ann@example.com"],
            "/attachments/0/content/body/1/text",
            json!("<at>ann@example.com</at>"),
        ),
        ("telegram", &["@ada", "42"], "/text", json!("\n@ada 42")),
        ("googlechat", &["all"], "/text", json!("<users/all>")),
        ("mattermost", &["channel"], "/text", json!("@channel")),
        ("rocketchat", &["@all", "ada.l", "<@x>"], "/text", json!("@all @ada.l\n")),
        ("zulip", &["Ada Lovelace", "@all", "a**b"], "/content", json!("@**Ada Lovelace** @**all**\n")),
        (
            "matrix",
            &["@ada:example.org", "@room", "ada"],
            "/m.mentions",
            json!({"user_ids": ["@ada:example.org"], "room": true}),
        ),
    ] {
        let full = card_of(name, &long, mentions);
        let silent = card_of(name, &long, &[]);
        for how in [Degradation::NoMarkup, Degradation::Shorter] {
            let platform = by_name(name).unwrap();
            let Some(plain) = platform.degrade(&full, how) else {
                // A text is as plain as can be.
                assert_eq!((name, how), ("wecom", Degradation::NoMarkup));
                continue;
            };
            let found = plain.pointer(pointer).unwrap_or(&Value::Null);
            let pings = match live.as_str() {
                Some(live) => text(found).contains(live),
                None => *found == live,
            };
            assert!(pings, "{name} {how:?}: no {live} in {plain}");
            let quiet = platform.degrade(&silent, how).unwrap();
            if let Some(live) = live.as_str() {
                assert!(!quiet.to_string().contains(live.trim()), "{name} {how:?} pings: {quiet}");
            }
            assert_eq!(quiet["text"].get("mentioned_list"), None, "{name}");
        }
    }
}

#[test]
fn a_member_of_telegram_without_a_name_is_pinged_without_markup_too() {
    let full = card_of("telegram", &notice("👩 <a href=\"tg://user?id=7\">7</a>"), &["@ada", "42"]);
    let plain = by_name("telegram").unwrap().degrade(&full, Degradation::NoMarkup).unwrap();
    let units: Vec<u16> = text(&plain["text"]).encode_utf16().collect();
    let entities = plain["entities"].as_array().unwrap();
    assert_eq!(entities.len(), 1);
    let at = |name: &str| entities[0][name].as_u64().unwrap() as usize;
    assert_eq!(String::from_utf16_lossy(&units[at("offset")..at("offset") + at("length")]), "42");
    assert_eq!((&entities[0]["type"], &entities[0]["user"]), (&json!("text_mention"), &json!({"id": 42})));
    assert_eq!(plain.get("parse_mode"), None);
}

#[test]
fn a_plainer_card_has_less_and_still_says_what_happened() {
    let mut pictured = notice("what happened");
    pictured.images = vec![image("https://cdn.example.com/1.png")];
    for name in ["teams", "googlechat", "mattermost"] {
        let platform = by_name(name).unwrap();
        let card = card_of(name, &pictured, &["ann@example.com"]);
        let plain = platform.degrade(&card, Degradation::NoImage).unwrap();
        assert!(!plain.to_string().contains("cdn.example.com"), "{name}");
        assert!(plain.to_string().contains("out of memory"), "{name}");
        assert_eq!(platform.degrade(&plain, Degradation::NoImage), None, "{name}");
        let short = platform.degrade(&card, Degradation::Shorter).unwrap();
        assert!(short.to_string().contains("what happened"), "{name}");
        assert!(!short.to_string().contains("out of memory"), "{name}");
        assert_eq!(platform.degrade(&json!({"my": "own"}), Degradation::Shorter), None, "{name}");
    }
}
