//! What a lane reports to the engine, and what it needs of it.

use super::body::Body;
use super::job::Job;
use crate::event::EventId;
use crate::secret::Scrubber;
use crate::spool::{AttemptRow, LiveTurn};
use std::sync::Arc;

/// What happened in a lane. `endpoint` is the endpoint's name.
pub enum LaneReport {
    Attempt {
        endpoint: Arc<str>,
        /// The delivery, as it was before the attempt.
        job: Job,
        row: AttemptRow,
        disposition: Disposition,
    },
    /// A request was made that changes nothing for its delivery.
    FollowUp { endpoint: Arc<str>, row: AttemptRow },
    /// A delivery ended without an attempt.
    Dropped { endpoint: Arc<str>, job: Job, reason: String },
    /// A delivery gives way to a newer one: an untried one of the same thing, or a state of the same living message.
    Superseded {
        endpoint: Arc<str>,
        job: Job,
        /// The event that replaces it.
        by: EventId,
    },
    /// A delivery was in flight when its lane was retired; its next attempt belongs to the new lane.
    Returned { endpoint: Arc<str>, job: Job },
    /// The endpoint answered that it will never take anything again.
    Gone { endpoint: Arc<str>, reason: String },
}

/// What follows an attempt, for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    Delivered,
    /// Due again at this Unix time in milliseconds.
    Again(i64),
    Dead(String),
}

/// What lanes need of the engine. Called from every sender.
pub trait LaneSink: Send + Sync {
    /// Takes a report. Never waits.
    fn report(&self, report: LaneReport);

    /// Waits while more reports have piled up than memory should hold, because the disk does not take
    /// them. Called by a sender before an attempt.
    fn await_room(&self);

    /// Reads a message back from the spool; `None` when the spool no longer has it, an error when it cannot be read now.
    fn body(&self, delivery: i64) -> Result<Option<Body>, String>;

    /// Whether it is the turn of a delivery to this endpoint, of the living message that began with the event `first`.
    fn live_turn(&self, _delivery: i64, _first: &str, _endpoint: &str) -> Result<LiveTurn, String> {
        Ok(LiveTurn::Send(None))
    }

    /// Is told that an attempt begins.
    fn attempt_begins(&self);

    /// Is told that a lane wants something that is no report.
    fn has_news(&self) {}

    /// Is told that the system had no thread for a sender, which must be asked for again with
    /// [`Senders::start_missing_thread`](super::Senders::start_missing_thread).
    fn lacks_thread(&self);

    /// Removes secrets from text that others wrote.
    fn scrubber(&self) -> Scrubber;
}
