//! Time as the library sees it: a trait, so that every schedule is tested without sleeping.

use crate::os;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of wall-clock and monotonic time. Every method may be called from any thread.
pub trait Clock: Send + Sync + Debug {
    /// Milliseconds since the Unix epoch by the wall clock.
    fn unix_ms(&self) -> i64;

    /// Time since an arbitrary fixed point that never goes backwards.
    fn monotonic(&self) -> Duration;

    /// Both.
    fn now(&self) -> Moment {
        Moment { monotonic: self.monotonic(), unix_ms: self.unix_ms() }
    }
}

/// A point in time by both clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// The monotonic clock, for what has a duration.
    pub monotonic: Duration,
    /// Unix milliseconds, for what people read.
    pub unix_ms: i64,
}

/// The machine's clocks. The monotonic one includes suspended time, where the system supports it.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_ms(&self) -> i64 {
        unix_ms()
    }

    fn monotonic(&self) -> Duration {
        os::monotonic()
    }
}

/// Milliseconds since the Unix epoch by the machine's wall clock; 0 for a clock set before 1970.
pub fn unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Writes a Unix time in milliseconds as RFC 3339 in UTC with milliseconds, for instance
/// `2026-01-02T03:04:05.678Z`. A time outside the years -9999 to 9999 becomes the nearest one inside.
pub fn rfc3339(unix_ms: i64) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let nearest = if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    PRINTER.timestamp_to_string(&Timestamp::from_millisecond(unix_ms).unwrap_or(nearest))
}

/// Reads an RFC 3339 date-time (with `Z` or an offset) as Unix time in milliseconds.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// Reads a time as hosts may write it, RFC 3339 or Unix seconds, as Unix milliseconds.
pub fn read_time(value: &serde_json::Value) -> Option<i64> {
    match value {
        serde_json::Value::String(text) => parse_rfc3339(text),
        serde_json::Value::Number(number) => {
            let seconds = number.as_f64().filter(|s| (0.0..1e11).contains(s))?;
            Some((seconds * 1000.0).round() as i64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_survives_the_way_to_text_and_back() {
        for ms in [0, 1, 999, 951_782_400_000, 1_614_265_330_123, 4_102_444_799_999, -1] {
            assert_eq!(parse_rfc3339(&rfc3339(ms)), Some(ms), "{}", rfc3339(ms));
        }
        assert_eq!(rfc3339(1_614_265_330_000), "2021-02-25T15:02:10.000Z");
    }

    #[test]
    fn offsets_and_fractions_are_understood_and_nonsense_is_not() {
        assert_eq!(parse_rfc3339("2021-02-25T16:02:10+01:00"), Some(1_614_265_330_000));
        assert_eq!(parse_rfc3339("2021-02-25T15:02:10.5Z"), Some(1_614_265_330_500));
        for bad in ["", "2021-02-25", "2021-13-25T15:02:10Z", "2021-02-25T15:02:10", "2021-02-25T15:02:1äZ"]
        {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }
}
