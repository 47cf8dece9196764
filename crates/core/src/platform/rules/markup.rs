//! TypedMarkup of another platform in a text: it is shown as it was typed.

use super::{FaultKind, Faults};
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::platform) enum TypedMarkup {
    /// `[words](URL)`
    Link,
    /// `![words](URL)`
    Picture,
    /// `**words**`
    TwoStars,
    /// `*words*`
    OneStar,
    /// `~~words~~`
    TwoTildes,
    /// Words between backticks.
    Code,
    /// `# words` at the start of a line.
    Heading,
    /// `|---|` below the head of a table.
    Table,
    /// `<b>words</b>`, `<br>` and other tags of HTML.
    Tags,
    /// The same without `<a>` and `<br>`.
    StyleTags,
    /// `&lt;` and other references of HTML.
    References,
    /// `<URL|words>`
    SlackLink,
    /// `<!here>`
    SlackPing,
    /// `<at …>` and `<users/…>`
    OtherPing,
}

/// The tags that people write in messages; the first two are not for style.
const TAGS: [&str; 17] =
    ["br", "a", "b", "i", "u", "s", "p", "strong", "em", "h1", "h2", "h3", "ul", "li", "div", "span", "font"];

impl TypedMarkup {
    /// As it is written.
    fn form(self) -> &'static str {
        match self {
            TypedMarkup::Link => "`[words](URL)`",
            TypedMarkup::Picture => "`![words](URL)`",
            TypedMarkup::TwoStars => "`**words**`",
            TypedMarkup::OneStar => "`*words*`",
            TypedMarkup::TwoTildes => "`~~words~~`",
            TypedMarkup::Code => "words between backticks",
            TypedMarkup::Heading => "a heading with `#`",
            TypedMarkup::Table => "a table with `|---|`",
            TypedMarkup::Tags | TypedMarkup::StyleTags => "tags such as `<b>`",
            TypedMarkup::References => "references such as `&lt;`",
            TypedMarkup::SlackLink => "`<URL|words>`",
            TypedMarkup::SlackPing => "`<!here>` or the like",
            TypedMarkup::OtherPing => "`<at …>` or `<users/…>`",
        }
    }

    fn is_in(self, text: &str) -> bool {
        let has = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
        match self {
            TypedMarkup::Link => linked(text).any(|before| !before.ends_with('!')),
            TypedMarkup::Picture => linked(text).any(|before| before.ends_with('!')),
            TypedMarkup::TwoStars => has_pair(text, "**"),
            TypedMarkup::OneStar => has_pair(text, "*"),
            TypedMarkup::TwoTildes => has_pair(text, "~~"),
            TypedMarkup::Code => text.contains("```") || has_pair(text, "`"),
            TypedMarkup::Heading => text.lines().any(|line| {
                let rest = line.trim_start_matches('#');
                (1..=6).contains(&(line.len() - rest.len()))
                    && rest.strip_prefix(' ').is_some_and(|words| words.starts_with(char::is_alphabetic))
            }),
            TypedMarkup::Table => text.lines().map(str::trim).any(|line| {
                line.contains("---")
                    && line.contains('|')
                    && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
            }),
            TypedMarkup::Tags => has_tag(text, &TAGS),
            TypedMarkup::StyleTags => has_tag(text, &TAGS[2..]),
            TypedMarkup::References => has(&["&lt;", "&gt;", "&amp;", "&quot;", "&nbsp;", "&#39;"]),
            TypedMarkup::SlackLink => text.match_indices("<http").any(|(at, _)| {
                let inside = text[at..].split('>').next().unwrap_or_default();
                inside.contains('|') && inside.len() < text[at..].len()
            }),
            TypedMarkup::SlackPing => has(&["<!here", "<!channel", "<!everyone", "<!subteam^"]),
            TypedMarkup::OtherPing => has(&["<at user_id=", "<at id=", "<at>", "<users/"]),
        }
    }
}

/// The text without what stands in backticks.
fn outside_code(text: &str) -> String {
    let inline = |part: &str| {
        let pieces: Vec<&str> = part.split('`').collect();
        if pieces.len() % 2 == 1 { pieces.into_iter().step_by(2).collect() } else { part.to_owned() }
    };
    text.split("```").step_by(2).map(inline).collect()
}

/// What stands before each `[words](http…`.
fn linked(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("](http").filter_map(|(at, _)| text[..at].rsplit_once('[').map(|(before, _)| before))
}

fn has_tag(text: &str, tags: &[&str]) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let rest = text[at + 1..].trim_start_matches('/');
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let ends = ['>', ' ', '/'];
        tags.contains(&name.to_ascii_lowercase().as_str()) && after.starts_with(ends) && after.contains('>')
    })
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

/// Markup that a WeCom or DingTalk message of type `text` does not have.
pub(in crate::platform) const PLAIN_KINDS: [(TypedMarkup, &str); 5] = [
    (TypedMarkup::TwoStars, "only the type `markdown` has markup"),
    (TypedMarkup::Link, "only the type `markdown` has links"),
    (TypedMarkup::Heading, "only the type `markdown` has headings"),
    (TypedMarkup::Tags, "only the type `markdown` has markup"),
    (TypedMarkup::SlackLink, "only the type `markdown` has links, as `[words](URL)`"),
];

impl Faults {
    /// Tells of markup in this text that the platform shows as it was typed, and what it reads instead.
    pub(in crate::platform) fn typed_markup(
        &mut self,
        at: &str,
        text: &Value,
        kinds: &[(TypedMarkup, &str)],
    ) {
        let text = text.as_str().unwrap_or_default();
        let outside = outside_code(text);
        let is_in = |kind: TypedMarkup| kind.is_in(if kind == TypedMarkup::Code { text } else { &outside });
        for (kind, instead) in kinds.iter().filter(|(kind, _)| is_in(*kind)) {
            let words =
                format!("has {}, which {} shows as it was typed; {instead}", kind.form(), self.platform());
            self.add(at, FaultKind::Typed, &words);
        }
    }

    /// Tells of a name such as `@all` that pings nobody as it stands; each with what does.
    pub(in crate::platform) fn bare_pings(&mut self, at: &str, text: &Value, names: &[(&str, &str)]) {
        let text = text.as_str().unwrap_or_default();
        for (name, instead) in names {
            let is_alone = |(at, _): (usize, &str)| {
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '<')
                    && !text[at + name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.')
            };
            if text.match_indices(name).any(is_alone) {
                let words = format!("has `{name}`, which pings nobody in {}; {instead}", self.platform());
                self.add(at, FaultKind::Typed, &words);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_found_and_plain_text_is_left_alone() {
        use TypedMarkup::{
            Code, Heading, Link, OneStar, OtherPing, Picture, References, SlackLink, SlackPing, StyleTags,
            Table, Tags, TwoStars, TwoTildes,
        };
        for (kind, text) in [
            (Link, "see [the log](https://a.example.com/1)"),
            (TwoStars, "**done** at last"),
            (TwoStars, "task **frame 7**"),
            (OneStar, "*done*"),
            (Tags, "a<br>b"),
            (Tags, "<B>a</B>"),
            (Tags, "<a href='https://a.example.com'>x</a>"),
            (SlackLink, "<https://a.example.com|open>"),
            (Picture, "![a](https://a.example.com/1.png)"),
            (TwoTildes, "was ~~two~~ three"),
            (Code, "run `make`"),
            (Heading, "a\n## Done"),
            (Table, "| a | b |\n| :-- | --- |\n"),
            (StyleTags, "<font color='red'>a</font>"),
            (References, "a &lt; b"),
            (SlackPing, "<!here> done"),
            (OtherPing, "<users/all> done"),
        ] {
            assert!(kind.is_in(text), "{text}");
        }
        let all = [
            Link, Picture, TwoStars, OneStar, TwoTildes, Code, Heading, Table, Tags, References, SlackLink,
            SlackPing, OtherPing,
        ];
        for text in "\
            5 ** 3 ** 2 ¦ a * b * c ¦ 2*3*4 ¦ a < b > c ¦ <https://a.example.com> ¦ [x] (y) ¦ ** ¦ \
            x<b ¦ #7 of 24 ¦ # 7 ¦ a --- b | c ¦ it`s ¦ R&D; a & b ¦ "
            .split(" ¦ ")
        {
            assert_eq!(all.iter().find(|kind| kind.is_in(text)), None, "{text}");
        }
    }
}
