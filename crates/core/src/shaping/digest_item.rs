//! Compacts the values of an event, so that a window can keep a thousand of them.

use crate::json::Members;
use crate::message::clip;
use serde_json::{Map, Value as Json};

/// Bytes of JSON up to which an item is kept whole.
const MAX_WHOLE: usize = 4096;

/// The parts that are kept of a larger item.
const TEXT_CHARS: usize = 300;
const LIST_ITEMS: usize = 10;
const TABLE_FIELDS: usize = 40;
const DEPTH: usize = 5;

pub(super) fn compact(context: &Json) -> String {
    let whole = context.to_string();
    if whole.len() <= MAX_WHOLE {
        return whole;
    }
    let mut fields = context.as_object().cloned().unwrap_or_default();
    // `task` already has the payload.
    if fields.contains_key("task")
        && let Some(Json::Object(event)) = fields.get_mut("event")
    {
        event.put("data", Json::Object(Map::new()));
    }
    let mut whole = Json::Object(fields);
    let mut text = whole.to_string();
    let (mut chars, mut list) = (TEXT_CHARS, LIST_ITEMS);
    while text.len() > MAX_WHOLE && chars > 10 {
        shorten(&mut whole, chars, list, DEPTH);
        text = whole.to_string();
        (chars, list) = (chars / 3, list / 3);
    }
    if text.len() > MAX_WHOLE { head(&whole).to_string() } else { text }
}

fn shorten(json: &mut Json, chars: usize, list: usize, depth: usize) {
    match json {
        Json::String(text) => *text = clip(text, chars),
        Json::Array(items) => {
            items.truncate(if depth == 0 { 0 } else { list });
            items.iter_mut().for_each(|item| shorten(item, chars, list, depth.saturating_sub(1)));
        }
        Json::Object(fields) => {
            let surplus: Vec<String> =
                fields.keys().skip(if depth == 0 { 0 } else { TABLE_FIELDS }).cloned().collect();
            surplus.iter().for_each(|key| drop(fields.shift_remove(key)));
            fields.values_mut().for_each(|field| shorten(field, chars, list, depth.saturating_sub(1)));
        }
        _ => {}
    }
}

/// The last resort: the scalar fields of each table.
fn head(item: &Json) -> Json {
    let plain = |table: &Map<String, Json>| -> Map<String, Json> {
        let fields = table.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
        fields.take(12).map(|(key, value)| (clip(key, 60), value.clone())).collect()
    };
    let tables = item.as_object().into_iter().flatten();
    let tables =
        tables.filter_map(|(name, value)| Some((name.clone(), Json::Object(plain(value.as_object()?)))));
    Json::Object(tables.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_small_item_is_kept_whole_and_a_large_one_keeps_its_main_fields() {
        let small = json!({"event": {"id": "evt_1", "data": {"a": 1}}, "task": {"name": "a"}});
        assert_eq!(compact(&small), small.to_string());
        let wide: Map<String, Json> =
            (0..10_000).map(|n| (format!("k{n}"), json!("x".repeat(900)))).collect();
        for params in
            [json!({"prompt": "x".repeat(900_000)}), json!(vec![vec!["y".repeat(50); 100]; 100]), json!(wide)]
        {
            let large = json!({
                "event": {"id": "evt_1", "type": "task.complete", "data": {"params": params}},
                "task": {"name": "a", "status": "error", "params": params},
            });
            let kept = compact(&large);
            assert!(kept.len() <= MAX_WHOLE, "{}", kept.len());
            let kept: Json = serde_json::from_str(&kept).unwrap();
            assert_eq!((&kept["task"]["name"], &kept["event"]["id"]), (&json!("a"), &json!("evt_1")));
        }
    }
}
