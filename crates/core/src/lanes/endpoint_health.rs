//! The health of an endpoint as the spool keeps it, so that a restart neither floods an endpoint that is
//! down nor forgets that it requested a wait.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A pause until a wall-clock time. With its whole length, a clock that was set back does not make it longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    until_ms: i64,
    whole_ms: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointHealth {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Pause>,
    /// The breaker is open; the pause lasts until the next probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Pause>,
}

impl Pause {
    pub fn from(now_ms: i64, length: Duration) -> Pause {
        let whole_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        Pause { until_ms: now_ms.saturating_add_unsigned(whole_ms), whole_ms }
    }

    pub fn until_ms(&self) -> i64 {
        self.until_ms
    }

    pub fn left(&self, now_ms: i64) -> Duration {
        let left = self.until_ms.saturating_sub(now_ms).max(0) as u64;
        Duration::from_millis(left.min(self.whole_ms))
    }

    /// Whether it is the same pause, computed later: clocks are read one after the other.
    pub fn is_same(&self, other: &Pause) -> bool {
        self.until_ms.abs_diff(other.until_ms) < 500
    }

    pub fn whole(&self) -> Duration {
        Duration::from_millis(self.whole_ms)
    }
}

impl EndpointHealth {
    /// Whether there is nothing to keep any more.
    pub fn is_good(&self, now_ms: i64) -> bool {
        self.breaker.is_none() && self.quiet.is_none_or(|quiet| quiet.left(now_ms).is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn a_pause_ends_at_its_time_and_no_clock_makes_it_longer() {
        let minute = Duration::from_secs(60);
        let pause = Pause::from(DAY_MS, minute);
        assert_eq!(pause.left(DAY_MS), minute);
        assert_eq!(pause.left(DAY_MS + 59_000), Duration::from_secs(1));
        assert_eq!(pause.left(DAY_MS * 2), Duration::ZERO);
        assert_eq!(pause.left(0), minute, "the clock was set back by a day");
    }

    #[test]
    fn it_is_good_again_once_the_breaker_is_closed_and_the_quiet_is_over() {
        let quiet = EndpointHealth { quiet: Some(Pause::from(0, Duration::from_secs(1))), breaker: None };
        assert!(EndpointHealth::default().is_good(0) && !quiet.is_good(999) && quiet.is_good(1000));
        let open = EndpointHealth { breaker: Some(Pause::from(0, Duration::ZERO)), ..quiet };
        assert!(!open.is_good(DAY_MS));
        let text = serde_json::to_string(&open).unwrap();
        assert_eq!(serde_json::from_str::<EndpointHealth>(&text).unwrap(), open);
        assert_eq!(serde_json::from_str::<EndpointHealth>("{}").unwrap(), EndpointHealth::default());
    }
}
