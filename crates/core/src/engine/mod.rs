//! The engine wires the rooms together: it owns start, reload and the shutdown deadline.

mod bed;
mod bell;
mod check;
mod clerk;
mod close;
mod edges;
mod endpoints;
mod error;
mod gate;
mod housekeeping;
mod log;
mod open;
mod peers;
mod prepare;
mod preview;
mod progress;
mod rehearsal;
mod reports;
mod rounds;
mod shaping;
mod shared;
mod shared_batches;
mod spool_recovery;
mod stats;
mod takeover;
mod task_lanes;
#[cfg(test)]
mod trials;
mod usual_durations;
mod watchman;
mod work;

pub use bell::Bell;
pub use check::{CheckReport, check};
pub use error::{Error, ErrorKind};
pub use log::{Level, Sink};
pub use preview::{explain, preview};
pub use rehearsal::{Rehearsal, Rung};
