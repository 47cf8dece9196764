//! Lanes: one per endpoint, with its own order, concurrency, rate, breaker and threads, so that an
//! endpoint that hangs never delays another.

mod attachment;
mod attachment_fit;
mod attempt;
mod breaker;
mod dry_run;
mod endpoint_health;
mod fold;
mod jpeg;
mod lane;
mod line;
mod picture;
mod rate;
mod schedule;
mod worker;

pub use dry_run::{DryRun, DryRunRequest, dry_run, headers};
pub use endpoint_health::EndpointHealth;
pub use lane::{Lane, LaneState};

use crate::event::EventId;
use crate::message::{Extras, Message};
use crate::platform::Degradation;
use crate::secret::Scrubber;
use crate::spool::AttemptRow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The bytes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The `content-type`.
    pub content_type: String,
    /// The rendered bytes; what a platform makes of them is signed and sent.
    pub bytes: Vec<u8>,
    /// What goes with it.
    pub extras: Extras,
}

impl From<Message> for Body {
    fn from(message: Message) -> Body {
        Body { content_type: message.content_type, bytes: message.body, extras: message.extras }
    }
}

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
    /// Attempts that failed without a wait asked for: the place in the retry schedule.
    pub strikes: u32,
    /// Attempts after which the receiver asked for a wait.
    pub asked: u32,
    /// How plain the message must be, after the receiver stumbled over it in this run.
    pub plain: Option<Degradation>,
    /// Whether its file was too much for the line, and stays behind.
    pub without_file: bool,
    /// When it is due, by the monotonic clock.
    pub due: Duration,
    /// When it is stale, in Unix milliseconds.
    pub expires_at: Option<i64>,
    /// The thing it speaks of: only the newest untried delivery of a hook and a thing waits.
    pub thing: Option<String>,
    /// The message; `None` when it must be read from the spool.
    pub body: Option<Arc<Body>>,
}

impl Job {
    /// Whether it is too old to be sent, at this Unix time in milliseconds.
    pub fn is_stale(&self, unix_ms: i64) -> bool {
        self.expires_at.is_some_and(|at| unix_ms >= at)
    }
}

/// What a lane has to say to the clerk.
#[derive(Debug)]
pub enum LaneReport {
    /// An attempt was made.
    Attempt {
        /// The endpoint's name.
        endpoint: String,
        /// The delivery, as it was before the attempt.
        job: Job,
        /// The row for the attempt log.
        row: AttemptRow,
        /// What follows.
        fate: Disposition,
    },
    /// A request was made that changes nothing for its delivery.
    FollowUp {
        /// The endpoint's name.
        endpoint: String,
        /// The row for the attempt log.
        row: AttemptRow,
    },
    /// A delivery ended without an attempt.
    Dropped {
        /// The endpoint's name.
        endpoint: String,
        /// The delivery.
        job: Job,
        /// Why it is a dead letter.
        reason: String,
    },
    /// A delivery that was not tried yet gives way to a newer one of the same thing.
    Superseded {
        /// The endpoint's name.
        endpoint: String,
        /// The delivery.
        job: Job,
        /// The event that takes its place.
        by: EventId,
    },
    /// A delivery of a lane that was retired waits for its next attempt in the lane that took its place.
    Homeless {
        /// The endpoint's name.
        endpoint: String,
        /// The delivery.
        job: Job,
    },
    /// The endpoint said that it will never take anything again.
    Gone {
        /// The endpoint's name.
        endpoint: String,
        /// What it answered.
        reason: String,
    },
}

/// What follows an attempt, for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// Delivered.
    Delivered,
    /// Due again at this Unix time in milliseconds.
    Again(i64),
    /// Dead, with the reason.
    Dead(String),
}

/// What lanes need of the engine.
pub trait LaneSink: Send + Sync + fmt::Debug {
    /// Takes a report. Never waits.
    fn report(&self, report: LaneReport);

    /// Waits while more reports have piled up than memory should hold, because the disk does not take
    /// them. Called by a lane's thread before an attempt.
    fn await_room(&self);

    /// Reads a message back from the spool; `None` when the spool has it no more, and the reason in words
    /// when it cannot be read now.
    fn body(&self, delivery: i64) -> Result<Option<Body>, String>;

    /// Takes secrets out of foreign text.
    fn scrubber(&self) -> Scrubber;
}
