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
        Some(template) => template
            .render(context)
            .map(|message| Message { extras: extras(template, &message, endpoint, context), ..message }),
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

/// SwarmUI's templates say themselves whether the file goes with them.
fn extras(template: &Template, message: &Message, endpoint: &Endpoint, context: &Context) -> Extras {
    let mut extras = Extras::of(endpoint, context);
    if template.is_swarmui() && !message.attach_first_output {
        extras.file = None;
    }
    extras
}

fn card(endpoint: &Endpoint, context: &Context) -> Message {
    Message {
        content_type: "application/json".into(),
        body: endpoint.platform.card_text(context, endpoint),
        attach_first_output: false,
        extras: Extras::of(endpoint, context),
    }
}
