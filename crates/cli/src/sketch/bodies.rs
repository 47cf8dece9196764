//! Where each platform's body holds the parts of a card.

use super::super::terminal::Ink;
use super::markup::{link, unbold, unentity, unslash, untag};
use super::{Part, Sketch, lines, machines};
use serde_json::Value as Json;

pub(super) fn read(platform: &str, body: &Json) -> Option<Sketch> {
    match platform {
        "slack" => Some(slack(body)),
        "discord" => Some(discord(body)),
        "wecom" => wecom(body),
        "teams" => teams(body),
        "googlechat" => google_chat(body),
        "mattermost" => mattermost(body),
        "dingtalk" => lines::dingtalk(body),
        "feishu" => lines::feishu(body),
        "telegram" => lines::telegram(body),
        "ntfy" => lines::ntfy(body),
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

/// What a colour says. The cards of Taskbell have one of four.
fn ink(colour: &str) -> Option<Ink> {
    match colour {
        "#2eb67d" | "#3db887" | "good" | "info" | "🟢" => Some(Ink::Good),
        "#e01e5a" | "#d24b4e" | "attention" | "🔴" => Some(Ink::Bad),
        "#ecb22e" | "#ffbc1f" | "warning" | "🟡" => Some(Ink::Doubt),
        _ => None,
    }
}

/// Lines, those with a bullet as items of a list.
fn add_lines(sketch: &mut Sketch, lines: &str) {
    let mut free = String::new();
    for line in lines.lines() {
        match line.strip_prefix("• ").or_else(|| line.strip_prefix("- ")) {
            Some(item) => {
                sketch.add(Part::Text(std::mem::take(&mut free).trim_end().to_owned()));
                sketch.add(Part::Item(item.to_owned()));
            }
            None => {
                free.push_str(line);
                free.push('\n');
            }
        }
    }
    sketch.add(Part::Text(free.trim_end().to_owned()));
}

fn slack(body: &Json) -> Sketch {
    let mut sketch = Sketch::default();
    let title = unentity(text(&body["text"]));
    let attachment = &body["attachments"][0];
    sketch.ink = ink(text(&attachment["color"]));
    let blocks = if attachment.is_null() { list(&body["blocks"]) } else { list(&attachment["blocks"]) };
    let header = blocks.iter().find(|block| block["type"] == "header").map(|block| &block["text"]["text"]);
    let header = header.map(|header| unentity(text(header))).unwrap_or_default();
    // What stands before the title pings.
    match title.strip_suffix(header.as_str()) {
        Some(mentions) if !header.is_empty() => sketch.add(Part::Ping(names(mentions))),
        _ => sketch.add(Part::Text(title)),
    }
    for block in blocks {
        slack_block(&mut sketch, block);
    }
    sketch
}

/// Slack's own marks of mentions, as names.
fn names(mentions: &str) -> String {
    let plain = mentions.replace("<!subteam^", "@").replace("<!", "@").replace("<@", "@");
    plain.replace('>', "").trim().to_owned()
}

fn slack_block(sketch: &mut Sketch, block: &Json) {
    let shown = |value: &Json| unentity(text(&value["text"]));
    match text(&block["type"]) {
        "header" => sketch.add(Part::Title(shown(&block["text"]))),
        "section" => {
            for field in list(&block["fields"]) {
                let field = shown(field);
                let (label, value) = field.split_once('\n').unwrap_or(("", &field));
                sketch.add(Part::Fact(label.trim_matches('*').to_owned(), value.to_owned()));
            }
            let shown = shown(&block["text"]);
            let heading = shown.strip_prefix('*').and_then(|rest| rest.split_once("*\n"));
            match heading {
                Some((heading, rest)) => {
                    sketch.add(Part::Heading(heading.to_owned()));
                    add_lines(sketch, rest);
                }
                None => add_lines(sketch, &shown),
            }
        }
        "image" => sketch.add(Part::Picture(text(&block["image_url"]).to_owned())),
        "actions" => {
            for button in list(&block["elements"]) {
                sketch.add(Part::Link(shown(&button["text"]), text(&button["url"]).to_owned()));
            }
        }
        "context" => {
            let parts: Vec<_> = list(&block["elements"]).iter().map(shown).collect();
            sketch.add(Part::Foot(parts.join(" ")));
        }
        _ => {}
    }
}

fn discord(body: &Json) -> Sketch {
    let mut sketch = Sketch::default();
    let content = text(&body["content"]).to_owned();
    let embeds = list(&body["embeds"]);
    sketch.add(if embeds.is_empty() { Part::Text(content) } else { Part::Ping(content) });
    for embed in embeds {
        let colour = embed["color"].as_u64().map(|colour| format!("#{colour:06x}"));
        sketch.ink = sketch.ink.or(colour.and_then(|colour| ink(&colour)));
        sketch.add(Part::Title(unslash(text(&embed["title"]))));
        sketch.add(Part::Text(unslash(text(&embed["description"]))));
        for field in list(&embed["fields"]) {
            let (name, value) = (unslash(text(&field["name"])), unslash(text(&field["value"])));
            if field["inline"] == true {
                sketch.add(Part::Fact(name, value));
            } else {
                sketch.add(Part::Heading(name));
                add_lines(&mut sketch, &value);
            }
        }
        sketch.add(Part::Picture(text(&embed["image"]["url"]).to_owned()));
        sketch.add(Part::Link("↗".to_owned(), text(&embed["url"]).to_owned()));
        sketch.add(Part::Foot(text(&embed["footer"]["text"]).to_owned()));
    }
    sketch
}

fn wecom(body: &Json) -> Option<Sketch> {
    let mut sketch = Sketch::default();
    let markdown = body["markdown"]["content"].as_str();
    let content = markdown.or_else(|| body["text"]["content"].as_str())?;
    let lines: Vec<&str> = content.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let colour = line.split_once("color=\"").and_then(|(_, rest)| rest.split('"').next());
        let quoted = line.strip_prefix("> ");
        let plain = unbold(&untag(&line.replace("<@", "@")));
        if index == 0 {
            sketch.ink = colour.and_then(ink);
            sketch.add(Part::Title(plain.trim_start_matches('#').trim().to_owned()));
        } else if let Some((label, url)) = link(line) {
            sketch.add(Part::Link(label, url));
        } else if let Some(quoted) = quoted {
            let colon = if quoted.contains('：') { '：' } else { ':' };
            let plain = unbold(&untag(quoted));
            match quoted.split_once(colon).filter(|(label, _)| !label.contains('<')) {
                Some((label, value)) => {
                    sketch.add(Part::Fact(label.to_owned(), untag(value).trim().to_owned()));
                }
                None => sketch.add(Part::Item(plain)),
            }
        } else if line.starts_with("**") {
            sketch.add(Part::Heading(plain));
        } else if line.starts_with("<@") {
            sketch.add(Part::Ping(line.to_string()));
        } else if index + 1 == lines.len() || colour == Some("comment") {
            sketch.add(Part::Foot(plain));
        } else {
            sketch.add(Part::Text(plain));
        }
    }
    for list_name in ["mentioned_list", "mentioned_mobile_list"] {
        let names: Vec<_> = list(&body["text"][list_name]).iter().map(text).collect();
        sketch.add(Part::Ping(names.join(" ")));
    }
    Some(sketch)
}

fn teams(body: &Json) -> Option<Sketch> {
    let mut sketch = Sketch::default();
    let content = &body["attachments"][0]["content"];
    let parts = content["body"].as_array()?;
    for (index, part) in parts.iter().enumerate() {
        let shown = unslash(text(&part["text"])).replace("\n\n", "\n");
        match text(&part["type"]) {
            "Container" => {
                sketch.ink = ink(text(&part["style"]));
                for item in list(&part["items"]) {
                    sketch.add(Part::Title(unslash(text(&item["text"]))));
                }
            }
            "FactSet" => {
                for fact in list(&part["facts"]) {
                    sketch.add(Part::Fact(unslash(text(&fact["title"])), unslash(text(&fact["value"]))));
                }
            }
            "Image" => sketch.add(Part::Picture(text(&part["url"]).to_owned())),
            _ if index + 1 == parts.len() => sketch.add(Part::Foot(shown)),
            _ if part["weight"] == "Bolder" => sketch.add(Part::Heading(shown)),
            _ if shown.starts_with("<at>") => {
                sketch.add(Part::Ping(shown.replace("<at>", "@").replace("</at>", "")));
            }
            _ => add_lines(&mut sketch, &shown),
        }
    }
    for action in list(&content["actions"]) {
        sketch.add(Part::Link(text(&action["title"]).to_owned(), text(&action["url"]).to_owned()));
    }
    Some(sketch)
}

fn google_chat(body: &Json) -> Option<Sketch> {
    let mut sketch = Sketch::default();
    sketch.add(Part::Ping(text(&body["text"]).to_owned()));
    let card = &body["cardsV2"][0]["card"];
    let title = card["header"]["title"].as_str()?;
    sketch.ink = title.split(' ').next().and_then(ink);
    sketch.add(Part::Title(title.to_owned()));
    for widget in list(&card["sections"]).iter().flat_map(|section| list(&section["widgets"])) {
        let paragraph = text(&widget["textParagraph"]["text"]);
        match paragraph.strip_prefix("<b>").and_then(|rest| rest.split_once("</b><br>")) {
            Some((heading, rest)) => {
                sketch.add(Part::Heading(heading.to_owned()));
                add_lines(&mut sketch, &unentity(&untag(rest)));
            }
            None => add_lines(&mut sketch, &unentity(&untag(paragraph))),
        }
        let fact = &widget["decoratedText"];
        sketch.add(Part::Fact(text(&fact["topLabel"]).to_owned(), unentity(&untag(text(&fact["text"])))));
        sketch.add(Part::Picture(text(&widget["image"]["imageUrl"]).to_owned()));
        for button in list(&widget["buttonList"]["buttons"]) {
            let url = text(&button["onClick"]["openLink"]["url"]).to_owned();
            sketch.add(Part::Link(text(&button["text"]).to_owned(), url));
        }
    }
    sketch.add(Part::Foot(text(&card["header"]["subtitle"]).to_owned()));
    Some(sketch)
}

fn mattermost(body: &Json) -> Option<Sketch> {
    let mut sketch = Sketch::default();
    let attachment = body["attachments"].get(0)?;
    sketch.add(Part::Ping(text(&body["text"]).to_owned()));
    sketch.ink = ink(text(&attachment["color"]));
    sketch.add(Part::Title(unslash(text(&attachment["title"]))));
    for piece in text(&attachment["text"]).split("\n\n") {
        match piece.strip_prefix("**").and_then(|rest| rest.split_once("**\n")) {
            Some((heading, rest)) => {
                sketch.add(Part::Heading(heading.to_owned()));
                add_lines(&mut sketch, &unslash(rest));
            }
            None => sketch.add(Part::Text(unslash(piece))),
        }
    }
    for field in list(&attachment["fields"]) {
        sketch.add(Part::Fact(unslash(text(&field["title"])), unslash(text(&field["value"]))));
    }
    sketch.add(Part::Picture(text(&attachment["image_url"]).to_owned()));
    sketch.add(Part::Link("↗".to_owned(), text(&attachment["title_link"]).to_owned()));
    sketch.add(Part::Foot(text(&attachment["footer"]).to_owned()));
    Some(sketch)
}
