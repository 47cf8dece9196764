//! Decide: event and state in, decisions out. Counts tasks by queue and batch, derives events, matches hooks,
//! shapes and renders. Pure, so that `preview`, `explain` and the simulation run the very same code.

mod decider;
mod derived_events;
mod fallbacks;
mod farm;
mod forward;
mod notify;
mod planned;
mod take;

pub use decider::Decider;
pub use planned::{
    DecisionCounts, Decisions, EarlyDelivery, EventState, PlannedDelivery, PlannedEvent, PlannedState,
};
