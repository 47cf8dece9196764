//! Reads a card from the JSON body of each platform.

use super::markup::{link, unbold, unentity, unslash, untag};
use super::{CardPreview, PartKind, described, lines, list, machines, text};
use crate::terminal::Style;
use serde_json::Value as Json;

pub(super) fn read(platform: &str, body: &Json) -> Option<CardPreview> {
    match platform {
        "slack" | "slack-bot" => Some(slack(body)),
        "discord" => Some(discord(body)),
        "wecom" => wecom(body),
        "teams" => teams(body),
        "googlechat" => googlechat(body),
        "mattermost" => mattermost(body),
        "dingtalk" => lines::dingtalk(body),
        "feishu" => lines::feishu(body),
        "telegram" => lines::telegram(body),
        "ntfy" => lines::ntfy(body),
        "email" => lines::email(body),
        "json" | "cloudevents" => Some(machines::event(body)),
        "pagerduty" => Some(machines::pagerduty(body)),
        "github" => Some(machines::github(body)),
        "gitlab" => machines::gitlab(body),
        _ => described::read(platform, body).or_else(|| Some(machines::fields(body))),
    }
}

fn style_of(colour: &str) -> Option<Style> {
    match colour {
        "#2eb67d" | "#3db887" | "good" | "info" | "🟢" => Some(Style::Success),
        "#e01e5a" | "#d24b4e" | "attention" | "🔴" => Some(Style::Error),
        "#ecb22e" | "#ffbc1f" | "warning" | "🟡" => Some(Style::Warning),
        _ => None,
    }
}

/// Adds lines; those with a bullet are items of a list.
fn add_lines(card: &mut CardPreview, lines: &str) {
    let mut free = String::new();
    for line in lines.lines() {
        match line.strip_prefix("• ").or_else(|| line.strip_prefix("- ")) {
            Some(item) => {
                card.add(PartKind::Text, std::mem::take(&mut free).trim_end());
                card.add(PartKind::Item, item);
            }
            None => {
                free.push_str(line);
                free.push('\n');
            }
        }
    }
    card.add(PartKind::Text, free.trim_end());
}

/// Adds lines below the heading that they begin with, where one is between these marks.
fn add_section(card: &mut CardPreview, section: &str, marks: [&str; 2], plain: fn(&str) -> String) {
    match section.strip_prefix(marks[0]).and_then(|rest| rest.split_once(marks[1])) {
        Some((heading, rest)) => {
            card.add(PartKind::Heading, heading);
            add_lines(card, &plain(rest));
        }
        None => add_lines(card, &plain(section)),
    }
}

fn slack(body: &Json) -> CardPreview {
    let title = unentity(text(&body["text"]));
    let attachment = &body["attachments"][0];
    let mut card = CardPreview::styled(style_of(text(&attachment["color"])));
    let blocks = list(if attachment.is_null() { &body["blocks"] } else { &attachment["blocks"] });
    let header = blocks.iter().find(|block| block["type"] == "header").map(|block| &block["text"]["text"]);
    let header = header.map(|header| unentity(text(header))).unwrap_or_default();
    // Mentions stand before the title.
    match title.strip_suffix(header.as_str()) {
        Some(mentions) if !header.is_empty() => card.add(PartKind::Ping, names(mentions)),
        _ => card.add(PartKind::Text, title),
    }
    for block in blocks {
        slack_block(&mut card, block);
    }
    card
}

fn names(mentions: &str) -> String {
    let plain = mentions.replace("<!subteam^", "@").replace("<!", "@").replace("<@", "@");
    plain.replace('>', "").trim().to_owned()
}

fn slack_block(card: &mut CardPreview, block: &Json) {
    let shown = |value: &Json| unentity(text(&value["text"]));
    match text(&block["type"]) {
        "header" => card.add(PartKind::Title, shown(&block["text"])),
        "section" => {
            for field in list(&block["fields"]).iter().map(shown) {
                let (label, value) = field.split_once('\n').unwrap_or(("", &field));
                card.add_labelled(PartKind::Fact, label.trim_matches('*'), value);
            }
            add_section(card, &shown(&block["text"]), ["*", "*\n"], str::to_owned);
        }
        "image" => card.add(PartKind::Picture, text(&block["image_url"])),
        "rich_text" => {
            for part in list(&block["elements"]) {
                card.add_list(PartKind::Text, &part["elements"], "", "/text", str::to_owned);
            }
        }
        "actions" => {
            for button in list(&block["elements"]) {
                card.add_labelled(PartKind::Link, shown(&button["text"]), text(&button["url"]));
            }
        }
        "context" => {
            let parts: Vec<_> = list(&block["elements"]).iter().map(shown).collect();
            card.add(PartKind::Foot, parts.join(" "));
        }
        _ => {}
    }
}

fn discord(body: &Json) -> CardPreview {
    let mut card = CardPreview::default();
    let (embeds, rows) = (list(&body["embeds"]), list(&body["components"]));
    card.add(if embeds.is_empty() { PartKind::Text } else { PartKind::Ping }, text(&body["content"]));
    for embed in embeds {
        let colour = embed["color"].as_u64().map(|colour| format!("#{colour:06x}"));
        card.style = card.style.or(colour.and_then(|colour| style_of(&colour)));
        card.add(PartKind::Title, unslash(text(&embed["title"])));
        card.add(PartKind::Text, unslash(text(&embed["description"])));
        for field in list(&embed["fields"]) {
            let (name, value) = (unslash(text(&field["name"])), unslash(text(&field["value"])));
            if field["inline"] == true {
                card.add_labelled(PartKind::Fact, name, value);
            } else {
                card.add(PartKind::Heading, name);
                add_lines(&mut card, &value);
            }
        }
        card.add(PartKind::Picture, text(&embed["image"]["url"]));
        if rows.iter().all(|row| list(&row["components"]).is_empty()) {
            card.add_labelled(PartKind::Link, "↗", text(&embed["url"]));
        }
        card.add(PartKind::Foot, text(&embed["footer"]["text"]));
    }
    for row in rows {
        card.add_list(PartKind::Link, &row["components"], "/label", "/url", str::to_owned);
    }
    card
}

fn wecom(body: &Json) -> Option<CardPreview> {
    if body["template_card"].is_object() {
        return Some(wecom_picture(&body["template_card"]));
    }
    let mut card = CardPreview::default();
    let markdown = body["markdown"]["content"].as_str();
    let content = markdown.or_else(|| body["text"]["content"].as_str())?;
    let lines: Vec<&str> = content.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let colour = line.split_once("color=\"").and_then(|(_, rest)| rest.split('"').next());
        let plain = unbold(&untag(&line.replace("<@", "@")));
        if index == 0 {
            card.style = colour.and_then(style_of);
            card.add(PartKind::Title, plain.trim_start_matches('#').trim());
        } else if let Some((label, url)) = link(line) {
            card.add_labelled(PartKind::Link, label, url);
        } else if let Some(quoted) = line.strip_prefix("> ") {
            let colon = if quoted.contains('：') { '：' } else { ':' };
            match quoted.split_once(colon).filter(|(label, _)| !label.contains('<')) {
                Some((label, value)) => card.add_labelled(PartKind::Fact, label, untag(value).trim()),
                None => card.add(PartKind::Item, unbold(&untag(quoted))),
            }
        } else if line.starts_with("**") {
            card.add(PartKind::Heading, plain);
        } else if line.starts_with("<@") {
            card.add(PartKind::Ping, *line);
        } else if index + 1 == lines.len() || colour == Some("comment") {
            card.add(PartKind::Foot, plain);
        } else {
            card.add(PartKind::Text, plain);
        }
    }
    for list_name in ["mentioned_list", "mentioned_mobile_list"] {
        let names: Vec<_> = list(&body["text"][list_name]).iter().map(text).collect();
        card.add(PartKind::Ping, names.join(" "));
    }
    Some(card)
}

/// A card with a picture.
fn wecom_picture(content: &Json) -> CardPreview {
    let mut card = CardPreview::styled(Some(Style::Success));
    card.add(PartKind::Title, text(&content["main_title"]["title"]));
    card.add(PartKind::Picture, text(&content["card_image"]["url"]));
    card.add(PartKind::Text, text(&content["main_title"]["desc"]));
    card.add(PartKind::Text, text(&content["quote_area"]["quote_text"]));
    card.add_list(PartKind::Fact, &content["horizontal_content_list"], "/keyname", "/value", str::to_owned);
    card.add_list(PartKind::Fact, &content["vertical_content_list"], "/title", "/desc", str::to_owned);
    card.add_labelled(PartKind::Link, "↗", text(&content["card_action"]["url"]));
    card.add_list(PartKind::Link, &content["jump_list"], "/title", "/url", str::to_owned);
    card.add(PartKind::Foot, text(&content["source"]["desc"]));
    card
}

fn teams(body: &Json) -> Option<CardPreview> {
    let mut card = CardPreview::default();
    let content = &body["attachments"][0]["content"];
    let parts = content["body"].as_array()?;
    for (index, part) in parts.iter().enumerate() {
        let shown = unslash(text(&part["text"])).replace("\n\n", "\n");
        match text(&part["type"]) {
            "Container" => {
                card.style = style_of(text(&part["style"]));
                card.add_list(PartKind::Title, &part["items"], "", "/text", unslash);
            }
            "FactSet" => card.add_list(PartKind::Fact, &part["facts"], "/title", "/value", unslash),
            "Image" => card.add(PartKind::Picture, text(&part["url"])),
            "ImageSet" => card.add_list(PartKind::Picture, &part["images"], "", "/url", str::to_owned),
            _ if index + 1 == parts.len() => card.add(PartKind::Foot, shown),
            _ if part["weight"] == "Bolder" => card.add(PartKind::Heading, shown),
            _ if shown.starts_with("<at>") => {
                card.add(PartKind::Ping, shown.replace("<at>", "@").replace("</at>", ""));
            }
            _ => add_lines(&mut card, &shown),
        }
    }
    card.add_list(PartKind::Link, &content["actions"], "/title", "/url", str::to_owned);
    Some(card)
}

fn googlechat(body: &Json) -> Option<CardPreview> {
    let content = &body["cardsV2"][0]["card"];
    let title = content["header"]["title"].as_str()?;
    let mut card = CardPreview::styled(title.split(' ').next().and_then(style_of));
    card.add(PartKind::Ping, text(&body["text"]));
    card.add(PartKind::Title, title);
    for section in list(&content["sections"]) {
        card.add(PartKind::Heading, text(&section["header"]));
        for widget in list(&section["widgets"]) {
            match list(&widget["columns"]["columnItems"]) {
                [] => googlechat_widget(&mut card, widget),
                columns => columns
                    .iter()
                    .flat_map(|column| list(&column["widgets"]))
                    .for_each(|widget| googlechat_widget(&mut card, widget)),
            }
        }
    }
    card.add(PartKind::Foot, text(&content["header"]["subtitle"]));
    Some(card)
}

fn googlechat_widget(card: &mut CardPreview, widget: &Json) {
    let plain = |text: &str| unentity(&untag(text));
    add_section(card, text(&widget["textParagraph"]["text"]), ["<b>", "</b><br>"], plain);
    card.add_list(PartKind::Picture, &widget["grid"]["items"], "", "/image/imageUri", str::to_owned);
    let fact = &widget["decoratedText"];
    card.add_labelled(PartKind::Fact, text(&fact["topLabel"]), plain(text(&fact["text"])));
    card.add(PartKind::Picture, text(&widget["image"]["imageUrl"]));
    let buttons = &widget["buttonList"]["buttons"];
    card.add_list(PartKind::Link, buttons, "/text", "/onClick/openLink/url", str::to_owned);
}

fn mattermost(body: &Json) -> Option<CardPreview> {
    let attachment = body["attachments"].get(0)?;
    let mut card = CardPreview::styled(style_of(text(&attachment["color"])));
    card.add(PartKind::Ping, text(&body["text"]));
    card.add(PartKind::Title, unslash(text(&attachment["title"])));
    for piece in text(&attachment["text"]).split("\n\n") {
        if piece.starts_with("**") {
            add_section(&mut card, piece, ["**", "**\n"], unslash);
        } else {
            card.add(PartKind::Text, unslash(piece));
        }
    }
    card.add_list(PartKind::Fact, &attachment["fields"], "/title", "/value", unslash);
    card.add_list(PartKind::Picture, &body["attachments"], "", "/image_url", str::to_owned);
    card.add_labelled(PartKind::Link, "↗", text(&attachment["title_link"]));
    card.add(PartKind::Foot, text(&attachment["footer"]));
    Some(card)
}
