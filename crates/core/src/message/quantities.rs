//! Durations and numbers as people read them, in cards and through filters.

use super::long_number::scientific;

/// The units of a duration, as they follow a number.
pub(crate) struct DurationUnits {
    pub ms: &'static str,
    pub s: &'static str,
    pub min: &'static str,
    /// Minutes without seconds.
    pub whole_min: &'static str,
    pub h: &'static str,
    pub d: &'static str,
}

/// A duration in its two largest units: `0.8 s`, `42 s`, `2 h 5 min`, `3 d`.
pub(super) fn duration(seconds: f64, units: &DurationUnits) -> String {
    if seconds < 0.0 {
        return format!("-{}", duration(-seconds, units));
    }
    if seconds < 0.0995 {
        let ms = (seconds * 1000.0).round();
        return if ms == 0.0 { format!("0{}", units.s) } else { format!("{ms}{}", units.ms) };
    }
    if seconds < 9.95 {
        return format!("{}{}", (seconds * 10.0).round() / 10.0, units.s);
    }
    // The conversion saturates.
    let whole = seconds.round() as u64;
    let (large, large_unit, small, small_unit) = match whole {
        0..60 => return format!("{whole}{}", units.s),
        60..3_600 if whole.is_multiple_of(60) => (whole / 60, units.whole_min, 0, ""),
        60..3_600 => (whole / 60, units.min, whole % 60, units.s),
        3_600..86_400 => (whole / 3_600, units.h, whole % 3_600 / 60, units.min),
        _ => (whole / 86_400, units.d, whole % 86_400 / 3_600, units.h),
    };
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit} {small}{small_unit}")
    }
}

/// A number with its thousands separated: `12 345.6`.
pub(super) fn group_thousands(number: &str, between: char) -> String {
    let (sign, unsigned) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_at(unsigned.find('.').unwrap_or(unsigned.len()));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    let mut grouped = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(between);
        }
        grouped.push(digit);
    }
    grouped + if fraction == ".0" { "" } else { fraction }
}

/// A number in a card: an integer whole, a fraction with four significant digits, both with separated thousands. An
/// integer longer than anybody counts is probably not a quantity, and stays as it is.
pub(super) fn number_for_people(number: &serde_json::Number, between: char) -> String {
    const MAX_DIGITS: usize = 18;
    let given = number.as_str();
    if given.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        let given = if given == "-0" { "0" } else { given };
        return if given.len() <= MAX_DIGITS { group_thousands(given, between) } else { given.to_owned() };
    }
    let value = number.as_f64().unwrap_or_default();
    let size = value.abs();
    if size == 0.0 || !(1e-4..1e15).contains(&size) {
        return scientific(number);
    }
    // The digits before the point, or minus the zeros behind it.
    let magnitude = size.log10().floor() as i32;
    let decimals = usize::try_from(3 - magnitude).unwrap_or(0);
    let rounded = format!("{value:.decimals$}");
    let rounded = match rounded.contains('.') {
        true => rounded.trim_end_matches('0').trim_end_matches('.'),
        false => &rounded,
    };
    group_thousands(rounded, between)
}

#[cfg(test)]
mod tests {
    use super::super::strings::ENGLISH;
    use super::*;

    #[test]
    fn a_duration_has_at_most_two_units() {
        let table = [
            (0.0, "0 s"),
            (0.012, "12 ms"),
            (0.8, "0.8 s"),
            (4.0, "4 s"),
            (42.4, "42 s"),
            (59.6, "1 min"),
            (200.0, "3 min 20 s"),
            (7_500.0, "2 h 5 min"),
            (7_200.0, "2 h"),
            (273_600.0, "3 d 4 h"),
            (-42.0, "-42 s"),
        ];
        for (seconds, text) in table {
            assert_eq!(duration(seconds, &ENGLISH.units), text, "{seconds}");
        }
        assert!(duration(f64::MAX, &ENGLISH.units).ends_with(" h"));
    }

    #[test]
    fn a_number_in_a_card_has_four_significant_digits() {
        for (given, shown) in [
            ("0.0213", "0.0213"),
            ("0.123456", "0.1235"),
            ("0.000123456", "0.0001235"),
            ("0.0000123456", "1.235e-5"),
            ("73.256789", "73.26"),
            ("7.0", "7"),
            ("0.0", "0"),
            ("-1234.5678", "-1,235"),
            ("12345.678", "12,346"),
            ("1234567", "1,234,567"),
            ("9999.99", "10,000"),
            ("1e300", "1.000e300"),
            ("-9.9999e400", "-1.000e401"),
            ("0.00012345678901234567890e-400", "1.235e-404"),
            ("123456789012345678901234567890.0", "1.235e29"),
            ("0e-400", "0"),
            ("-0", "0"),
            ("123456789012345678", "123,456,789,012,345,678"),
            ("2266616331186912456341812302143261679", "2266616331186912456341812302143261679"),
        ] {
            let number: serde_json::Number = serde_json::from_str(given).unwrap();
            assert_eq!(number_for_people(&number, ','), shown, "{given}");
        }
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(group_thousands("12345", '\u{202f}'), "12\u{202f}345");
        assert_eq!(group_thousands("-1234567.25", '\u{202f}'), "-1\u{202f}234\u{202f}567.25");
        assert_eq!(group_thousands("999", '\u{202f}'), "999");
        assert_eq!(group_thousands("1000.0", '\u{202f}'), "1\u{202f}000");
        assert_eq!(group_thousands("inf", '\u{202f}'), "inf");
    }
}
