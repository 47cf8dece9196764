//! Takes out of a message what Slack may refuse it for: pictures that it cannot fetch, and buttons.

use super::super::limits::{Unit, fit};
use super::{block, each_blocks, trim};
use serde_json::Value;

/// Takes the pictures out whose URL is meant: image blocks, and pictures next to a section. Whether there
/// were any.
pub(super) fn drop_pictures(node: &mut Value, is_meant: &dyn Fn(Option<&str>) -> bool) -> bool {
    let is_picture = |node: &Value| node["type"] == "image" && is_meant(node["image_url"].as_str());
    match node {
        Value::Array(items) => {
            let before = items.len();
            items.retain(|item| !is_picture(item));
            let mut dropped = items.len() < before;
            for item in items {
                dropped |= drop_pictures(item, is_meant);
            }
            dropped
        }
        Value::Object(fields) => {
            let mut dropped = false;
            fields.retain(|_, field| {
                let keep = !is_picture(field);
                dropped |= !keep;
                keep
            });
            // An attachment of the older kind has its picture's address among its own fields.
            if fields.get("type").is_none()
                && fields.get("image_url").is_some_and(|url| is_meant(url.as_str()))
            {
                fields.remove("image_url");
                dropped = true;
            }
            for field in fields.values_mut() {
                dropped |= drop_pictures(field, is_meant);
            }
            dropped
        }
        _ => false,
    }
}

/// Takes the buttons out that open an address, where blocks are left without them. Whether there were any.
pub(super) fn drop_buttons(body: &mut Value) -> bool {
    let opens = |part: &Value| part["type"] == "button" && part.get("url").is_some();
    let (mut dropped, mut left) = (false, false);
    each_blocks(body, &mut |blocks| {
        blocks.retain_mut(|part| {
            trim::keep(part, &mut |_, inner| {
                let keep = !opens(inner);
                dropped |= !keep;
                keep
            });
            let Some(elements) = part.get_mut("elements").and_then(Value::as_array_mut) else { return true };
            let before = elements.len();
            elements.retain(|element| !opens(element));
            dropped |= elements.len() < before;
            !elements.is_empty()
        });
        left |= !blocks.is_empty();
    });
    dropped && left
}

/// Escapes what Slack showed as it was, where a value has no escapes, before it becomes a part of the text.
pub(super) fn escape_unread(node: &mut Value) {
    if let Some(fields) = node.as_object_mut() {
        if fields.contains_key("action_id") {
            fields.remove("value");
        }
        if fields.get("type").is_some_and(|kind| kind == "text")
            && let Some(Value::String(text)) = fields.get_mut("text")
        {
            *text = fit(text, usize::MAX, Unit::Bytes, block);
        }
        fields.values_mut().for_each(escape_unread);
    }
    node.as_array_mut().into_iter().flatten().for_each(escape_unread);
}
