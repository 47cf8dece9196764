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

/// A duration; the bounds are part of the range.
pub(in crate::config) struct DurationRange {
    min: &'static str,
    max: &'static str,
}

pub(in crate::config) const fn duration(min: &'static str, max: &'static str) -> DurationRange {
    DurationRange { min, max }
}

impl ValueType for DurationRange {
    fn type_name(&self) -> &'static str {
        "duration"
    }

    fn form(&self) -> String {
        format!("{} to {}", self.min, self.max)
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        let pattern = "^(env|file):|^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
        json!({ "type": "string", "pattern": pattern })
    }
}

impl ReadValue for DurationRange {
    type Output = Duration;

    fn expected(&self) -> String {
        DURATION_FORM.to_owned()
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<Duration> {
        let text = resolved(node, path, (DURATION_FORM, false), context)?;
        let Some(duration) = units::parse_duration(&text.text) else {
            context.error(node.at, path, format!("{} is not {DURATION_FORM}", text.shown));
            return None;
        };
        let within =
            units::parse_duration(self.min)? <= duration && duration <= units::parse_duration(self.max)?;
        if !within {
            context.error(node.at, path, format!("{} is out of range: {}", text.shown, self.form()));
        }
        within.then_some(duration)
    }
}

pub(in crate::config) struct SizeRange {
    min: &'static str,
    max: &'static str,
}

pub(in crate::config) const fn size(min: &'static str, max: &'static str) -> SizeRange {
    SizeRange { min, max }
}

impl ValueType for SizeRange {
    fn type_name(&self) -> &'static str {
        "size"
    }

    fn form(&self) -> String {
        format!("{} to {}", self.min, self.max)
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        let pattern = "^(env|file):|^[0-9]+(B|KiB|MiB|GiB)$";
        json!({ "type": ["string", "integer"], "pattern": pattern, "minimum": 0 })
    }
}

impl ReadValue for SizeRange {
    type Output = u64;

    fn expected(&self) -> String {
        SIZE_FORM.to_owned()
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<u64> {
        let (bytes, shown) = match &node.value {
            ConfigValue::Number(number) if number.is_u64() => (number.as_u64()?, number.to_string()),
            ConfigValue::Text(written) => {
                let text = context.resolve(written, node.at, path, false)?;
                let Some(bytes) = units::parse_size(&text.text) else {
                    context.error(node.at, path, format!("{} is not {SIZE_FORM}", text.shown));
                    return None;
                };
                (bytes, text.shown)
            }
            _ => {
                unexpected(node, path, SIZE_FORM, context);
                return None;
            }
        };
        let within = units::parse_size(self.min)? <= bytes && bytes <= units::parse_size(self.max)?;
        if !within {
            context.error(node.at, path, format!("{shown} is out of range: {}", self.form()));
        }
        within.then_some(bytes)
    }
}

pub(in crate::config) struct IntegerRange {
    min: u64,
    max: u64,
}

pub(in crate::config) const fn integer(min: u64, max: u64) -> IntegerRange {
    IntegerRange { min, max }
}

impl ValueType for IntegerRange {
    fn type_name(&self) -> &'static str {
        "whole number"
    }

    fn form(&self) -> String {
        format!("{} to {}", self.min, self.max)
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "integer", "minimum": self.min, "maximum": self.max })
    }
}

impl ReadValue for IntegerRange {
    type Output = u64;

    fn expected(&self) -> String {
        format!("a whole number from {} to {}", self.min, self.max)
    }

    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<u64> {
        let ConfigValue::Number(number) = &node.value else {
            unexpected(node, path, &self.expected(), context);
            return None;
        };
        let within = number.as_u64().filter(|number| (self.min..=self.max).contains(number));
        if within.is_none() {
            context.error(node.at, path, format!("expected {}, found {number}", self.expected()));
        }
        within
    }
}

pub(in crate::config) struct NumberRange(Option<(f64, f64)>);

pub(in crate::config) const fn number() -> NumberRange {
    NumberRange(None)
}

pub(in crate::config) const fn number_within(min: f64, max: f64) -> NumberRange {
    NumberRange(Some((min, max)))
}

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
        let Some(number) = number else {
            unexpected(node, path, &self.expected(), context);
            return None;
        };
        let within = self.0.is_none_or(|(min, max)| min <= number && number <= max);
        if !within {
            context.error(node.at, path, format!("{number} is out of range: {}", self.form()));
        }
        within.then_some(number)
    }
}

pub(in crate::config) struct RateForm(&'static str);

pub(in crate::config) const fn rate(range: &'static str) -> RateForm {
    RateForm(range)
}

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
