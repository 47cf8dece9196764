//! The decisions about events: what to write and whom to notify.

use crate::clock::Moment;
use crate::endpoint::Endpoint;
use crate::engine::ingest::EventOrigin;
use crate::event::EventId;
use crate::hooks::Explanation;
use crate::lanes::{Body, Job, LiveJob};
use crate::message::Message;
use crate::tally::BatchTask;
use std::sync::Arc;

/// What a row takes besides its text, with its places in the indexes.
const ROW_BYTES: usize = 300;

/// An event for the spool, with its deliveries.
pub struct PlannedEvent {
    pub id: EventId,
    pub kind: String,
    /// Unix milliseconds.
    pub accepted_at: i64,
    /// 0 for a derived event, and for one of an earlier run.
    pub ticket: u64,
    /// The node that posted it.
    pub origin: Option<Arc<EventOrigin>>,
    pub payload: Vec<u8>,
    pub state: EventState,
    pub deliveries: Vec<PlannedDelivery>,
    /// Why hooks did not match, a line each.
    pub explanation: Option<String>,
    pub resolved_alert: Option<String>,
    pub batch_task: Option<Box<BatchTask>>,
}

impl PlannedEvent {
    /// An event that is decided about, without deliveries, as yet.
    pub fn new(id: EventId, kind: impl Into<String>, accepted_at: i64, payload: Vec<u8>) -> PlannedEvent {
        PlannedEvent {
            id,
            kind: kind.into(),
            accepted_at,
            ticket: 0,
            origin: None,
            payload,
            state: EventState::Final,
            deliveries: Vec::new(),
            explanation: None,
            resolved_alert: None,
            batch_task: None,
        }
    }

    /// One of its deliveries as the lane gets it, with the words for its type and its hook. `live` is the event that began
    /// the living message it is a state of.
    pub fn job(
        &self,
        delivery: &PlannedDelivery,
        (number, message): (i64, &Arc<Body>),
        words: (Arc<str>, Arc<str>),
        live: Option<&str>,
        now: Moment,
    ) -> Job {
        Job {
            ticket: self.ticket,
            due: now.monotonic,
            expires_at: delivery.expires_at,
            thing: delivery.supersede_key.clone(),
            live: live.map(LiveJob::new),
            body: Some(Arc::clone(message)),
            ..Job::shared(number, self.id, words, now.unix_ms)
        }
    }

    /// About how many bytes it takes in the spool.
    pub fn bytes(&self) -> u64 {
        let of = |delivery: &PlannedDelivery| {
            let message =
                delivery.message.as_ref().map_or(delivery.unrendered.len(), |body| body.bytes.len());
            let fallbacks = delivery.fallbacks.iter().map(|fallback| fallback.message.body.len() + ROW_BYTES);
            message + ROW_BYTES + fallbacks.sum::<usize>()
        };
        (self.payload.len() + ROW_BYTES + self.deliveries.iter().map(of).sum::<usize>()) as u64
    }
}

/// Whether an event is the end of a queue that waits for `end_delay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventState {
    Final,
    /// The end of a queue: written now, decided about after `end_delay`.
    Held,
    /// The end of a queue that was held, and is in the spool already.
    HeldBefore,
}

pub struct PlannedDelivery {
    pub endpoint: Arc<str>,
    pub hook: Arc<str>,
    pub why: String,
    pub message: Result<Arc<Body>, String>,
    /// For a message that could not be rendered: the context as JSON, to be rendered again when it is replayed.
    pub unrendered: Vec<u8>,
    /// Unix milliseconds.
    pub expires_at: Option<i64>,
    /// The value of `supersede`: only the newest waiting message with this key is sent.
    pub supersede_key: Option<String>,
    pub live: Option<PlannedState>,
    /// A newer event in the same transaction that supersedes this delivery.
    pub superseded_by: Option<EventId>,
    pub fallbacks: Vec<PlannedFallback>,
    /// The endpoint, if it is an address that the task named.
    pub task_endpoint: Option<Arc<Endpoint>>,
    /// Where a lane has it already.
    pub early: Option<EarlyDelivery>,
}

/// A delivery that a lane has before the spool has it.
#[derive(Debug, Clone, Copy)]
pub struct EarlyDelivery {
    /// The number by which the lane knows it.
    pub number: i64,
    /// Its number in the spool: the same, unless the spool was recreated meanwhile.
    pub row: i64,
    /// When the lane got it, in Unix milliseconds.
    pub at: i64,
}

pub struct PlannedState {
    /// The value of `live`.
    pub key: String,
    pub closes: bool,
    pub edits: bool,
}

/// A message that is sent if a delivery fails (a fallback), or is not confirmed in time (an escalation).
pub struct PlannedFallback {
    /// The endpoint of the watched delivery.
    pub via: Arc<str>,
    pub endpoint: Arc<str>,
    /// When an escalation is due, in Unix milliseconds; `None` for a fallback.
    pub due_at: Option<i64>,
    /// The alert that causes an escalation even if the watched delivery succeeded.
    pub alert: Option<String>,
    pub message: Message,
}

/// All decisions since the last `Decider::take_decisions`.
#[derive(Default)]
pub struct Decisions {
    pub events: Vec<PlannedEvent>,
    /// Tickets of held ends that no longer count, because the queue went on.
    pub superseded: Vec<u64>,
    pub remarks: Vec<String>,
    pub counts: DecisionCounts,
    /// By event type; only if the decider explains.
    pub explanations: Vec<(String, Vec<Explanation>)>,
}

/// Increments of the counters with these names.
#[derive(Debug, Default, Clone, Copy)]
pub struct DecisionCounts {
    pub unheard: u64,
    pub late: u64,
    pub silenced: u64,
    pub gathered: u64,
    pub digests: u64,
    pub params_ignored: u64,
    pub conditions_broken: u64,
    pub defects: u64,
}
