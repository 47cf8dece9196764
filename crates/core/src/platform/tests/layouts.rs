//! How each platform lays out the parts of a card: pictures, links, what was asked for, how much is done, times and
//! what is folded away.

use super::*;
use crate::message::{Fact, Image, Link, Notice, Tone, WorkProgress};
use serde_json::{Value, json};

fn rich() -> Notice {
    let picture = |number: u8| Image {
        url: format!("https://cdn.example.com/{number}.png"),
        caption: format!("frame {number}"),
    };
    let link = |label: &str, path: &str| Link {
        label: label.to_owned(),
        url: format!("https://farm.example.com/{path}"),
    };
    Notice {
        quote: Some("a red fox in the snow".to_owned()),
        details: Some("File \"sample.py\", line 40\n  step()\nRuntimeError: out of memory".to_owned()),
        progress: Some(WorkProgress { done: 6, total: Some(8) }),
        facts: vec![
            Fact { time: Some(1_700_000_000_000), ..fact("Since", "2023-11-14 22:13:20") },
            fact("Seed", "42"),
        ],
        links: vec![link("Open queue", "queue"), link("Open host", "host")],
        images: (1..=6).map(picture).collect(),
        ..notice("t")
    }
}

/// The values at this path of the card that a platform makes.
fn found<'c>(card: &'c Value, path: &str) -> Vec<&'c str> {
    at(card, path).into_iter().map(text).collect()
}

#[test]
fn every_chat_shows_what_was_asked_for_how_much_is_done_and_where_a_traceback_ends() {
    let people = all().iter().filter(|one| one.description().coalesces);
    for platform in people {
        let card = platform.layout(&rich(), &context("h"), &target(&["@all"])).to_string();
        for shown in ["a red fox in the snow", "▓▓▓▓▓▓▓░░░ 6/8", "RuntimeError: out of memory"]
        {
            assert!(card.contains(shown), "{platform:?}: no {shown} in {card}");
        }
    }
}

#[test]
fn several_pictures_are_a_gallery_where_a_platform_has_one() {
    for (name, path, count) in [
        ("discord", "embeds.*.image.url", 6),
        ("slack", "attachments.*.blocks.*.image_url", 6),
        ("mattermost", "attachments.*.image_url", 6),
        ("teams", "attachments.*.content.body.*.images.*.url", 6),
        ("googlechat", "cardsV2.*.card.sections.*.widgets.*.grid.items.*.image.imageUri", 6),
        ("telegram", "media.*.media", 6),
        ("pagerduty", "images.*.src", 6),
    ] {
        let card = card_of(name, &rich(), &[]);
        let shown = found(&card, path);
        assert_eq!((shown.len(), shown[0]), (count, "https://cdn.example.com/1.png"), "{name}: {card}");
        let plain = by_name(name).unwrap().degrade(&card, Degradation::NoImage).unwrap();
        assert!(name == "telegram" || found(&plain, path).len() < 2, "{name} without pictures: {plain}");
    }
    for picture in 1..=6 {
        let card = card_of("dingtalk", &rich(), &[]);
        assert!(
            card.to_string().contains(&format!("![frame {picture}](https://cdn.example.com/{picture}.png)"))
        );
    }
}

#[test]
fn four_pictures_of_discord_share_the_address_of_the_message_and_the_next_four_another() {
    let pictures = (1..=12).map(|number| image(&format!("https://cdn.example.com/{number}.png"))).collect();
    let card = card_of("discord", &Notice { images: pictures, ..rich() }, &[]);
    let addresses = found(&card, "embeds.*.url");
    let (own, fifth, ninth) =
        ("https://farm.example.com/queue", "https://cdn.example.com/5.png", "https://cdn.example.com/9.png");
    let groups = [vec![own; 4], vec![fifth; 4], vec![ninth; 2]].concat();
    assert_eq!(addresses, groups);
}

#[test]
fn every_link_is_a_button_where_a_platform_has_buttons() {
    for (name, labels, address) in [
        ("discord", "components.*.components.*.label", "components.*.components.*.url"),
        ("slack", "attachments.*.blocks.*.elements.*.text.text", "attachments.*.blocks.*.elements.*.url"),
        ("teams", "attachments.*.content.actions.*.title", "attachments.*.content.actions.*.url"),
        (
            "googlechat",
            "cardsV2.*.card.sections.*.widgets.*.buttonList.buttons.*.text",
            "cardsV2.*.card.sections.*.widgets.*.buttonList.buttons.*.onClick.openLink.url",
        ),
        ("dingtalk", "actionCard.btns.*.title", "actionCard.btns.*.actionURL"),
        (
            "feishu",
            "card.body.elements.*.columns.*.elements.*.text.content",
            "card.body.elements.*.columns.*.elements.*.behaviors.*.default_url",
        ),
        ("telegram", "reply_markup.inline_keyboard.*.*.text", "reply_markup.inline_keyboard.*.*.url"),
        ("ntfy", "actions.*.label", "actions.*.url"),
        ("pagerduty", "links.*.text", "links.*.href"),
    ] {
        let card = card_of(name, &rich(), &[]);
        assert_eq!(found(&card, labels)[..2], ["Open queue", "Open host"], "{name}: {card}");
        let queue = ["https://farm.example.com/queue", "https://farm.example.com/host"];
        assert_eq!(found(&card, address), queue, "{name}: {card}");
    }
}

#[test]
fn a_plain_form_has_the_address_of_every_button() {
    for name in
        ["slack", "discord", "googlechat", "mattermost", "dingtalk", "feishu", "telegram", "ntfy", "wecom"]
    {
        let rich = Notice { details: None, failures: Vec::new(), tone: Tone::Good, ..rich() };
        let card = card_of(name, &rich, &[]);
        for how in [Degradation::NoMarkup, Degradation::Shorter] {
            let plain = by_name(name).unwrap().degrade(&card, how).unwrap().to_string();
            let addresses = ["https://farm.example.com/queue", "https://farm.example.com/host"];
            let most = if how == Degradation::Shorter { 1 } else { 2 };
            for address in &addresses[..most] {
                assert_eq!(plain.matches(address).count(), 1, "{name} {how:?}: {address} in {plain}");
            }
        }
    }
}

#[test]
fn a_time_is_that_of_its_reader_where_a_platform_can_show_it() {
    for (name, shown) in [
        ("discord", "<t:1700000000:R>"),
        ("slack", "<!date^1700000000^{date_short_pretty} {time}|2023-11-14 22:13:20>"),
        ("telegram", "<tg-time unix=\\\"1700000000\\\" format=\\\"dt\\\">2023-11-14 22:13:20</tg-time>"),
        ("teams", "2023-11-14 22:13:20"),
        ("feishu", "2023-11-14 22:13:20"),
    ] {
        let card = card_of(name, &rich(), &[]).to_string();
        assert!(card.contains(shown), "{name}: no {shown} in {card}");
    }
}

#[test]
fn a_traceback_is_folded_where_a_platform_can_fold() {
    let card = card_of("telegram", &rich(), &[]);
    assert!(text(&card["text"]).contains("<blockquote expandable>File"), "{card}");
    let card = card_of("teams", &rich(), &[]);
    let hidden =
        at(&card, "attachments.*.content.body.*").into_iter().find(|part| part["isVisible"] == false);
    assert!(text(&hidden.unwrap()["text"]).ends_with("RuntimeError: out of memory"), "{card}");
    assert_eq!(
        found(&card, "attachments.*.content.actions.*.targetElements.*"),
        [text(&hidden.unwrap()["id"])]
    );
    let card = card_of("feishu", &rich(), &[]);
    let panel = at(&card, "card.body.elements.*").into_iter().find(|part| part["tag"] == "collapsible_panel");
    assert_eq!(panel.unwrap()["expanded"], false, "{card}");
    let card = card_of("googlechat", &rich(), &[]);
    let section = at(&card, "cardsV2.*.card.sections.*").into_iter().find(|part| part["collapsible"] == true);
    assert_eq!(
        (&section.unwrap()["uncollapsibleWidgetsCount"], &section.unwrap()["header"]),
        (&json!(0), &json!("Details"))
    );
}

#[test]
fn good_news_with_a_picture_are_a_card_of_wecom_unless_somebody_is_pinged() {
    let good = Notice { details: None, failures: Vec::new(), tone: Tone::Good, ..rich() };
    let card = card_of("wecom", &good, &[]);
    let card = &card["template_card"];
    assert_eq!(
        (&card["card_type"], &card["card_image"]["url"]),
        (&json!("news_notice"), &json!("https://cdn.example.com/1.png"))
    );
    assert_eq!(card["card_action"]["url"], "https://farm.example.com/queue");
    assert_eq!(found(card, "jump_list.*.title"), ["Open host"]);
    assert_eq!(card["quote_area"]["quote_text"], "a red fox in the snow");
    let facts = (1..=10).map(|number| fact(&format!("f{number}"), "v")).collect();
    let card = card_of("wecom", &Notice { facts, ..good.clone() }, &[]);
    assert_eq!(found(&card, "template_card.horizontal_content_list.*.keyname").last(), Some(&"f6"));
    assert_eq!(found(&card, "template_card.vertical_content_list.*.title"), ["f7", "f8", "f9", "f10"]);
    assert_eq!(card_of("wecom", &good, &["wangqing"])["msgtype"], "markdown");
    assert_eq!(card_of("wecom", &rich(), &[])["msgtype"], "markdown", "a traceback has no place there");
}

#[test]
fn several_pictures_follow_a_message_of_telegram_without_a_sound() {
    let telegram = to("telegram", "https://api.telegram.org/", &[("chat_id", "-100123"), ("token", "1:ab")]);
    let body = card_of("telegram", &rich(), &[]).to_string();
    let message = message(body.as_bytes(), None);
    let first = telegram.platform.request(&telegram.target, &message);
    assert_eq!(json_of(&String::from_utf8_lossy(&first.body)).get("media"), None);
    let (_, next) = follow_up(&telegram, &message, &["{}"]).unwrap().unwrap();
    let sent = json_of(&String::from_utf8_lossy(&next.body));
    assert_eq!(next.url.path(), "/bot1:ab/sendMediaGroup");
    assert_eq!((&sent["chat_id"], &sent["disable_notification"]), (&json!(-100_123), &json!(true)));
    assert_eq!(sent["media"][5], json!({"type": "photo", "media": "https://cdn.example.com/6.png"}));
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let refuses = played("telegram").unwrap().refuses;
    let taken = |body: &[u8]| refuses(&ReceivedRequest::post(next.url.path(), &headers, body));
    assert_eq!(taken(&next.body), None);
    assert_eq!(
        taken(br#"{"chat_id": 1, "media": [{"type": "photo", "media": "https://a.example/1.png"}]}"#),
        Some("no-photo")
    );
}

#[test]
fn a_success_calls_nobody_and_ends_what_a_batch_opened() {
    let card = |kind: &str, tone| {
        let json = json!({"event": {"id": "evt_01", "type": kind}, "host": {"name": "h", "base_url": "https://farm.example.com"},
                          "batch": {"id": "b 7"}});
        by_name("pagerduty").unwrap().layout(
            &Notice { tone, ..notice("t") },
            &Context::new(json),
            &target(&[]),
        )
    };
    let (stalled, ended) = (card("batch.stalled", Tone::Warn), card("batch.end", Tone::Good));
    assert_eq!((&stalled["event_action"], &ended["event_action"]), (&json!("trigger"), &json!("resolve")));
    assert_eq!(
        (&stalled["dedup_key"], &ended["dedup_key"]),
        (&json!("taskbell/batch/b 7"), &json!("taskbell/batch/b 7"))
    );
    assert_eq!(ended["client_url"], "https://farm.example.com/");
    assert_eq!(card("task.complete", Tone::Good)["event_action"], "resolve");
}

#[test]
fn the_details_of_an_incident_have_the_same_names_in_every_language() {
    let names = |language: &str| {
        let json = json!({"event": {"id": "evt_01", "type": "task.complete"}, "host": {"name": "h", "language": language},
                          "task": {"name": "fox", "status": "error", "duration_s": 3, "error": {"message": "m", "type": "E"}}});
        let card = by_name("pagerduty").unwrap().card(&Context::new(json), &target(&[]));
        let details = card["payload"]["custom_details"].as_object().unwrap().clone();
        details.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names("en"), names("zh"));
}
