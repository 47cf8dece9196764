//! One folder per platform: the card, its limits, the responses and the tests stand together.
//!
//! To add a platform, copy the folder of one that is like it and change these files:
//!
//! 1. `NAME/mod.rs` implements [`Platform`]: `recognises` its URLs, `layout` builds the card, `trim` cuts what a
//!    template made too long, `template_markup` says how it reads the texts of a template, `degrade` makes a plainer
//!    message, `took` says what shows that it has the message, and `code` which code a response has. Measure in the
//!    platform's own unit of length, and escape text from outside before it is cut. A response that cannot be read is
//!    never a success. `options` lists what it needs in addition to the URL. What changes from
//!    attempt to attempt, and every secret, is added by `request` and never part of the card.
//! 2. `NAME/canned_responses.rs` lists its known responses, success first, each with what it means: answers are read
//!    by this table, and `taskbell serve --as NAME` answers with it. A code that another attempt cannot change is
//!    final; a dead URL is gone. The first response that fits counts.
//! 3. `NAME/rules.rs` states once what the body of a message may hold, as tables: `taskbell check` warns by it, and
//!    `serve --as` refuses by it. `NAME/request_checks.rs` adds what only the whole request shows: path, token,
//!    headers, files.
//! 4. `NAME/tests.rs` has a `TRIAL`: URLs, pace, a check of the card, the limits from the platform's own pages, and
//!    templates of its forms. The tests in `tests/` try it with hostile texts, long templates and odd mentions.
//!    The platform's own tests follow it there.
//! 5. Here, add `mod NAME;` and a line to `platforms!`. The first that recognises a URL has it, so the narrower
//!    comes first.
//!
//! Then run `cargo test -p taskbell-core`. It asks for what stands outside the folder: the options in
//! `docs/configuration.md` (`TASKBELL_UPDATE_DOCS=1 cargo test --lib the_checked_in_reference` writes them) and a
//! section with a picture in `docs/platforms.md` (`cargo xtask cards` takes it). The tables of `tests/python` name
//! the platforms that they try, and fail for one that they do not name.

mod answer;
mod canned_response;
mod cloudevents;
mod cut;
mod dimensions;
mod dingtalk;
mod discord;
mod escape;
mod escaped_text;
mod feishu;
mod github;
mod gitlab;
mod googlechat;
mod json;
mod known_address;
mod limits;
mod lines;
mod links;
mod mattermost;
mod mentions;
mod multipart;
mod ntfy;
mod pagerduty;
mod plain_text;
mod platform_options;
mod received_request;
mod request;
mod retry_after;
mod rules;
mod signature;
mod slack;
mod slack_workflow;
mod target;
mod teams;
mod telegram;
mod trim;
mod wecom;

pub use answer::{Answer, Degradation, Outcome};
pub use canned_response::{CannedResponse, Expected};
pub use escape::finish_template;
pub use known_address::{KnownAddress, known_address, near_host, without_www};
pub use multipart::shown as shown_form;
pub use platform_options::{
    MissingValue, PlatformOption, is_platform_option, option_names, platforms_with_option,
};
pub use received_request::ReceivedRequest;
pub use request::{Attachment, Envelope, RenderedMessage, Request};
pub use rules::{BodyFault, FaultKind, pruned, warnings};
pub use target::{Rate, Target};
pub use trim::trimmed;

use crate::message::{Context, Notice, Tone};
use rules::refusal;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::Duration;
use url::Url;

macro_rules! platforms {
    ($($platform:expr,)*) => {
        static PLATFORMS: &[&dyn Platform] = &[$($platform),*];
        static PLAYED: &[&dyn PlayedPlatform] = &[$($platform),*];
    };
}

platforms! {
    &json::Json,
    &slack::Slack,
    &slack_workflow::SlackWorkflow,
    &discord::Discord,
    &wecom::WeCom,
    &teams::Teams,
    &googlechat::GoogleChat,
    &mattermost::Mattermost,
    &dingtalk::DingTalk,
    &feishu::Feishu,
    &telegram::Telegram,
    &ntfy::Ntfy,
    &pagerduty::PagerDuty,
    &github::GitHub,
    &gitlab::GitLab,
    &cloudevents::CloudEvents,
}

/// The platform of this name, or of this other name for it.
pub fn by_name(name: &str) -> Option<&'static dyn Platform> {
    PLATFORMS.iter().copied().find(|platform| platform.name() == name || platform.aliases().contains(&name))
}

/// The platform of this name, for a receiver that plays it.
pub fn played(name: &str) -> Option<&'static dyn PlayedPlatform> {
    let is_meant =
        |platform: &&dyn PlayedPlatform| platform.name() == name || platform.aliases().contains(&name);
    PLAYED.iter().copied().find(is_meant)
}

/// The platform this URL can only belong to; `None` for a URL that says nothing, which is `json`.
pub fn recognise(url: &Url) -> Option<&'static dyn Platform> {
    PLATFORMS.iter().copied().find(|platform| platform.recognises(url))
}

/// Every platform, in the order of recognition.
pub fn all() -> &'static [&'static dyn Platform] {
    PLATFORMS
}

/// Every name for `platform = "…"`.
pub fn names() -> Vec<&'static str> {
    PLATFORMS.iter().map(|platform| platform.name()).collect()
}

/// A target and options of a platform's form, for a receiver that plays it and for the tests.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Path and query of a URL.
    pub target: &'static str,
    /// The options that it needs in addition to the URL, and a value of each.
    pub options: &'static [(&'static str, &'static str)],
}

/// A kind of receiver.
pub trait Platform: Sync + Debug {
    /// The name in `platform = "…"`.
    fn name(&self) -> &'static str;

    /// The responses it is known to give. The first is success.
    fn responses(&self) -> &'static [CannedResponse];

    /// Other names it is known by.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether this URL can only be one of this platform's.
    fn recognises(&self, url: &Url) -> bool;

    /// The pace when the configuration names none: rates, and attempts in flight at once.
    fn pace(&self) -> (&'static [Rate], usize);

    /// The shortest wait when it asks for one again although the first was kept.
    fn penalty(&self) -> Duration {
        Duration::ZERO
    }

    /// What it needs or takes in addition to the URL.
    fn options(&self) -> &'static [PlatformOption] {
        &[]
    }

    /// Where it listens when `url` is left out.
    fn default_url(&self) -> Option<&'static str> {
        None
    }

    /// The parameter of its URL without which that takes no message.
    fn required_parameter(&self) -> Option<&'static str> {
        None
    }

    /// What neither the URL nor the keys hold although the platform needs it: the key, and a sentence. A
    /// server of one's own that speaks as the platform does may do without.
    fn missing_value(&self, target: &Target) -> Option<MissingValue> {
        let url = target.url.expose();
        let missing = if self.recognises(url) { self.missing_end(url)? } else { return None };
        Some(("url", format!("the end of this URL is missing: {missing}")))
    }

    /// What is missing at the end of a URL that it recognises, because the copy was cut short.
    fn missing_end(&self, url: &Url) -> Option<String> {
        let name = self.required_parameter()?;
        let has = url.query_pairs().any(|(key, value)| key == name && !value.is_empty());
        (!has).then(|| format!("`{name}=` with its value"))
    }

    /// What is most likely wrong with a URL or an option of it that can be sent: the key, and a sentence.
    fn odd_value(&self, target: &Target) -> Option<(&'static str, &'static str)> {
        let url = target.url.expose();
        let odd = self.recognises(url).then(|| self.odd_url(url)).flatten();
        odd.map(|words| ("url", words))
    }

    /// The same of a URL that it recognises.
    fn odd_url(&self, _url: &Url) -> Option<&'static str> {
        None
    }

    /// The URL that is dialled for the configured one.
    fn dial_url(&self, configured: &Url) -> Url {
        configured.clone()
    }

    /// Whether `webhook-id`, `webhook-timestamp` and `taskbell-attempt` are sent.
    fn webhook_headers(&self) -> bool {
        false
    }

    /// What it pings, in words that go after "it takes"; `None` when it pings nobody.
    fn mention_form(&self) -> Option<&'static str> {
        None
    }

    /// Whether a configured mention pings somebody.
    fn accepts_mention(&self, _mention: &str) -> bool {
        false
    }

    /// What the tests of all platforms must know of this one.
    #[cfg(test)]
    fn trial(&self) -> &'static tests::Trial;

    /// The markup that it reads in a place of a body; `None` where its receivers are machines, which get the values
    /// of an event as they are.
    fn template_markup(&self) -> Option<escape::MarkupOf> {
        None
    }

    /// Adds what the body of a template should have and does not.
    fn add_defaults(&self, _body: &mut serde_json::Value) {}

    /// The card of this content.
    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> serde_json::Value;

    /// The body when the hook has no template.
    fn card(&self, context: &Context, target: &Target) -> serde_json::Value {
        self.layout(&Notice::from_context(event_kind(context), context), context, target)
    }

    /// The same as JSON text.
    fn card_text(&self, context: &Context, target: &Target) -> Vec<u8> {
        serde_json::to_vec(&self.card(context, target)).unwrap_or_default()
    }

    /// The request of one attempt: the card, or what a template made in its place, with the URL that is
    /// dialled. Called for each attempt, by the lane's threads.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        self.base_request(target, message)
    }

    /// The request when nothing of the message changes from attempt to attempt.
    fn base_request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        message.request_to(self.dial_url(target.url.expose()), self.reads_forms())
    }

    /// The largest picture it takes with a message, in bytes; `None` when it takes none.
    fn file_limit(&self) -> Option<u64> {
        None
    }

    /// Whether its receivers may read a message and its file from a form as SwarmUI sends it: parts `file` and
    /// `payload_json`, as Discord's webhooks take them.
    fn reads_forms(&self) -> bool {
        false
    }

    /// Whether it shows a picture of this media type.
    fn shows(&self, media: &str) -> bool {
        matches!(media, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
    }

    /// The sizes of a file of any other kind that it takes with a message, in bytes; `None` when it takes
    /// pictures only.
    fn document_sizes(&self) -> Option<RangeInclusive<u64>> {
        None
    }

    /// Whether it shows this file as a picture; any other is a document.
    fn is_picture(&self, file: &Attachment) -> bool {
        let fits = |most| file.bytes.len() as u64 <= most;
        file.media.starts_with("image/") && self.shows(file.media) && self.file_limit().is_some_and(fits)
    }

    /// A request that hands the file over when the message was delivered, for a platform whose messages can
    /// only name a file that it has. What follows it is `uploaded`, and no `follow_up`.
    fn upload<'a>(&self, _target: &Target, _message: &RenderedMessage<'a>) -> Option<Request<'a>> {
        None
    }

    /// The message that names the file, by the answer to `upload`; `None` when the answer names none.
    fn uploaded<'a>(
        &self,
        _target: &Target,
        _message: &RenderedMessage<'a>,
        _answer: &Answer,
    ) -> Option<Request<'a>> {
        None
    }

    /// A second request that follows when the first was delivered, where the file cannot be part of it. What
    /// comes of it changes nothing for the delivery.
    fn follow_up<'a>(&self, _target: &Target, _message: &RenderedMessage<'a>) -> Option<Request<'a>> {
        None
    }

    /// A plainer form of a body, for a receiver that refused it; `None` when there is none.
    fn degrade(&self, _body: &serde_json::Value, _how: Degradation) -> Option<serde_json::Value> {
        None
    }

    /// Whether messages are folded into a summary when more wait than the rate can carry, unless the
    /// configuration says otherwise. Right for people, wrong for machines.
    fn coalesces(&self) -> bool {
        true
    }

    /// Cuts what a template made longer than the platform takes.
    fn trim(&self, _body: &mut serde_json::Value) {}

    /// What speaks against this body, which goes to this URL, or path and query.
    fn faults(&self, _body: &serde_json::Value, _url: &str) -> Vec<BodyFault> {
        Vec::new()
    }

    /// Whether an answer shows that it has the message.
    ///
    /// # Errors
    /// What the answer lacks, in words that go after "but".
    fn took(&self, answer: &Answer) -> Result<(), &'static str>;

    /// The platform's own code in an answer, in the words for it; `None` where the status is all.
    fn code(&self, _answer: &Answer) -> Option<String> {
        None
    }

    /// What an answer means that is no success and none of `responses`. `is_coded` where it has a `code`.
    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        if is_coded { answer.refused_or_again(reason) } else { Outcome::Retry(reason) }
    }

    /// Whether a refusal of the form of a message is for good. Not where the receivers are programs of anybody: those
    /// are repaired while the message waits.
    fn refuses_for_good(&self) -> bool {
        true
    }
}

/// What a receiver that plays a platform says. A trait of its own, since the library would hold what only
/// `taskbell serve` and the tests call.
pub trait PlayedPlatform: Platform {
    /// A URL and options of the form that it has.
    fn example(&self) -> Example;

    /// The name of the response with which it refuses this request; `None` when it takes it.
    fn refuses(&self, _request: &ReceivedRequest<'_>) -> Option<&'static str> {
        None
    }
}

/// The parts of a URL's path that are not empty.
fn path_parts(url: &Url) -> Vec<&str> {
    url.path().split('/').filter(|part| !part.is_empty()).collect()
}

/// The type of the event a context speaks of.
#[inline(never)]
fn event_kind(context: &Context) -> &str {
    context.json()["event"]["type"].as_str().unwrap_or("event")
}

/// The title, or the type of the event where nothing of the title can be shown.
fn or_event_kind(title: String, context: &Context) -> String {
    if title.trim().is_empty() { event_kind(context).to_owned() } else { title }
}

/// The tone as a sign in a text.
fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✅",
        Tone::Bad => "❌",
        Tone::Warn => "⚠️",
        Tone::Neutral => "🔔",
    }
}

/// The tone in a word that a workflow can compare.
fn outcome(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Warn => "warn",
        Tone::Neutral => "neutral",
    }
}

/// The line at the foot of a card: which machine.
fn origin(context: &Context) -> &str {
    context.text_at(&["host", "name"]).unwrap_or("taskbell")
}

#[cfg(test)]
pub(crate) mod tests;
