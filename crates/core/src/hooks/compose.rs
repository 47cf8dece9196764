//! Renders the message of an event: from the hook's template, or the platform's own card.

use super::Hook;
use crate::endpoint::{Endpoint, Overflow};
use crate::message::{Context, Extras, Message, RenderError, SummaryLine, Template};
use crate::platform::finish_template;
use serde_json::Value as Json;
use std::panic::{self, AssertUnwindSafe};

/// Renders the message of an event for an endpoint, once for all attempts.
///
/// # Errors
/// The place in the template and the reason. A defect of Taskbell (a panic) while rendering is such an error
/// too: it costs this message and nothing else.
pub fn compose(hook: Option<&Hook>, endpoint: &Endpoint, context: &Context) -> Result<Message, RenderError> {
    let compose = || match hook.and_then(|hook| hook.template.as_ref()) {
        Some(template) => render(template, endpoint, context).map(|message| {
            let extras = extras_of(endpoint, context);
            let extras = match template.is_swarmui() {
                true => for_swarmui(extras, message.attach_first_output, endpoint, context),
                false => extras,
            };
            Message { extras, ..message }
        }),
        None => Ok(card(hook.and_then(|hook| hook.mentions.as_deref()), endpoint, context)),
    };
    panic::catch_unwind(AssertUnwindSafe(compose)).unwrap_or_else(|_| {
        Err(RenderError {
            place: format!("the {} message", endpoint.platform.name()),
            line: None,
            reason: "a defect of Taskbell was caught while this event was rendered; please report it".into(),
        })
    })
}

fn render(template: &Template, endpoint: &Endpoint, context: &Context) -> Result<Message, RenderError> {
    match finish_template(endpoint.platform) {
        Some(finish) => template.render_marked(context, &finish),
        None => template.render(context),
    }
}

fn card(mentions: Option<&[String]>, endpoint: &Endpoint, context: &Context) -> Message {
    let other = mentions.map(|mentions| endpoint.target.mentioning(mentions));
    Message {
        content_type: "application/json".into(),
        body: endpoint.platform.card_text(context, other.as_ref().unwrap_or(&endpoint.target)),
        attach_first_output: false,
        extras: extras_of(endpoint, context),
    }
}

fn extras_of(endpoint: &Endpoint, context: &Context) -> Extras {
    let attaches = endpoint.platform.description().file_limit.is_some();
    let coalesces = endpoint.overflow == Overflow::Fold && !endpoint.rate.is_empty();
    Extras {
        file: attaches.then(|| output_to_attach(context, endpoint)).flatten(),
        form: false,
        line: coalesces.then(|| {
            let kind = context.text_at(&["event", "type"]).unwrap_or("event");
            SummaryLine::of(kind, context).0
        }),
        host: coalesces.then(|| context.at(&["host"]).cloned()).flatten(),
    }
}

/// Attaches the file as a SwarmUI form where the receiver reads forms, else in the platform's own way; not at
/// all unless the template asks for it.
fn for_swarmui(extras: Extras, asked: bool, endpoint: &Endpoint, context: &Context) -> Extras {
    let form = asked && endpoint.platform.description().reads_forms;
    let file = if form { output_to_attach(context, endpoint) } else { extras.file.filter(|_| asked) };
    Extras { form: form && file.is_some(), file, ..extras }
}

/// The path of the first output that is a picture by its type or name, else of the first file if the platform
/// takes any. `None` where no file may be read.
fn output_to_attach(context: &Context, endpoint: &Endpoint) -> Option<String> {
    if endpoint.file_roots.is_empty() {
        return None;
    }
    let takes_any = endpoint.platform.description().document_sizes.is_some();
    let outputs = context.at(&["task", "outputs"])?.as_array()?;
    let text = |output: &Json, key: &str| output.get(key).and_then(Json::as_str).map(str::to_owned);
    let path_of = |output: &Json| text(output, "path").filter(|path| !path.is_empty());
    let picture = outputs.iter().find_map(|output| {
        let path = path_of(output)?;
        let is_picture = match text(output, "mime") {
            Some(mime) => mime.starts_with("image/"),
            None => {
                let path = path.to_ascii_lowercase();
                [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|ending| path.ends_with(ending))
            }
        };
        is_picture.then_some(path)
    });
    picture.or_else(|| outputs.iter().find_map(path_of).filter(|_| takes_any))
}
