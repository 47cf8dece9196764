//! A card as its reader would see it, read back from the body that would be sent. This shows what the limits and
//! the markup of the platform leave of it, which the event does not.

mod bodies;
mod lines;
mod machines;
mod markup;

use super::terminal::{Style, Terminal, harmless, one_line};
use super::wrap::flow;
use serde_json::{Value as Json, json};
use std::io;
use unicode_width::UnicodeWidthStr;

/// A part of a card, in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardPart {
    /// Whom the card mentions.
    Ping(String),
    Title(String),
    Heading(String),
    Text(String),
    Fact(String, String),
    Item(String),
    Link(String, String),
    Picture(String),
    Foot(String),
}

/// A card as its platform shows it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CardPreview {
    /// The style of the card's colour; `None` for a card without one.
    pub style: Option<Style>,
    /// From top to bottom.
    pub parts: Vec<CardPart>,
}

/// Reads the card of this platform from a body; `None` for a body without one, such as a template's.
pub fn read(platform: &str, body: &Json) -> Option<CardPreview> {
    bodies::read(platform, body).filter(|card| !card.parts.is_empty())
}

impl CardPreview {
    fn add(&mut self, part: CardPart) {
        let text = match &part {
            CardPart::Fact(_, text) | CardPart::Link(_, text) => text,
            CardPart::Ping(text)
            | CardPart::Title(text)
            | CardPart::Heading(text)
            | CardPart::Text(text)
            | CardPart::Item(text)
            | CardPart::Picture(text)
            | CardPart::Foot(text) => text,
        };
        if !text.trim().is_empty() {
            self.parts.push(part);
        }
    }

    /// Draws it with a bar on its left, as wide as the terminal.
    pub fn draw(&self, by: usize, terminal: &mut Terminal) -> io::Result<()> {
        let style = self.style.unwrap_or(Style::Name);
        let bar = format!("{}{} ", " ".repeat(by), terminal.paint(style, "┃"));
        let width = terminal.columns() - by - 2;
        let widest = self.parts.iter().filter_map(label_width).max().unwrap_or_default();
        let frame = Frame { width, label: widest.min(width / 3), style };
        let mut before: Option<&CardPart> = None;
        for part in &self.parts {
            if before.is_some_and(|before| separated(before, part)) {
                terminal.exact(bar.trim_end())?;
            }
            for line in lines(part, &frame, terminal) {
                terminal.exact(format!("{bar}{line}").trim_end())?;
            }
            before = Some(part);
        }
        Ok(())
    }

    /// As JSON: `ink` and `parts`, each with its kind.
    pub fn to_json(&self) -> Json {
        let part = |part: &CardPart| match part {
            CardPart::Ping(text) => json!({"kind": "ping", "text": text}),
            CardPart::Title(text) => json!({"kind": "title", "text": text}),
            CardPart::Heading(text) => json!({"kind": "heading", "text": text}),
            CardPart::Text(text) => json!({"kind": "text", "text": text}),
            CardPart::Fact(label, text) => json!({"kind": "fact", "label": label, "text": text}),
            CardPart::Item(text) => json!({"kind": "item", "text": text}),
            CardPart::Link(label, url) => json!({"kind": "link", "label": label, "text": url}),
            CardPart::Picture(url) => json!({"kind": "picture", "text": url}),
            CardPart::Foot(text) => json!({"kind": "foot", "text": text}),
        };
        let style = self.style.map(|style| match style {
            Style::Success => "good",
            Style::Error => "bad",
            Style::Warning => "warn",
            _ => "neutral",
        });
        json!({"ink": style, "parts": self.parts.iter().map(part).collect::<Vec<_>>()})
    }
}

fn label_width(part: &CardPart) -> Option<usize> {
    match part {
        CardPart::Fact(label, _) => Some(label.width().min(24)),
        _ => None,
    }
}

/// Facts, items and links stand together; an empty line separates other parts.
fn separated(before: &CardPart, part: &CardPart) -> bool {
    !matches!(
        (before, part),
        (CardPart::Fact(..), CardPart::Fact(..))
            | (CardPart::Item(_) | CardPart::Heading(_), CardPart::Item(_))
            | (CardPart::Link(..) | CardPart::Picture(_), CardPart::Link(..) | CardPart::Picture(_))
            | (CardPart::Ping(_), CardPart::Title(_))
    )
}

struct Frame {
    width: usize,
    label: usize,
    style: Style,
}

fn lines(part: &CardPart, frame: &Frame, terminal: &Terminal) -> Vec<String> {
    let width = frame.width;
    let painted = |style: Style, text: &str| -> Vec<String> {
        flow(&one_line(text), width, "", 0).iter().map(|line| terminal.paint(style, line)).collect()
    };
    let linked = |label: &str, url: &str| {
        flow(&format!("{label} {}", terminal.paint(Style::Name, one_line(url))), width, "", 0)
    };
    match part {
        CardPart::Ping(text) => painted(Style::Warning, text),
        CardPart::Title(text) => painted(frame.style, text),
        CardPart::Heading(text) => painted(Style::Heading, text),
        CardPart::Text(text) => harmless(text).lines().flat_map(|line| flow(line, width, "", 0)).collect(),
        CardPart::Item(text) => flow(&one_line(text), width, "• ", 2),
        CardPart::Fact(label, text) => {
            let label = one_line(label);
            let gap = " ".repeat((frame.label + 2).saturating_sub(label.width()).max(2));
            let fits = label.width().max(frame.label) + 2 + text.width() <= width;
            if label.width() > frame.label && !fits {
                let mut lines = painted(Style::Muted, &label);
                lines.extend(flow(&one_line(text), width, "  ", 2));
                return lines;
            }
            let first = format!("{}{gap}", terminal.paint(Style::Muted, &label));
            flow(&one_line(text), width, &first, frame.label + 2)
        }
        CardPart::Link(label, url) => linked(&format!("[{}]", one_line(label)), url),
        CardPart::Picture(url) => linked("🖼 ", url),
        CardPart::Foot(text) => painted(Style::Muted, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_drawn_with_facts_in_columns() {
        let fact = |label: &str, text: &str| CardPart::Fact(label.to_owned(), text.to_owned());
        let parts = vec![
            CardPart::Title("队列结束".to_owned()),
            fact("用时", "2 小时"),
            fact("Per task", "37 s"),
            CardPart::Heading("Failures".to_owned()),
            CardPart::Item("a: b\u{1b}[2J".to_owned()),
        ];
        let (mut terminal, page) = Terminal::page(false);
        CardPreview { style: None, parts }.draw(2, &mut terminal).unwrap();
        let text = String::from_utf8(page.lock().unwrap().clone()).unwrap();
        let expected = "  ┃ 队列结束\n  ┃\n  ┃ 用时      2 小时\n  ┃ Per task  37 s\n  ┃\n  ┃ Failures\n  ┃ • a: b\\u{1b}[2J\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_space_follows_a_label_that_is_wider_than_its_column() {
        let long = "queue.failures.0.error.message";
        let parts =
            vec![CardPart::Fact(long.to_owned(), "yes".to_owned()), CardPart::Fact("a".into(), "b".into())];
        let (mut terminal, page) = Terminal::page(false);
        CardPreview { style: None, parts }.draw(0, &mut terminal).unwrap();
        let text = String::from_utf8(page.lock().unwrap().clone()).unwrap();
        assert_eq!(text, format!("┃ {long}  yes\n┃ a{}b\n", " ".repeat(25)));
    }
}
