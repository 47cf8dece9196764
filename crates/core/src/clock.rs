//! Time as the library sees it: a trait, so that every schedule is tested without sleeping.

use crate::os;
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

/// The machine's clocks. The monotonic one goes on while the machine is suspended, where the system can
/// tell.
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
/// `2026-01-02T03:04:05.678Z`.
pub fn rfc3339(unix_ms: i64) -> String {
    let seconds = unix_ms.div_euclid(1000);
    let millis = unix_ms.rem_euclid(1000);
    let day_seconds = seconds.rem_euclid(86_400);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let (hour, minute, second) = (day_seconds / 3600, day_seconds / 60 % 60, day_seconds % 60);
    if !(0..=9999).contains(&year) {
        return format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z");
    }
    // By hand: each event has several, and each number costs the formatter as much as all of this.
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |last: usize, mut number: i64| {
        for digit in text[..=last].iter_mut().rev() {
            if number == 0 {
                break;
            }
            *digit += (number % 10) as u8;
            number /= 10;
        }
    };
    [(3, year), (6, month), (9, day), (12, hour), (15, minute), (18, second), (22, millis)]
        .into_iter()
        .for_each(|(last, number)| put(last, number));
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads an RFC 3339 date-time (with `Z` or an offset) as Unix time in milliseconds.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let separators = bytes.len() >= 20
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && matches!(bytes[10], b'T' | b't' | b' ')
        && bytes[13] == b':'
        && bytes[16] == b':';
    if !separators {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut millis = 0;
    if bytes[at] == b'.' {
        let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let fraction = text.get(at + 1..at + 1 + digits.min(3))?;
        millis = fraction.parse::<i64>().ok()? * 10_i64.pow(3 - fraction.len() as u32);
        at += 1 + digits;
    }
    let offset_minutes = match bytes.get(at)? {
        b'Z' | b'z' if bytes.len() == at + 1 => 0,
        sign @ (b'+' | b'-') if bytes.len() == at + 6 && bytes[at + 3] == b':' => {
            let minutes = number(at + 1, at + 3)? * 60 + number(at + 4, at + 6)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let days = days_from_civil(year, month, day);
    Some((days * 86_400 + hour * 3600 + minute * 60 + second - offset_minutes * 60) * 1000 + millis)
}

/// A point in time as the contract allows it, RFC 3339 or Unix seconds, in Unix milliseconds.
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

/// Days since 1970-01-01 to a proleptic Gregorian date. Years start in March so that the leap day
/// is the last day of a year, and 400 years are one period of 146 097 days.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
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
