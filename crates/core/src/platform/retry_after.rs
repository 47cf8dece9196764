//! How long a receiver asks to be left alone.

use super::Answer;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a longer wait is taken for, so that sums of times stay in range; far beyond any `max_age`.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The first number of seconds that is read as a date: 2001, or else a wait of 31 years.
const FIRST_DATE: f64 = 1e9;

/// Where dates in seconds end and those in milliseconds begin: the year 5138, or 1973.
const LAST_DATE: f64 = 1e11;

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. A date counts from the receiver's own
/// `Date` where it sends one, so that a difference of clocks makes no attempt early. `None` when the header
/// is missing, unreadable, or asks for no wait.
pub(super) fn asked(answer: &Answer, now_unix_ms: i64) -> Option<Duration> {
    let value = answer.header("retry-after")?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit is still a number, and a long wait.
        return value.parse().map_or(Some(LONGEST), |number| number_of(number, now_of(answer, now_unix_ms)?));
    }
    if value.starts_with(|first: char| first.is_ascii_digit()) {
        return number_of(value.parse().ok()?, now_of(answer, now_unix_ms)?);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    some_wait(until.duration_since(now_of(answer, now_unix_ms)?).ok()?)
}

/// The receiver's clock where it tells the time, else ours.
fn now_of(answer: &Answer, now_unix_ms: i64) -> Option<SystemTime> {
    let clock = || Some(UNIX_EPOCH + Duration::from_millis(u64::try_from(now_unix_ms).ok()?));
    answer.header("date").and_then(|date| httpdate::parse_http_date(date).ok()).or_else(clock)
}

/// Seconds with a fraction, as JSON bodies have them, or a date.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    number_of(number, SystemTime::now())
}

/// A wait in seconds, rounded up to a millisecond, never early. A number so large that it can only be a date is
/// one: Unix seconds, or milliseconds, microseconds or nanoseconds.
fn number_of(number: f64, now: SystemTime) -> Option<Duration> {
    if number.is_nan() || number <= 0.0 {
        return None;
    }
    if (FIRST_DATE..LAST_DATE * 1e9).contains(&number) {
        let unit = [1.0, 1e3, 1e6, 1e9].into_iter().find(|unit| number < LAST_DATE * unit)?;
        let until = UNIX_EPOCH + Duration::try_from_secs_f64(number / unit).ok()?;
        return some_wait(until.duration_since(now).ok()?);
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
    fn a_number_that_can_only_be_a_date_is_one() {
        let five_minutes = Duration::from_secs(300);
        for date in ["1614265630.25", "1614265630250", "1614265630250000", "1614265630250000000"] {
            let found = wait(&[("retry-after", date)]);
            let off = found.unwrap().abs_diff(five_minutes);
            assert!(off < Duration::from_millis(5), "{date}: {found:?}");
        }
        let date = ("date", "Thu, 25 Feb 2021 15:00:00 GMT");
        assert_eq!(wait(&[("retry-after", "1614265210"), date]), Some(Duration::from_secs(10)));
        assert_eq!(wait(&[("retry-after", "1000000000")]), None, "the past asks for nothing");
        assert_eq!(wait(&[("retry-after", "31536000")]), Some(Duration::from_secs(31_536_000)));
        assert_eq!(seconds(1e9), None);
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
