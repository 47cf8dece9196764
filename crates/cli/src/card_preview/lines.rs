//! Reads a card from a text with one part a line.

use super::markup::{links, picture, unbold, unentity, unslash, untag};
use super::{CardPart, CardPreview};
use crate::terminal::Style;
use serde_json::Value as Json;

struct Marks {
    /// Before a label and its value.
    fact: &'static str,
    /// Before a line of a list.
    item: &'static str,
    shown: fn(&str) -> String,
}

pub(super) fn dingtalk(body: &Json) -> Option<CardPreview> {
    let marked = body["markdown"]["text"].as_str().or_else(|| body["actionCard"]["text"].as_str());
    let text = marked.or_else(|| body["text"]["content"].as_str())?;
    let marks = Marks { fact: "- ", item: "> ", shown: |text| unbold(&unslash(&untag(text))) };
    let mut card = CardPreview::default();
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    let title = title.trim_start_matches('#').trim();
    card.style = title.split(' ').next().and_then(style_of);
    card.add(CardPart::Title((marks.shown)(title)));
    add(&mut card, rest, &marks);
    for button in body["actionCard"]["btns"].as_array().into_iter().flatten() {
        add_link(&mut card, &button["title"], &button["actionURL"]);
    }
    Some(card)
}

fn add_link(card: &mut CardPreview, label: &Json, url: &Json) {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    card.add(CardPart::Link(text(label), text(url)));
}

pub(super) fn feishu(body: &Json) -> Option<CardPreview> {
    let mut card = CardPreview::default();
    let content = &body["card"];
    let Some(title) = content["header"]["title"]["content"].as_str() else {
        card.add(CardPart::Text(body["content"]["text"].as_str()?.to_owned()));
        return Some(card);
    };
    card.style = content["header"]["template"].as_str().and_then(style_of);
    card.add(CardPart::Title(title.to_owned()));
    let marks = Marks { fact: "**", item: "- ", shown: |text| unbold(&unentity(&untag(text))) };
    let elements = content["body"]["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some((foot, parts)) = elements.split_last() {
        parts.iter().for_each(|part| feishu_part(&mut card, part, &marks));
        add(&mut card, foot["content"].as_str().unwrap_or_default(), &marks);
    }
    Some(card)
}

fn feishu_part(card: &mut CardPreview, part: &Json, marks: &Marks) {
    match part["tag"].as_str().unwrap_or_default() {
        "button" => add_link(card, &part["text"]["content"], &part["behaviors"][0]["default_url"]),
        "markdown" => {
            let content = part["content"].as_str().unwrap_or_default();
            let fact = content.strip_prefix("**").and_then(|rest| rest.split_once("**\n"));
            match fact.filter(|(_, rest)| !rest.starts_with(marks.item)) {
                Some((label, value)) => {
                    card.add(CardPart::Fact((marks.shown)(label), (marks.shown)(value)));
                }
                None => add_parts(card, content.lines().collect(), None, marks),
            }
        }
        _ => {
            let title = part["header"]["title"]["content"].as_str().unwrap_or_default();
            card.add(CardPart::Heading(title.to_owned()));
            for inner in ["columns", "elements"].iter().filter_map(|name| part[*name].as_array()).flatten() {
                feishu_part(card, inner, marks);
            }
        }
    }
}

pub(super) fn telegram(body: &Json) -> Option<CardPreview> {
    let text = body["text"].as_str().or_else(|| body["caption"].as_str())?;
    // The tags of a card, as the marks of the other platforms.
    let marked = text.replace("<b>", "**").replace("</b>", "**").replace("<a href=\"", "\u{1}");
    let mut lines = String::new();
    for (index, piece) in marked.split('\u{1}').enumerate() {
        match piece.split_once("\">").and_then(|(url, rest)| Some((url, rest.split_once("</a>")?))) {
            Some((url, (label, rest))) if index > 0 => lines.push_str(&format!("[{label}]({url}){rest}")),
            _ => lines.push_str(piece),
        }
    }
    let marks = Marks { fact: "**", item: "• ", shown: |text| unbold(&unentity(&untag(text))) };
    let mut card = CardPreview::default();
    for photo in body["media"].as_array().into_iter().flatten() {
        card.add(CardPart::Picture(photo["media"].as_str().unwrap_or_default().to_owned()));
    }
    let preview = &body["link_preview_options"];
    if preview["show_above_text"] == true {
        card.add(CardPart::Picture(preview["url"].as_str().unwrap_or_default().to_owned()));
    }
    let (title, rest) = lines.split_once('\n').unwrap_or((&lines, ""));
    card.style = title.split(' ').next().and_then(style_of);
    card.add(CardPart::Title((marks.shown)(title)));
    add(&mut card, rest, &marks);
    for button in body["reply_markup"]["inline_keyboard"][0].as_array().into_iter().flatten() {
        add_link(&mut card, &button["text"], &button["url"]);
    }
    Some(card)
}

pub(super) fn ntfy(body: &Json) -> Option<CardPreview> {
    let mut card =
        CardPreview { style: body["tags"][0].as_str().and_then(style_of), ..CardPreview::default() };
    card.add(CardPart::Title(body["title"].as_str()?.to_owned()));
    let marks = Marks { fact: "", item: "• ", shown: str::to_owned };
    add(&mut card, body["message"].as_str().unwrap_or_default(), &marks);
    card.add(CardPart::Picture(body["attach"].as_str().unwrap_or_default().to_owned()));
    for action in body["actions"].as_array().into_iter().flatten() {
        add_link(&mut card, &action["label"], &action["url"]);
    }
    Some(card)
}

/// The text of a mail, which says what its HTML shows.
pub(super) fn email(body: &Json) -> Option<CardPreview> {
    let subject = body["subject"].as_str()?;
    let style = subject.split(' ').next().and_then(style_of);
    let mut card = CardPreview { style, ..CardPreview::default() };
    card.add(CardPart::Title(subject.to_owned()));
    let marks = Marks { fact: "", item: "• ", shown: str::to_owned };
    add(&mut card, body["text"].as_str().unwrap_or_default(), &marks);
    for part in &mut card.parts {
        match part {
            CardPart::Fact(label, url) if url.starts_with("https://") || url.starts_with("http://") => {
                *part = CardPart::Link(std::mem::take(label), std::mem::take(url));
            }
            _ => {}
        }
    }
    let shown = body["html"].as_str().unwrap_or_default().split("<img src=\"").skip(1);
    for picture in shown.filter_map(|rest| rest.split('"').next()) {
        card.add(CardPart::Picture(unentity(picture)));
    }
    for file in body["attached"].as_array().into_iter().flatten() {
        card.add(CardPart::Picture(file["name"].as_str().unwrap_or_default().to_owned()));
    }
    Some(card)
}

/// The style of a sign, a colour or a tag.
fn style_of(sign: &str) -> Option<Style> {
    match sign {
        "✅" | "green" | "white_check_mark" => Some(Style::Success),
        "❌" | "🔴" | "red" | "x" | "rotating_light" => Some(Style::Error),
        "⚠️" | "orange" | "yellow" | "warning" => Some(Style::Warning),
        _ => None,
    }
}

fn add(card: &mut CardPreview, text: &str, marks: &Marks) {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    // Mentions follow the foot.
    let foot = lines.iter().rposition(|line| !is_ping(line));
    add_parts(card, lines, foot, marks);
}

fn is_ping(line: &str) -> bool {
    line.split(' ').all(|word| word.starts_with('@') || word.starts_with("<at"))
}

/// `foot` is the place of the line at the foot, if it is among these.
fn add_parts(card: &mut CardPreview, lines: Vec<&str>, foot: Option<usize>, marks: &Marks) {
    let mut free = String::new();
    for (index, line) in lines.iter().enumerate() {
        let shown = (marks.shown)(line);
        let part = if is_ping(line) {
            CardPart::Ping(shown)
        } else if Some(index) == foot {
            CardPart::Foot(shown)
        } else if let Some(url) = picture(line) {
            CardPart::Picture(url)
        } else if let Some(links) = links(line) {
            card.add(CardPart::Text(std::mem::take(&mut free)));
            links.into_iter().for_each(|(label, url)| card.add(CardPart::Link((marks.shown)(&label), url)));
            continue;
        } else if let Some(item) = line.strip_prefix(marks.item) {
            CardPart::Item((marks.shown)(item))
        } else if let Some((label, value)) = line.strip_prefix(marks.fact).and_then(labelled) {
            CardPart::Fact((marks.shown)(label), (marks.shown)(value))
        } else {
            if !free.is_empty() {
                free.push('\n');
            }
            free.push_str(&shown);
            continue;
        };
        card.add(CardPart::Text(std::mem::take(&mut free)));
        card.add(part);
    }
    card.add(CardPart::Text(free));
}

/// A label and its value, split at the first colon of either language. A colon without a space is part of an address
/// or a time.
fn labelled(line: &str) -> Option<(&str, &str)> {
    line.split_once(": ").or_else(|| line.split_once('：'))
}
