//! A card as its reader would see it, read back from the body that would be sent. This shows what the limits and
//! the markup of the platform leave of it, which the event does not.

mod bodies;
mod described;
mod lines;
mod machines;
mod markup;

use super::terminal::{Style, Terminal, harmless, one_line};
use super::wrap::flow;
use serde_json::{Value as Json, json};
use std::io;
use unicode_width::UnicodeWidthStr;

/// What a part of a card is for its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// Whom the card mentions.
    Ping,
    Title,
    Heading,
    Text,
    Fact,
    Item,
    Link,
    Picture,
    Foot,
}

/// A part of a card, in plain text.
#[derive(Debug, PartialEq, Eq)]
pub struct CardPart {
    pub kind: PartKind,
    /// Of a fact or a link.
    pub label: String,
    /// Of a link or a picture, its URL.
    pub text: String,
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

/// The text of a value; empty for any other value.
fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// The members of a value; none for what is not a list.
fn list(value: &Json) -> &[Json] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

impl CardPreview {
    fn styled(style: Option<Style>) -> CardPreview {
        CardPreview { style, ..CardPreview::default() }
    }

    /// Adds a part, unless its text is blank.
    fn add(&mut self, kind: PartKind, text: impl Into<String>) {
        self.add_labelled(kind, "", text);
    }

    fn add_labelled(&mut self, kind: PartKind, label: impl Into<String>, text: impl Into<String>) {
        let (label, text) = (label.into(), text.into());
        if !text.trim().is_empty() {
            self.parts.push(CardPart { kind, label, text });
        }
    }

    /// Adds a part for each member of a list, with the texts that stand at these pointers.
    fn add_list(
        &mut self,
        kind: PartKind,
        members: &Json,
        label: &str,
        value: &str,
        plain: fn(&str) -> String,
    ) {
        let at = |member: &Json, pointer: &str| member.pointer(pointer).map(|found| plain(text(found)));
        for member in list(members) {
            let label = if label.is_empty() { None } else { at(member, label) };
            self.add_labelled(kind, label.unwrap_or_default(), at(member, value).unwrap_or_default());
        }
    }

    /// Draws it with a bar on its left, as wide as the terminal.
    pub fn draw(&self, by: usize, terminal: &mut Terminal) -> io::Result<()> {
        let style = self.style.unwrap_or(Style::Name);
        let bar = format!("{}{} ", " ".repeat(by), terminal.paint(style, "┃"));
        let width = terminal.columns() - by - 2;
        let facts = self.parts.iter().filter(|part| part.kind == PartKind::Fact);
        let widest = facts.map(|part| part.label.width().min(24)).max().unwrap_or_default();
        let frame = Frame { width, label: widest.min(width / 3), style };
        let mut before = None;
        for part in &self.parts {
            if before.is_some_and(|before| separated(before, part.kind)) {
                terminal.exact(bar.trim_end())?;
            }
            for line in lines(part, &frame, terminal) {
                terminal.exact(format!("{bar}{line}").trim_end())?;
            }
            before = Some(part.kind);
        }
        Ok(())
    }

    /// As JSON: `ink` and `parts`, each with its kind.
    pub fn to_json(&self) -> Json {
        let part = |part: &CardPart| {
            let mut json = json!({"kind": format!("{:?}", part.kind).to_lowercase()});
            if matches!(part.kind, PartKind::Fact | PartKind::Link) {
                json["label"] = json!(part.label);
            }
            json["text"] = json!(part.text);
            json
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

/// Facts, items and links follow each other; an empty line separates other parts.
fn separated(before: PartKind, kind: PartKind) -> bool {
    use PartKind::{Fact, Heading, Item, Link, Picture, Ping, Title};
    !matches!(
        (before, kind),
        (Fact, Fact) | (Item | Heading, Item) | (Link | Picture, Link | Picture) | (Ping, Title)
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
    let CardPart { kind, label, text } = part;
    match kind {
        PartKind::Ping => painted(Style::Warning, text),
        PartKind::Title => painted(frame.style, text),
        PartKind::Heading => painted(Style::Heading, text),
        PartKind::Text => harmless(text).lines().flat_map(|line| flow(line, width, "", 0)).collect(),
        PartKind::Item => flow(&one_line(text), width, "• ", 2),
        PartKind::Fact => {
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
        PartKind::Link => linked(&format!("[{}]", one_line(label)), text),
        PartKind::Picture => linked("🖼 ", text),
        PartKind::Foot => painted(Style::Muted, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(by: usize, parts: &[(PartKind, &str, &str)]) -> String {
        let mut card = CardPreview::default();
        parts.iter().for_each(|(kind, label, text)| card.add_labelled(*kind, *label, *text));
        let (mut terminal, page) = Terminal::page(false);
        card.draw(by, &mut terminal).unwrap();
        String::from_utf8(page.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_card_is_drawn_with_facts_in_columns() {
        let text = drawn(
            2,
            &[
                (PartKind::Title, "", "队列结束"),
                (PartKind::Fact, "用时", "2 小时"),
                (PartKind::Fact, "Per task", "37 s"),
                (PartKind::Heading, "", "Failures"),
                (PartKind::Item, "", "a: b\u{1b}[2J"),
            ],
        );
        let expected = "  ┃ 队列结束\n  ┃\n  ┃ 用时      2 小时\n  ┃ Per task  37 s\n  ┃\n  ┃ Failures\n  ┃ • a: b\\u{1b}[2J\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_space_follows_a_label_that_is_wider_than_its_column() {
        let long = "queue.failures.0.error.message";
        let text = drawn(0, &[(PartKind::Fact, long, "yes"), (PartKind::Fact, "a", "b")]);
        assert_eq!(text, format!("┃ {long}  yes\n┃ a{}b\n", " ".repeat(25)));
    }
}
