//! A message in one line, for a summary or a digest of many, and the part of it to which the line belongs.

use super::context::Context;
use super::notice::{self, DEFAULT_QUEUE, Notice, Tone};
use super::strings::{Strings, fill};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The characters of a name, a reason or a detail.
const MAX_CHARS: usize = 200;

/// The facts of an event of the host's own.
const MAX_FACTS: usize = 3;

/// What happened: a part of a summary, the weightiest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SummaryPart {
    /// `alert.firing`.
    AlertFiring,
    /// `batch.stalled`.
    BatchStalled,
    /// A digest among other messages.
    DigestSent,
    /// A task with the status `error`.
    TaskFailed,
    /// `queue.end` with failures.
    QueueFailed,
    /// `batch.end` with failures.
    BatchFailed,
    /// `queue.end`.
    QueueEnded,
    /// `batch.end`.
    BatchEnded,
    /// `alert.resolved`.
    AlertResolved,
    /// `server.stop`.
    ServerStopped,
    /// `server.start`.
    ServerStarted,
    /// `queue.start`.
    QueueStarted,
    /// A cancelled task.
    TaskCancelled,
    /// A task that succeeded.
    TaskDone,
    /// Any other event.
    #[default]
    OtherEvent,
}

impl SummaryPart {
    /// The parts, the weightiest first.
    pub const ALL: [SummaryPart; 15] = [
        SummaryPart::AlertFiring,
        SummaryPart::BatchStalled,
        SummaryPart::DigestSent,
        SummaryPart::TaskFailed,
        SummaryPart::QueueFailed,
        SummaryPart::BatchFailed,
        SummaryPart::QueueEnded,
        SummaryPart::BatchEnded,
        SummaryPart::AlertResolved,
        SummaryPart::ServerStopped,
        SummaryPart::ServerStarted,
        SummaryPart::QueueStarted,
        SummaryPart::TaskCancelled,
        SummaryPart::TaskDone,
        SummaryPart::OtherEvent,
    ];

    /// The part of an event of this type.
    pub fn of(kind: &str, context: &Context) -> SummaryPart {
        let failed = |about: &str| {
            let count = |field: &str| context.at(&[about, field]).and_then(Json::as_f64);
            let named = context.at(&[about, "failures"]).and_then(Json::as_array);
            count("failed").is_some_and(|failed| failed > 0.0)
                || named.is_some_and(|named| !named.is_empty())
                || context.at(&[about, "interrupted"]) == Some(&Json::Bool(true))
        };
        match kind {
            _ if context.at(&["digest"]).is_some() => SummaryPart::DigestSent,
            "task.complete" => match context.text_at(&["task", "status"]) {
                Some("error") => SummaryPart::TaskFailed,
                Some("cancelled") => SummaryPart::TaskCancelled,
                _ => SummaryPart::TaskDone,
            },
            "queue.end" if failed("queue") => SummaryPart::QueueFailed,
            "batch.end" if failed("batch") => SummaryPart::BatchFailed,
            "queue.end" => SummaryPart::QueueEnded,
            "batch.end" => SummaryPart::BatchEnded,
            "batch.stalled" => SummaryPart::BatchStalled,
            "queue.start" => SummaryPart::QueueStarted,
            "alert.firing" => SummaryPart::AlertFiring,
            "alert.resolved" => SummaryPart::AlertResolved,
            "server.start" => SummaryPart::ServerStarted,
            "server.stop" => SummaryPart::ServerStopped,
            _ => SummaryPart::OtherEvent,
        }
    }

    /// Whether ordinary items must leave room for it.
    pub fn is_weighty(self) -> bool {
        self < SummaryPart::ServerStopped
    }

    /// Its name in `digest.counts`, which is no event type: `task-failed`.
    pub fn code(self) -> String {
        serde_json::to_value(self).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// A message in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryLine {
    /// Good or bad news.
    pub tone: Tone,
    /// The title of the card.
    pub text: String,
    /// What happened.
    #[serde(default)]
    pub part: SummaryPart,
    /// The event's type.
    #[serde(default)]
    pub kind: String,
    /// The name of the task, queue, batch or alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why it failed, or the numbers of an alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The host, where others share its spool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl SummaryLine {
    /// The line of an event with this card.
    pub(super) fn of_notice(kind: &str, context: &Context, notice: &Notice) -> SummaryLine {
        let host = notice::text(context, &["host", "name"]).filter(|_| context.several().hosts);
        let part = SummaryPart::of(kind, context);
        let words = Strings::of(context);
        let named = |about: &str, keys: &[&str]| {
            let name = keys.iter().find_map(|key| notice::text(context, &[about, key]));
            name.filter(|name| name != DEFAULT_QUEUE)
        };
        let name = match kind.split('.').next().unwrap_or_default() {
            _ if part == SummaryPart::DigestSent => None,
            "task" => named("task", &["name", "id"]),
            "queue" => named("queue", &["name"]),
            "batch" => named("batch", &["id", "name"]),
            "alert" => named("alert", &["name"]),
            _ => None,
        };
        let reason = match part {
            // The title has the numbers.
            SummaryPart::AlertFiring | SummaryPart::AlertResolved => None,
            SummaryPart::QueueFailed | SummaryPart::BatchFailed => {
                notice.failures.first().map(|failed| failed.line(words))
            }
            SummaryPart::DigestSent => notice.text.as_deref().map(|text| text.replace('\n', " ")),
            SummaryPart::OtherEvent => first_facts(notice, words),
            _ => notice.text.clone(),
        };
        let short = |text: String| super::clip(&text, MAX_CHARS);
        SummaryLine {
            tone: notice.tone,
            text: notice.title.clone(),
            part,
            kind: kind.to_owned(),
            name: name.map(short),
            reason: reason.map(short),
            host: host.map(short),
        }
    }

    /// The line of a message of which nothing but its event's type is known.
    pub fn unknown(kind: &str) -> SummaryLine {
        let (text, kind) = (kind.to_owned(), kind.to_owned());
        let part = SummaryPart::OtherEvent;
        SummaryLine { tone: Tone::Neutral, text, part, kind, name: None, reason: None, host: None }
    }
}

/// What tells one event of the host's own from another.
fn first_facts(notice: &Notice, words: &Strings) -> Option<String> {
    let facts = notice.facts.iter().take(MAX_FACTS);
    let facts: Vec<String> =
        facts.map(|fact| fill(words.failure, &[("name", &fact.label), ("reason", &fact.value)])).collect();
    (!facts.is_empty()).then(|| facts.join(words.list))
}

impl SummaryLine {
    /// The title with what it does not name itself, and the reason.
    pub(super) fn sentence(&self, words: &Strings) -> String {
        let named = match self.name.as_deref().filter(|name| !self.text.contains(*name)) {
            Some(name) => fill(words.failure, &[("name", name), ("reason", &self.text)]),
            None => self.text.clone(),
        };
        match &self.reason {
            Some(reason) => fill(words.failure, &[("name", &named), ("reason", reason)]),
            None => named,
        }
    }
}
