//! Frenetic Data Syntax, the format of SwarmUI's settings: `key: value`, sections by indentation, `# comments`, and
//! values on one line with their line ends escaped. The reader skips the lines that it does not understand, and notes
//! their numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[derive(Debug, Default)]
pub struct Settings {
    values: Vec<(String, String)>,
    /// The numbers of the skipped lines, from 1.
    pub unread: Vec<usize>,
}

impl Settings {
    pub fn parse(text: &str) -> Settings {
        let mut settings = Settings::default();
        let mut sections: Vec<(usize, String)> = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.replace('\t', "    ");
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let depth = line.len() - line.trim_start().len();
            sections.retain(|(of, _)| *of < depth);
            // Members of a list have the indentation of its key; no list matters here.
            if content.starts_with('-') {
                continue;
            }
            let Some(at) = content.find([':', '=']) else {
                settings.unread.push(index + 1);
                continue;
            };
            let (name, rest) = content.split_at(at);
            let name = unescape(name.trim()).to_lowercase();
            let path = sections.iter().map(|(_, name)| name.as_str()).chain([name.as_str()]);
            let path = path.collect::<Vec<_>>().join(".");
            let written = rest.get(1..).unwrap_or_default().trim();
            match if rest.starts_with('=') { decode(written) } else { Some(unescape(written)) } {
                Some(value) => settings.values.push((path, value)),
                None => settings.unread.push(index + 1),
            }
            sections.push((depth, name));
        }
        settings
    }

    /// The value of a key by its dotted path, in any case; `None` if it is missing or blank.
    pub fn get(&self, path: &str) -> Option<&str> {
        let path = path.to_lowercase();
        let found = self.values.iter().rev().find(|(known, _)| *known == path);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.trim().is_empty())
    }

    pub fn has_section(&self, name: &str) -> bool {
        let start = format!("{}.", name.to_lowercase());
        self.values.iter().any(|(path, _)| path.starts_with(&start))
    }
}

/// `\s` is a backslash, `\x` nothing; `\d`, `\c` and `\e` stand for `.`, `:` and `=` in keys.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            Some('s') => plain.push('\\'),
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('d') => plain.push('.'),
            Some('c') => plain.push(':'),
            Some('e') => plain.push('='),
            Some('x') => {}
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\u{feff}#Settings\r\n\
        IsInstalled: true\r\n\
        Network:\r\n\
        \t#Where\r\n\
        \tHost: *\r\n\
        \tList:\r\n\
        \t- a: b\r\n\
        \tPort: 7801\r\n\
        WebHooks:\r\n\
        \x20   EveryGenWebhook: https://example.com/a?b=c:d\r\n\
        \x20   EveryGenWebhookData: {\\n\\t\"text\": \"a \\s\"b\\s\" %seed%\"\\n}\r\n\
        \x20   QueueEndWebhook: \\x\r\n\
        \x20   QueueStartWebhook= aHR0cHM6Ly9leGFtcGxlLmNvbQ==\r\n\
        what is this\r\n\
        Bad= ***\r\n\
        Odd\\dKey: \\x a \\x\r\n\
        Last:\r\n";

    #[test]
    fn sections_values_and_escapes_are_read() {
        let settings = Settings::parse(FILE);
        for (path, value) in [
            ("IsInstalled", "true"),
            ("network.HOST", "*"),
            ("Network.Port", "7801"),
            ("WebHooks.EveryGenWebhook", "https://example.com/a?b=c:d"),
            ("WebHooks.EveryGenWebhookData", "{\n\t\"text\": \"a \\\"b\\\" %seed%\"\n}"),
            ("WebHooks.QueueStartWebhook", "https://example.com"),
            ("odd.key", " a "),
        ] {
            assert_eq!(settings.get(path), Some(value), "{path}");
        }
        for missing in ["WebHooks.QueueEndWebhook", "Last", "Nothing", "Network.List"] {
            assert_eq!(settings.get(missing), None, "{missing}");
        }
        assert!(settings.has_section("webhooks") && !settings.has_section("Last"));
    }

    #[test]
    fn a_line_that_is_not_understood_is_skipped_and_noted() {
        assert_eq!(Settings::parse(FILE).unread, [14, 15]);
        let junk = Settings::parse("\u{0}\u{1}\n:\n=\n- \n\\\n    x: y");
        assert_eq!(junk.unread, [1, 5]);
    }
}
