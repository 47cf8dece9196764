//! What the configuration says of a hook.

use super::QuietHours;
use crate::message::{Condition, Key, Template};
use std::time::Duration;

/// `[[hooks]]`: which events ring at which endpoints.
#[derive(Debug)]
pub struct Hook {
    /// For logs and reports: `name`, or `hooks[2]`.
    pub name: String,
    /// The event types it listens to.
    pub on: Vec<String>,
    /// The names of the endpoints it rings at; all exist.
    pub to: Vec<String>,
    /// Fires only when this is true.
    pub when: Option<Condition>,
    /// Fires only for a queue or batch with at least so many tasks.
    pub min_tasks: Option<u64>,
    /// Fires only when the task, queue or batch took at least so long.
    pub min_duration: Option<Duration>,
    /// Fires only when it took more than so many times as long as is usual.
    pub relative: Option<f64>,
    /// Fires only when something failed.
    pub only_failures: bool,
    /// Fires only on 10 tasks or more, 60 s or more, or any failure.
    pub smart: bool,
    /// Fires only for tasks that ask for it.
    pub manual: bool,
    /// The body; the platform's own card when left out.
    pub template: Option<Template>,
    /// When what it says is held back, gathered, replaced or said louder.
    pub shaping: Shaping,
}

/// What shapes the messages of a hook.
#[derive(Debug, Default)]
pub struct Shaping {
    /// After it fired it stays silent for so long, for the same key.
    pub cooldown: Option<Duration>,
    /// What the silence is kept by; everything is one thing when left out.
    pub cooldown_by: Option<Key>,
    /// Firings are gathered into one message.
    pub digest: Option<Digest>,
    /// Of this key's messages only the newest waits.
    pub supersede: Option<Key>,
    /// A message that waits longer is not sent any more.
    pub ttl: Option<Duration>,
    /// When firings are held.
    pub quiet: Option<Quiet>,
    /// Who else is told when a message does not arrive.
    pub escalate: Option<Escalate>,
}

/// `digest`: what ends a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// So long after its first item.
    Window(Duration),
    /// The end of the queue.
    Queue,
}

/// `quiet_hours`, `quiet_zone` and `quiet_except`.
#[derive(Debug)]
pub struct Quiet {
    /// The hours.
    pub hours: QuietHours,
    /// What is said even then.
    pub except: Option<Condition>,
}

/// `escalate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalate {
    /// So long after the message was made.
    pub after: Duration,
    /// The names of further endpoints; all exist, and none of them is rung by the hook itself.
    pub to: Vec<String>,
}
