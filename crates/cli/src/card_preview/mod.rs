//! A card as its reader would see it, read back from the body that would be sent. This shows what the limits and
//! the markup of the platform leave of it, which the event does not.

mod bodies;
mod lines;
mod machines;
mod markup;

use super::terminal::{Style, Terminal, harmless, one_line};
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use std::io;
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthStr;

/// Columns of a line.
const WIDTH: usize = 88;

/// A part of a card, in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardPart {
    /// Whom the card mentions.
    Ping(String),
    Title(String),
    Heading(String),
    Text(String),
    /// A label with its value.
    Fact(String, String),
    /// A line of a list.
    Item(String),
    /// A label with its URL.
    Link(String, String),
    /// The picture's URL.
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

    /// Draws it with a bar on its left.
    pub fn draw(&self, by: usize, terminal: &mut Terminal) -> io::Result<()> {
        let style = self.style.unwrap_or(Style::Name);
        let bar = format!("{}{} ", " ".repeat(by), terminal.paint(style, "┃"));
        let label_width = self.parts.iter().filter_map(label_width).max().unwrap_or_default();
        let mut before: Option<&CardPart> = None;
        for part in &self.parts {
            if before.is_some_and(|before| separated(before, part)) {
                terminal.line(bar.trim_end())?;
            }
            for line in lines(part, label_width, style, terminal) {
                terminal.line(&format!("{bar}{line}"))?;
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

fn lines(part: &CardPart, label_width: usize, style: Style, terminal: &Terminal) -> Vec<String> {
    match part {
        CardPart::Ping(text) => vec![terminal.paint(Style::Warning, one_line(text))],
        CardPart::Title(text) => {
            wrap(&one_line(text), WIDTH, "", 0).iter().map(|line| terminal.paint(style, line)).collect()
        }
        CardPart::Heading(text) => vec![terminal.paint(Style::Heading, one_line(text))],
        CardPart::Text(text) => harmless(text).lines().flat_map(|line| wrap(line, WIDTH, "", 0)).collect(),
        CardPart::Item(text) => wrap(&one_line(text), WIDTH, "• ", 2),
        CardPart::Fact(label, text) => {
            let label = one_line(label);
            let gap = " ".repeat((label_width + 2).saturating_sub(label.width()).max(2));
            let first = format!("{}{gap}", terminal.paint(Style::Muted, &label));
            wrap(&one_line(text), WIDTH, &first, label_width + 2)
        }
        CardPart::Link(label, url) => {
            vec![format!("[{}] {}", one_line(label), terminal.paint(Style::Name, one_line(url)))]
        }
        CardPart::Picture(url) => vec![format!("🖼  {}", terminal.paint(Style::Name, one_line(url)))],
        CardPart::Foot(text) => vec![terminal.paint(Style::Muted, one_line(text))],
    }
}

/// Breaks a line at spaces, and a word that is too long anywhere. `first` is put before the first line, and this
/// many spaces before the others.
fn wrap(line: &str, width: usize, first: &str, indent: usize) -> Vec<String> {
    let indent = " ".repeat(indent);
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(&indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(line, options).into_iter().map(Cow::into_owned).collect()
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

    #[test]
    fn a_long_line_is_broken_at_words_and_a_long_word_anywhere() {
        assert_eq!(wrap("aa bb cc", 5, "", 0), ["aa bb", "cc"]);
        assert_eq!(wrap("aaaaaaa b", 3, "", 0), ["aaa", "aaa", "a b"]);
        assert_eq!(wrap("渲染完成", 4, "", 0), ["渲染", "完成"]);
        assert_eq!(wrap("", 4, "", 0), [""]);
    }
}
