//! The strings of a card with what its host calls a task.

use super::context::Context;
use super::filters::clip;
use super::notice::MAX_PLACE_CHARS;
use super::strings::{Strings, fill};
use std::ops::Deref;

/// The strings of a context, and what its host calls a task: `[words]`.
pub(super) struct CardWords {
    strings: &'static Strings,
    one: String,
    several: String,
    is_own: bool,
}

impl Deref for CardWords {
    type Target = Strings;

    fn deref(&self) -> &Strings {
        self.strings
    }
}

impl CardWords {
    /// The words for the cards of this context.
    pub fn of(context: &Context) -> CardWords {
        let strings = Strings::of(context);
        let own = |key| context.text_at(&["host", "words", key]).map(str::to_owned);
        let (one, several) = strings.task;
        let is_own = own("task").is_some();
        let one = own("task").unwrap_or_else(|| one.to_owned());
        let several = own("tasks").unwrap_or_else(|| if is_own { one.clone() } else { several.to_owned() });
        CardWords { strings, one, several, is_own }
    }

    /// Fills a pattern that may have the noun in it: `{task}`, and `{Task}` at its beginning.
    pub fn say(&self, pattern: &str, values: &[(&str, &str)]) -> String {
        let mut first = self.one.chars();
        let capital: String = first.next().into_iter().flat_map(char::to_uppercase).chain(first).collect();
        let nouns = [("Task", capital.as_str()), ("task", &self.one)];
        fill(pattern, &[values, &nouns].concat())
    }

    /// `Alert on render-07: disk, 8.5`.
    pub fn titled(&self, what: &str, host: Option<&str>, said: &[String]) -> String {
        let what = match host {
            Some(host) => fill(self.on_host, &[("what", what), ("host", &clip(host, MAX_PLACE_CHARS))]),
            None => what.to_owned(),
        };
        match said {
            [] => what,
            said => fill(self.named, &[("what", &what), ("name", &said.join(self.comma))]),
        }
    }

    /// `12 tasks`.
    pub fn counted(&self, count: u64) -> String {
        let noun = if count == 1 { &self.one } else { &self.several };
        fill(self.counted, &[("count", &self.number(count)), ("noun", noun)])
    }

    /// `12`, or `12 frames` where the host has a noun of its own.
    pub fn amount(&self, count: u64) -> String {
        if self.is_own { self.counted(count) } else { self.number(count) }
    }
}
