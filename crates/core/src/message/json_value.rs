//! Converts JSON to the engine's values, and these to JSON within a limit of bytes.

use super::given_tree::GivenTree;
use super::long_number::{self, LongNumber};
use minijinja::Value;
use minijinja::value::ValueKind;
use serde_json::{Map, Number, Value as Json};

/// The deepest nesting, below serde_json's own limit for reading.
const MAX_DEPTH: usize = 100;

pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => long_number::value(number),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(from_json).collect(),
        Json::Object(fields) => {
            Value::from_pairs(fields.iter().map(|(key, field)| (key.as_str(), from_json(field))))
        }
    }
}

/// Converts a value. `room` is the number of bytes left and shrinks by the size of the result. NaN and the
/// infinities become null.
pub(super) fn to_json(value: &Value, room: &mut usize) -> Result<Json, String> {
    convert(value, room, 0)
}

pub(super) fn charge(json: &Json, room: &mut usize) -> Result<(), String> {
    match json {
        Json::Null => take(room, 4),
        Json::Bool(flag) => take(room, if *flag { 4 } else { 5 }),
        Json::Number(number) => take(room, number.as_str().len()),
        Json::String(text) => take(room, written_len(text)),
        Json::Array(items) => {
            take(room, 2 + items.len().saturating_sub(1))?;
            items.iter().try_for_each(|item| charge(item, room))
        }
        Json::Object(fields) => {
            take(room, 2 + fields.len().saturating_sub(1))?;
            fields.iter().try_for_each(|(key, value)| {
                take(room, written_len(key) + 1)?;
                charge(value, room)
            })
        }
    }
}

pub(super) fn take(room: &mut usize, bytes: usize) -> Result<(), String> {
    *room = room.checked_sub(bytes).ok_or_else(super::template_error::too_large)?;
    Ok(())
}

/// The size of a text as a JSON string, including quotes and escapes.
pub(super) fn written_len(text: &str) -> usize {
    let escapes: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
            0..=0x1f => 5,
            _ => 0,
        })
        .sum();
    text.len() + escapes + 2
}

fn convert(value: &Value, room: &mut usize, depth: usize) -> Result<Json, String> {
    if depth > MAX_DEPTH {
        return Err(format!("the value is nested more than {MAX_DEPTH} levels deep"));
    }
    if let Some(json) = GivenTree::of(value) {
        charge(json, room)?;
        return Ok(json.clone());
    }
    let json = match value.kind() {
        // The result of `{{ a if b }}` without an `else`.
        ValueKind::Undefined if depth == 0 => Json::Null,
        ValueKind::Undefined => return Err("a value inside it is undefined".to_owned()),
        ValueKind::None => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number => number(value),
        ValueKind::Seq | ValueKind::Iterable => return list(value, room, depth),
        ValueKind::Map => return object(value, room, depth),
        ValueKind::Bytes => return Err("bytes cannot be converted to JSON".to_owned()),
        ValueKind::Invalid => return Err(value.to_string()),
        _ => match LongNumber::of(value) {
            Some(number) => Json::Number(number.clone()),
            None => Json::String(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        },
    };
    charge(&json, room)?;
    Ok(json)
}

fn number(value: &Value) -> Json {
    if value.is_integer() {
        let whole = i128::try_from(value.clone()).ok().and_then(Number::from_i128);
        let whole = whole.or_else(|| u128::try_from(value.clone()).ok().and_then(Number::from_u128));
        return whole.map_or(Json::Null, Json::Number);
    }
    f64::try_from(value.clone()).ok().and_then(Number::from_f64).map_or(Json::Null, Json::Number)
}

fn list(value: &Value, room: &mut usize, depth: usize) -> Result<Json, String> {
    take(room, 2)?;
    let mut items = Vec::new();
    for item in value.try_iter().map_err(|error| error.to_string())? {
        take(room, usize::from(!items.is_empty()))?;
        items.push(convert(&item, room, depth + 1)?);
    }
    Ok(Json::Array(items))
}

fn object(value: &Value, room: &mut usize, depth: usize) -> Result<Json, String> {
    take(room, 2)?;
    let mut fields = Map::new();
    for key in value.try_iter().map_err(|error| error.to_string())? {
        let item = value.get_item(&key).map_err(|error| error.to_string())?;
        let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        take(room, written_len(&name) + 1 + usize::from(!fields.is_empty()))?;
        fields.insert(name, convert(&item, room, depth + 1)?);
    }
    Ok(Json::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_room_taken_is_the_length_of_the_json() {
        let json =
            json!({"a": [1, -2.5, true, false, null, "q\"\\\n\u{1}\u{7f}ü"], "b\"": {"c": {}, "d": []}});
        let written = json.to_string().len();
        let mut room = written;
        assert_eq!(to_json(&from_json(&json), &mut room), Ok(json.clone()));
        assert_eq!(room, 0);
        let mut short = written - 1;
        assert!(to_json(&from_json(&json), &mut short).is_err());
        let mut room = written;
        charge(&json, &mut room).unwrap();
        assert_eq!(room, 0);
    }

    #[test]
    fn numbers_that_json_cannot_represent_become_null() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(to_json(&Value::from(odd), &mut 100), Ok(Json::Null));
        }
        assert_eq!(to_json(&Value::from(u64::MAX), &mut 100), Ok(json!(u64::MAX)));
    }
}
