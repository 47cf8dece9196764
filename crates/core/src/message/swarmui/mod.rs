//! `syntax = "swarmui"`: the `%tag%` templates of SwarmUI's own webhooks (as of 0.9.8), so that an
//! operator can paste what they have. Where SwarmUI would lose or garble a message, this does not: a
//! stray `%` stays a percent sign, and every link is encoded.

mod fill;
mod image_url;
mod known_names;
mod tags;
mod time_tags;

use super::context::Context;
use super::rendered_message::{Extras, Message};
use super::template_error::{MAX_BODY_BYTES, RenderError, TemplateError, too_large};
use serde_json::Value as Json;
use tags::TagLookup;

/// Asks for the first output as a file beside the JSON.
const ATTACH: &str = "[discord_image]";

/// A template in SwarmUI's syntax.
pub(super) struct SwarmTemplate {
    origin: String,
    text: String,
    attach: bool,
}

impl SwarmTemplate {
    /// Takes the text as SwarmUI's settings hold it. A text without tags must be a JSON object already.
    pub fn compile(origin: &str, text: &str) -> Result<SwarmTemplate, TemplateError> {
        let text = text.trim();
        let (text, attach) = match text.strip_prefix(ATTACH) {
            Some(rest) => (rest.trim(), true),
            None => (text, false),
        };
        let text = if text.is_empty() { "{}" } else { text };
        if !text.contains('%')
            && let Err((line, reason)) = require_object(text)
        {
            return Err(TemplateError::at(origin, line, reason));
        }
        Ok(SwarmTemplate { origin: origin.to_owned(), text: text.to_owned(), attach })
    }

    /// Renders. Only a task has tags; the text of any other event is sent as it stands.
    pub fn render(&self, context: &Context) -> Result<Message, RenderError> {
        self.message(&TagLookup::of(context))
    }

    /// Renders for the sample of this event type; a tag that only a host can know stands for a number.
    pub fn check(&self, kind: &str) -> Result<(), RenderError> {
        let context = super::sample::context(kind);
        self.message(&TagLookup::guessing(&context)).map(|_| ())
    }

    fn message(&self, lookup: &TagLookup<'_>) -> Result<Message, RenderError> {
        let body = if lookup.has_task() {
            fill::fill(&self.text, MAX_BODY_BYTES, |tag| lookup.value(tag))
                .ok_or_else(|| RenderError::at(&self.origin, None, too_large()))?
        } else {
            self.text.clone()
        };
        require_object(&body).map_err(|(line, reason)| RenderError::at(&self.origin, line, reason))?;
        let attach_first_output = self.attach && lookup.has_output();
        Ok(Message {
            content_type: "application/json".to_owned(),
            body: body.into_bytes(),
            attach_first_output,
            extras: Extras::default(),
        })
    }
}

/// What is sent is a JSON object. The fault names no value of the message.
fn require_object(text: &str) -> Result<(), (Option<usize>, String)> {
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Object(_)) => Ok(()),
        Ok(_) => Err((None, "with its tags filled in, this is JSON but not an object (`{…}`)".to_owned())),
        Err(error) => {
            let reason =
                format!("with its tags filled in, this is no JSON: {error}; put text tags between quotes");
            Err((Some(error.line()), reason))
        }
    }
}

#[cfg(test)]
mod tests;
