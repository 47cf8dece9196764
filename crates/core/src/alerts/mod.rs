//! Alerts: metrics that cross a threshold, and the gauges that Taskbell reads by itself.
//!
//! [`Watch`] decides, and knows neither threads nor clocks: values and moments go in, transitions come
//! out. [`Meter`] measures built-in metrics; that may wait for the system, so it is never done on a
//! host's thread.

mod alert;
mod gauges;
mod meter;
mod nvml;
mod pending;
mod state;
#[cfg(test)]
mod tests;
mod watch;

pub use alert::{Alert, Bound, Metric};
pub(crate) use gauges::BUILT_IN;
pub use gauges::Gauge;
pub use meter::Meter;
pub use state::Kept;
pub use watch::{Transition, Watch};
