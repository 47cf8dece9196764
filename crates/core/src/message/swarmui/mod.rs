//! `syntax = "swarmui"`: the `%tag%` templates of SwarmUI's own webhooks (as of 0.9.8), so that users can paste their
//! existing templates. Written by hand because the syntax is SwarmUI's own; no template engine knows it. Fixes SwarmUI's
//! defects: a stray `%` stays a percent sign, and every link is encoded.

mod fill;
pub(super) mod image_url;
mod known_names;
pub(super) mod tags;
mod time_tags;

use super::context::Context;
use super::marks;
use super::rendered_message::{Extras, Message};
use super::template_error::{MAX_BODY_BYTES, RenderError, TemplateError, too_large};
use serde_json::Value as Json;
use tags::TagLookup;

/// The prefix that requests the first output as an attachment.
const ATTACH: &str = "[discord_image]";

pub(super) struct SwarmTemplate {
    origin: String,
    text: String,
    attach: bool,
}

impl SwarmTemplate {
    /// Compiles a text from SwarmUI's settings. A text without tags must be a JSON object already.
    pub fn compile(origin: &str, text: &str) -> Result<SwarmTemplate, TemplateError> {
        let text = text.trim();
        let (text, attach) = match text.strip_prefix(ATTACH) {
            Some(rest) => (rest.trim(), true),
            None => (text, false),
        };
        let text = if text.is_empty() { "{}" } else { text };
        if !text.contains('%')
            && let Err((line, reason)) = read_object(text)
        {
            return Err(TemplateError::at(origin, line, reason));
        }
        Ok(SwarmTemplate { origin: origin.to_owned(), text: text.to_owned(), attach })
    }

    /// Replaces the tags for a task; for any other event the text is sent unchanged.
    pub fn render(&self, context: &Context) -> Result<Message, RenderError> {
        self.message(&TagLookup::of(context))
    }

    /// The body with marks on its values, for a platform that reads markup, and whether the first output is attached.
    pub fn render_marked(&self, context: &Context) -> Result<(Json, bool), RenderError> {
        let clean = marks::clean(context.json()).map(Context::new);
        let lookup = TagLookup::of(clean.as_ref().unwrap_or(context));
        let body =
            self.filled(&lookup, |value, in_quotes| if in_quotes { marks::mark(&value) } else { value })?;
        let body =
            read_object(&body).map_err(|(line, reason)| RenderError::at(&self.origin, line, reason))?;
        Ok((body, self.attach && lookup.has_output()))
    }

    fn filled(
        &self,
        lookup: &TagLookup<'_>,
        write: impl Fn(String, bool) -> String,
    ) -> Result<String, RenderError> {
        if !lookup.has_task() {
            return Ok(self.text.clone());
        }
        fill::fill(&self.text, MAX_BODY_BYTES, |tag, quoted| {
            lookup.value(tag).map(|value| write(value, quoted))
        })
        .ok_or_else(|| RenderError::at(&self.origin, None, too_large()))
    }

    /// Renders sample data of this event type; a tag that only a host knows becomes a number.
    pub fn check(&self, kind: &str) -> Result<(), RenderError> {
        let context = super::sample::context(kind);
        self.message(&TagLookup::guessing(&context)).map(|_| ())
    }

    fn message(&self, lookup: &TagLookup<'_>) -> Result<Message, RenderError> {
        let body = self.filled(lookup, |value, _| value)?;
        read_object(&body).map_err(|(line, reason)| RenderError::at(&self.origin, line, reason))?;
        let attach_first_output = self.attach && lookup.has_output();
        Ok(Message {
            content_type: "application/json".to_owned(),
            body: body.into_bytes(),
            attach_first_output,
            extras: Extras::default(),
        })
    }
}

/// The error quotes no value of the message.
fn read_object(text: &str) -> Result<Json, (Option<usize>, String)> {
    match serde_json::from_slice::<Json>(text.as_bytes()) {
        Ok(Json::Object(fields)) => Ok(Json::Object(fields)),
        Ok(_) => Err((None, "with its tags replaced, this is JSON but not an object (`{…}`)".to_owned())),
        Err(error) => {
            let reason =
                format!("with its tags replaced, this is not JSON: {error}; put text tags in quotes");
            Err((Some(error.line()), reason))
        }
    }
}

#[cfg(test)]
mod tests;
