//! The words of a sentence about a body, and which name is meant by another.

use super::super::limits::{Unit, fit, flatten};
use super::Rule;
use serde_json::Value;

/// The longest value that a sentence quotes, in characters.
const QUOTED: usize = 40;

pub(super) fn wanted(rule: &Rule) -> Option<String> {
    let plain = match rule {
        Rule::Any => return None,
        Rule::Bool => "`true` or `false`",
        Rule::Whole(..) => "a number",
        Rule::Text(..) | Rule::Plain(..) | Rule::OneOf(_) | Rule::OneWord(_) => "a text",
        Rule::Link(_) | Rule::Picture(_) | Rule::Address(_) => "an address as a text",
        Rule::Colour(_) => "a colour as a text",
        Rule::Time => "a time as a text",
        Rule::List(..) => "a list",
        Rule::Table => "an object",
        Rule::Object(shape) => {
            let needed: Vec<_> = shape
                .all()
                .filter(|member| member.is_needed)
                .map(|member| format!("`{}`", member.name))
                .collect();
            return Some(match needed.is_empty() {
                true => "an object".to_owned(),
                false => format!("an object with {}", needed.join(" and ")),
            });
        }
        Rule::ByKind(name, _) => return Some(format!("an object with `{name}`")),
        Rule::Or(usual, other) => return Some(format!("{} or {}", wanted(usual)?, wanted(other)?)),
    };
    Some(plain.to_owned())
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

pub(super) fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes | Unit::Json => "bytes",
        Unit::CodePoints | Unit::Utf16 => "characters",
    }
}

pub(super) fn either(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

pub(super) fn quoted(text: &str) -> String {
    fit(text, QUOTED, Unit::CodePoints, flatten)
}

/// The candidate that is meant by a word, if one is, by its letters.
pub(super) fn near<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let written = plain(word);
    let found = candidates.map(|candidate| (strsim::osa_distance(&plain(candidate), &written), candidate));
    let found = found.filter(|(distance, candidate)| {
        let is_shortened = written.len() >= 4 && plain(candidate).starts_with(&written);
        *candidate != word && (*distance <= candidate.len().min(written.len()) / 4 || is_shortened)
    });
    found.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace(['_', '-', ' '], "")
}

/// Names that platforms have for the same thing.
const SAME: &[&[&str]] = &[
    &["text", "content", "message", "body", "msg", "value", "description", "desc", "summary"],
    &["title", "name", "header", "label", "subject", "toplabel", "keyname"],
    &["url", "href", "link", "uri", "click", "actionurl", "messageurl", "singleurl"],
    &["image", "imageurl", "img", "picture", "photo", "src", "attach", "picurl", "imgkey", "iconurl", "icon"],
    &["alt", "alttext"],
    &["color", "colour", "template"],
    &["items", "elements", "body", "widgets", "columns"],
    &["buttons", "buttonlist", "btns", "actions"],
    &["details", "customdetails"],
    &["action", "eventaction", "eventtype", "type"],
    &["incidentkey", "dedupkey", "alias"],
    &["isatall", "atall"],
    &["silent", "disablenotification"],
    &["divider", "hr", "separator"],
    &["contenttype", "datacontenttype"],
    &["inlinekeyboard", "replymarkup"],
];

/// The candidate that is meant: one that is near, that has more words, or that another platform calls so.
pub(super) fn meant<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let candidates: Vec<&str> = candidates.collect();
    let written = plain(word);
    let of = |is_it: &dyn Fn(&str) -> bool| {
        candidates.iter().copied().find(|candidate| *candidate != word && is_it(&plain(candidate)))
    };
    near(word, candidates.iter().copied())
        .or_else(|| of(&|candidate| written.len() >= 3 && candidate.starts_with(&written)))
        .or_else(|| of(&|candidate| written.len() >= 5 && candidate.ends_with(&written)))
        .or_else(|| {
            let mut groups = SAME.iter().filter(|group| group.contains(&written.as_str()));
            groups.find_map(|group| of(&|candidate| group.contains(&candidate)))
        })
}
