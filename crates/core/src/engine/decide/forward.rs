//! On a node: each event that its hosts reported goes to the relay, as they reported it, and so does the end of a queue
//! that none of them reported.

use super::decider::Decider;
use super::planned::PlannedDelivery;
use crate::endpoint::FARM;
use crate::event::BATCH_PROGRESS;
use crate::lanes::Body;
use crate::message::Extras;
use std::sync::Arc;

/// What counting a batch leads to.
const BATCH_EVENTS: [&str; 3] = ["batch.end", "batch.stalled", BATCH_PROGRESS];

/// The name in the place of a hook's.
const HOOK: &str = "farm";

impl Decider {
    /// Whether the relay decides about what happens here, and this process for the hooks of the node alone.
    pub(super) fn is_of_node(&self) -> bool {
        self.config.relays().is_some()
    }

    /// Whether batches are counted here: on a node without hooks for them they are the relay's to count.
    pub(super) fn counts_batches(&self) -> bool {
        !self.is_of_node() || BATCH_EVENTS.iter().any(|kind| self.is_heard(kind))
    }

    /// The delivery of an event to the relay, with its payload; `None` where there is none.
    pub(super) fn forward(&self, payload: &[u8]) -> Option<PlannedDelivery> {
        self.is_of_node().then(|| PlannedDelivery {
            endpoint: FARM.into(),
            hook: HOOK.into(),
            why: "a node sends each event to its relay".to_owned(),
            message: Ok(Arc::new(Body {
                content_type: "application/json".to_owned(),
                bytes: payload.to_vec(),
                extras: Extras::default(),
            })),
            unrendered: Vec::new(),
            expires_at: None,
            supersede_key: None,
            live: None,
            superseded_by: None,
            fallbacks: Vec::new(),
            task_endpoint: None,
            early: None,
        })
    }
}
