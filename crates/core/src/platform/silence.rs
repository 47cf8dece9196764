//! `silent = "success"`: a message that reports a success arrives without a sound, where its platform can do that.

use super::{Platform, event_kind};
use crate::json;
use crate::message::{Context, Notice, Tone};
use serde_json::{Map, Value};

/// The flags of a message are bits, each of which may be set next to others.
const BITS: &str = "flags";

/// The body of a message about this event: without a sound where it reports a success and mentions nobody, else as it is.
/// What a template says of sounds itself stays, since its author knows better.
pub fn silenced(platform: &dyn Platform, body: Vec<u8>, context: &Context, is_template: bool) -> Vec<u8> {
    let Some(marks) = marks(platform) else { return body };
    if Notice::from_context(event_kind(context), context).tone != Tone::Good {
        return body;
    }
    match serde_json::from_slice(&body) {
        Ok(Value::Object(mut fields)) if !platform.mentions_somebody(&fields) => {
            mark(&mut fields, &marks, is_template);
            json::bytes(&Value::Object(fields))
        }
        _ => body,
    }
}

/// A plainer form of a body that is silent is silent too. What stands in an object may be what was refused.
pub(super) fn keep(platform: &dyn Platform, body: &Value, plain: &mut Value) {
    let (Some(mut marks), Value::Object(plain)) = (marks(platform), plain) else { return };
    marks.retain(|name, value| match (body.get(name), &value) {
        (Some(own), Value::Number(bit)) if name == BITS => has_bits(own, bit),
        (own, _) => own == Some(value) && !value.is_object(),
    });
    mark(plain, &marks, false);
}

fn marks(platform: &dyn Platform) -> Option<Map<String, Value>> {
    platform.description().silent.and_then(|marks| serde_json::from_str(marks).ok())
}

fn has_bits(own: &Value, bits: &serde_json::Number) -> bool {
    own.as_u64().zip(bits.as_u64()).is_some_and(|(own, bits)| own & bits == bits)
}

fn mark(fields: &mut Map<String, Value>, marks: &Map<String, Value>, is_template: bool) {
    for (name, value) in marks {
        match (fields.get_mut(name), value) {
            (None, _) => drop(fields.insert(name.clone(), value.clone())),
            (Some(Value::Object(own)), Value::Object(parts)) => mark(own, parts, is_template),
            (Some(own), Value::Number(bits)) if name == BITS => {
                if let Some((flags, bits)) = own.as_u64().zip(bits.as_u64()) {
                    *own = (flags | bits).into();
                }
            }
            (Some(_), _) if is_template => {}
            (Some(own), _) => *own = value.clone(),
        }
    }
}
