//! The progress of a queue or a batch: when to tell of it, how fast it goes, and what is left.

use super::QueueTally;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::time::Duration;

/// The mean moves by at least this part of its distance to the newest value: it follows a change within about as
/// many tasks, and one long task does not upset it.
const LEAST_WEIGHT: f64 = 1.0 / 16.0;

/// The seconds between the ends of two tasks: the mean, later ones weighing more. It holds for any number of tasks at
/// once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct TaskRate(f64);

impl TaskRate {
    /// Whether nothing was measured.
    pub fn is_unknown(&self) -> bool {
        self.0 <= 0.0
    }

    /// The task of this number ended so long after the one before it.
    pub fn measure(&mut self, number: u64, gap_ms: i64) {
        let weight = (1.0 / number.max(1) as f64).max(LEAST_WEIGHT);
        self.0 += (gap_ms.max(0) as f64 / 1000.0 - self.0) * weight;
    }

    /// Tasks per minute, to three digits.
    fn per_minute(self) -> Option<f64> {
        let rate = Some(60.0 / self.0).filter(|rate| rate.is_finite() && *rate > 0.0)?;
        let unit = 10_f64.powi(2 - rate.log10().floor() as i32);
        Some((rate * unit).round() / unit)
    }

    /// Whole seconds for so many tasks.
    fn seconds_for(self, tasks: u64) -> Option<u64> {
        (!self.is_unknown()).then(|| (self.0 * tasks as f64).round() as u64)
    }
}

/// When the progress of one queue is told next.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ProgressTimer {
    /// When it was told last, or the queue was first heard of, by the monotonic clock.
    from: Option<Duration>,
    has_news: bool,
}

impl ProgressTimer {
    /// The queue is heard of at this time.
    pub fn start(&mut self, now: Duration) {
        self.from.get_or_insert(now);
    }

    /// A task was counted.
    pub fn note(&mut self) {
        self.has_news = true;
    }

    /// When the progress is told, at most so often; `None` while there is nothing new.
    pub fn due(&self, interval: Duration) -> Option<Duration> {
        self.from.filter(|_| self.has_news).map(|from| from + interval)
    }

    /// The progress is told at this time.
    pub fn tell(&mut self, now: Duration) {
        *self = ProgressTimer { from: Some(now), has_news: false };
    }
}

/// Adds what a message about progress has in addition to the summary: `done`, `total` as far as it is known, `rate` in
/// tasks per minute, and the seconds that are left, `eta_s`. What a host that counts by itself has passed stays.
pub fn add_progress(fields: &mut Map<String, Json>, tally: &QueueTally, total: Option<u64>) {
    let passed = |name: &str| tally.total == 0 && fields.get(name).is_some_and(|value| !value.is_null());
    let done = tally.total;
    let total = total.map(|total| total.max(done));
    let left = total.map(|total| total.saturating_sub(done));
    let own = [
        ("done", json!(done)),
        ("total", json!(total)),
        ("rate", json!(tally.pace.per_minute())),
        ("eta_s", json!(left.and_then(|left| tally.pace.seconds_for(left)))),
    ];
    let own = own.map(|(name, value)| (name, (!passed(name)).then_some(value)));
    for (name, value) in own {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(gaps_ms: &[i64]) -> TaskRate {
        let mut pace = TaskRate::default();
        for (number, gap) in (1..).zip(gaps_ms) {
            pace.measure(number, *gap);
        }
        pace
    }

    #[test]
    fn the_rate_is_a_mean_that_follows_a_change() {
        assert_eq!(pace(&[]).per_minute(), None);
        assert_eq!(pace(&[0, 0]).per_minute(), None, "all at once says nothing");
        assert_eq!(pace(&[4_000, 6_000]).per_minute(), Some(12.0));
        assert_eq!(pace(&[1_234_567]).per_minute(), Some(0.0486));
        let mut slower = vec![1_000; 100];
        slower.extend([4_000; 60]);
        let rate = pace(&slower).per_minute().unwrap();
        assert!((15.0..16.0).contains(&rate), "{rate}");
    }

    #[test]
    fn what_is_left_takes_as_long_as_tasks_take_now() {
        assert_eq!(pace(&[4_000, 6_000]).seconds_for(9), Some(45));
        assert_eq!(pace(&[]).seconds_for(9), None);
        assert_eq!(pace(&[-5, 1_000]).seconds_for(0), Some(0), "a clock that was set back");
    }

    #[test]
    fn progress_is_due_once_something_is_new() {
        let (second, interval) = (Duration::from_secs(1), Duration::from_secs(15));
        let mut timer = ProgressTimer::default();
        timer.start(second);
        assert_eq!(timer.due(interval), None);
        timer.note();
        timer.start(9 * second);
        assert_eq!(timer.due(interval), Some(16 * second));
        timer.tell(20 * second);
        assert_eq!(timer.due(interval), None);
        timer.note();
        assert_eq!(timer.due(interval), Some(35 * second));
    }
}
