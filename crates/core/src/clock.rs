//! Time as the library sees it: a trait, so that every schedule is tested without sleeping.

use crate::os;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::Offset;
use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use toml::value::{Datetime as WrittenTime, Offset as WrittenOffset};

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
#[inline(never)]
pub fn rfc3339(unix_ms: i64) -> String {
    let mut text = Vec::with_capacity(24);
    write_rfc3339(unix_ms, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Adds the same to a text.
pub fn write_rfc3339(unix_ms: i64, out: &mut Vec<u8>) {
    match usual_rfc3339(unix_ms) {
        Some(text) => out.extend_from_slice(&text),
        None => out.extend_from_slice(any_rfc3339(unix_ms).as_bytes()),
    }
}

fn any_rfc3339(unix_ms: i64) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let nearest = if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    PRINTER.timestamp_to_string(&Timestamp::from_millisecond(unix_ms).unwrap_or(nearest))
}

/// The same of a time from 1970 to 9999, which each message has: without a calendar for all times, in a third of the time.
fn usual_rfc3339(unix_ms: i64) -> Option<[u8; 24]> {
    const DAY: u64 = 86_400_000;
    /// 400 years have this many days, and each begins in March, so that a leap day is the last of its year.
    const ERA: u64 = 146_097;
    const MARCH_OF_YEAR_0: u64 = 719_468;
    /// The last that the calendar for all times has.
    const LAST: u64 = 253_402_207_200_000;
    let unix_ms = u64::try_from(unix_ms).ok().filter(|time| *time <= LAST)?;
    let (days, of_day) = (unix_ms / DAY + MARCH_OF_YEAR_0, unix_ms % DAY);
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (day * 5 + 2) / 153;
    let day = day - (month * 153 + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + later;
    let seconds = of_day / 1_000;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |at: usize, digits: usize, mut number: u64| {
        for place in text[at..at + digits].iter_mut().rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, seconds / 3_600);
    put(14, 2, seconds / 60 % 60);
    put(17, 2, seconds % 60);
    put(20, 3, of_day % 1_000);
    Some(text)
}

/// Reads an RFC 3339 date-time (with `Z` or an offset) as Unix time in milliseconds.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    read_rfc3339(text)?.instant()
}

/// A time as a host wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostTime {
    /// A point in time, as Unix milliseconds.
    Instant(i64),
    /// A date and a time without a zone, as milliseconds. Only the difference of two of these has a meaning.
    Zoneless(i64),
}

impl HostTime {
    /// Reads a time as hosts write it: RFC 3339 (also with a blank for the `T`, and an offset without a colon), RFC 2822, or
    /// a Unix time in seconds, milliseconds, microseconds or nanoseconds, as a number or as text.
    pub fn read(value: &serde_json::Value) -> Option<HostTime> {
        match value {
            serde_json::Value::String(text) => HostTime::read_text(text.trim()),
            serde_json::Value::Number(number) => unix_time(number.as_f64()?).map(HostTime::Instant),
            _ => None,
        }
    }

    fn read_text(text: &str) -> Option<HostTime> {
        // The name of a zone behind an offset, as Java and ISO 9557 write it.
        let text =
            text.strip_suffix(']').and_then(|text| text.split_once('[')).map_or(text, |(time, _)| time);
        let with_offset = || {
            let (time, offset_ms) = split_offset(text)?;
            match read_rfc3339(time).or_else(|| read_http_date(time))? {
                HostTime::Zoneless(local) => Some(HostTime::Instant(local - offset_ms)),
                HostTime::Instant(_) => None,
            }
        };
        let number = || unix_time(text.parse().ok()?).map(HostTime::Instant);
        read_rfc3339(text)
            .or_else(with_offset)
            .or_else(number)
            .or_else(|| HostTime::read_text(&extended(text)?))
    }

    /// The point in time, as Unix milliseconds; `None` without a zone.
    pub fn instant(self) -> Option<i64> {
        match self {
            HostTime::Instant(at) => Some(at),
            HostTime::Zoneless(_) => None,
        }
    }

    /// Milliseconds from this time to a later one; `None` when only one of them has a zone.
    pub fn until(self, later: HostTime) -> Option<i64> {
        match (self, later) {
            (HostTime::Instant(from), HostTime::Instant(to))
            | (HostTime::Zoneless(from), HostTime::Zoneless(to)) => Some(to.saturating_sub(from)),
            _ => None,
        }
    }
}

/// Reads a date and a time of RFC 3339 (also with a blank for the `T`), with or without an offset. TOML writes them
/// alike, and its parser is there already; those of `jiff` bring the texts of all its errors.
fn read_rfc3339(text: &str) -> Option<HostTime> {
    let written: WrittenTime = text.parse().ok()?;
    let (date, time) = (written.date?, written.time?);
    let day = DateTime::new(date.year as i16, date.month as i8, date.day as i8, 0, 0, 0, 0).ok()?;
    let midnight = Offset::UTC.to_timestamp(day).ok()?.as_millisecond();
    let seconds =
        (i64::from(time.hour) * 60 + i64::from(time.minute)) * 60 + i64::from(time.second.unwrap_or(0));
    let local = midnight + seconds * 1000 + i64::from(time.nanosecond.unwrap_or(0) / 1_000_000);
    Some(match written.offset {
        None => HostTime::Zoneless(local),
        Some(WrittenOffset::Z) => HostTime::Instant(local),
        Some(WrittenOffset::Custom { minutes }) => HostTime::Instant(local - i64::from(minutes) * 60_000),
    })
}

/// `20260101T100000Z`, ISO 8601's basic form, or an offset of hours alone (`+01`), in the form of RFC 3339.
fn extended(text: &str) -> Option<String> {
    let has_digits = |range: std::ops::Range<usize>| {
        text.get(range).is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    if has_digits(0..8) && text.get(8..9) == Some("T") && has_digits(9..15) {
        let (date, time, rest) = (&text[..8], &text[9..15], &text[15..]);
        let date = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
        return Some(format!("{date}T{}:{}:{}{rest}", &time[..2], &time[2..4], &time[4..]));
    }
    let offset = text.len().checked_sub(3)?;
    let is_hours = text.contains(':')
        && text.get(offset..)?.starts_with(['+', '-'])
        && has_digits(offset + 1..text.len());
    is_hours.then(|| format!("{text}:00"))
}

/// Reads `Thu, 01 Jan 2026 10:00:00`, the date and time of RFC 2822.
fn read_http_date(text: &str) -> Option<HostTime> {
    let (weekday, time) = text.split_once(", ")?;
    let utc = httpdate::parse_http_date(&format!("{weekday}, {time:0>20} GMT")).ok()?;
    Some(HostTime::Zoneless(utc.duration_since(UNIX_EPOCH).ok()?.as_millis() as i64))
}

/// A text without the `+0100`, `GMT` or `UTC` at its end, and this offset in milliseconds.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(time) = text.strip_suffix(" GMT").or_else(|| text.strip_suffix(" UTC")) {
        return Some((time, 0));
    }
    let (time, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let digits =
        offset.strip_prefix(['+', '-']).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (hours, minutes) = digits.split_at_checked(2)?;
    let ms = (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?) * 60_000;
    Some((time.trim_end(), if offset.starts_with('-') { -ms } else { ms }))
}

/// A Unix time in seconds, or in a finer unit if it would lie after the year 5000, as milliseconds.
fn unix_time(number: f64) -> Option<i64> {
    let to_ms = match number {
        0.0..1e11 => 1e3,
        1e11..1e14 => 1.0,
        1e14..1e17 => 1e-3,
        1e17..1e20 => 1e-6,
        _ => return None,
    };
    Some((number * to_ms).round() as i64)
}

/// Reads a duration as hosts write it, in seconds: a number, a number as text, `1:02:03`, `1 day, 2:03:04`,
/// `1.02:03:04`, `1h 30m` or ISO 8601 (`PT1H`).
pub fn read_seconds(value: &serde_json::Value) -> Option<f64> {
    let seconds = match value {
        serde_json::Value::Number(number) => number.as_f64()?,
        serde_json::Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| clock_seconds(text)).or_else(|| span_seconds(text))?
        }
        _ => return None,
    };
    (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
}

/// `1:02:03.5`, after the days as Python (`1 day, `) or .NET (`1.`) writes them.
fn clock_seconds(text: &str) -> Option<f64> {
    let (days, time) = match text.split_once(", ") {
        Some((days, time)) => (days.split_once(" day")?.0, time),
        None => match text.split_once(':')?.0.split_once('.') {
            Some((days, _)) => (days, &text[days.len() + 1..]),
            None => ("0", text),
        },
    };
    let [hours, minutes, seconds] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<f64>().ok())?;
    let (minutes, seconds) = (digits(minutes)?, seconds.parse::<f64>().ok()?);
    let whole = digits(days)? * 86_400.0 + digits(hours)? * 3_600.0 + minutes * 60.0;
    (minutes < 60.0 && (0.0..60.0).contains(&seconds)).then_some(whole + seconds)
}

/// The units of a duration in seconds, the longest first, and what they are called.
const UNITS: &[(f64, &[&str])] = &[
    (604_800.0, &["w", "wk", "wks", "week", "weeks"]),
    (86_400.0, &["d", "day", "days"]),
    (3_600.0, &["h", "hr", "hrs", "hour", "hours"]),
    (60.0, &["m", "min", "mins", "minute", "minutes"]),
    (1.0, &["s", "sec", "secs", "second", "seconds"]),
    (1e-3, &["ms", "msec", "msecs", "milli", "millis", "millisecond", "milliseconds"]),
    (1e-6, &["us", "µs", "usec", "usecs", "micro", "micros", "microsecond", "microseconds"]),
    (1e-9, &["ns", "nsec", "nsecs", "nano", "nanos", "nanosecond", "nanoseconds"]),
];

/// `1h 30m`, `2 hours, 5 min` or ISO 8601. Months and years have no fixed length, so they are no duration.
fn span_seconds(text: &str) -> Option<f64> {
    let text = text.strip_prefix('+').unwrap_or(text).to_lowercase();
    match text.strip_prefix('p') {
        None => sum_of_units(&text, UNITS),
        Some(iso) => match iso.split_once('t') {
            None => sum_of_units(iso, &UNITS[..2]),
            Some(("", time)) => sum_of_units(&time.replace(',', "."), &UNITS[2..5]),
            Some((date, time)) => {
                Some(sum_of_units(date, &UNITS[..2])? + sum_of_units(&time.replace(',', "."), &UNITS[2..5])?)
            }
        },
    }
}

/// Numbers with these units, the longest first and each at most once.
fn sum_of_units(text: &str, mut units: &[(f64, &[&str])]) -> Option<f64> {
    let (mut rest, mut seconds) = (text, 0.0);
    loop {
        let number = &rest[..rest.find(|c: char| !c.is_ascii_digit() && c != '.')?];
        let after = rest[number.len()..].trim_start();
        let name = &after[..after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len())];
        let at = units.iter().position(|(_, names)| names.contains(&name))?;
        seconds += number.parse::<f64>().ok()? * units[at].0;
        units = &units[at + 1..];
        let next = after[name.len()..].trim_start();
        if next.is_empty() {
            return Some(seconds);
        }
        rest = next.strip_prefix(',').unwrap_or(next).trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_usual_time_is_written_as_the_calendar_for_all_times_writes_it() {
        let last = 253_402_207_200_000;
        assert!(Timestamp::from_millisecond(last + 1).is_err());
        let days = (0..146_097 * 2).step_by(7).map(|day| day * 86_400_000 + day % 86_400_000);
        for ms in
            days.chain((0..last).step_by(99_991_234_567)).chain([951_782_399_999, 951_782_400_000, last])
        {
            let text = usual_rfc3339(ms).unwrap();
            let expected =
                Timestamp::from_millisecond(ms).unwrap().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
            assert_eq!(str::from_utf8(&text), Ok(expected.as_str()));
        }
        assert_eq!((usual_rfc3339(-1), usual_rfc3339(last + 1)), (None, None));
    }

    #[test]
    fn a_timestamp_survives_the_way_to_text_and_back() {
        for ms in [0, 1, 999, 951_782_400_000, 1_614_265_330_123, 4_102_444_799_999, -1] {
            assert_eq!(parse_rfc3339(&rfc3339(ms)), Some(ms), "{}", rfc3339(ms));
        }
        assert_eq!(rfc3339(1_614_265_330_000), "2021-02-25T15:02:10.000Z");
    }

    #[test]
    fn a_time_in_utc_by_name_is_a_point_in_time() {
        let read = |text: &str| HostTime::read(&json!(text));
        for text in ["2026-01-01T10:00:00 UTC", "2026-01-01 10:00:00 GMT", "Thu, 01 Jan 2026 10:00:00 UTC"] {
            assert_eq!(read(text), Some(HostTime::Instant(1_767_261_600_000)), "{text}");
        }
        assert_eq!(read("2026-01-01T10:00:00 CET"), None);
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

    #[test]
    fn times_are_read_as_hosts_write_them() {
        let hour = |from: serde_json::Value, to: serde_json::Value| {
            HostTime::read(&from).zip(HostTime::read(&to)).and_then(|(from, to)| from.until(to))
        };
        for (from, to) in [
            (json!("2026-01-01T10:00:00Z"), json!("2026-01-01T12:00:00+01:00")),
            (json!("2026-01-01T10:00:00"), json!("2026-01-01T11:00:00.000")),
            (json!("2026-01-01 10:00:00.123456"), json!("2026-01-01 11:00:00.123456")),
            (json!("2026-01-01T10:00:00+0100"), json!("2026-01-01 11:00:00 +0100")),
            (json!("20260101T100000Z"), json!("20260101T120000+0100")),
            (json!("2026-01-01 10:00:00.5+01"), json!("2026-01-01T11:00:00.5+01:00[Europe/Berlin]")),
            (json!("Thu, 01 Jan 2026 10:00:00 +0000"), json!("2026-01-01T11:00:00Z")),
            (json!("Thu, 1 Jan 2026 10:00:00 GMT"), json!("Thu, 01 Jan 2026 12:30:00 +0130")),
            (json!("2026-01-01T10:00Z"), json!("2026-01-01T08:30:00-0230")),
            (json!(1_767_261_600), json!(1_767_265_200)),
            (json!(1_767_261_600_000_i64), json!("1767265200000")),
            (json!("1767261600.5"), json!(1_767_265_200.5)),
            (json!(1_767_261_600_000_000_i64), json!(1_767_265_200_000_000_000_i64)),
        ] {
            assert_eq!(hour(from.clone(), to.clone()), Some(3_600_000), "{from} {to}");
        }
        for unread in [
            json!("soon"),
            json!("2026-01-01"),
            json!(-1),
            json!(true),
            json!(""),
            json!("12+0100"),
            json!("é0100"),
            json!("2026-01-01T10:00:00Z+0100"),
            json!("2026-02-30T10:00:00Z"),
            json!("Fri, 01 Jan 2026 10:00:00 GMT"),
        ] {
            assert_eq!(HostTime::read(&unread), None, "{unread}");
        }
        assert_eq!(hour(json!("2026-01-01T10:00:00"), json!("2026-01-01T11:00:00Z")), None);
    }

    #[test]
    fn durations_are_read_as_hosts_write_them() {
        for (written, seconds) in [
            (json!(3600.5), 3600.5),
            (json!("3600.5"), 3600.5),
            (json!("1:02:03"), 3723.0),
            (json!("0:00:01.500000"), 1.5),
            (json!("1 day, 2:03:04"), 93_784.0),
            (json!("2 days, 0:00:00"), 172_800.0),
            (json!("1.02:03:04.5"), 93_784.5),
            (json!("PT1H"), 3600.0),
            (json!("P1DT1.5S"), 86_401.5),
            (json!("PT0,5S"), 0.5),
            (json!("p1w"), 604_800.0),
            (json!("1h 30m"), 5400.0),
            (json!("1h30m0.5s"), 5400.5),
            (json!("1 day, 2 hours, 5 mins"), 93_900.0),
            (json!("1.5 Hours"), 5400.0),
            (json!("250 ms"), 0.25),
            (json!(" 7 "), 7.0),
        ] {
            assert_eq!(read_seconds(&written), Some(seconds), "{written}");
        }
        for unread in [
            json!("soon"),
            json!(-1),
            json!("1:2"),
            json!("1:99:00"),
            json!("NaN"),
            json!("inf"),
            json!("P"),
            json!("PT"),
            json!("P1M"),
            json!("PT1D"),
            json!("1 year"),
            json!("30m 1h"),
            json!("1h 1h"),
            json!("1h 30"),
            json!("h"),
            json!(".h"),
            json!("1h,"),
            json!("-1h"),
            json!(true),
            json!([]),
            json!(""),
        ] {
            assert_eq!(read_seconds(&unread), None, "{unread}");
        }
    }
}
