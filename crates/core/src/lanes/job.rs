//! A delivery that waits in a lane.

use super::body::Body;
use crate::event::EventId;
use crate::platform::Degradation;
use crate::spool::LiveResult;
use std::sync::Arc;
use std::time::Duration;

/// A delivery that waits in a lane.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its row in the spool.
    pub seq: i64,
    /// The ticket of its event; 0 when it comes from an earlier run.
    pub ticket: u64,
    /// The event's id.
    pub event_id: EventId,
    /// The event's type.
    pub kind: Arc<str>,
    /// The name of the hook that fired.
    pub hook: Arc<str>,
    /// When the delivery was made, in Unix milliseconds.
    pub created_at: i64,
    /// Attempts made so far.
    pub attempts: u32,
    /// Failed attempts without a requested wait: the place in the retry schedule.
    pub failures: u32,
    /// Attempts after which the receiver requested a wait.
    pub requested_waits: u32,
    /// The plainer form in which the message goes, after the receiver refused it as it was in this run.
    pub plain: Option<Degradation>,
    /// Its file was too large for the connection, so the message goes without it.
    pub without_file: bool,
    /// When it is due, by the monotonic clock.
    pub due: Duration,
    /// When it is stale, in Unix milliseconds.
    pub expires_at: Option<i64>,
    /// What it is about: of a hook and a thing only the newest untried delivery waits.
    pub thing: Option<String>,
    /// The living message that it is a state of.
    pub live: Option<LiveJob>,
    /// The message; `None` when it must be read from the spool.
    pub body: Option<Arc<Body>>,
}

/// A delivery as a state of a living message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJob {
    /// The event that began the message.
    pub first: Arc<str>,
    /// The message to edit; `None` where it is posted.
    pub message: Option<String>,
    /// What came of it, once it is delivered.
    pub result: Option<LiveResult>,
}

impl LiveJob {
    /// A state of the message that began with this event.
    pub fn new(first: &str) -> LiveJob {
        LiveJob { first: first.into(), message: None, result: None }
    }

    /// The first event, and what came of it.
    pub fn done(&self) -> Option<(&str, &LiveResult)> {
        self.result.as_ref().map(|result| (&*self.first, result))
    }
}

impl Job {
    /// Whether it is too old to be sent, at this Unix time in milliseconds.
    pub fn is_stale(&self, unix_ms: i64) -> bool {
        self.expires_at.is_some_and(|at| unix_ms >= at)
    }

    /// Whether it tells a state, and not one of many tasks.
    pub fn is_state(&self) -> bool {
        ["alert.", "batch.", "queue.", "server."].iter().any(|family| self.kind.starts_with(family))
    }

    /// A delivery that was not tried yet, as the spool keeps it.
    pub fn new(seq: i64, event_id: EventId, kind: &str, hook: &str, created_at: i64) -> Job {
        Job::shared(seq, event_id, (kind.into(), hook.into()), created_at)
    }

    /// The same with a type and a hook that other deliveries share.
    pub fn shared(seq: i64, event_id: EventId, (kind, hook): (Arc<str>, Arc<str>), created_at: i64) -> Job {
        Job {
            seq,
            ticket: 0,
            event_id,
            kind,
            hook,
            created_at,
            attempts: 0,
            failures: 0,
            requested_waits: 0,
            plain: None,
            without_file: false,
            due: Duration::ZERO,
            expires_at: None,
            thing: None,
            live: None,
            body: None,
        }
    }

    #[cfg(test)]
    pub(super) fn sample(seq: i64) -> Job {
        Job::new(seq, EventId::new(1_700_000_000_000, 7), "task.complete", "hooks[0]", 0)
    }
}
