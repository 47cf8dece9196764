//! TypedMarkup of another platform in a text: it is shown as it was typed.

use super::{FaultKind, Faults};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::platform) enum TypedMarkup {
    /// `[words](URL)`
    Link,
    /// `**words**`
    TwoStars,
    /// `*words*`
    OneStar,
    /// `<b>words</b>`, `<br>` and other tags of HTML.
    Tags,
    /// `<URL|words>`
    SlackLink,
}

/// The tags that people write in messages.
const TAGS: [&str; 15] =
    ["b", "i", "u", "s", "br", "p", "strong", "em", "a", "h1", "h2", "h3", "ul", "li", "div"];

impl TypedMarkup {
    /// As it is written.
    fn form(self) -> &'static str {
        match self {
            TypedMarkup::Link => "`[words](URL)`",
            TypedMarkup::TwoStars => "`**words**`",
            TypedMarkup::OneStar => "`*words*`",
            TypedMarkup::Tags => "tags such as `<b>`",
            TypedMarkup::SlackLink => "`<URL|words>`",
        }
    }

    fn is_in(self, text: &str) -> bool {
        match self {
            TypedMarkup::Link => text.match_indices("](http").any(|(at, _)| text[..at].contains('[')),
            TypedMarkup::TwoStars => has_pair(text, "**"),
            TypedMarkup::OneStar => has_pair(text, "*"),
            TypedMarkup::Tags => text.match_indices('<').any(|(at, _)| {
                let rest = text[at + 1..].trim_start_matches('/');
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                let ends = ['>', ' ', '/'];
                TAGS.contains(&name.to_ascii_lowercase().as_str())
                    && after.starts_with(ends)
                    && after.contains('>')
            }),
            TypedMarkup::SlackLink => text.match_indices("<http").any(|(at, _)| {
                let inside = text[at..].split('>').next().unwrap_or_default();
                inside.contains('|') && inside.len() < text[at..].len()
            }),
        }
    }
}

/// Whether words without a blank at either end stand between two of these marks, as `**words**`, on one line.
fn has_pair(text: &str, mark: &str) -> bool {
    text.lines().any(|line| {
        let parts: Vec<&str> = line.split(mark).collect();
        let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
        let outside = |text: &str| text.is_empty() || text.ends_with(|c: char| !c.is_alphanumeric());
        inner.iter().zip(&parts).any(|(words, before)| {
            !words.is_empty()
                && words.trim() == *words
                && words.contains(char::is_alphabetic)
                && outside(before)
        })
    })
}

impl Faults {
    /// Tells of markup in this text that the platform shows as it was typed, and what it reads instead.
    pub(in crate::platform) fn typed_markup(&mut self, at: &str, text: &str, kinds: &[(TypedMarkup, &str)]) {
        for (kind, instead) in kinds.iter().filter(|(kind, _)| kind.is_in(text)) {
            let words =
                format!("has {}, which {} shows as it was typed; {instead}", kind.form(), self.platform());
            self.add(at, FaultKind::Typed, &words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_found_and_plain_text_is_left_alone() {
        for (kind, text) in [
            (TypedMarkup::Link, "see [the log](https://a.example.com/1)"),
            (TypedMarkup::TwoStars, "**done** at last"),
            (TypedMarkup::TwoStars, "task **frame 7**"),
            (TypedMarkup::OneStar, "*done*"),
            (TypedMarkup::Tags, "a<br>b"),
            (TypedMarkup::Tags, "<B>a</B>"),
            (TypedMarkup::Tags, "<a href='https://a.example.com'>x</a>"),
            (TypedMarkup::SlackLink, "<https://a.example.com|open>"),
        ] {
            assert!(kind.is_in(text), "{text}");
        }
        let all = [
            TypedMarkup::Link,
            TypedMarkup::TwoStars,
            TypedMarkup::OneStar,
            TypedMarkup::Tags,
            TypedMarkup::SlackLink,
        ];
        for text in [
            "5 ** 3 ** 2",
            "a * b * c",
            "2*3*4",
            "a < b > c",
            "<https://a.example.com>",
            "[x] (y)",
            "**",
            "x<b",
            "",
        ] {
            assert_eq!(all.iter().find(|kind| kind.is_in(text)), None, "{text}");
        }
    }
}
