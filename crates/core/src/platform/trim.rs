//! What a template made too long, cut to what its platform takes: a card keeps its limits by itself, and a
//! template may hold a prompt of any length. What a platform refuses although nothing is lost with it goes too.

use super::Platform;
use super::cut::{self, Markup};
use super::limits::Unit;
use super::links;
use super::rules::{Rule, repair};
use serde_json::Value;

/// A text shorter than this is not cut for the sake of the whole: it may be a name that a platform reads.
const LEAST: usize = 80;
/// An object with no more members than this is a part of a message rather than a list.
const PART: usize = 20;
/// The longest address, id or key; what is longer is none.
const ADDRESS: usize = 2048;

/// The body of a template, trimmed and repaired; `None` when nothing of it was too long or would be refused.
pub fn trimmed(platform: &dyn Platform, body: &[u8]) -> Option<Vec<u8>> {
    let given: Value = serde_json::from_slice(body).ok()?;
    let mut fitting = given.clone();
    platform.trim(&mut fitting);
    repair(platform, &mut fitting);
    (fitting != given).then(|| fitting.to_string().into_bytes())
}

/// Does something to the value at this path; `*` stands for every member of a list.
pub(super) fn each(node: &mut Value, path: &[&str], act: &mut dyn FnMut(&mut Value)) {
    match path {
        [] => act(node),
        ["*", rest @ ..] => {
            node.as_array_mut().into_iter().flatten().for_each(|member| each(member, rest, act));
        }
        [name, rest @ ..] => node.get_mut(*name).into_iter().for_each(|inner| each(inner, rest, act)),
    }
}

pub(super) fn cut(node: &mut Value, path: &[&str], max: usize, unit: Unit) {
    cut_marked(node, path, max, unit, Markup::Fences);
}

/// Cuts the texts at these paths to what the rules of the body say; names are parted by dots.
pub(super) fn cut_by(rule: &Rule, node: &mut Value, paths: &[&str], unit: Unit) {
    for path in paths {
        let path: Vec<&str> = path.split('.').collect();
        cut(node, &path, rule.limit(&path).unwrap_or(usize::MAX), unit);
    }
}

/// Shortens the lists at these paths likewise.
pub(super) fn shorten_by(rule: &Rule, node: &mut Value, paths: &[&str]) {
    for path in paths {
        let path: Vec<&str> = path.split('.').collect();
        shorten(node, &path, rule.limit(&path).unwrap_or(usize::MAX));
    }
}

/// Cuts the text at this path, which has more markup than fences.
pub(super) fn cut_marked(node: &mut Value, path: &[&str], max: usize, unit: Unit, markup: Markup) {
    each(node, path, &mut |node| {
        if let Value::String(text) = node
            && let Some(fitting) = cut::shorten(text, max, unit, markup)
        {
            *text = fitting;
        }
    });
}

pub(super) fn shorten(node: &mut Value, path: &[&str], most: usize) {
    each(node, path, &mut |node| node.as_array_mut().into_iter().for_each(|members| members.truncate(most)));
}

/// Takes the member of this name away where its text is too long for an address or an id: such a text says
/// nothing when it is cut.
pub(super) fn drop_long(node: &mut Value, path: &[&str], name: &str, max: usize) {
    each(node, path, &mut |node| {
        if node.get(name).and_then(Value::as_str).is_some_and(|text| text.len() > max) {
            node.as_object_mut().and_then(|fields| fields.remove(name));
        }
    });
}

pub(super) fn keep(node: &mut Value, keeps: &mut dyn FnMut(&str, &mut Value) -> bool) {
    if let Value::Object(fields) = node {
        fields.retain(|name, part| keeps(name, part));
    }
}

/// Whether it is a text that says nothing.
pub(super) fn is_blank(node: &Value) -> bool {
    node.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The members of a message that people read, on any platform.
const READ: &str = "\
    text content title subtitle value name description label pretext fallback fallbackText footer \
    header message summary topLabel bottomLabel desc keyname sub_title_text altText alt_text alt \
    author_name caption contentText question";

/// Every text of a message that people read, line by line, for a receiver that refuses its form.
pub(super) fn gathered(body: &Value) -> Option<String> {
    fn walk(node: &Value, name: &str, lines: &mut Vec<String>) {
        match node {
            Value::String(text) if READ.split(' ').any(|known| known == name) && !text.trim().is_empty() => {
                lines.push(text.clone())
            }
            Value::Array(members) => members.iter().for_each(|member| walk(member, name, lines)),
            Value::Object(fields) => fields.iter().for_each(|(name, field)| walk(field, name, lines)),
            _ => {}
        }
    }
    let mut lines = Vec::new();
    walk(body, "", &mut lines);
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The members whose address a person opens, and those below which addresses are of pictures.
const OPENED: [&str; 6] = ["url", "actionURL", "default_url", "click", "title_link", "messageUrl"];
const PICTURED: [&str; 8] =
    ["image", "images", "thumbnail", "card_image", "link_preview_options", "author", "icon", "media"];

/// The first addresses that a message opens and `text` does not have, each on a line of its own with a line break
/// before it: what becomes of buttons in a plain text. All of it is ASCII, at most `max` bytes.
pub(super) fn opened(body: &Value, text: &str, max: usize) -> String {
    fn walk(node: &Value, act: &mut dyn FnMut(&str)) {
        match node {
            Value::Array(members) => members.iter().for_each(|member| walk(member, act)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    match field {
                        Value::String(address) if OPENED.contains(&name.as_str()) => act(address),
                        _ if PICTURED.contains(&name.as_str()) => {}
                        _ => walk(field, act),
                    }
                }
            }
            _ => {}
        }
    }
    let mut lines = String::new();
    walk(body, &mut |address| {
        let Some(url) = links::followable(Some(address), max.saturating_sub(lines.len() + 1)) else { return };
        let url = links::quiet(&url);
        let is_said = [text, &lines].iter().any(|said| said.contains(address) || said.contains(&url));
        if !is_said && lines.len() + 1 + url.len() <= max {
            lines.extend(["\n", &url]);
        }
    });
    lines
}

/// Cuts the longest texts of a body, and no other, so that it has at most `whole` bytes of JSON.
pub(super) fn squeeze(body: &mut Value, whole: usize, markup: Markup) {
    squeeze_in(body, whole, Unit::Json, markup);
}

/// The same where only the texts count, in a unit other than that of JSON. When there are more texts than
/// have room, the longest lists are shortened as well. What is no text stays as it is, whatever its length.
pub(super) fn squeeze_in(body: &mut Value, whole: usize, unit: Unit, markup: Markup) {
    let mut most = longest(body);
    loop {
        let mut lengths = Vec::new();
        texts(body, "", &mut |text| lengths.push(unit.length(text)));
        let all: usize = lengths.iter().sum();
        let fixed = if unit == Unit::Json { body.to_string().len() - all } else { 0 };
        if fixed + all <= whole {
            return;
        }
        let level = whole.checked_sub(fixed).map_or(0, |room| level(lengths, room));
        if level >= LEAST {
            texts(body, "", &mut |text| {
                if let Some(fitting) = cut::shorten(text, level, unit, markup) {
                    *text = fitting;
                }
            });
            return;
        }
        if most <= 1 {
            return;
        }
        most = most * 3 / 4;
        cap(body, most);
    }
}

/// What each text may have so that all of them have no more than `room`.
fn level(lengths: Vec<usize>, mut room: usize) -> usize {
    let mut left = lengths.len();
    let mut short = lengths;
    loop {
        let share = room / left.max(1);
        let before = short.len();
        short.retain(|length| {
            let fits = *length <= share;
            if fits {
                room -= length;
                left -= 1;
            }
            !fits
        });
        if short.len() == before {
            return share;
        }
    }
}

/// Every text that people read: no address, and nothing by which a platform knows what it has before it.
fn texts(node: &mut Value, name: &str, act: &mut dyn FnMut(&mut String)) {
    match node {
        Value::String(text) if !is_structure(name, text) => act(text),
        Value::Array(members) => members.iter_mut().for_each(|member| texts(member, name, act)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| texts(field, name, act)),
        _ => {}
    }
}

fn is_structure(name: &str, text: &str) -> bool {
    let is_address = || text.contains("://") && !text.contains(char::is_whitespace);
    let is_named = || ["url", "URL", "Url", "id", "Id", "key", "Key"].iter().any(|end| name.ends_with(end));
    name == "type" || text.len() <= ADDRESS && (is_address() || is_named())
}

/// The members of the longest list, or of what has as many as a list.
fn longest(node: &Value) -> usize {
    match node {
        Value::Array(members) => members.iter().map(longest).max().unwrap_or(0).max(members.len()),
        Value::Object(fields) => fields.values().map(longest).max().unwrap_or(0).max(fields.len()),
        _ => 0,
    }
}

/// Drops what every list has beyond the first `most`.
fn cap(node: &mut Value, most: usize) {
    match node {
        Value::Array(members) => {
            members.truncate(most);
            members.iter_mut().for_each(|member| cap(member, most));
        }
        Value::Object(_) => {
            let mut left = most.max(PART);
            keep(node, &mut |name, field| {
                let keeps = left > 0 && name.len() <= ADDRESS;
                left -= usize::from(keeps);
                cap(field, most);
                keeps
            });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_cut_and_lists_shortened_where_a_path_leads() {
        let mut body = json!({"a": [{"b": "12345"}, {"b": 7}, {}], "c": "12345"});
        cut(&mut body, &["a", "*", "b"], 3, Unit::Bytes);
        shorten(&mut body, &["a"], 2);
        assert_eq!(body, json!({"a": [{"b": "…"}, {"b": 7}], "c": "12345"}));
    }

    #[test]
    fn the_longest_texts_are_cut_for_the_whole_and_no_structure_is() {
        let long = "汉\n".repeat(1000);
        let address = format!("https://example.com/{}", "a".repeat(300));
        let given = json!({"type": "card", "link": address, "session_id": "i".repeat(300), "short": "s".repeat(90),
                           "parts": [long, {"deep": long}]});
        let mut body = given.clone();
        squeeze(&mut body, 3000, Markup::Fences);
        let size = body.to_string().len();
        assert!((2900..=3000).contains(&size), "{size}");
        for name in ["type", "link", "session_id", "short"] {
            assert_eq!(body[name], given[name]);
        }
        assert_eq!(body["parts"][0], body["parts"][1]["deep"]);
        let mut same = body.clone();
        squeeze(&mut same, 3000, Markup::Fences);
        assert_eq!(same, body);
    }

    #[test]
    fn lists_are_shortened_where_there_are_more_texts_than_have_room() {
        let fact = json!({"title": "t".repeat(60), "value": "v".repeat(60)});
        let mut body = json!({"facts": vec![fact.clone(); 500]});
        squeeze(&mut body, 3000, Markup::Fences);
        let size = body.to_string().len();
        assert!((2000..=3000).contains(&size), "{size}");
        assert_eq!(body["facts"][0], fact);
        let many: serde_json::Map<String, Value> =
            (0..2000).map(|number| (number.to_string(), json!("a value"))).collect();
        let mut body = json!({ "details": many });
        squeeze(&mut body, 3000, Markup::Fences);
        assert!(body.to_string().len() <= 3000 && body["details"]["0"] == "a value");
    }
}
