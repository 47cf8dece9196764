//! From a hook's template, or the platform's own card, to the message.

use super::{Context, Extras, Message, RenderError, Template};
use crate::config::Endpoint;
use std::panic::{self, AssertUnwindSafe};

/// The message of an event for an endpoint: rendered once, and the same for every attempt.
///
/// # Errors
/// Where the template failed, and why. A defect of Taskbell that the event brings to light is such an
/// error too: it costs this message, and nothing else.
pub fn compose(
    template: Option<&Template>,
    endpoint: &Endpoint,
    context: &Context,
) -> Result<Message, RenderError> {
    let compose = || match template {
        Some(template) => template.render(context).map(|message| {
            let extras = Extras::of(endpoint, context);
            let extras = match template.is_swarmui() {
                true => extras.for_swarmui(message.attach_first_output, endpoint, context),
                false => extras,
            };
            Message { extras, ..message }
        }),
        None => Ok(card(endpoint, context)),
    };
    panic::catch_unwind(AssertUnwindSafe(compose)).unwrap_or_else(|_| {
        Err(RenderError {
            place: format!("the {} message", endpoint.platform.name()),
            line: None,
            reason: "a defect of Taskbell was caught while this event was rendered; please report it".into(),
        })
    })
}

fn card(endpoint: &Endpoint, context: &Context) -> Message {
    Message {
        content_type: "application/json".into(),
        body: endpoint.platform.card_text(context, endpoint),
        attach_first_output: false,
        extras: Extras::of(endpoint, context),
    }
}
