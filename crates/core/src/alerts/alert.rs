//! What the configuration says of an alert.

use super::Gauge;
use std::time::Duration;

/// `[[alerts]]`: a metric that makes events when it crosses a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its name in events; no other alert has it.
    pub name: String,
    pub metric: Metric,
    pub bound: Bound,
    /// Where it is resolved; the threshold unless there is hysteresis.
    pub clear: f64,
    /// `for`: how long the value has to stay on the bad side.
    pub hold: Duration,
    /// How often it is told again while it is not resolved.
    pub every: Option<Duration>,
    pub sample: Duration,
}

/// Where the values of an alert come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metric {
    /// The host feeds it under this name.
    Fed(String),
    /// Taskbell measures it: the name as it is written, and what it means.
    BuiltIn(String, Gauge),
}

/// The bad side of a threshold. The threshold itself is on the good side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    Above(f64),
    Below(f64),
}

impl Metric {
    pub fn name(&self) -> &str {
        match self {
            Metric::Fed(name) | Metric::BuiltIn(name, _) => name,
        }
    }
}

impl Bound {
    pub fn threshold(self) -> f64 {
        match self {
            Bound::Above(threshold) | Bound::Below(threshold) => threshold,
        }
    }

    pub fn direction(self) -> &'static str {
        match self {
            Bound::Above(_) => "above",
            Bound::Below(_) => "below",
        }
    }
}

impl Alert {
    pub fn is_bad(&self, value: f64) -> bool {
        match self.bound {
            Bound::Above(threshold) => value > threshold,
            Bound::Below(threshold) => value < threshold,
        }
    }

    pub fn is_clear(&self, value: f64) -> bool {
        match self.bound {
            Bound::Above(_) => value <= self.clear,
            Bound::Below(_) => value >= self.clear,
        }
    }
}
