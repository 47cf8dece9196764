//! Reads a card from the JSON body of each platform.

use super::markup::{link, unbold, unentity, unslash, untag};
use super::{CardPart, CardPreview, lines, machines};
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
        _ => Some(machines::fields(body)),
    }
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
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
                card.add(CardPart::Text(std::mem::take(&mut free).trim_end().to_owned()));
                card.add(CardPart::Item(item.to_owned()));
            }
            None => {
                free.push_str(line);
                free.push('\n');
            }
        }
    }
    card.add(CardPart::Text(free.trim_end().to_owned()));
}

fn slack(body: &Json) -> CardPreview {
    let mut card = CardPreview::default();
    let title = unentity(text(&body["text"]));
    let attachment = &body["attachments"][0];
    card.style = style_of(text(&attachment["color"]));
    let blocks = if attachment.is_null() { list(&body["blocks"]) } else { list(&attachment["blocks"]) };
    let header = blocks.iter().find(|block| block["type"] == "header").map(|block| &block["text"]["text"]);
    let header = header.map(|header| unentity(text(header))).unwrap_or_default();
    // Mentions stand before the title.
    match title.strip_suffix(header.as_str()) {
        Some(mentions) if !header.is_empty() => card.add(CardPart::Ping(names(mentions))),
        _ => card.add(CardPart::Text(title)),
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
        "header" => card.add(CardPart::Title(shown(&block["text"]))),
        "section" => {
            for field in list(&block["fields"]) {
                let field = shown(field);
                let (label, value) = field.split_once('\n').unwrap_or(("", &field));
                card.add(CardPart::Fact(label.trim_matches('*').to_owned(), value.to_owned()));
            }
            let shown = shown(&block["text"]);
            let heading = shown.strip_prefix('*').and_then(|rest| rest.split_once("*\n"));
            match heading {
                Some((heading, rest)) => {
                    card.add(CardPart::Heading(heading.to_owned()));
                    add_lines(card, rest);
                }
                None => add_lines(card, &shown),
            }
        }
        "image" => card.add(CardPart::Picture(text(&block["image_url"]).to_owned())),
        "rich_text" => {
            for piece in list(&block["elements"]).iter().flat_map(|part| list(&part["elements"])) {
                card.add(CardPart::Text(text(&piece["text"]).to_owned()));
            }
        }
        "actions" => {
            for button in list(&block["elements"]) {
                card.add(CardPart::Link(shown(&button["text"]), text(&button["url"]).to_owned()));
            }
        }
        "context" => {
            let parts: Vec<_> = list(&block["elements"]).iter().map(shown).collect();
            card.add(CardPart::Foot(parts.join(" ")));
        }
        _ => {}
    }
}

fn discord(body: &Json) -> CardPreview {
    let mut card = CardPreview::default();
    let content = text(&body["content"]).to_owned();
    let embeds = list(&body["embeds"]);
    card.add(if embeds.is_empty() { CardPart::Text(content) } else { CardPart::Ping(content) });
    let buttons: Vec<&Json> =
        list(&body["components"]).iter().flat_map(|row| list(&row["components"])).collect();
    for embed in embeds {
        let colour = embed["color"].as_u64().map(|colour| format!("#{colour:06x}"));
        card.style = card.style.or(colour.and_then(|colour| style_of(&colour)));
        card.add(CardPart::Title(unslash(text(&embed["title"]))));
        card.add(CardPart::Text(unslash(text(&embed["description"]))));
        for field in list(&embed["fields"]) {
            let (name, value) = (unslash(text(&field["name"])), unslash(text(&field["value"])));
            if field["inline"] == true {
                card.add(CardPart::Fact(name, value));
            } else {
                card.add(CardPart::Heading(name));
                add_lines(&mut card, &value);
            }
        }
        card.add(CardPart::Picture(text(&embed["image"]["url"]).to_owned()));
        if buttons.is_empty() {
            card.add(CardPart::Link("↗".to_owned(), text(&embed["url"]).to_owned()));
        }
        card.add(CardPart::Foot(text(&embed["footer"]["text"]).to_owned()));
    }
    for button in buttons {
        card.add(CardPart::Link(text(&button["label"]).to_owned(), text(&button["url"]).to_owned()));
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
        let quoted = line.strip_prefix("> ");
        let plain = unbold(&untag(&line.replace("<@", "@")));
        if index == 0 {
            card.style = colour.and_then(style_of);
            card.add(CardPart::Title(plain.trim_start_matches('#').trim().to_owned()));
        } else if let Some((label, url)) = link(line) {
            card.add(CardPart::Link(label, url));
        } else if let Some(quoted) = quoted {
            let colon = if quoted.contains('：') { '：' } else { ':' };
            let plain = unbold(&untag(quoted));
            match quoted.split_once(colon).filter(|(label, _)| !label.contains('<')) {
                Some((label, value)) => {
                    card.add(CardPart::Fact(label.to_owned(), untag(value).trim().to_owned()));
                }
                None => card.add(CardPart::Item(plain)),
            }
        } else if line.starts_with("**") {
            card.add(CardPart::Heading(plain));
        } else if line.starts_with("<@") {
            card.add(CardPart::Ping(line.to_string()));
        } else if index + 1 == lines.len() || colour == Some("comment") {
            card.add(CardPart::Foot(plain));
        } else {
            card.add(CardPart::Text(plain));
        }
    }
    for list_name in ["mentioned_list", "mentioned_mobile_list"] {
        let names: Vec<_> = list(&body["text"][list_name]).iter().map(text).collect();
        card.add(CardPart::Ping(names.join(" ")));
    }
    Some(card)
}

/// A card with a picture.
fn wecom_picture(content: &Json) -> CardPreview {
    let own = |pointer: &str| content.pointer(pointer).map(text).unwrap_or_default().to_owned();
    let mut card = CardPreview { style: Some(Style::Success), ..CardPreview::default() };
    card.add(CardPart::Title(own("/main_title/title")));
    card.add(CardPart::Picture(own("/card_image/url")));
    card.add(CardPart::Text(own("/main_title/desc")));
    card.add(CardPart::Text(own("/quote_area/quote_text")));
    for line in list(&content["horizontal_content_list"]) {
        card.add(CardPart::Fact(text(&line["keyname"]).to_owned(), text(&line["value"]).to_owned()));
    }
    card.add(CardPart::Link("↗".to_owned(), own("/card_action/url")));
    for jump in list(&content["jump_list"]) {
        card.add(CardPart::Link(text(&jump["title"]).to_owned(), text(&jump["url"]).to_owned()));
    }
    card.add(CardPart::Foot(own("/source/desc")));
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
                for item in list(&part["items"]) {
                    card.add(CardPart::Title(unslash(text(&item["text"]))));
                }
            }
            "FactSet" => {
                for fact in list(&part["facts"]) {
                    card.add(CardPart::Fact(unslash(text(&fact["title"])), unslash(text(&fact["value"]))));
                }
            }
            "Image" => card.add(CardPart::Picture(text(&part["url"]).to_owned())),
            "ImageSet" => {
                for image in list(&part["images"]) {
                    card.add(CardPart::Picture(text(&image["url"]).to_owned()));
                }
            }
            _ if index + 1 == parts.len() => card.add(CardPart::Foot(shown)),
            _ if part["weight"] == "Bolder" => card.add(CardPart::Heading(shown)),
            _ if shown.starts_with("<at>") => {
                card.add(CardPart::Ping(shown.replace("<at>", "@").replace("</at>", "")));
            }
            _ => add_lines(&mut card, &shown),
        }
    }
    for action in list(&content["actions"]).iter().filter(|action| action["url"].is_string()) {
        card.add(CardPart::Link(text(&action["title"]).to_owned(), text(&action["url"]).to_owned()));
    }
    Some(card)
}

fn googlechat(body: &Json) -> Option<CardPreview> {
    let mut card = CardPreview::default();
    card.add(CardPart::Ping(text(&body["text"]).to_owned()));
    let content = &body["cardsV2"][0]["card"];
    let title = content["header"]["title"].as_str()?;
    card.style = title.split(' ').next().and_then(style_of);
    card.add(CardPart::Title(title.to_owned()));
    for section in list(&content["sections"]) {
        card.add(CardPart::Heading(text(&section["header"]).to_owned()));
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
    card.add(CardPart::Foot(text(&content["header"]["subtitle"]).to_owned()));
    Some(card)
}

fn googlechat_widget(card: &mut CardPreview, widget: &Json) {
    let paragraph = text(&widget["textParagraph"]["text"]);
    match paragraph.strip_prefix("<b>").and_then(|rest| rest.split_once("</b><br>")) {
        Some((heading, rest)) => {
            card.add(CardPart::Heading(heading.to_owned()));
            add_lines(card, &unentity(&untag(rest)));
        }
        None => add_lines(card, &unentity(&untag(paragraph))),
    }
    for item in list(&widget["grid"]["items"]) {
        card.add(CardPart::Picture(text(&item["image"]["imageUri"]).to_owned()));
    }
    let fact = &widget["decoratedText"];
    card.add(CardPart::Fact(text(&fact["topLabel"]).to_owned(), unentity(&untag(text(&fact["text"])))));
    card.add(CardPart::Picture(text(&widget["image"]["imageUrl"]).to_owned()));
    for button in list(&widget["buttonList"]["buttons"]) {
        let url = text(&button["onClick"]["openLink"]["url"]).to_owned();
        card.add(CardPart::Link(text(&button["text"]).to_owned(), url));
    }
}

fn mattermost(body: &Json) -> Option<CardPreview> {
    let mut card = CardPreview::default();
    let attachment = body["attachments"].get(0)?;
    card.add(CardPart::Ping(text(&body["text"]).to_owned()));
    card.style = style_of(text(&attachment["color"]));
    card.add(CardPart::Title(unslash(text(&attachment["title"]))));
    for piece in text(&attachment["text"]).split("\n\n") {
        match piece.strip_prefix("**").and_then(|rest| rest.split_once("**\n")) {
            Some((heading, rest)) => {
                card.add(CardPart::Heading(heading.to_owned()));
                add_lines(&mut card, &unslash(rest));
            }
            None => card.add(CardPart::Text(unslash(piece))),
        }
    }
    for field in list(&attachment["fields"]) {
        card.add(CardPart::Fact(unslash(text(&field["title"])), unslash(text(&field["value"]))));
    }
    for attachment in list(&body["attachments"]) {
        card.add(CardPart::Picture(text(&attachment["image_url"]).to_owned()));
    }
    card.add(CardPart::Link("↗".to_owned(), text(&attachment["title_link"]).to_owned()));
    card.add(CardPart::Foot(text(&attachment["footer"]).to_owned()));
    Some(card)
}
