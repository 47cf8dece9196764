//! The names of queues and batches, as far as they count: they are the host's, and may come from its users.

use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// The queue of a task that names none.
pub const DEFAULT_QUEUE: &str = "default";

/// The most bytes of a queue's name or a batch's id that count.
const MAX_NAME_BYTES: usize = 256;

/// As much of a name as counts.
pub fn short(name: &str) -> &str {
    let mut end = name.len().min(MAX_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// The name of the queue that a `queue.*` payload speaks of. As in a task, a number is a name.
pub fn queue_name(payload: &Map<String, Json>) -> Cow<'_, str> {
    let name = |key: &&str| match payload.get(*key)? {
        Json::String(name) => Some(Cow::Borrowed(name.as_str())),
        Json::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    };
    match ["name", "queue"].iter().find_map(name) {
        Some(Cow::Borrowed(name)) if !name.is_empty() => Cow::Borrowed(short(name)),
        Some(Cow::Owned(number)) => Cow::Owned(short(&number).to_owned()),
        _ => Cow::Borrowed(DEFAULT_QUEUE),
    }
}
