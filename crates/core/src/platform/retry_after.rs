//! How long a receiver asks to be left alone.

use super::Answer;
use crate::clock::{HostTime, read_seconds};
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a longer wait is taken for, so that sums of times stay in range; far beyond any `max_age`.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The first number of seconds that is read as a date: 2001, or else a wait of 31 years.
const FIRST_DATE: f64 = 1e9;

/// Where dates in seconds end and those in milliseconds begin: the year 5138, or 1973.
const LAST_DATE: f64 = 1e11;

/// How long this answer asks for quiet: by `Retry-After` (RFC 9110, section 10.2.3) or by a wait in a body of JSON, whichever
/// is longer; else by the headers that say when a limit is reset. `None` when it asks for nothing that can be read.
pub(super) fn asked(answer: &Answer, now_unix_ms: i64) -> Option<Duration> {
    let now = now_of(answer, now_unix_ms)?;
    let header = in_header(answer, now);
    header.max(in_body(answer, header, now)).or_else(|| reset(answer, now))
}

/// A date counts from the receiver's own `Date` where it sends one, so that a difference of clocks makes no attempt
/// early.
fn in_header(answer: &Answer, now: SystemTime) -> Option<Duration> {
    let millis = ["retry-after-ms", "x-ms-retry-after-ms"].into_iter().find_map(|name| answer.header(name));
    let millis = millis.and_then(|text| number_of(text.trim().parse::<f64>().ok()? / 1000.0, now));
    millis.or_else(|| in_text(answer.header("retry-after").or(answer.header("x-retry-after"))?, now))
}

/// A number of seconds, a duration, or a date, in any form that HTTP, a gateway or a host has for it.
fn in_text(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim().trim_matches('"');
    // A header that came twice is one with a comma, as is every date.
    let first = text.split(',').next().unwrap_or_default().trim();
    if !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit is still a number, and a long wait.
        return first.parse().map_or(Some(LONGEST), |number| number_of(number, now));
    }
    let written = Value::from(text);
    if let Some(seconds) = read_seconds(&written).or_else(|| read_seconds(&Value::from(first))) {
        return number_of(seconds, now);
    }
    let at = HostTime::read(&written).and_then(HostTime::instant);
    let at = at.and_then(|at| Some(UNIX_EPOCH + Duration::from_millis(u64::try_from(at).ok()?)));
    since(at.or_else(|| httpdate::parse_http_date(text).ok())?, now)
}

/// Where platforms have a wait in seconds in their JSON.
const IN_BODY: [&str; 6] = [
    "/retry_after",
    "/parameters/retry_after",
    "/error/retry_after",
    "/retryAfter",
    "/error/retryAfter",
    "/wait",
];

/// The same in milliseconds.
const IN_BODY_MS: [&str; 3] = ["/retry_after_ms", "/retryAfterMs", "/error/retryAfterMs"];

/// Older interfaces of Discord give milliseconds: a whole number that is the header's, a thousandfold, is one of them.
fn in_body(answer: &Answer, header: Option<Duration>, now: SystemTime) -> Option<Duration> {
    let json = answer.json()?;
    if let Some(millis) = IN_BODY_MS.iter().find_map(|path| json.pointer(path)?.as_f64()) {
        return number_of(millis / 1000.0, now);
    }
    let delay = || {
        in_text(
            json.pointer("/error/details")?.as_array()?.iter().find_map(|d| d["retryDelay"].as_str())?,
            now,
        )
    };
    let Some(value) = IN_BODY.iter().find_map(|path| json.pointer(path)) else { return delay() };
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let Some(number) = number else { return in_text(value.as_str()?, now) };
    let after = || number_in(answer, "x-ratelimit-reset-after");
    let known = header.map(|wait| wait.as_secs_f64()).or_else(after).filter(|known| *known > 0.0);
    let is_millis =
        |known: f64| number.fract() == 0.0 && number >= known * 100.0 && number / 1000.0 <= known + 1.0;
    number_of(if known.is_some_and(is_millis) { number / 1000.0 } else { number }, now)
}

/// When a limit that is used up is reset: in so many seconds, or at a date.
fn reset(answer: &Answer, now: SystemTime) -> Option<Duration> {
    const RESETS: [&str; 5] = [
        "x-ratelimit-reset-after",
        "x-ogw-ratelimit-reset",
        "x-ratelimit-reset",
        "ratelimit-reset",
        "x-rate-limit-reset",
    ];
    let is_used_up = answer.status == 429
        || answer.header("x-ogw-ratelimit-reset").is_some()
        || answer.header("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0");
    // `RateLimit: limit=100, remaining=0, reset=50`, or since draft 8 `RateLimit: "default";r=0;t=50`.
    let draft = || {
        let mut parts = answer.header("ratelimit")?.split([',', ';']).map(str::trim);
        in_text(parts.find_map(|part| part.strip_prefix("reset=").or(part.strip_prefix("t=")))?, now)
    };
    let named = || RESETS.into_iter().find_map(|name| in_text(answer.header(name)?, now));
    if is_used_up { named().or_else(draft) } else { None }
}

fn number_in(answer: &Answer, header: &str) -> Option<f64> {
    answer.header(header)?.trim().parse().ok()
}

/// The receiver's clock where it tells the time, else ours.
fn now_of(answer: &Answer, now_unix_ms: i64) -> Option<SystemTime> {
    let clock = || Some(UNIX_EPOCH + Duration::from_millis(u64::try_from(now_unix_ms).ok()?));
    answer.header("date").and_then(|date| httpdate::parse_http_date(date).ok()).or_else(clock)
}

/// A wait in seconds, rounded up to a millisecond, never early. A number so large that it can only be a date is
/// one: Unix seconds, or milliseconds, microseconds or nanoseconds.
fn number_of(number: f64, now: SystemTime) -> Option<Duration> {
    if number.is_nan() || number <= 0.0 {
        return None;
    }
    if (FIRST_DATE..LAST_DATE * 1e9).contains(&number) {
        let unit = [1.0, 1e3, 1e6, 1e9].into_iter().find(|unit| number < LAST_DATE * unit)?;
        return since(UNIX_EPOCH + Duration::try_from_secs_f64(number / unit).ok()?, now);
    }
    let capped = number.min(LONGEST.as_secs_f64());
    some_wait(Duration::from_millis((capped * 1000.0).ceil() as u64))
}

fn since(until: SystemTime, now: SystemTime) -> Option<Duration> {
    some_wait(until.duration_since(now).ok()?)
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
    }

    #[test]
    fn no_wait_and_nonsense_ask_for_nothing() {
        for value in
            ["", "0", "-5", "soon", "0x1e", "-1 minute", "NaN", "inf", "0.0", "Thu, 25 Feb 2021 15:02:10 GMT"]
        {
            assert_eq!(wait(&[("retry-after", value)]), None, "{value}");
        }
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "0.0001")]), Some(Duration::from_millis(1)));
    }

    #[test]
    fn a_date_is_read_in_every_form_that_gateways_write() {
        for date in "\
            Thu, 25 Feb 2021 15:12:10 GMT | Thursday, 25-Feb-21 15:12:10 GMT | \
            Thu Feb 25 15:12:10 2021 | Thu, 25 Feb 2021 15:12:10 +0000 | \
            Thu, 25 Feb 2021 15:12:10 UTC | 2021-02-25T15:12:10Z | 2021-02-25T16:12:10+01:00 | \
            2021-02-25 15:12:10Z | Thu, 25 Feb 2021 17:12:10 +0200 | \
            \"Thu, 25 Feb 2021 15:12:10 GMT\""
            .split(" | ")
        {
            assert_eq!(wait(&[("retry-after", date)]), Some(Duration::from_millis(599_750)), "{date}");
        }
        assert_eq!(wait(&[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")]), Some(LONGEST));
        assert_eq!(wait(&[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")]), None);
        for (value, seconds) in [
            ("120, 120", 120.0),
            ("30s", 30.0),
            ("30 seconds", 30.0),
            ("250ms", 0.25),
            ("2 minutes", 120.0),
            ("1m30s", 90.0),
            ("PT90S", 90.0),
            ("0:01:30", 90.0),
            ("+30", 30.0),
            ("3e1", 30.0),
            ("\"30\"", 30.0),
            ("1,5", 1.0),
        ] {
            let expected = Some(Duration::from_secs_f64(seconds));
            assert_eq!(wait(&[("retry-after", value)]), expected, "{value}");
        }
        assert_eq!(wait(&[("retry-after-ms", "1500")]), Some(Duration::from_millis(1500)));
        assert_eq!(wait(&[("x-retry-after", "12")]), Some(Duration::from_secs(12)));
    }

    #[test]
    fn a_wait_in_json_and_a_reset_of_a_limit_are_read_on_every_platform() {
        let asked = |headers: &[(&str, &str)], body: &str| {
            let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            let answer = Answer { status: 429, headers, body: body.into(), truncated: false };
            super::asked(&answer, NOW_MS).map(|wait| wait.as_secs_f64())
        };
        for (headers, body, seconds) in [
            (&[][..], r#"{"retry_after": 0.376, "global": true}"#, Some(0.376)),
            (&[("retry-after", "65")], r#"{"retry_after": 64250}"#, Some(65.0)),
            (&[("x-ratelimit-reset-after", "64.25")], r#"{"retry_after": 64250}"#, Some(64.25)),
            (&[("retry-after", "1")], r#"{"retry_after": 376}"#, Some(1.0)),
            (&[("retry-after", "1")], r#"{"retry_after": 42}"#, Some(42.0)),
            (&[], r#"{"ok": false, "parameters": {"retry_after": 34}}"#, Some(34.0)),
            (&[], r#"{"retry_after": "17"}"#, Some(17.0)),
            (&[], r#"{"retry_after": 1614265630.25}"#, Some(300.0)),
            (&[], r#"{"retry_after": -3}"#, None),
            (&[], r#"{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}"#, Some(2.5)),
            (&[], r#"{"error": {"retryAfter": 8}}"#, Some(8.0)),
            (&[("ratelimit", "limit=100, remaining=0, reset=50")], "", Some(50.0)),
            (&[("ratelimit", "\"default\";r=0;t=50")], "", Some(50.0)),
            (&[("ratelimit", "\"default\"")], "", None),
            (&[], r#"{"error": {"details": [{}, {"retryDelay": "21.5s"}]}}"#, Some(21.5)),
            (&[("x-ratelimit-reset", "9")], "", Some(9.0)),
            (&[("x-ratelimit-reset", "1614265630")], "", Some(299.75)),
            (&[("x-ratelimit-reset", "1614265630000")], "", Some(299.75)),
            (&[("ratelimit-reset", "12")], "", Some(12.0)),
            (&[("retry-after", "soon"), ("ratelimit-reset", "12")], "", Some(12.0)),
        ] {
            assert_eq!(asked(headers, body), seconds, "{headers:?} {body}");
        }
        let reset = [("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1614265630")];
        assert_eq!(wait(&reset), None, "a limit that is not used up asks for nothing");
    }
}
