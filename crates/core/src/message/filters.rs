//! Template filters in addition to the engine's own: `duration`, `clip`, `number`, `plain`, `sparkline`.

use super::long_number::{LongNumber, is_number};
use super::plain_text;
use super::quantities::{duration, group_thousands};
use super::sparkline::sparkline;
use super::strings::ENGLISH;
use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

/// Characters of a sparkline, unless the template says otherwise.
const SPARKLINE_WIDTH: usize = 24;
const MAX_SPARKLINE_WIDTH: usize = 500;

pub(super) fn install(engine: &mut Environment<'static>) {
    engine.add_filter("duration", |value: Value| -> Result<String, Error> {
        reject_undefined(&value)?;
        // What is not known is left out, as without a filter.
        if value.is_none() {
            return Ok(String::new());
        }
        let seconds = match LongNumber::of(&value) {
            Some(long) => long.as_f64().unwrap_or(f64::NAN),
            None => f64::try_from(value)?,
        };
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
    engine.add_filter("plain", |state: &State, text: Value| -> Result<String, Error> {
        reject_undefined(&text)?;
        let text = plain(&text);
        charge(state, text.len())?;
        Ok(plain_text::of_any(&text))
    });
    engine.add_filter(
        "sparkline",
        |state: &State, list: Value, width: Option<usize>| -> Result<String, Error> {
            let refused = |what: &str, kind: ValueKind| {
                let reason = format!("`sparkline` needs a list of numbers, {what} is {kind}");
                Error::new(ErrorKind::InvalidOperation, reason)
            };
            let number = |item: Value| {
                if let Some(long) = LongNumber::of(&item) {
                    return Ok(long.as_f64().unwrap_or(f64::NAN));
                }
                let kind = item.kind();
                f64::try_from(item).map_err(|_| refused("one item", kind))
            };
            reject_undefined(&list)?;
            if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
                return Err(refused("this", list.kind()));
            }
            let series: Vec<f64> = items(state, &list)?.into_iter().map(number).collect::<Result<_, _>>()?;
            Ok(sparkline(&series, width.unwrap_or(SPARKLINE_WIDTH).min(MAX_SPARKLINE_WIDTH)))
        },
    );
    replace_uncharged(engine);
    engine.add_filter("number", |value: Value| -> Result<String, Error> {
        reject_undefined(&value)?;
        if is_number(&value) || value.is_none() {
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

/// At most `chars` characters of a text; a shortened one ends in `…`.
pub(crate) fn clip(text: &str, chars: usize) -> String {
    if text.char_indices().nth(chars).is_none() {
        return text.to_owned();
    }
    let Some(kept) = chars.checked_sub(1) else { return String::new() };
    let end = text.char_indices().nth(kept).map_or(text.len(), |(at, _)| at);
    format!("{}…", text[..end].trim_end())
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
    fn a_clipped_text_is_never_too_long() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
        assert_eq!(clip("ab cd", 4), "ab…");
        assert_eq!(clip("ab", 1), "…");
        assert_eq!(clip("ab", 0), "");
        assert_eq!(clip("", 0), "");
    }
}
