//! Supervise: opens and closes an instance, reloads its configuration, and feeds its alerts.

pub mod alert_source;
pub mod close;
mod event_loop;
pub mod leave;
mod load;
pub mod missing_threads;
pub mod open;
pub mod reload;
pub mod sampler;
