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
mod inherit;
mod log;
mod mend;
mod open;
mod prepare;
mod preview;
mod progress;
mod rehearsal;
mod reports;
mod rounds;
mod shaping;
mod shared;
mod shared_batches;
mod stats;
mod task_lanes;
#[cfg(test)]
mod trials;
mod usuals;
mod watch;
mod watchman;
mod work;

pub use bell::Bell;
pub use check::{CheckReport, check};
pub use error::{Error, ErrorKind};
pub use log::{Level, Sink};
pub use preview::{explain, preview};
pub use rehearsal::{Rehearsal, Rung};
