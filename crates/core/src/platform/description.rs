//! What is fixed about a platform: a table of values, with which its folder begins.

use super::escape::MarkupOf;
use super::{BodyFault, CannedResponse, PlatformOption, Rate};
use serde_json::Value;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What a platform is called, takes and answers. A platform names what differs from [`Description::BASE`].
pub struct Description {
    /// The name in `platform = "…"`.
    pub name: &'static str,
    /// Other names it is known by.
    pub aliases: &'static [&'static str],
    /// The scheme of the URL of a receiver on this machine.
    pub scheme: &'static str,
    /// Where it listens when `url` is left out.
    pub default_url: Option<&'static str>,
    /// The parameter of its URL without which that takes no message.
    pub required_parameter: Option<&'static str>,
    /// What it needs or takes in addition to the URL.
    pub options: &'static [PlatformOption<'static>],
    /// The pace when the configuration names none.
    pub rates: &'static [Rate],
    /// Attempts in flight at once when the configuration names no number.
    pub concurrency: usize,
    /// The shortest wait when it asks for one again although the first was kept.
    pub penalty: Duration,
    /// Whether messages are folded into a summary when more wait than the rate can carry, unless the
    /// configuration says otherwise. Right for people, wrong for machines.
    pub coalesces: bool,
    /// Whether `webhook-id`, `webhook-timestamp` and `taskbell-attempt` are sent.
    pub webhook_headers: bool,
    /// What it pings, in words that go after "it takes"; `None` when it pings nobody.
    pub mention_form: Option<&'static str>,
    /// Whether a configured mention pings somebody.
    pub accepts_mention: fn(&str) -> bool,
    /// The markup that it reads in a place of a body; `None` where its receivers are machines, which get the values
    /// of an event as they are.
    pub markup: Option<MarkupOf>,
    /// The members of a body that make no sound, as JSON; `None` where the platform has nothing like it.
    pub silent: Option<&'static str>,
    /// The largest picture it takes with a message, in bytes; `None` when it takes none.
    pub file_limit: Option<u64>,
    /// The media types that it shows as pictures.
    pub pictures: &'static [&'static str],
    /// The sizes of a file of any other kind that it takes with a message, in bytes; `None` when it takes
    /// pictures only.
    pub document_sizes: Option<RangeInclusive<u64>>,
    /// Whether its receivers may read a message and its file from a form as SwarmUI sends it: parts `file` and
    /// `payload_json`, as Discord's webhooks take them.
    pub reads_forms: bool,
    /// The responses it is known to give. The first is success.
    pub responses: &'static [CannedResponse<'static>],
    /// Whether a refusal of the form of a message is for good. Not where the receivers are programs of anybody: those
    /// are repaired while the message waits.
    pub refuses_for_good: bool,
    /// Whether a message that it has can be edited, or continued under a key.
    pub edits: bool,
    /// What speaks against a body, which goes to this URL, or path and query.
    pub faults: fn(&Value, &str) -> Vec<BodyFault>,
    /// A URL and options of the form that it has.
    pub example: Example,
}

/// A target and options of a platform's form, for a receiver that plays it and for the tests.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Path and query of a URL.
    pub target: &'static str,
    /// The options that it needs in addition to the URL, and a value of each.
    pub options: &'static [(&'static str, &'static str)],
}

impl Description {
    /// A platform for people that takes texts one after the other.
    pub const BASE: Description = Description {
        name: "",
        aliases: &[],
        scheme: "http",
        default_url: None,
        required_parameter: None,
        options: &[],
        rates: &[],
        concurrency: 1,
        penalty: Duration::ZERO,
        coalesces: true,
        webhook_headers: false,
        mention_form: None,
        accepts_mention: |_| false,
        markup: None,
        silent: None,
        file_limit: None,
        pictures: &["image/png", "image/jpeg", "image/gif", "image/webp"],
        document_sizes: None,
        reads_forms: false,
        responses: &[],
        refuses_for_good: true,
        edits: false,
        faults: |_, _| Vec::new(),
        example: Example { target: "/", options: &[] },
    };

    /// Whether it shows a picture of this media type.
    pub fn shows(&self, media: &str) -> bool {
        self.pictures.contains(&media)
    }
}
