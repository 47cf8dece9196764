//! Template filters in addition to the engine's own: `duration`, `clip`, `number`, `sparkline`, and those for times.

use super::long_number::{LongNumber, is_number, scientific};
use super::sparkline::sparkline;
use super::strings::{DurationUnits, ENGLISH};
use super::time_filters;
use minijinja::value::Rest;
use minijinja::{Environment, Error, ErrorKind, State, Value};

/// Characters of a sparkline, unless the template says otherwise.
const SPARKLINE_WIDTH: usize = 24;
const MAX_SPARKLINE_WIDTH: usize = 500;

pub(super) fn install(engine: &mut Environment<'static>) {
    engine.add_filter("duration", |seconds: f64| -> Result<String, Error> {
        if seconds.is_finite() {
            Ok(duration(seconds, &ENGLISH.units))
        } else {
            Err(Error::new(ErrorKind::InvalidOperation, "`duration` needs a finite number of seconds"))
        }
    });
    engine.add_filter("clip", |state: &State, text: Value, chars: usize| -> Result<String, Error> {
        reject_undefined(&text)?;
        let text = plain(&text);
        charge(state, text.len())?;
        Ok(clip(&text, chars))
    });
    engine.add_filter(
        "sparkline",
        |state: &State, list: Value, width: Option<usize>| -> Result<String, Error> {
            let number = |item: Value| {
                if let Some(long) = LongNumber::of(&item) {
                    return Ok(long.as_f64().unwrap_or(f64::NAN));
                }
                let kind = item.kind();
                f64::try_from(item).map_err(|_| {
                    let reason = format!("`sparkline` needs a list of numbers, one item is {kind}");
                    Error::new(ErrorKind::InvalidOperation, reason)
                })
            };
            let series: Vec<f64> = items(state, &list)?.into_iter().map(number).collect::<Result<_, _>>()?;
            Ok(sparkline(&series, width.unwrap_or(SPARKLINE_WIDTH).min(MAX_SPARKLINE_WIDTH)))
        },
    );
    time_filters::install(engine);
    replace_uncharged(engine);
    engine.add_filter("number", |value: Value| -> Result<String, Error> {
        reject_undefined(&value)?;
        if is_number(&value) {
            Ok(group_thousands(&plain(&value), ENGLISH.thousands))
        } else {
            Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("`number` needs a number, this is {}", value.kind()),
            ))
        }
    });
}

/// The engine's own versions of these work on large values without counting steps, or yield values that repeat all of their
/// work each time they are read.
fn replace_uncharged(engine: &mut Environment<'static>) {
    engine.add_filter("zip", |state: &State, first: Value, others: Rest<Value>| -> Result<Value, Error> {
        let lists: Vec<Vec<Value>> = std::iter::once(&first)
            .chain(others.iter())
            .map(|list| items(state, list))
            .collect::<Result<_, _>>()?;
        let length = lists.iter().map(Vec::len).min().unwrap_or_default();
        let row =
            |index: usize| lists.iter().filter_map(|list| list.get(index).cloned()).collect::<Vec<Value>>();
        Ok((0..length).map(row).collect())
    });
    engine.add_filter("chain", |state: &State, first: Value, others: Rest<Value>| -> Result<Value, Error> {
        let mut chained = items(state, &first)?;
        for list in others.iter() {
            chained.extend(items(state, list)?);
        }
        Ok(chained.into())
    });
    let text_test = |holds: fn(&str, &str) -> bool| {
        move |state: &State, text: Value, part: Value| -> Result<bool, Error> {
            let (Some(text), Some(part)) = (text.as_str(), part.as_str()) else {
                return Err(Error::new(ErrorKind::InvalidOperation, "this test needs two texts"));
            };
            charge(state, part.len())?;
            Ok(holds(text, part))
        }
    };
    engine.add_test("startingwith", text_test(|text, part| text.starts_with(part)));
    engine.add_test("endingwith", text_test(|text, part| text.ends_with(part)));
    let case_test = |folded: fn(&str) -> bool| {
        move |state: &State, text: Value| -> Result<bool, Error> {
            let text = text.as_str().unwrap_or_default();
            charge(state, text.len())?;
            Ok(folded(text))
        }
    };
    engine.add_test(
        "lower",
        case_test(|text| text.chars().any(char::is_lowercase) && text.to_lowercase() == text),
    );
    engine.add_test(
        "upper",
        case_test(|text| text.chars().any(char::is_uppercase) && text.to_uppercase() == text),
    );
}

/// One step for every 64 bytes that a filter reads.
fn charge(state: &State, bytes: usize) -> Result<(), Error> {
    state.consume_fuel(bytes as u64 / 64)
}

/// The items of a list, each of which costs a step.
fn items(state: &State, list: &Value) -> Result<Vec<Value>, Error> {
    reject_undefined(list)?;
    list.try_iter()?.map(|item| state.consume_fuel(1).map(|()| item)).collect()
}

/// Rejects an undefined value with the engine's own error, which names it.
pub(super) fn reject_undefined(value: &Value) -> Result<(), Error> {
    if value.is_undefined() { value.get_attr("").map(|_| ()) } else { Ok(()) }
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

/// At most `chars` characters of a text; a shortened one ends in `…`.
pub(crate) fn clip(text: &str, chars: usize) -> String {
    if text.char_indices().nth(chars).is_none() {
        return text.to_owned();
    }
    let Some(kept) = chars.checked_sub(1) else { return String::new() };
    let end = text.char_indices().nth(kept).map_or(text.len(), |(at, _)| at);
    format!("{}…", text[..end].trim_end())
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
/// integer longer than anybody counts is hardly a quantity, and stays as it is.
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

/// A value as a text template prints it; null is empty.
fn plain(value: &Value) -> String {
    if value.is_none() {
        String::new()
    } else {
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
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
    fn a_clipped_text_is_never_too_long() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
        assert_eq!(clip("ab cd", 4), "ab…");
        assert_eq!(clip("ab", 1), "…");
        assert_eq!(clip("ab", 0), "");
        assert_eq!(clip("", 0), "");
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
