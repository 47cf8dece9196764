//! The settings of a hook; `config` fills them.

use super::quiet_hours::QuietHours;
use crate::event;
use crate::message::{Condition, KeyExpression, Template};
use std::sync::Arc;
use std::time::Duration;

/// `[[hooks]]`: which events notify which endpoints.
#[derive(Debug)]
pub struct Hook {
    /// For logs and reports: `name`, or `hooks[2]`.
    pub name: Arc<str>,
    /// Event types, families such as `render.*`, or `*` for all.
    pub on: Vec<String>,
    pub to: Vec<String>,
    /// Matches only when this is true.
    pub when: Option<Condition>,
    /// Matches only a queue or batch with at least this many tasks.
    pub min_tasks: Option<u64>,
    /// Matches only when the task, queue or batch took at least this long.
    pub min_duration: Option<Duration>,
    /// Matches only when it took more than this many times its usual duration.
    pub relative: Option<f64>,
    /// Matches only when something failed.
    pub only_failures: bool,
    /// Matches only 10 tasks or more, 60 s or more, or any failure.
    pub smart: bool,
    /// Matches only tasks that ask for it.
    pub manual: bool,
    /// The message; the platform's own card by default.
    pub template: Option<Template>,
    /// Whom its cards ping, in the place of the endpoint's.
    pub mentions: Option<Vec<String>>,
    /// Whether its messages about a success make no sound, in the place of the endpoint's.
    pub silences_successes: Option<bool>,
    /// When its messages are suppressed, gathered, held, replaced or escalated.
    pub shaping: Shaping,
}

impl Hook {
    /// Whether `on` names events of this type.
    pub fn hears(&self, kind: &str) -> bool {
        self.on.iter().any(|on| event::is_named_by(on, kind))
    }

    /// The types that a check of the hook tries: all that it names; of a family those that its `when` can be about, if
    /// there are any.
    pub fn sampled_kinds(&self) -> Vec<String> {
        let samples = |wide: bool| {
            let is_meant = |kind: &String, on: &str| {
                wide || !on.ends_with('*') || self.when.as_ref().is_none_or(|when| when.can_be_about(kind))
            };
            let of = |on: &String| {
                let kinds = event::samples_of(on).into_iter();
                kinds.filter(|kind| is_meant(kind, on)).collect::<Vec<_>>()
            };
            self.on.iter().flat_map(of).collect::<Vec<String>>()
        };
        let mut kinds = samples(false);
        if kinds.is_empty() {
            kinds = samples(true);
        }
        kinds.dedup();
        kinds
    }
}

/// The settings that shape the messages of a hook.
#[derive(Debug, Default)]
pub struct Shaping {
    /// For this long after a message, further matches with the same key are suppressed.
    pub cooldown: Option<Duration>,
    /// The key of the cooldown; all matches share one by default.
    pub cooldown_by: Option<KeyExpression>,
    pub digest: Option<Digest>,
    /// Of the messages with the same key only the newest waits.
    pub supersede: Option<KeyExpression>,
    /// The messages with the same key are one, which is edited.
    pub live: Option<KeyExpression>,
    /// A message that waits longer is not sent.
    pub ttl: Option<Duration>,
    pub quiet: Option<Quiet>,
    pub escalate: Option<Escalate>,
}

/// `digest`: what closes a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// This long after its first item.
    Window(Duration),
    Queue,
}

/// `quiet_hours`, `quiet_zone` and `quiet_except`.
#[derive(Debug)]
pub struct Quiet {
    pub hours: QuietHours,
    /// Matches that are not held.
    pub except: Option<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalate {
    /// This long after the message was rendered.
    pub after: Duration,
    /// Names of configured endpoints that the hook itself does not notify.
    pub to: Vec<String>,
}
