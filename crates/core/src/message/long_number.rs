//! Numbers that the engine's own cannot hold: integers beyond 128 bits, and decimals beyond a float's range.

use minijinja::Value;
use minijinja::value::{DynObject, Object, ObjectRepr, ValueKind};
use serde_json::Number;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A number that is printed, compared and sent as it came, and with which nothing is calculated.
#[derive(Debug)]
pub(super) struct LongNumber(Number);

impl LongNumber {
    pub(super) fn new(number: &Number) -> LongNumber {
        LongNumber(number.clone())
    }

    pub(super) fn of(value: &Value) -> Option<&Number> {
        value.downcast_object_ref::<LongNumber>().map(|long| &long.0)
    }
}

impl Object for LongNumber {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<LongNumber>()?;
        Some(Decimal::read(self.0.as_str())?.cmp(&Decimal::read(other.0.as_str())?))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// A number as the engine reads it: one of its own where that is the same number, to the digits that a float has.
pub(super) fn value(number: &Number) -> Value {
    let text = number.as_str();
    // `-0` has a sign, as a float has.
    if text != "-0" && !text.contains(['.', 'e']) {
        let short = number.as_u64().map(Value::from).or_else(|| number.as_i64().map(Value::from));
        let long = || number.as_u128().map(Value::from).or_else(|| number.as_i128().map(Value::from));
        return short.or_else(long).unwrap_or_else(|| Value::from_object(LongNumber::new(number)));
    }
    let is_zero = || Decimal::read(text).is_some_and(|decimal| decimal.digits.is_empty());
    match number.as_f64() {
        Some(float) if float != 0.0 || is_zero() => Value::from(float),
        _ => Value::from_object(LongNumber::new(number)),
    }
}

pub(super) fn is_number(value: &Value) -> bool {
    value.kind() == ValueKind::Number || LongNumber::of(value).is_some()
}

/// Compares two numbers of which one at least is long; `None` for anything else.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    if [left, right].into_iter().all(|value| LongNumber::of(value).is_none()) {
        return None;
    }
    let written = |value: &Value| match value.kind() {
        ValueKind::Bool => Some(u8::from(value.is_true()).to_string()),
        _ => is_number(value).then(|| value.to_string()),
    };
    let (left, right) = (written(left)?, written(right)?);
    Some(Decimal::read(&left)?.cmp(&Decimal::read(&right)?))
}

/// Four significant digits and a power of ten, as `1.235e-5`.
pub(super) fn scientific(number: &Number) -> String {
    let Some(decimal) = Decimal::read(number.as_str()) else { return number.to_string() };
    let Some(first) = decimal.digits.get(..1) else { return "0".to_owned() };
    // A float cannot tell more digits apart.
    let more = &decimal.digits[1..decimal.digits.len().min(18)];
    let leading: f64 = format!("{first}.{more}").parse().unwrap_or_default();
    let mut exponent = decimal.exponent.saturating_sub(1);
    let mut leading = format!("{leading:.3}");
    if leading.len() > 5 {
        (leading, exponent) = ("1.000".to_owned(), exponent.saturating_add(1));
    }
    let sign = if decimal.is_negative { "-" } else { "" };
    format!("{sign}{leading}e{exponent}")
}

/// A number taken apart: 0.`digits` times ten to the power of `exponent`.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    exponent: i64,
    /// Without zeros at either end; empty for zero.
    digits: String,
}

impl Decimal {
    fn read(text: &str) -> Option<Decimal> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = all.trim_start_matches('0');
        let power = power.parse().unwrap_or(if power.starts_with('-') { i64::MIN } else { i64::MAX });
        let point = whole.len() as i64 - (all.len() - digits.len()) as i64;
        let digits = digits.trim_end_matches('0').to_owned();
        Some(match digits.is_empty() {
            true => Decimal { is_negative: false, exponent: 0, digits },
            false => Decimal { is_negative, exponent: point.saturating_add(power), digits },
        })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let sign = |number: &Decimal| match number.digits.is_empty() {
            true => 0,
            false if number.is_negative => -1,
            false => 1,
        };
        let size = || (self.exponent, &self.digits).cmp(&(other.exponent, &other.digits));
        sign(self).cmp(&sign(other)).then_with(|| if self.is_negative { size().reverse() } else { size() })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Value {
        value(&text.parse().unwrap())
    }

    #[test]
    fn a_number_that_the_engine_can_hold_is_its_own() {
        let long = u128::MAX.to_string() + "0";
        for (text, is_own) in [
            ("0", true),
            ("-7", true),
            ("18446744073709551616", true),
            ("-170141183460469231731687303715884105728", true),
            ("340282366920938463463374607431768211455", true),
            ("340282366920938463463374607431768211456", false),
            (&long, false),
            ("0.1", true),
            ("1e308", true),
            ("1e309", false),
            ("-1e400", false),
            ("0e-400", true),
            ("1e-400", false),
            ("-0", true),
        ] {
            let number = read(text);
            assert_eq!(number.kind() == ValueKind::Number, is_own, "{text}");
            assert!(is_number(&number), "{text}");
        }
        assert_eq!(read(&long).to_string(), long);
    }

    #[test]
    fn long_numbers_are_compared_to_the_last_digit() {
        let rising = "\
            -1e99999999999999999999 -1e400 -340282366920938463463374607431768211457 \
            -340282366920938463463374607431768211456 -3 -1e-400 0 1e-401 1e-400 3 \
            340282366920938463463374607431768211456 340282366920938463463374607431768211457 3.5e38 \
            1e400 1e99999999999999999999"
            .split_whitespace()
            .collect::<Vec<_>>();
        for (low, left) in rising.iter().enumerate() {
            for (high, right) in rising.iter().enumerate() {
                let (left, right) = (read(left), read(right));
                let found = compare(&left, &right).unwrap_or_else(|| left.cmp(&right));
                assert_eq!(found, low.cmp(&high), "{left} {right}");
            }
        }
        assert_eq!(compare(&read("10.0e399"), &read("1e400")), Some(Ordering::Equal));
        assert_eq!(compare(&read("1e400"), &Value::from(true)), Some(Ordering::Greater));
        assert_eq!(compare(&read("1e400"), &Value::from("1e400")), None);
    }

    proptest! {
        #[test]
        fn decimals_are_ordered_as_numbers_are(left in any::<i64>(), right in any::<i64>(), shift in 0..6_u32) {
            let (left, right) = (left / 10_i64.pow(3 * shift), right / 10_i64.pow(3 * shift));
            let read = |number: i64| Decimal::read(&number.to_string()).unwrap();
            prop_assert_eq!(read(left).cmp(&read(right)), left.cmp(&right));
            let scaled = |number: i64| Decimal::read(&format!("{number}.0e-300")).unwrap();
            prop_assert_eq!(scaled(left).cmp(&scaled(right)), left.cmp(&right));
        }
    }
}
