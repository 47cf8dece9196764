//! How long a receiver asks to be left alone.

use super::Answer;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a longer wait is taken for, so that sums of times stay in range; far beyond any `max_age`.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. A date counts from the receiver's own
/// `Date` where it sends one, so that a difference of clocks makes no attempt early. `None` when the header
/// is missing, unreadable, or asks for no wait.
pub(super) fn asked(answer: &Answer, now_unix_ms: i64) -> Option<Duration> {
    let value = answer.header("retry-after")?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit is still a number, and a long wait.
        return some_wait(value.parse().map_or(LONGEST, Duration::from_secs));
    }
    if value.starts_with(|first: char| first.is_ascii_digit()) {
        return value.parse().ok().and_then(seconds);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let clock = || Some(UNIX_EPOCH + Duration::from_millis(u64::try_from(now_unix_ms).ok()?));
    let now: SystemTime =
        answer.header("date").and_then(|date| httpdate::parse_http_date(date).ok()).or_else(clock)?;
    some_wait(until.duration_since(now).ok()?)
}

/// Seconds with a fraction, as JSON bodies have them; rounded up to a millisecond, never early.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    if number.is_nan() || number <= 0.0 {
        return None;
    }
    let capped = number.min(LONGEST.as_secs_f64());
    some_wait(Duration::from_millis((capped * 1000.0).ceil() as u64))
}

fn some_wait(wait: Duration) -> Option<Duration> {
    (!wait.is_zero()).then_some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_614_265_330_250;

    fn wait(headers: &[(&str, &str)]) -> Option<Duration> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        asked(&Answer { status: 503, headers, ..Answer::default() }, NOW_MS)
    }

    #[test]
    fn seconds_and_dates_are_honoured_in_full() {
        assert_eq!(wait(&[("retry-after", "3600")]), Some(Duration::from_secs(3600)));
        assert_eq!(wait(&[("retry-after", " 1.5 ")]), Some(Duration::from_millis(1500)));
        assert_eq!(wait(&[("retry-after", "99999999999999999999999")]), Some(LONGEST));
        let date = ("retry-after", "Thu, 25 Feb 2021 15:12:10 GMT");
        assert_eq!(wait(&[date]), Some(Duration::from_millis(599_750)));
        let late_clock = ("date", "Thu, 25 Feb 2021 15:12:00 GMT");
        assert_eq!(wait(&[date, late_clock]), Some(Duration::from_secs(10)));
        assert_eq!(wait(&[date, ("date", "yesterday")]), Some(Duration::from_millis(599_750)));
    }

    #[test]
    fn no_wait_and_nonsense_ask_for_nothing() {
        for value in ["", "0", "-5", "soon", "1 minute", "NaN", "inf", "0.0", "Thu, 25 Feb 2021 15:02:10 GMT"]
        {
            assert_eq!(wait(&[("retry-after", value)]), None, "{value}");
        }
        assert_eq!(wait(&[]), None);
        for number in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(seconds(number), None);
        }
        assert_eq!(seconds(0.376), Some(Duration::from_millis(376)));
        assert_eq!(seconds(0.0001), Some(Duration::from_millis(1)));
        assert_eq!(seconds(f64::INFINITY), Some(LONGEST));
    }
}
