//! `json`: any HTTP receiver, in the form of Standard Webhooks 1.0.0.

mod canned_responses;

use super::{Answer, CannedResponse, Example, Platform, PlayedPlatform, Rate, Target, event_kind};
use crate::message::{Context, Notice, default_body, default_text};
use serde_json::Value;
use std::ops::RangeInclusive;
use url::Url;

#[derive(Debug)]
pub(super) struct Json;

impl Platform for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn responses(&self) -> &'static [CannedResponse] {
        canned_responses::RESPONSES
    }

    #[cfg(test)]
    fn trial(&self) -> &'static crate::platform::tests::Trial {
        &tests::TRIAL
    }

    /// Any URL may be one, so none says that it is.
    fn recognises(&self, _url: &Url) -> bool {
        false
    }

    fn coalesces(&self) -> bool {
        false
    }

    fn pace(&self) -> (&'static [Rate], usize) {
        (&[], 4)
    }

    fn webhook_headers(&self) -> bool {
        true
    }

    fn layout(&self, _notice: &Notice, context: &Context, _target: &Target) -> Value {
        default_body(event_kind(context), context)
    }

    fn card_text(&self, context: &Context, _target: &Target) -> Vec<u8> {
        default_text(event_kind(context), context)
    }

    /// It may be a relay to Discord.
    fn reads_forms(&self) -> bool {
        true
    }

    fn document_sizes(&self) -> Option<RangeInclusive<u64>> {
        Some(1..=u64::MAX)
    }

    /// Standard Webhooks, "Delivery": 2xx is success, 410 ends the endpoint, a redirect is a failure.
    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        if (200..=299).contains(&answer.status) { Ok(()) } else { Err("not 2xx") }
    }

    fn refuses_for_good(&self) -> bool {
        false
    }
}

impl PlayedPlatform for Json {
    fn example(&self) -> Example {
        Example { target: "/", options: &[] }
    }
}

#[cfg(test)]
mod tests;
