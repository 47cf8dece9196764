//! Parses durations, sizes and rates.

use crate::platform::Rate;
use std::time::Duration;

pub(super) const DURATION_FORM: &str =
    "a duration such as \"250ms\", \"10s\", \"5m\", \"2h\", \"3d\" or \"1h30m\"";
pub(super) const SIZE_FORM: &str =
    "a size such as \"64KiB\", \"1MiB\" or \"500B\", or a whole number of bytes";
pub(super) const RATE_FORM: &str = "a rate such as \"30/min\", \"1/s\", \"100/h\" or \"5/2s\"";

/// Milliseconds per unit, the longest first.
const TIME_UNITS: &[(&str, u64)] =
    &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
const SIZE_UNITS: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

const MAX_RATE_COUNT: u32 = 1_000_000;
const MAX_RATE_PERIOD: Duration = Duration::from_secs(7 * 86_400);

/// Whole numbers with units, the longer unit first: `"1h30m"`.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut millis: u64 = 0;
    let mut units = TIME_UNITS.iter();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.checked_mul(*factor)?)?;
        rest = next;
    }
    Some(Duration::from_millis(millis))
}

/// A whole number with a unit: `"64KiB"`.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = leading_number(text)?;
    let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

pub(super) fn show_size(bytes: u64) -> String {
    let fits = SIZE_UNITS.iter().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    fits.map_or_else(|| format!("{bytes}B"), |(unit, factor)| format!("{}{unit}", bytes / factor))
}

/// A count and a period: `"30/min"`, `"5/2s"`.
pub(super) fn parse_rate(text: &str) -> Option<Rate> {
    let (count, per) = text.split_once('/')?;
    let (count, rest) = leading_number(count.trim_end())?;
    let count = u32::try_from(count).ok()?;
    let per = per.trim_start();
    let per = match per.strip_suffix("min") {
        Some(number) => format!("{number}m"),
        None => per.to_owned(),
    };
    let per = if per.starts_with(|c: char| c.is_ascii_digit()) { per } else { format!("1{per}") };
    let per = parse_duration(&per)?;
    let valid = rest.is_empty()
        && (1..=MAX_RATE_COUNT).contains(&count)
        && (Duration::from_millis(1)..=MAX_RATE_PERIOD).contains(&per);
    valid.then_some(Rate { count, per })
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::proptest;

    #[test]
    fn durations_parse_in_every_unit() {
        let cases = [("0s", 0), ("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000)];
        for (text, millis) in
            cases.into_iter().chain([("3d", 259_200_000), ("1h30m", 5_400_000), ("1s500ms", 1500)])
        {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for bad in
            ["", "5", "s", "1.5s", "-1s", "1 s", "30m1h", "1s1s", "5min", "5S", "99999999999999999999d", "١s"]
        {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        assert_eq!(parse_duration("18446744073709551615d"), None, "no overflow");
    }

    #[test]
    fn sizes_are_binary_and_round_trip() {
        assert_eq!(parse_size("64KiB"), Some(65_536));
        assert_eq!(parse_size("500B"), Some(500));
        for bad in ["", "1", "1KB", "1 MiB", "1mib", "-1B", "18446744073709551615GiB"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
        for bytes in [0, 1, 1024, 1536, 1 << 20, 5 << 30] {
            assert_eq!(parse_size(&show_size(bytes)), Some(bytes));
        }
    }

    #[test]
    fn rates_are_a_count_and_a_period() {
        let rate = |count, seconds| Some(Rate { count, per: Duration::from_secs(seconds) });
        let cases =
            [("30/min", 30, 60), ("5/2s", 5, 2), ("1/s", 1, 1), ("100/h", 100, 3600), ("7/5min", 7, 300)];
        for (text, count, seconds) in cases {
            assert_eq!(parse_rate(text), rate(count, seconds), "{text}");
        }
        for bad in
            ["", "/", "30", "30/", "/s", "0/s", "1/0s", "x/s", "1/8d", "-1/s", "1/week", "5000000000/s"]
        {
            assert_eq!(parse_rate(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,40}", odd in "[0-9msdhKiBin/ ]{0,24}") {
            for text in [text, odd] {
                let _ = (parse_duration(&text), parse_size(&text), parse_rate(&text));
            }
        }
    }
}
