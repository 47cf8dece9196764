//! Decides about an event so that nothing in it can end the process again and again: neither a defect of Taskbell, nor
//! a template or condition that ended earlier processes.

use super::decide::{Decider, PlannedEvent};
use super::ingest::{IngestedEvent, IngestedRecord};
use super::parts::Parts;
use crate::clock::Moment;
use crate::message;
use std::panic::{self, AssertUnwindSafe};

/// Decides about an event; one that cannot be decided about is kept without messages. Returns the bytes that this adds
/// to the transaction.
pub fn decide(decider: &mut Decider, next: IngestedRecord, parts: &Parts, now: Moment) -> u64 {
    let planned_before = decider.planned().len();
    let subject = next.record.id.stable_hash();
    let _in_hand = message::subject(subject);
    let kept = next.clone();
    let refusal = parts.fatal_work.refusal(subject).or_else(|| {
        let take = AssertUnwindSafe(|| decider.take(IngestedEvent::from(next), now));
        panic::catch_unwind(take)
            .is_err()
            .then_some("a defect of Taskbell occurred while it was decided about")
    });
    if let Some(reason) = refusal {
        parts.counters.defects.one();
        decider.give_up(kept, reason);
    }
    decider.planned().iter().skip(planned_before).map(PlannedEvent::bytes).sum()
}
