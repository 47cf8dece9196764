//! What a card would say of an event, as templates and conditions see it: `notice`.

use super::context::Context;
use super::filters::clip;
use super::notice::{Notice, Tone, WorkProgress};
use super::strings::Strings;
use crate::json::json;
use serde_json::Value as Json;

/// The characters of a title, of a line, and of a text that goes over several; a card has no room for more.
const TITLE: usize = 600;
const LINE: usize = 400;
const TEXT: usize = 4000;
/// The most facts, and the most failures.
const LINES: usize = 30;
/// The lines at the end of a traceback.
const LAST: usize = 5;

impl Tone {
    /// A sign for a text.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Tone::Good => "✅",
            Tone::Bad => "❌",
            Tone::Warn => "⚠️",
            Tone::Neutral => "🔔",
        }
    }
}

impl Notice {
    /// The notice as a template reads it. What there is none of is null or an empty list.
    pub(crate) fn to_json(&self, context: &Context) -> Json {
        let words = Strings::of(context);
        let line = |text: &str| clip(text, LINE);
        let long = |text: &Option<String>| text.as_ref().map(|text| clip(text, TEXT));
        let facts: Vec<(String, String)> =
            self.facts.iter().take(LINES).map(|fact| (line(&fact.label), line(&fact.value))).collect();
        let failures: Vec<String> =
            self.failures.iter().take(LINES).map(|group| line(&group.line(words))).collect();
        let (text, quote, details) = (long(&self.text), long(&self.quote), long(&self.details));
        let ending = self.details.iter().flat_map(|details| last_lines(details)).map(line);
        let said = text.iter().chain(&quote).cloned().chain(self.progress.and_then(WorkProgress::bar));
        let lines = said.chain(failures.iter().map(|failure| format!("• {failure}")));
        let lines = lines.chain(facts.iter().map(|(label, value)| format!("{label}{}{value}", words.colon)));
        let title = if self.title.trim().is_empty() {
            context.text_at(&["event", "type"]).unwrap_or("event")
        } else {
            &self.title
        };
        let link = |label: &str, url: &str| json!({ "label": label, "url": url });
        json!({
            "title": clip(title, TITLE),
            "tone": self.tone,
            "sign": self.tone.sign(),
            "text": text,
            "quote": quote,
            "details": details,
            "facts": facts.iter().map(|(label, value)| json!({"label": label, "value": value})).collect::<Vec<_>>(),
            "failures": failures,
            "lines": lines.chain(ending).collect::<Vec<_>>(),
            "link": self.link(),
            "links": self.links.iter().map(|it| link(&it.label, &it.url)).collect::<Vec<_>>(),
            "image": self.image(),
            "images": self.images.iter().map(|it| json!({"caption": it.caption, "url": it.url})).collect::<Vec<_>>(),
            "done": self.progress.map(|progress| progress.done),
            "total": self.progress.and_then(|progress| progress.total),
        })
    }
}

fn last_lines(details: &str) -> Vec<&str> {
    let mut lines: Vec<&str> =
        details.lines().rev().filter(|line| !line.trim().is_empty()).take(LAST).collect();
    lines.reverse();
    lines
}
