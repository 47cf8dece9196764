//! `json`: any HTTP receiver, in the form of Standard Webhooks 1.0.0.

mod canned_responses;

use super::{Answer, Description, Example, Platform, ReceivedRequest, Target, event_kind};
use crate::message::{Context, Notice, default_body, default_text};
use serde_json::Value;

pub(super) struct Json;

static DESCRIPTION: Description = Description {
    name: "json",
    concurrency: 4,
    coalesces: false,
    webhook_headers: true,
    document_sizes: Some(1..=u64::MAX),
    // It may be a relay to Discord.
    reads_forms: true,
    responses: canned_responses::RESPONSES,
    refuses_for_good: false,
    example: Example { target: "/", options: &[] },
    ..Description::BASE
};

/// Any receiver takes any body.
pub(super) fn refuses(_request: &ReceivedRequest<'_>) -> Option<&'static str> {
    None
}

impl Platform for Json {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn layout(&self, _notice: &Notice, context: &Context, _target: &Target) -> Value {
        default_body(event_kind(context), context)
    }

    fn card_text(&self, context: &Context, _target: &Target) -> Vec<u8> {
        default_text(event_kind(context), context)
    }

    /// Standard Webhooks, "Delivery": 2xx is success, 410 ends the endpoint, a redirect is a failure.
    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        if (200..=299).contains(&answer.status) { Ok(()) } else { Err("not 2xx") }
    }
}

#[cfg(test)]
pub(super) mod tests;
