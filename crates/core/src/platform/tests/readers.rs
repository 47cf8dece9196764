//! Readers of what the platforms read in a text, written from their documents: what is live in it, and what is shown.
//! They share nothing with the code that escapes.

use serde_json::{Map, Value};

/// How a client reads a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// As it is.
    Plain,
    /// Plain, but for these beginnings of a ping or a link.
    Pings(&'static [&'static str]),
    /// Plain, but for Slack's control sequences and their escapes.
    Controls,
    /// Tags and entities.
    Html,
    /// Slack's, with entities, and Google's: `*`, `_`, `~` and backticks around words, and angle brackets.
    Chat(bool),
    Markdown(Dialect),
}

/// A kind of markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// What a backslash takes its meaning from.
    escapes: &'static str,
    has_entities: bool,
    /// What toggles a style.
    marks: &'static str,
    /// Whether lines begin lists, headings and code.
    has_blocks: bool,
    /// What a person is named by, directly before the name.
    pings: &'static [&'static str],
}

const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

const COMMON: Dialect = Dialect {
    escapes: PUNCTUATION,
    has_entities: true,
    marks: "*_`",
    has_blocks: true,
    pings: &["<at", "<http", "<a"],
};

/// The reader of the text at this place, by the documents of the platform.
pub(super) fn reader(platform: &str, path: &[String], holder: &Map<String, Value>) -> Reader {
    let name = path.last().map_or("", String::as_str);
    let parent = path.iter().rev().nth(1).map_or("", String::as_str);
    let beside = |name: &str| holder.get(name).and_then(Value::as_str).unwrap_or_default();
    let below = |names: &[&str]| path.iter().any(|name| names.contains(&name.as_str()));
    let twins = Dialect {
        escapes: "",
        has_entities: false,
        marks: "*`",
        has_blocks: true,
        pings: &["<@", "<font", "@"],
    };
    // Its bot reads what its webhook reads.
    let platform = if platform == "slack-bot" { "slack" } else { platform };
    match (platform, name) {
        (
            _,
            "username" | "url" | "href" | "msgtype" | "msg_type" | "type" | "tag" | "parse_mode" | "$schema",
        ) => Reader::Plain,
        ("slack", "text") if beside("type") == "text" => Reader::Plain,
        ("slack", "text") if beside("type") == "markdown" => {
            Reader::Markdown(Dialect { pings: &["<!", "<@", "<http", "<a"], ..COMMON })
        }
        ("slack", "text") if beside("type") == "plain_text" => Reader::Controls,
        ("slack", "text" | "pretext" | "value") => Reader::Chat(true),
        ("slack" | "slack-workflow", _) => Reader::Controls,
        ("discord", "label") => Reader::Plain,
        ("discord", "text" | "name") if parent == "footer" || parent == "author" => Reader::Plain,
        ("discord", _) => Reader::Markdown(Dialect {
            has_entities: false,
            marks: "*_~`|",
            pings: &["@everyone", "@here", "<@", "<#", "<:", "<t:", "<http"],
            ..COMMON
        }),
        ("mattermost", "title" | "fallback" | "footer" | "author_name") => {
            Reader::Pings(&["@all", "@here", "]("])
        }
        ("mattermost", _) => Reader::Markdown(Dialect {
            escapes: "`*{}[]()#+-.!_>|~\\",
            marks: "*_~`",
            pings: &["@all", "@here", "@channel", "@everyone"],
            ..COMMON
        }),
        ("teams", "altText" | "fallbackText" | "summary") => Reader::Pings(&["<at"]),
        ("teams", "title") if beside("type").starts_with("Action") => Reader::Plain,
        ("teams", _) => {
            let pings = &["<at", "<http", "<a", "{{DATE(", "{{TIME("];
            Reader::Markdown(Dialect { marks: "*_`", pings, ..COMMON })
        }
        ("dingtalk", "text") if parent == "markdown" || parent == "actionCard" => Reader::Markdown(twins),
        ("dingtalk", _) => Reader::Pings(&["@"]),
        ("wecom", "content") if parent != "text" => {
            Reader::Markdown(Dialect { pings: &["<@", "<font"], ..twins })
        }
        ("wecom", _) => Reader::Pings(&["<@"]),
        ("feishu", "content") if matches!(beside("tag"), "markdown" | "lark_md") => {
            Reader::Markdown(Dialect {
                has_entities: true,
                marks: "*_~`",
                pings: &["<at", "<font", "<a"],
                ..twins
            })
        }
        ("feishu", "content") if beside("tag") == "plain_text" => Reader::Plain,
        ("feishu", _) => Reader::Pings(&["<at"]),
        ("googlechat", "text") if beside("textSyntax") == "MARKDOWN" => Reader::Markdown(COMMON),
        ("googlechat", "text" | "content") if below(&["cardsV2"]) && !below(&["buttons"]) => Reader::Html,
        ("googlechat", _) if below(&["cardsV2"]) => Reader::Plain,
        ("googlechat", _) => Reader::Chat(false),
        ("telegram", "text") if path.len() == 1 => match beside("parse_mode") {
            "HTML" => Reader::Html,
            "MarkdownV2" => Reader::Markdown(Dialect {
                has_entities: false,
                marks: "*_~`|",
                has_blocks: false,
                pings: &["@everyone", "@all"],
                ..COMMON
            }),
            _ => Reader::Pings(&["@everyone", "@all"]),
        },
        ("ntfy", "message") if holder.get("markdown") == Some(&Value::Bool(true)) => Reader::Markdown(COMMON),
        ("email", "html") => Reader::Html,
        _ => Reader::Plain,
    }
}

/// The reader of a text of a described platform that has this markup.
pub(super) fn described_reader(markup: &str) -> Reader {
    match markup {
        "plain" => Reader::Plain,
        "html" => Reader::Html,
        "markdown" => Reader::Markdown(COMMON),
        _ => Reader::Markdown(Dialect {
            escapes: "",
            marks: "*_~`|",
            pings: &["@all", "@here", "@channel", "@everyone", "@*", "@_*", "#*", "<@", "<a", "<http"],
            ..COMMON
        }),
    }
}

impl Reader {
    /// What is live in a text, in its order, and what is shown of it.
    pub fn read(self, text: &str) -> (Vec<String>, String) {
        match self {
            Reader::Plain => (Vec::new(), text.to_owned()),
            Reader::Pings(tokens) => (found(text, tokens), text.to_owned()),
            Reader::Html => html(text),
            Reader::Controls => {
                let live = found(text, &["<!", "<@", "<http"]);
                let entities = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
                (
                    live,
                    entities
                        .iter()
                        .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain)),
                )
            }
            Reader::Chat(has_entities) => {
                let (quotes, text) = unquoted(text);
                let (live, shown) = chat(&text, has_entities);
                ([quotes, live].concat(), shown)
            }
            Reader::Markdown(dialect) => {
                let (quotes, text) = unquoted(text);
                let (live, shown) = dialect.read(&text);
                ([quotes, live].concat(), shown)
            }
        }
    }
}

/// The quotes that begin in a text, and the text without their signs.
fn unquoted(text: &str) -> (Vec<String>, String) {
    let (mut quotes, mut in_quote, mut in_fence) = (Vec::new(), false, false);
    let lines = text.split('\n').map(|line| {
        in_fence ^= line.starts_with("```");
        let quoted = line.strip_prefix('>').filter(|_| !in_fence);
        quotes.extend(quoted.filter(|_| !in_quote).map(|_| ">".to_owned()));
        in_quote = quoted.is_some();
        quoted.map_or(line, |line| line.strip_prefix(' ').unwrap_or(line))
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    (quotes, text)
}

fn found(text: &str, tokens: &[&str]) -> Vec<String> {
    let all = tokens.iter().flat_map(|token| text.match_indices(token));
    all.map(|(_, token)| token.to_owned()).collect()
}

fn decoded(text: &str) -> Option<(char, usize)> {
    let (name, _) = text.strip_prefix('&')?.split_once(';').filter(|(name, _)| name.len() < 8)?;
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        _ => char::from_u32(name.strip_prefix('#')?.parse().ok()?)?,
    };
    Some((character, name.len() + 2))
}

fn html(text: &str) -> (Vec<String>, String) {
    let (mut live, mut shown, mut rest) = (Vec::new(), String::new(), text);
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        match character {
            '&' => {
                let (character, taken) = decoded(rest).unwrap_or(('&', 1));
                shown.push(character);
                length = taken;
            }
            '<' => {
                let mut quote = None;
                let is_end = |(_, c): &(usize, char)| {
                    match (quote, c) {
                        (Some(open), c) if open == *c => quote = None,
                        (None, '"' | '\'') => quote = Some(*c),
                        _ => {}
                    }
                    quote.is_none() && *c == '>'
                };
                let end = rest.char_indices().find(is_end).map_or(rest.len(), |(end, _)| end);
                let tag = &rest[..end];
                // An attribute's value is no structure of its own, and a line that ends is none.
                live.extend(
                    Some(tag)
                        .filter(|tag| *tag != "<br")
                        .map(|tag| tag.split(['"', '\'']).step_by(2).collect()),
                );
                length = (tag.len() + 1).min(rest.len());
            }
            _ => shown.push(character),
        }
        rest = &rest[length..];
    }
    (live, shown)
}

fn chat(text: &str, has_entities: bool) -> (Vec<String>, String) {
    let (mut live, mut shown) = (Vec::new(), String::new());
    let characters: Vec<char> = text.chars().collect();
    let mut index = 0;
    let mut in_code = false;
    while let Some(character) = characters.get(index).copied() {
        let near = |at: Option<usize>| at.and_then(|at| characters.get(at)).copied();
        let (before, after) = (near(index.checked_sub(1)), near(Some(index + 1)));
        let is_lone = before == Some('\u{200b}') && after == Some('\u{200b}');
        let in_word = [before, after].iter().all(|c| c.is_some_and(char::is_alphanumeric));
        let rest: String = characters[index..].iter().take(12).collect();
        let mut length = 1;
        match character {
            '`' if !is_lone => {
                in_code = !in_code;
                live.push('`'.to_string());
            }
            '*' | '_' | '~' if !in_code && !is_lone && !in_word => live.push(character.to_string()),
            '<' => {
                let end = characters[index..].iter().position(|c| matches!(c, '|' | '>')).unwrap_or(1);
                live.push(characters[index..index + 2.min(end)].iter().collect());
                length = end;
            }
            '>' => live.push(">".to_owned()),
            '&' if has_entities => {
                let (character, taken) = decoded(&rest).unwrap_or(('&', 1));
                shown.push(character);
                length = taken;
            }
            _ => shown.push(character),
        }
        index += length;
    }
    (live, shown)
}

impl Dialect {
    fn read(self, text: &str) -> (Vec<String>, String) {
        let (mut live, mut shown) = (Vec::new(), String::new());
        let (mut in_fence, mut last) = (false, "");
        for line in text.split('\n').filter(|_| self.has_blocks) {
            in_fence ^= line.starts_with("```");
            live.extend(block(line, last).filter(|_| !in_fence));
            last = line;
        }
        let mut rest = text;
        let mut before = None;
        let mut code: Option<usize> = None;
        while let Some(character) = rest.chars().next() {
            let after = rest[character.len_utf8()..].chars().next();
            let run = rest.len() - rest.trim_start_matches('`').len();
            let mut length = character.len_utf8();
            let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            match character {
                '`' => {
                    live.push("`".repeat(run));
                    code = match code {
                        None => Some(run),
                        Some(open) if open == run => None,
                        open => open,
                    };
                    length = run;
                }
                '\\' if code.is_some() && !self.has_blocks => {
                    shown.extend(after);
                    length += 1;
                }
                '&' if code.is_some() && self.pings.contains(&"<!") => {
                    let (character, taken) = decoded(rest).unwrap_or(('&', 1));
                    shown.push(character);
                    length = taken;
                }
                c if code.is_some() => shown.push(c),
                '\\' if after.is_some_and(|after| self.escapes.contains(after)) => {
                    shown.extend(after);
                    length += 1;
                }
                '&' if self.has_entities && decoded(rest).is_some() => {
                    let (character, taken) = decoded(rest).unwrap_or(('&', 1));
                    shown.push(character);
                    length = taken;
                }
                '*' | '~' | '|' if self.marks.contains(character) && !is_lone(character, before, after) => {
                    live.push(character.to_string());
                }
                '_' if self.marks.contains('_') && !(is_word(before) && is_word(after)) => {
                    live.push("_".to_owned())
                }
                ']' if rest.starts_with("](") => {
                    live.push("](".to_owned());
                    let end = rest.match_indices(')').find(|(at, _)| !rest[..*at].ends_with('\\'));
                    length = end.map_or(2, |(end, _)| end + 1);
                }
                '[' => live.push("[".to_owned()),
                c if self.pings.iter().any(|ping| rest.starts_with(ping)) => {
                    live.extend(
                        self.pings
                            .iter()
                            .find(|ping| rest.starts_with(**ping))
                            .map(|ping| (*ping).to_owned()),
                    );
                    shown.push(c);
                }
                c => shown.push(c),
            }
            before = rest[..length].chars().last();
            rest = &rest[length..];
        }
        (live, shown)
    }
}

/// One that toggles nothing by itself, as in `5 ~ 6`.
fn is_lone(character: char, before: Option<char>, after: Option<char>) -> bool {
    matches!(character, '~' | '|') && before != Some(character) && after != Some(character)
}

/// What a line begins: a heading, a quote, a list, a rule, code, or what makes a heading of the line above.
fn block(line: &str, last: &str) -> Option<String> {
    let rest = line.trim_start_matches(' ');
    if line.len() - rest.len() >= 4 || rest.starts_with('\t') {
        return (!rest.trim().is_empty()).then(|| "code".to_owned());
    }
    let first = rest.split(' ').next().unwrap_or_default();
    let is_all = |of: &str| !first.is_empty() && first.chars().all(|c| of.contains(c));
    let number = first.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_number = number.len() < first.len() && matches!(number, "." | ")");
    let is_sign = is_all("#") || is_all(">") || is_all("=") || is_all("-") || matches!(first, "+" | "*");
    let is_row = last.contains('|')
        && rest.starts_with('|')
        && rest.contains('-')
        && rest.chars().all(|c| "|-: ".contains(c));
    (is_number || is_sign || is_row).then(|| first.to_owned())
}
