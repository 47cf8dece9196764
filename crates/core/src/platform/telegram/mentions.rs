//! Whom a message pings: by `@name`, or by a number where a member has no name.

use super::super::limits::Unit;
use super::super::mentions::Mentions;
use crate::json::json;
use serde_json::{Map, Value};

/// The characters of all mentions together.
const MOST: usize = 500;

/// Whether a body pings somebody. The at sign of a value from outside has a sign of no width behind it.
pub(super) fn are_in(body: &Map<String, Value>) -> bool {
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    let mut names = text.split('@').skip(1);
    let entities = body.get("entities").and_then(Value::as_array);
    names.any(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        || text.contains("tg://user")
        || entities.is_some_and(|all| all.iter().any(|entity| entity["type"] == "text_mention"))
}

/// Configured mentions: `@name`, or the number of a member who has none.
pub(super) fn mentions(configured: &[String]) -> String {
    Mentions(configured).joined(" ", MOST, &|name| {
        let is_sound = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        is_sound.then(|| match name.parse::<u64>() {
            Ok(id) => format!("<a href=\"tg://user?id={id}\">{id}</a>"),
            Err(_) => format!("@{name}"),
        })
    })
}

/// The members without a name whom the last line of this HTML pings, as it stands in the plain text.
pub(super) fn pings(html: &str, text: &str) -> Vec<Value> {
    let line = text.rfind('\n').map_or(0, |end| end + 1);
    let mut offset = Unit::Utf16.length(&text[..line]);
    let mut pings = Vec::new();
    for word in text[line..].split(' ') {
        let length = Unit::Utf16.length(word);
        if let Ok(id) = word.parse::<u64>()
            && html.contains(&format!("\"tg://user?id={id}\""))
        {
            let user = json!({"id": id});
            pings.push(json!({"type": "text_mention", "offset": offset, "length": length, "user": user}));
        }
        offset += length + 1;
    }
    pings
}
