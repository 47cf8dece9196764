//! What a card would say of an event, as templates and conditions see it: `notice`.

use super::context::Context;
use super::notice::{Notice, Tone};
use super::strings::Strings;
use serde_json::{Value as Json, json};

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
    pub(super) fn to_json(&self, context: &Context) -> Json {
        let words = Strings::of(context);
        let facts: Vec<(&String, &String)> =
            self.facts.iter().map(|fact| (&fact.label, &fact.value)).collect();
        let failures: Vec<String> = self.failures.iter().map(|group| group.line(words)).collect();
        let text = self.text.iter().chain(&self.quote).cloned();
        let lines = text.chain(failures.iter().map(|failure| format!("• {failure}")));
        let lines = lines.chain(facts.iter().map(|(label, value)| format!("{label}{}{value}", words.colon)));
        let link = |label: &str, url: &str| json!({ "label": label, "url": url });
        json!({
            "title": self.title,
            "tone": self.tone,
            "sign": self.tone.sign(),
            "text": self.text,
            "quote": self.quote,
            "details": self.details,
            "facts": facts.iter().map(|(label, value)| json!({"label": label, "value": value})).collect::<Vec<_>>(),
            "failures": failures,
            "lines": lines.collect::<Vec<_>>(),
            "link": self.link(),
            "links": self.links.iter().map(|it| link(&it.label, &it.url)).collect::<Vec<_>>(),
            "image": self.image(),
            "images": self.images.iter().map(|it| json!({"caption": it.caption, "url": it.url})).collect::<Vec<_>>(),
            "done": self.progress.map(|progress| progress.done),
            "total": self.progress.and_then(|progress| progress.total),
        })
    }
}
