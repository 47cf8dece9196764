//! One folder per platform: the card, its limits, the responses and the tests stand together.
//!
//! To add a platform, copy the folder of one that is like it and change these files:
//!
//! 1. `NAME/mod.rs` begins with its [`Description`]: name, pace, options, files, and how it reads the texts of a
//!    template. Then it implements [`Platform`]: `recognises` its URLs, `layout` builds the card, `trim` cuts what a
//!    template made too long, `degrade` makes a plainer message, `took` says what shows that it has the message, and
//!    `code` which code a response has. Measure in the platform's own unit of length, and escape text from outside
//!    before it is cut. A response that cannot be read is never a success. What changes from attempt to attempt, and
//!    every secret, is added by `request` and never part of the card.
//! 2. `NAME/canned_responses.rs` lists its known responses, success first, each with what it means: answers are read
//!    by this table, and `taskbell serve --as NAME` answers with it. A code that another attempt cannot change is
//!    final; a dead URL is gone. The first response that fits counts.
//! 3. `NAME/rules.rs` states once what the body of a message may hold, as tables: `taskbell check` warns by it, and
//!    `serve --as` refuses by it. Its `refuses` adds what only the whole request shows: path, token, headers, files.
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
mod answer_rules;
mod canned_response;
mod cloudevents;
mod content;
mod cut;
mod described;
mod description;
mod dimensions;
mod dingtalk;
mod discord;
mod email;
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
mod platform_options;
mod received_request;
mod relay;
mod request;
mod retry_after;
mod rules;
mod signature;
mod silence;
mod slack;
mod slack_bot;
mod slack_workflow;
mod target;
mod teams;
mod telegram;
mod trim;
mod wecom;

pub use answer::{Answer, Degradation, EditAnswer, Outcome};
pub use answer_rules::{ANSWER_NAMES, AnswerRules};
pub use canned_response::{CannedResponse, Expected, REFUSALS};
pub use described::{Described, DescriptionFault, described};
pub use description::{Description, Example};
pub use escape::finish_template;
pub use known_address::{KnownAddress, known_address, near_host, without_www};
pub use multipart::shown as shown_form;
pub use platform_options::{
    MissingValue, PlatformOption, is_platform_option, option_names, platforms_with_option,
};
pub use received_request::ReceivedRequest;
pub(crate) use relay::{PostAnswer, RELAY, read_post_answer, timeline_of};
pub use request::{Attachment, Envelope, FollowUp, InClear, Live, RenderedMessage, Request};
pub use rules::{BodyFault, FaultKind, pruned, warnings};
pub use silence::silenced;
pub use target::{Rate, Target};
pub use trim::trimmed;

use crate::message::{Context, Notice, RenderError, Tone, plain_text};
use once_cell::sync::Lazy;
use rules::refusal;
use std::fmt::{Debug, Formatter};
use url::Url;

macro_rules! platforms {
    ($($folder:ident::$platform:ident,)*) => {
        static CODED: &[&dyn Platform] = &[$(&$folder::$platform),*];
        static CODED_PLAYED: &[PlayedPlatform] = &[$(PlayedPlatform {
            platform: &$folder::$platform,
            refuses: &$folder::refuses,
            #[cfg(test)]
            trial: &$folder::tests::TRIAL,
        }),*];
    };
}

platforms! {
    json::Json,
    slack::Slack,
    slack_bot::SlackBot,
    slack_workflow::SlackWorkflow,
    discord::Discord,
    wecom::WeCom,
    teams::Teams,
    googlechat::GoogleChat,
    mattermost::Mattermost,
    dingtalk::DingTalk,
    feishu::Feishu,
    telegram::Telegram,
    ntfy::Ntfy,
    pagerduty::PagerDuty,
    github::GitHub,
    gitlab::GitLab,
    cloudevents::CloudEvents,
    email::Email,
}

/// Those in code, and those that data describes.
static PLATFORMS: Lazy<Vec<&'static dyn Platform>> = Lazy::new(|| {
    let described = described::BUILT_IN.iter().map(|platform| *platform as &'static dyn Platform);
    CODED.iter().copied().chain(described).collect()
});

/// The platform of this name, or of this other name for it.
pub fn by_name(name: &str) -> Option<&'static dyn Platform> {
    all().iter().copied().find(|platform| platform.is_called(name))
}

/// The platform of this name, for a receiver that plays it.
pub fn played(name: &str) -> Option<&'static PlayedPlatform> {
    let coded = CODED_PLAYED.iter().find(|played| played.platform.is_called(name));
    coded.or_else(|| described::played(name))
}

/// The platform this URL can only belong to; `None` for a URL that says nothing, which is `json`.
pub fn recognise(url: &Url) -> Option<&'static dyn Platform> {
    all().iter().copied().find(|platform| platform.recognises(url))
}

/// Every platform, in the order of recognition.
pub fn all() -> &'static [&'static dyn Platform] {
    &PLATFORMS
}

/// Every name for `platform = "…"`.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|platform| platform.name()).collect()
}

/// A kind of receiver.
pub trait Platform: Sync {
    /// What is fixed about it.
    fn description(&self) -> &Description;

    /// Whether this URL can only be one of this platform's.
    fn recognises(&self, _url: &Url) -> bool {
        false
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
        let name = self.description().required_parameter?;
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

    /// The markup of each place of this body; `None` where values stay as they are.
    fn markup_in<'a>(&'a self, _body: &serde_json::Value) -> Option<Box<escape::Markups<'a>>> {
        self.description().markup.map(|markup_of| Box::new(markup_of) as Box<escape::Markups<'a>>)
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
        crate::json::bytes(&self.card(context, target))
    }

    /// The same, with the reason where the card is a template that cannot be rendered.
    fn try_card(&self, context: &Context, target: &Target) -> Result<Vec<u8>, RenderError> {
        Ok(self.card_text(context, target))
    }

    /// The request of one attempt: the card, or what a template made in its place, with the URL that is
    /// dialled. Called for each attempt, by the lane's threads.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        self.base_request(target, message)
    }

    /// The request when nothing of the message changes from attempt to attempt.
    fn base_request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        message.request_to(self.dial_url(target.url.expose()), self.description().reads_forms)
    }

    /// Whether it shows this file as a picture; any other is a document.
    fn is_picture(&self, file: &Attachment) -> bool {
        let fits = |most| file.bytes.len() as u64 <= most;
        let description = self.description();
        description.shows(file.media) && description.file_limit.is_some_and(fits)
    }

    /// What follows a delivered message where not all of it can be one request: the next request, by the answers so
    /// far, that to the message first; `None` at the end. It changes nothing for the delivery, and ends with the first
    /// that is refused.
    fn follow_up<'a>(
        &self,
        _target: &Target,
        _message: &RenderedMessage<'a>,
        _answers: &[Answer],
    ) -> Option<FollowUp<'a>> {
        None
    }

    /// Whether a configured mention pings somebody.
    fn accepts_mention(&self, mention: &str) -> bool {
        (self.description().accepts_mention)(mention)
    }

    /// Whether a body pings somebody, where its platform can send without a sound.
    fn mentions_somebody(&self, _body: &serde_json::Map<String, serde_json::Value>) -> bool {
        false
    }

    /// A plainer form of a body, for a receiver that refused it; `None` when there is none.
    fn degrade(&self, _body: &serde_json::Value, _how: Degradation) -> Option<serde_json::Value> {
        None
    }

    /// Cuts what a template made longer than the platform takes.
    fn trim(&self, _body: &mut serde_json::Value) {}

    /// What speaks against this body, which goes to this URL, or path and query.
    fn faults(&self, body: &serde_json::Value, url: &str) -> Vec<BodyFault> {
        (self.description().faults)(body, url)
    }

    /// What the message is called that an answer confirms, for the edits that follow: by this name, `Live::message`,
    /// `request` finds it. `first` is the id of the event that began it.
    fn message_id(&self, _answer: &Answer, _first: &str) -> Option<String> {
        None
    }

    /// What an answer to an edit means that is no success by itself.
    fn edit_answer(&self, _answer: &Answer) -> Option<EditAnswer> {
        None
    }

    /// The responses it is known to give. The first is success.
    fn responses(&self) -> &[CannedResponse<'_>] {
        self.description().responses
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

    /// What its own conditions say of an answer that is none of `responses`.
    fn asked(&self, _answer: &Answer) -> Option<Outcome> {
        None
    }

    /// What an answer means that is no success and none of `responses`. `is_coded` where it has a `code`.
    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        if is_coded { answer.refused_or_again(reason) } else { Outcome::Retry(reason) }
    }
}

impl dyn Platform + '_ {
    /// The name in `platform = "…"`.
    pub fn name(&self) -> &'static str {
        self.description().name
    }

    /// A plainer form of a body, which makes a sound only where the body does.
    pub fn plainer(&self, body: &serde_json::Value, how: Degradation) -> Option<serde_json::Value> {
        let mut plain = self.degrade(body, how)?;
        silence::keep(self, body, &mut plain);
        (plain != *body).then_some(plain)
    }

    fn is_called(&self, name: &str) -> bool {
        self.name() == name || self.description().aliases.contains(&name)
    }
}

impl Debug for dyn Platform + '_ {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}

/// What a receiver that plays a platform says. A type of its own, since the library would hold what only
/// `taskbell serve` and the tests call.
pub struct PlayedPlatform {
    /// The platform.
    pub platform: &'static dyn Platform,
    /// The name of the response with which it refuses a request; `None` when it takes it.
    pub refuses: &'static (dyn Fn(&ReceivedRequest<'_>) -> Option<&'static str> + Sync),
    /// What the tests of all platforms must know of this one.
    #[cfg(test)]
    trial: &'static dyn tests::Tried,
}

impl Debug for PlayedPlatform {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        self.platform.fmt(out)
    }
}

/// The parts of a URL's path that are not empty.
fn path_parts(url: &Url) -> Vec<&str> {
    url.path().split('/').filter(|part| !part.is_empty()).collect()
}

/// The type of the event a context speaks of.
#[inline(never)]
fn event_kind(context: &Context) -> &str {
    context.kind()
}

/// The title, or the type of the event where nothing of the title can be shown.
fn or_event_kind(title: String, context: &Context) -> String {
    if title.trim().is_empty() { event_kind(context).to_owned() } else { title }
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
    let is_shown = |name: &&str| name.contains(|c: char| !c.is_whitespace() && !c.is_control());
    context.text_at(&["host", "name"]).filter(is_shown).unwrap_or("taskbell")
}

#[cfg(test)]
pub(crate) mod tests;
