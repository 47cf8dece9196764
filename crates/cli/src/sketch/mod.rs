//! A card as a person would see it: read from the body that would be sent, not from the event.

mod bodies;
mod lines;
mod machines;
mod markup;

use super::terminal::{Ink, Terminal, harmless, one_line};
use serde_json::{Value as Json, json};
use std::io;

/// The widest line before it is broken.
const WIDTH: usize = 88;

/// A part of a card, in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Whom it pings.
    Ping(String),
    /// The title.
    Title(String),
    /// A heading inside.
    Heading(String),
    /// Free text.
    Text(String),
    /// A label with its value.
    Fact(String, String),
    /// A line of a list.
    Item(String),
    /// A link with its label.
    Link(String, String),
    /// A picture's address.
    Picture(String),
    /// The line at the foot.
    Foot(String),
}

/// A card.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// How the news is, as far as the card shows it.
    pub ink: Option<Ink>,
    /// From top to bottom.
    pub parts: Vec<Part>,
}

/// Reads the card of this platform from a body; `None` for a body that is no card of it, such as a template's.
pub fn read(platform: &str, body: &Json) -> Option<Sketch> {
    bodies::read(platform, body).filter(|sketch| !sketch.parts.is_empty())
}

impl Sketch {
    fn add(&mut self, part: Part) {
        let text = match &part {
            Part::Fact(_, text) | Part::Link(_, text) => text,
            Part::Ping(text)
            | Part::Title(text)
            | Part::Heading(text)
            | Part::Text(text)
            | Part::Item(text)
            | Part::Picture(text)
            | Part::Foot(text) => text,
        };
        if !text.trim().is_empty() {
            self.parts.push(part);
        }
    }

    /// Draws it with a bar at its side.
    pub fn draw(&self, by: usize, terminal: &mut Terminal) -> io::Result<()> {
        let ink = self.ink.unwrap_or(Ink::Name);
        let bar = format!("{}{} ", " ".repeat(by), terminal.paint(ink, "┃"));
        let label_width = self.parts.iter().filter_map(label_width).max().unwrap_or_default();
        let mut before: Option<&Part> = None;
        for part in &self.parts {
            if before.is_some_and(|before| parted(before, part)) {
                terminal.line(bar.trim_end())?;
            }
            for line in lines(part, label_width, ink, terminal) {
                terminal.line(&format!("{bar}{line}"))?;
            }
            before = Some(part);
        }
        Ok(())
    }

    /// As JSON: `ink` and `parts`, each with its kind.
    pub fn to_json(&self) -> Json {
        let part = |part: &Part| match part {
            Part::Ping(text) => json!({"kind": "ping", "text": text}),
            Part::Title(text) => json!({"kind": "title", "text": text}),
            Part::Heading(text) => json!({"kind": "heading", "text": text}),
            Part::Text(text) => json!({"kind": "text", "text": text}),
            Part::Fact(label, text) => json!({"kind": "fact", "label": label, "text": text}),
            Part::Item(text) => json!({"kind": "item", "text": text}),
            Part::Link(label, url) => json!({"kind": "link", "label": label, "text": url}),
            Part::Picture(url) => json!({"kind": "picture", "text": url}),
            Part::Foot(text) => json!({"kind": "foot", "text": text}),
        };
        let ink = self.ink.map(|ink| match ink {
            Ink::Good => "good",
            Ink::Bad => "bad",
            Ink::Doubt => "warn",
            _ => "neutral",
        });
        json!({"ink": ink, "parts": self.parts.iter().map(part).collect::<Vec<_>>()})
    }
}

fn label_width(part: &Part) -> Option<usize> {
    match part {
        Part::Fact(label, _) => Some(columns(label).min(24)),
        _ => None,
    }
}

/// Whether an empty line stands between two parts: facts, items and links keep together.
fn parted(before: &Part, part: &Part) -> bool {
    !matches!(
        (before, part),
        (Part::Fact(..), Part::Fact(..))
            | (Part::Item(_) | Part::Heading(_), Part::Item(_))
            | (Part::Link(..) | Part::Picture(_), Part::Link(..) | Part::Picture(_))
            | (Part::Ping(_), Part::Title(_))
    )
}

fn lines(part: &Part, label_width: usize, ink: Ink, terminal: &Terminal) -> Vec<String> {
    match part {
        Part::Ping(text) => vec![terminal.paint(Ink::Doubt, one_line(text))],
        Part::Title(text) => {
            wrap(&one_line(text), WIDTH).iter().map(|line| terminal.paint(ink, line)).collect()
        }
        Part::Heading(text) => vec![terminal.paint(Ink::Strong, one_line(text))],
        Part::Text(text) => harmless(text).lines().flat_map(|line| wrap(line, WIDTH)).collect(),
        Part::Item(text) => hang("• ", 2, &one_line(text)),
        Part::Fact(label, text) => {
            let label = one_line(label);
            let gap = " ".repeat((label_width + 2).saturating_sub(columns(&label)).max(2));
            let first = format!("{}{gap}", terminal.paint(Ink::Quiet, &label));
            hang(&first, label_width + 2, &one_line(text))
        }
        Part::Link(label, url) => {
            vec![format!("[{}] {}", one_line(label), terminal.paint(Ink::Name, one_line(url)))]
        }
        Part::Picture(url) => vec![format!("🖼  {}", terminal.paint(Ink::Name, one_line(url)))],
        Part::Foot(text) => vec![terminal.paint(Ink::Quiet, one_line(text))],
    }
}

/// Text behind a mark, its further lines moved to where the first begins.
fn hang(mark: &str, indent: usize, text: &str) -> Vec<String> {
    let rows = wrap(text, WIDTH.saturating_sub(indent));
    let begin = |index: usize| if index == 0 { mark.to_owned() } else { " ".repeat(indent) };
    rows.iter().enumerate().map(|(index, row)| format!("{}{row}", begin(index))).collect()
}

/// How many columns of a terminal a text takes: East Asian characters and emoji take two.
fn columns(text: &str) -> usize {
    let wide = |c: char| matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0x1f300..=0x1faff);
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// Breaks a line at spaces, and a word that is too long anywhere.
fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let room = width.saturating_sub(rows.last().map_or(0, |row| columns(row)));
        if columns(word.trim_end()) > room && columns(word) <= width {
            rows.push(String::new());
        }
        for c in word.chars() {
            let full = rows.last().is_some_and(|row| columns(row) >= width);
            if full && c != ' ' {
                rows.push(String::new());
            }
            if let Some(row) = rows.last_mut() {
                row.push(c);
            }
        }
    }
    rows.into_iter().map(|row| row.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_is_drawn_with_facts_in_columns() {
        let fact = |label: &str, text: &str| Part::Fact(label.to_owned(), text.to_owned());
        let parts = vec![
            Part::Title("队列结束".to_owned()),
            fact("用时", "2 小时"),
            fact("Per task", "37 s"),
            Part::Heading("Failures".to_owned()),
            Part::Item("a: b\u{1b}[2J".to_owned()),
        ];
        let (mut terminal, page) = Terminal::page(false);
        Sketch { ink: None, parts }.draw(2, &mut terminal).unwrap();
        let text = String::from_utf8(page.lock().unwrap().clone()).unwrap();
        let expected = "  ┃ 队列结束\n  ┃\n  ┃ 用时      2 小时\n  ┃ Per task  37 s\n  ┃\n  ┃ Failures\n  ┃ • a: b\\u{1b}[2J\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_label_that_is_wider_than_its_column_is_parted_from_its_value() {
        let long = "queue.failures.0.error.message";
        let parts = vec![Part::Fact(long.to_owned(), "yes".to_owned()), Part::Fact("a".into(), "b".into())];
        let (mut terminal, page) = Terminal::page(false);
        Sketch { ink: None, parts }.draw(0, &mut terminal).unwrap();
        let text = String::from_utf8(page.lock().unwrap().clone()).unwrap();
        assert_eq!(text, format!("┃ {long}  yes\n┃ a{}b\n", " ".repeat(25)));
    }

    #[test]
    fn a_long_line_is_broken_at_words_and_a_long_word_anywhere() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aaaaaaa b", 3), ["aaa", "aaa", "a b"]);
        assert_eq!(wrap("渲染完成", 4), ["渲染", "完成"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
