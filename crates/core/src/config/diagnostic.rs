//! Errors and warnings of a configuration with their places, and the words they share: the nearest known name,
//! quoted text.

use std::fmt;
use std::path::PathBuf;

/// An error or a warning in a configuration. The message never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file; `None` when the text itself was given.
    pub file: Option<PathBuf>,
    /// The line, from 1; 0 when the error has no place in the text, such as a missing file.
    pub line: usize,
    /// The column in characters, from 1; 0 when the error has no place in the text.
    pub column: usize,
    /// The dotted path of the key, such as `endpoints.team.timeout`; empty for a syntax error.
    pub key: String,
    /// The problem and what to write instead.
    pub message: String,
}

impl ConfigError {
    /// Of a URL in the place of a configuration.
    pub(super) fn concern_the_url(&mut self) {
        let message = std::mem::take(&mut self.message);
        *self = ConfigError {
            file: None,
            line: 0,
            column: 0,
            key: String::new(),
            message: format!("this URL: {message}"),
        };
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) if self.line > 0 => write!(f, "{}:{}:{}: ", file.display(), self.line, self.column)?,
            Some(file) => write!(f, "{}: ", file.display())?,
            None if self.line > 0 => write!(f, "line {}, column {}: ", self.line, self.column)?,
            None => {}
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Every error of a configuration, in the order of the text. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// One error without a place in the text.
    pub(super) fn unlocated(file: Option<PathBuf>, message: String) -> Self {
        ConfigErrors(vec![ConfigError { file, line: 0, column: 0, key: String::new(), message }])
    }
}

impl fmt::Display for ConfigErrors {
    /// One error per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// An error or a warning by byte offset, before lines are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Diagnostic {
    pub at: usize,
    pub key: String,
    pub message: String,
    /// Set when the problem is in a file that the configuration names at `at`.
    pub location: Option<FileLocation>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileLocation {
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
}

impl Diagnostic {
    pub fn new(at: usize, key: &str, message: impl Into<String>) -> Self {
        Diagnostic { at, key: key.to_owned(), message: message.into(), location: None }
    }
}

/// Sorts by offset and counts lines and columns in one pass.
pub(super) fn locate(
    mut diagnostics: Vec<Diagnostic>,
    text: &str,
    file: Option<&PathBuf>,
) -> Vec<ConfigError> {
    diagnostics.sort_by_cached_key(|diagnostic| diagnostic.at);
    let mut counter = LineCounter::new(text);
    let located = diagnostics.into_iter().map(|diagnostic| {
        let (line, column) = counter.advance(diagnostic.at);
        let (file, line, column) = match diagnostic.location {
            Some(other) => (Some(other.file), other.line, other.column),
            None => (file.cloned(), line, column),
        };
        ConfigError { file, line, column, key: diagnostic.key, message: diagnostic.message }
    });
    located.collect()
}

/// The line and column (in characters) of one byte offset, both from 1.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    LineCounter::new(text).advance(at)
}

pub(super) struct LineCounter<'t> {
    rest: std::str::CharIndices<'t>,
    line: usize,
    column: usize,
}

impl<'t> LineCounter<'t> {
    pub fn new(text: &'t str) -> Self {
        LineCounter { rest: text.char_indices(), line: 1, column: 1 }
    }

    /// The line and column of this offset, which must not be below the previous one.
    #[inline(never)]
    pub fn advance(&mut self, at: usize) -> (usize, usize) {
        while self.rest.offset() < at {
            match self.rest.next() {
                Some((_, '\n')) => {
                    self.line += 1;
                    self.column = 1;
                }
                Some(_) => self.column += 1,
                None => break,
            }
        }
        (self.line, self.column)
    }
}

pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    nearest_of(word, &mut candidates.into_iter())
}

fn nearest_of<'c>(word: &str, candidates: &mut dyn Iterator<Item = &'c str>) -> Option<&'c str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    let distance = |candidate: &str| strsim::osa_distance(&word, &plain(candidate));
    let bound = (word.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Ends a sentence about a name that is not known with the nearest one, if there is one.
pub(super) fn did_you_mean<'c>(word: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    nearest(word, known).map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// What to write instead of an unknown name: the nearest known one, else all of them.
pub(super) fn advice(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("expected {}", alternatives(known)),
    }
}

/// `a`, `b` or `c`.
pub(super) fn alternatives(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Quotes a text for a message: escaped, and cut when it is long.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}…`", text[..end].escape_debug()),
        None => format!("`{}`", text.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_diagnostics_follow_the_order_of_the_text() {
        let text = "a = 1\n\"ä€\" = x\n";
        let diagnostics =
            vec![Diagnostic::new(text.find('x').unwrap(), "b", "second"), Diagnostic::new(0, "a", "first")];
        let located = locate(diagnostics, text, Some(&PathBuf::from("t.toml")));
        assert_eq!(located[0].to_string(), "t.toml:1:1: a: first");
        assert_eq!(located[1].to_string(), "t.toml:2:8: b: second");
        assert_eq!(line_and_column(text, 999), (3, 1), "an offset past the end is the end");
    }

    #[test]
    fn the_nearest_name_is_found_and_a_distant_one_is_not() {
        let known = ["timeout", "connect_timeout", "url"];
        assert_eq!(nearest("timout", known), Some("timeout"));
        assert_eq!(nearest("Connect-Timeout", known), Some("connect_timeout"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }

    #[test]
    fn a_long_or_odd_text_is_shown_short_and_escaped() {
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert!(quoted(&"ä".repeat(1000)).chars().count() < 70);
    }
}
