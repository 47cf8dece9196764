//! What is wrong with a configuration, and where.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// One fault (or one warning) of a configuration. Its message never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file; `None` when the text itself was given.
    pub file: Option<PathBuf>,
    /// The line, from 1; 0 when the fault has no place in the text, such as a missing file.
    pub line: usize,
    /// The column in characters, from 1; 0 when the fault has no place in the text.
    pub column: usize,
    /// The dotted path of the key, such as `endpoints.team.timeout`; empty for a fault of syntax.
    pub key: String,
    /// What is wrong, and what was expected.
    pub message: String,
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

/// Every fault of a configuration, in the order of the text. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The list, if there is anything in it.
    pub(super) fn of(errors: Vec<ConfigError>) -> Option<Self> {
        (!errors.is_empty()).then_some(ConfigErrors(errors))
    }

    /// One fault that has no place in the text.
    pub(super) fn without_place(file: Option<PathBuf>, message: String) -> Self {
        ConfigErrors(vec![ConfigError { file, line: 0, column: 0, key: String::new(), message }])
    }

    /// The faults.
    pub fn as_slice(&self) -> &[ConfigError] {
        &self.0
    }

    /// The faults, one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl IntoIterator for ConfigErrors {
    type Item = ConfigError;
    type IntoIter = std::vec::IntoIter<ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for ConfigErrors {
    /// One fault a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// A fault as it is found: by byte offset, before lines are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Byte offset into the text of the configuration.
    pub at: usize,
    /// The dotted path of the key.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// Where it really is, when that is another file than the configuration.
    pub elsewhere: Option<Elsewhere>,
}

/// A place in a file that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
}

impl Fault {
    /// A fault in the configuration itself.
    pub fn here(at: usize, key: impl Into<String>, message: impl Into<String>) -> Self {
        Fault { at, key: key.into(), message: message.into(), elsewhere: None }
    }
}

/// Puts faults in the order of the text and gives each its line and column, in one pass.
pub(super) fn place(mut faults: Vec<Fault>, text: &str, file: Option<&PathBuf>) -> Vec<ConfigError> {
    faults.sort_by_key(|fault| fault.at);
    let mut counter = LineCounter::new(text);
    let placed = faults.into_iter().map(|fault| {
        let (line, column) = counter.advance(fault.at);
        let (file, line, column) = match fault.elsewhere {
            Some(other) => (Some(other.file), other.line, other.column),
            None => (file.cloned(), line, column),
        };
        ConfigError { file, line, column, key: fault.key, message: fault.message }
    });
    placed.collect()
}

/// The line and column (in characters) of one byte offset, both from 1.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    LineCounter::new(text).advance(at)
}

/// Counts lines and columns of ascending offsets without starting over.
pub(super) struct LineCounter<'t> {
    rest: std::str::CharIndices<'t>,
    line: usize,
    column: usize,
}

impl<'t> LineCounter<'t> {
    pub fn new(text: &'t str) -> Self {
        LineCounter { rest: text.char_indices(), line: 1, column: 1 }
    }

    /// The line and column of this offset, which is not before the last one asked for.
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

/// The candidate that somebody who wrote `word` most likely meant.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word, &plain(candidate));
    let bound = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A text in quotes for a message: escaped, and cut when it is long.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let cut: Cow<str> = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    };
    format!("`{}`", cut.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_faults_come_in_the_order_of_the_text() {
        let text = "a = 1\n\"ä€\" = x\n";
        let faults = vec![Fault::here(text.find('x').unwrap(), "b", "second"), Fault::here(0, "a", "first")];
        let placed = place(faults, text, Some(&PathBuf::from("t.toml")));
        assert_eq!(placed[0].to_string(), "t.toml:1:1: a: first");
        assert_eq!(placed[1].to_string(), "t.toml:2:8: b: second");
        assert_eq!(line_and_column(text, 999), (3, 1), "past the end is the end");
    }

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
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
