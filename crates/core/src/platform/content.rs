//! The content of a card as platforms lay it out: addresses that may be shown, a bar, the end of a traceback, and the
//! lines of a card that is one text.

use super::limits::Unit;
use super::links::{fetchable, followable};
use crate::message::{Fact, FailureGroup, Notice, Strings, WorkProgress};
use url::Url;

/// The links that a reader can follow, with the words of each.
pub(super) fn shown_links(notice: &Notice, max: usize) -> impl Iterator<Item = (&str, Url)> {
    notice.links.iter().filter_map(move |link| Some((link.label.as_str(), followable(Some(&link.url), max)?)))
}

/// The pictures that a platform's own servers can fetch, with the words for each.
pub(super) fn pictures(notice: &Notice, max: usize) -> impl Iterator<Item = (&str, Url)> {
    notice
        .images
        .iter()
        .filter_map(move |image| Some((image.caption.as_str(), fetchable(Some(&image.url), max)?)))
}

/// What is done of a known total, as a bar.
pub(super) fn bar(notice: &Notice) -> Option<String> {
    notice.progress.and_then(WorkProgress::bar)
}

/// The time of a fact in Unix seconds, where a platform shows it in the zone of its reader.
pub(super) fn time_of(fact: &Fact) -> Option<i64> {
    const LAST: i64 = 253_402_300_799;
    fact.time.map(|ms| ms.div_euclid(1000)).filter(|seconds| (1..=LAST).contains(seconds))
}

/// The last lines of a text in at most `max`, each as `cut` escapes and cuts it: a traceback ends with what matters.
pub(super) fn last_lines(
    text: &str,
    max: usize,
    unit: Unit,
    cut: &dyn Fn(&str, usize) -> String,
) -> Vec<String> {
    let mut left = max;
    let mut lines = Vec::new();
    for line in text.lines().rev().filter(|line| !line.trim().is_empty()) {
        let fitting = cut(line.trim_end(), max / 2);
        let length = unit.length(&fitting) + 2;
        if length > left {
            lines.push("…".to_owned());
            break;
        }
        left -= length;
        lines.push(fitting);
    }
    lines.reverse();
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// How a platform writes the parts of a card that is one text. Each gets texts that are escaped and cut.
pub(super) struct TextForm {
    pub unit: Unit,
    /// The longest value, prompt or failure; a label has a quarter of it.
    pub line: usize,
    /// The longest reason; the end of a traceback has half of it.
    pub free_text: usize,
    /// The longest address.
    pub link_max: usize,
    /// A text on one line, and on lines of its own, escaped and of at most so many.
    pub inline: fn(&str, usize) -> String,
    pub block: fn(&str, usize) -> String,
    pub text: fn(&str) -> String,
    pub quote: fn(&str) -> String,
    /// A label, the colon of the language and a value.
    pub fact: fn(&str, &str, &str) -> String,
    /// A time in Unix seconds, and how it is written where no reader's zone is known.
    pub time: Option<fn(i64, &str) -> String>,
    pub heading: Option<fn(&str) -> String>,
    pub failure: fn(&str) -> String,
    pub details: fn(&[String]) -> String,
    /// A picture; `None` where it is a link like the others.
    pub picture: Option<fn(&str, &Url) -> String>,
    pub link: fn(&str, &Url) -> String,
}

impl TextForm {
    /// Why, what was asked for, and how much is done: what stands first.
    pub fn head(&self, notice: &Notice) -> Vec<String> {
        let text = notice.text.as_deref().map(|text| (self.block)(text, self.free_text));
        let quote = notice.quote.as_deref().map(|quote| (self.inline)(quote, self.line));
        let text = text.filter(|text| !text.trim().is_empty()).map(|text| (self.text)(&text));
        let quote = quote.filter(|quote| !quote.trim().is_empty()).map(|quote| (self.quote)(&quote));
        text.into_iter().chain(quote).chain(bar(notice)).collect()
    }

    pub fn facts(&self, notice: &Notice, words: &Strings) -> Vec<String> {
        let fact = |fact: &Fact| {
            let value = (self.inline)(&fact.value, self.line);
            let value = match (self.time, time_of(fact)) {
                (Some(time), Some(at)) => time(at, &value),
                _ => value,
            };
            (self.fact)(&(self.inline)(&fact.label, self.line / 4), words.colon, &value)
        };
        notice.facts.iter().map(fact).collect()
    }

    pub fn failures(&self, notice: &Notice, words: &Strings) -> Vec<String> {
        let line = |failure: &FailureGroup| (self.failure)(&(self.inline)(&failure.line(words), self.line));
        let heading =
            self.heading.filter(|_| !notice.failures.is_empty()).map(|heading| heading(words.failures));
        heading.into_iter().chain(notice.failures.iter().map(line)).collect()
    }

    pub fn details(&self, notice: &Notice) -> Option<String> {
        let details = notice.details.as_deref()?;
        let lines = last_lines(details, self.free_text / 2, self.unit, &self.inline);
        (!lines.is_empty()).then(|| (self.details)(&lines))
    }

    /// The pictures that are shown; else links to those that no other link leads to.
    pub fn pictures(&self, notice: &Notice) -> Vec<String> {
        let is_linked = |url: &Url| shown_links(notice, self.link_max).any(|(_, other)| other == *url);
        let shown =
            pictures(notice, self.link_max).filter(|(_, url)| self.picture.is_some() || !is_linked(url));
        let write = self.picture.unwrap_or(self.link);
        shown.map(|(caption, url)| write(&(self.inline)(caption, self.line / 4), &url)).collect()
    }

    /// The main link, and those for which there is room.
    pub fn links(&self, notice: &Notice) -> Vec<String> {
        let write = |(label, url): (&str, Url)| (self.link)(&(self.inline)(label, self.line / 4), &url);
        let mut left = self.link_max * 3 / 2;
        let mut links = Vec::new();
        for link in shown_links(notice, self.link_max).map(write) {
            let length = self.unit.length(&link);
            if links.is_empty() || length < left {
                left = left.saturating_sub(length);
                links.push(link);
            }
        }
        links
    }

    /// All of it, in the order in which it matters.
    pub fn lines(&self, notice: &Notice, words: &Strings) -> Vec<String> {
        let mut lines = self.head(notice);
        lines.extend(self.facts(notice, words));
        lines.extend(self.failures(notice, words));
        lines.extend(self.details(notice));
        lines.extend(self.pictures(notice));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::fit;
    use super::super::tests::notice;
    use super::*;

    fn bar_of(done: u64, total: Option<u64>) -> Option<String> {
        bar(&Notice { progress: Some(WorkProgress { done, total }), ..notice("t") })
    }

    #[test]
    fn a_bar_is_full_only_when_all_is_done() {
        assert_eq!(bar_of(0, Some(9)).as_deref(), Some("░░░░░░░░░░ 0/9"));
        assert_eq!(bar_of(239, Some(240)).as_deref(), Some("▓▓▓▓▓▓▓▓▓░ 239/240"));
        assert_eq!(bar_of(240, Some(240)).as_deref(), Some("▓▓▓▓▓▓▓▓▓▓ 240/240"));
        assert_eq!(bar_of(u64::MAX, Some(u64::MAX)).map(|bar| bar.matches('▓').count()), Some(10));
        assert_eq!((bar_of(3, None), bar_of(3, Some(0))), (None, None));
    }

    #[test]
    fn a_traceback_is_cut_from_its_beginning() {
        let cut = |text: &str, max| fit(text, max, Unit::Bytes, |_| None);
        let lines = |text: &str, max| last_lines(text, max, Unit::Bytes, &cut);
        assert_eq!(lines("a\n\nb\n", 100), ["a", "b"]);
        assert_eq!(lines("first\n  second\nthe error", 24), ["…", "  second", "the error"]);
        assert_eq!(lines(&"x".repeat(90), 20), ["xxxxxxx…"]);
        assert!(lines(" \n", 20).is_empty());
    }

    #[test]
    fn a_time_that_no_calendar_has_is_a_text() {
        let at = |time| time_of(&Fact { label: String::new(), value: String::new(), time });
        assert_eq!((at(Some(1_700_000_000_999)), at(None)), (Some(1_700_000_000), None));
        assert_eq!((at(Some(-1)), at(Some(i64::MAX))), (None, None));
    }
}
