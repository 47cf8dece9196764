//! Numbers, and texts with a unit: durations, sizes, rates.

use super::super::declaration::{ReadValue, ValueType};
use super::super::load_context::LoadContext;
use super::super::node::{ConfigNode, ConfigValue};
use super::super::units::{self, DURATION_FORM, RATE_FORM, SIZE_FORM};
use super::{resolved, unexpected};
use crate::platform::Rate;
#[cfg(test)]
use serde_json::{Value as Json, json};
use std::time::Duration;

/// A number with a unit, from `min` to `max`.
pub(in crate::config) struct QuantityRange<T: 'static> {
    unit: &'static QuantityUnit<T>,
    min: &'static str,
    max: &'static str,
}

struct QuantityUnit<T> {
    type_name: &'static str,
    form: &'static str,
    parse: fn(&str) -> Option<T>,
    /// What a whole number without a unit means.
    plain: fn(u64) -> Option<T>,
    #[cfg(test)]
    json_schema: fn() -> Json,
}

pub(in crate::config) type DurationRange = QuantityRange<Duration>;

pub(in crate::config) const fn duration(min: &'static str, max: &'static str) -> DurationRange {
    QuantityRange { unit: &DURATION, min, max }
}

static DURATION: QuantityUnit<Duration> = QuantityUnit {
    type_name: "duration",
    form: DURATION_FORM,
    parse: units::parse_duration,
    plain: |_| None,
    #[cfg(test)]
    json_schema: || {
        let pattern = "^(env|file):|^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
        json!({ "type": "string", "pattern": pattern })
    },
};

pub(in crate::config) type SizeRange = QuantityRange<u64>;

pub(in crate::config) const fn size(min: &'static str, max: &'static str) -> SizeRange {
    QuantityRange { unit: &SIZE, min, max }
}

static SIZE: QuantityUnit<u64> = QuantityUnit {
    type_name: "size",
    form: SIZE_FORM,
    parse: units::parse_size,
    plain: Some,
    #[cfg(test)]
    json_schema: || {
        let pattern = "^(env|file):|^[0-9]+(B|KiB|MiB|GiB)$";
        json!({ "type": ["string", "integer"], "pattern": pattern, "minimum": 0 })
    },
};

impl<T> ValueType for QuantityRange<T> {
    fn type_name(&self) -> &'static str {
        self.unit.type_name
    }

    fn form(&self) -> String {
        format!("{} to {}", self.min, self.max)
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        (self.unit.json_schema)()
    }
}

impl<T: PartialOrd> ReadValue for QuantityRange<T> {
    type Output = T;

    fn expected(&self) -> String {
        self.unit.form.to_owned()
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<T> {
        let QuantityUnit { form, parse, plain, .. } = self.unit;
        let number = match &node.value {
            ConfigValue::Number(number) => Some((number.as_u64().and_then(plain), number.to_string())),
            _ => None,
        };
        let (value, shown) = match number {
            Some((Some(value), shown)) => (value, shown),
            _ => {
                let text = resolved(node, path, (form, false), context)?;
                let Some(value) = parse(&text.text) else {
                    context.error(node.at, path, format!("{} is not {form}", text.shown));
                    return None;
                };
                (value, text.shown)
            }
        };
        let within = parse(self.min)? <= value && value <= parse(self.max)?;
        if !within {
            context.error(node.at, path, format!("{shown} is out of range: {}", self.form()));
        }
        within.then_some(value)
    }
}

/// A whole number from the first to the second one.
pub(in crate::config) struct IntegerRange(pub u64, pub u64);

impl ValueType for IntegerRange {
    fn type_name(&self) -> &'static str {
        "whole number"
    }

    fn form(&self) -> String {
        format!("{} to {}", self.0, self.1)
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "integer", "minimum": self.0, "maximum": self.1 })
    }
}

impl ReadValue for IntegerRange {
    type Output = u64;

    fn expected(&self) -> String {
        format!("a whole number from {} to {}", self.0, self.1)
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<u64> {
        let ConfigValue::Number(number) = &node.value else {
            return unexpected(node, path, &self.expected(), context);
        };
        let within = number.as_u64().filter(|number| (self.0..=self.1).contains(number));
        if within.is_none() {
            context.error(node.at, path, format!("expected {}, found {number}", self.expected()));
        }
        within
    }
}

/// Any number, or one from the first to the second.
pub(in crate::config) struct NumberRange(pub Option<(f64, f64)>);

impl ValueType for NumberRange {
    fn type_name(&self) -> &'static str {
        "number"
    }

    fn form(&self) -> String {
        self.0.map_or(String::new(), |(min, max)| format!("{min} to {max}"))
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        match self.0 {
            Some((min, max)) => json!({ "type": "number", "minimum": min, "maximum": max }),
            None => json!({ "type": "number" }),
        }
    }
}

impl ReadValue for NumberRange {
    type Output = f64;

    fn expected(&self) -> String {
        "a number such as 10, 0.5 or -20".to_owned()
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<f64> {
        let number = match &node.value {
            ConfigValue::Number(number) => number.as_f64().filter(|number| number.is_finite()),
            _ => None,
        };
        let Some(number) = number else { return unexpected(node, path, &self.expected(), context) };
        let within = self.0.is_none_or(|(min, max)| min <= number && number <= max);
        if !within {
            context.error(node.at, path, format!("{number} is out of range: {}", self.form()));
        }
        within.then_some(number)
    }
}

/// A rate; the text is the range that the documents show.
pub(in crate::config) struct RateForm(pub &'static str);

impl ValueType for RateForm {
    fn type_name(&self) -> &'static str {
        "rate"
    }

    fn form(&self) -> String {
        self.0.to_owned()
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^(env|file):|^[0-9]+ */ *([0-9]*(min|ms|d|h|m|s))+$" })
    }
}

impl ReadValue for RateForm {
    type Output = Rate;

    fn expected(&self) -> String {
        RATE_FORM.to_owned()
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<Rate> {
        let text = resolved(node, path, (RATE_FORM, false), context)?;
        let rate = units::parse_rate(&text.text);
        if rate.is_none() {
            context.error(node.at, path, format!("{} is not {RATE_FORM}: {}", text.shown, self.0));
        }
        rate
    }
}
