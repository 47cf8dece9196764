//! Reads a card from a text with one part a line.

use super::markup::{links, picture, unbold, unentity, unslash, untag};
use super::{CardPreview, PartKind, list, text};
use crate::terminal::Style;
use serde_json::Value as Json;

pub(super) struct Marks {
    /// Before a label and its value.
    pub fact: &'static str,
    /// Before a line of a list.
    pub item: &'static str,
    pub shown: fn(&str) -> String,
}

const PLAIN: Marks = Marks { fact: "", item: "• ", shown: str::to_owned };

/// A card that begins with its title, behind a sign.
fn titled(title: &str, marks: &Marks) -> CardPreview {
    let title = (marks.shown)(title);
    let mut card = CardPreview::styled(title.split(' ').next().and_then(style_of));
    card.add(PartKind::Title, title);
    card
}

/// A card without a foot, whose mentions stand before its title.
pub(super) fn marked(text: &str, marks: &Marks) -> CardPreview {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    let pings: Vec<&str> = std::iter::from_fn(|| lines.next_if(|line| is_ping(line))).collect();
    let mut card = titled(lines.next().unwrap_or_default(), marks);
    while let Some(heading) = lines.next_if(|line| line.starts_with("**") && line.ends_with("**")) {
        card.add(PartKind::Heading, (marks.shown)(heading));
    }
    add_parts(&mut card, lines.collect(), None, marks);
    let mut before = CardPreview::default();
    add_parts(&mut before, pings, None, marks);
    card.parts.splice(0..0, before.parts);
    card
}

/// HTML with lines, bold texts, links and pictures as Markdown writes them. A link of a name is a mention.
pub(super) fn from_html(html: &str) -> String {
    let marked = html.replace("<br>", "\n").replace("<b>", "**").replace("</b>", "**");
    let mut lines = String::new();
    for (index, piece) in marked.replace("<a href=\"", "\u{1}").split('\u{1}').enumerate() {
        match piece.split_once("\">").and_then(|(url, rest)| Some((url, rest.split_once("</a>")?))) {
            Some((_, (name, rest))) if index > 0 && name.starts_with('@') => {
                lines.push_str(&format!("{name}{rest}"))
            }
            Some((url, (label, rest))) if index > 0 => lines.push_str(&format!("[{label}]({url}){rest}")),
            _ => lines.push_str(piece),
        }
    }
    let mut pieces = lines.split("<img src=\"");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for (url, rest) in pieces.filter_map(|piece| piece.split_once("\">")) {
        shown.push_str(&format!("![]({url}){rest}"));
    }
    shown
}

pub(super) fn dingtalk(body: &Json) -> Option<CardPreview> {
    let marked = body["markdown"]["text"].as_str().or_else(|| body["actionCard"]["text"].as_str());
    let text = marked.or_else(|| body["text"]["content"].as_str())?;
    let marks = Marks { fact: "- ", item: "> ", shown: |text| unbold(&unslash(&untag(text))) };
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut card = titled(title.trim_start_matches('#').trim(), &marks);
    add(&mut card, rest, &marks);
    card.add_list(PartKind::Link, &body["actionCard"]["btns"], "/title", "/actionURL", str::to_owned);
    Some(card)
}

pub(super) fn feishu(body: &Json) -> Option<CardPreview> {
    let content = &body["card"];
    let Some(title) = content["header"]["title"]["content"].as_str() else {
        let mut card = CardPreview::default();
        card.add(PartKind::Text, body["content"]["text"].as_str()?);
        return Some(card);
    };
    let mut card = CardPreview::styled(style_of(text(&content["header"]["template"])));
    card.add(PartKind::Title, title);
    let marks = Marks { fact: "**", item: "- ", shown: |text| unbold(&unentity(&untag(text))) };
    if let Some((foot, parts)) = list(&content["body"]["elements"]).split_last() {
        parts.iter().for_each(|part| feishu_part(&mut card, part, &marks));
        add(&mut card, text(&foot["content"]), &marks);
    }
    Some(card)
}

fn feishu_part(card: &mut CardPreview, part: &Json, marks: &Marks) {
    match text(&part["tag"]) {
        "button" => {
            let url = text(&part["behaviors"][0]["default_url"]);
            card.add_labelled(PartKind::Link, text(&part["text"]["content"]), url);
        }
        "markdown" => {
            let content = text(&part["content"]);
            let fact = content.strip_prefix("**").and_then(|rest| rest.split_once("**\n"));
            match fact.filter(|(_, rest)| !rest.starts_with(marks.item)) {
                Some((label, value)) => {
                    card.add_labelled(PartKind::Fact, (marks.shown)(label), (marks.shown)(value));
                }
                None => add_parts(card, content.lines().collect(), None, marks),
            }
        }
        _ => {
            card.add(PartKind::Heading, text(&part["header"]["title"]["content"]));
            for inner in list(&part["columns"]).iter().chain(list(&part["elements"])) {
                feishu_part(card, inner, marks);
            }
        }
    }
}

pub(super) fn telegram(body: &Json) -> Option<CardPreview> {
    let marked = body["text"].as_str().or_else(|| body["caption"].as_str())?;
    let lines = from_html(marked);
    let marks = Marks { fact: "**", item: "• ", shown: |text| unbold(&unentity(&untag(text))) };
    let mut pictures = CardPreview::default();
    pictures.add_list(PartKind::Picture, &body["media"], "", "/media", str::to_owned);
    let preview = &body["link_preview_options"];
    if preview["show_above_text"] == true {
        pictures.add(PartKind::Picture, text(&preview["url"]));
    }
    let (title, rest) = lines.split_once('\n').unwrap_or((&lines, ""));
    let mut card = titled(title, &marks);
    card.parts.splice(0..0, pictures.parts);
    add(&mut card, rest, &marks);
    let buttons = &body["reply_markup"]["inline_keyboard"][0];
    card.add_list(PartKind::Link, buttons, "/text", "/url", str::to_owned);
    Some(card)
}

pub(super) fn ntfy(body: &Json) -> Option<CardPreview> {
    let mut card = CardPreview::styled(style_of(text(&body["tags"][0])));
    card.add(PartKind::Title, body["title"].as_str()?);
    add(&mut card, text(&body["message"]), &PLAIN);
    card.add(PartKind::Picture, text(&body["attach"]));
    card.add_list(PartKind::Link, &body["actions"], "/label", "/url", str::to_owned);
    Some(card)
}

/// The text of a mail, which says what its HTML shows.
pub(super) fn email(body: &Json) -> Option<CardPreview> {
    let mut card = titled(body["subject"].as_str()?, &PLAIN);
    add(&mut card, text(&body["text"]), &PLAIN);
    for part in &mut card.parts {
        let is_url = part.text.starts_with("https://") || part.text.starts_with("http://");
        if part.kind == PartKind::Fact && is_url {
            part.kind = PartKind::Link;
        }
    }
    let shown = text(&body["html"]).split("<img src=\"").skip(1);
    for picture in shown.filter_map(|rest| rest.split('"').next()) {
        card.add(PartKind::Picture, unentity(picture));
    }
    card.add_list(PartKind::Picture, &body["attached"], "", "/name", str::to_owned);
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
    // A name with blanks stands between signs.
    let is_bold = line.starts_with("@**") && line.ends_with("**");
    is_bold || line.split(' ').all(|word| word.starts_with('@') || word.starts_with("<at"))
}

/// `foot` is the place of the line at the foot, if it is among these.
fn add_parts(card: &mut CardPreview, lines: Vec<&str>, foot: Option<usize>, marks: &Marks) {
    let mut free = String::new();
    for (index, line) in lines.iter().enumerate() {
        let shown = (marks.shown)(line);
        let (kind, label, shown) = if is_ping(line) {
            (PartKind::Ping, String::new(), shown)
        } else if Some(index) == foot {
            (PartKind::Foot, String::new(), shown)
        } else if let Some(url) = picture(line) {
            (PartKind::Picture, String::new(), url)
        } else if let Some(links) = links(line) {
            card.add(PartKind::Text, std::mem::take(&mut free));
            for (label, url) in links {
                card.add_labelled(PartKind::Link, (marks.shown)(&label), url);
            }
            continue;
        } else if let Some(item) = line.strip_prefix(marks.item) {
            (PartKind::Item, String::new(), (marks.shown)(item))
        } else if let Some((label, value)) = line.strip_prefix(marks.fact).and_then(labelled) {
            (PartKind::Fact, (marks.shown)(label), (marks.shown)(value))
        } else {
            if !free.is_empty() {
                free.push('\n');
            }
            free.push_str(&shown);
            continue;
        };
        card.add(PartKind::Text, std::mem::take(&mut free));
        card.add_labelled(kind, label, shown);
    }
    card.add(PartKind::Text, free);
}

/// A label and its value, split at the first colon of either language. A colon without a space is part of an address
/// or a time.
fn labelled(line: &str) -> Option<(&str, &str)> {
    line.split_once(": ").or_else(|| line.split_once('：'))
}
