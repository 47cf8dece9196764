//! The fields that a host named itself, as facts: numbers for people, series as a line, nested ones by dotted names.

use super::notice::{Notice, scalar};
use super::quantities;
use super::sparkline::sparkline;
use super::strings::Strings;
use serde_json::Value as Json;

/// The fields that are read; a payload may have millions.
const MAX_READ: usize = 100;

const MAX_DEPTH: usize = 5;

const MAX_ITEMS: usize = 10;

/// The characters of a drawn series.
const CURVE: usize = 24;

/// The characters of the fields for which there was no fact.
const MAX_REST_CHARS: usize = 2000;

/// Adds fields as facts until there are `most`, and further ones to the details. In metrics a list of numbers is a series;
/// elsewhere it is one where it has more items than are shown.
pub(super) fn add_fields<'a>(
    notice: &mut Notice,
    fields: &mut dyn Iterator<Item = (&'a str, &'a Json)>,
    most: usize,
    is_metrics: bool,
    words: &Strings,
) {
    let mut found = Vec::new();
    let write = |label: &str, value: &Json| {
        let is_list = value.as_array().is_some_and(|items| !is_metrics && items.len() <= MAX_ITEMS);
        if is_list { listed(value, words) } else { measured(label, value, words) }
    };
    for (key, value) in fields {
        flatten(key, value, 0, &mut found, &write);
    }
    let mut rest = String::new();
    for (label, value) in found {
        if notice.facts.len() < most {
            notice.fact(&label, Some(value));
        } else if rest.len() + label.len() + value.len() < MAX_REST_CHARS {
            rest += &format!("{label}{}{value}\n", words.colon);
        }
    }
    if !rest.is_empty() && notice.details.is_none() {
        notice.details = Some(rest.trim_end().to_owned());
    }
}

fn flatten(
    label: &str,
    value: &Json,
    depth: usize,
    found: &mut Vec<(String, String)>,
    write: &dyn Fn(&str, &Json) -> Option<String>,
) {
    if found.len() >= MAX_READ || depth > MAX_DEPTH {
        return;
    }
    match value {
        Json::Object(fields) => {
            for (key, value) in fields {
                flatten(&format!("{label}.{key}"), value, depth + 1, found, write);
            }
        }
        Json::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().take(MAX_ITEMS).enumerate() {
                flatten(&format!("{label}.{index}"), item, depth + 1, found, write);
            }
        }
        value => {
            let text = write(label, value).filter(|text| !text.is_empty());
            found.extend(text.map(|text| (label.to_owned(), text)));
        }
    }
}

/// The value of a field that a host named. A number that is a name, such as a seed, stays as it is.
pub(super) fn measured(key: &str, value: &Json, words: &Strings) -> Option<String> {
    let people = |number| quantities::number_for_people(number, words.thousands);
    match value {
        Json::Number(number) if !is_name(key) => Some(people(number)),
        Json::Array(items) => match series(items).zip(items.iter().rev().find_map(Json::as_number)) {
            Some((series, last)) => Some(format!("{} {}", people(last), sparkline(&series, CURVE))),
            None => listed(value, words),
        },
        value => scalar(value),
    }
}

/// The first items of a list.
fn listed(list: &Json, words: &Strings) -> Option<String> {
    let items = list.as_array()?;
    let mut shown: Vec<String> = items.iter().take(MAX_ITEMS).filter_map(scalar).collect();
    if items.len() > MAX_ITEMS {
        shown.push(words.more(items.len() - MAX_ITEMS));
    }
    Some(shown.join(words.list))
}

/// Numbers over time, with gaps where a host had none: at least three.
fn series(items: &[Json]) -> Option<Vec<f64>> {
    let is_series = items.len() >= 3 && items.iter().all(|item| item.is_number() || item.is_null());
    is_series.then(|| items.iter().filter_map(Json::as_f64).collect())
}

/// Whether the last word of a field's name says that a number in it is a name.
fn is_name(key: &str) -> bool {
    const NAMES: [&str; 10] =
        ["entropy", "guid", "hash", "id", "ids", "pid", "port", "uuid", "version", "year"];
    let word = key.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    // In `taskId` and `jobID` a capital begins the last word.
    let begin = match word.rfind(char::is_lowercase) {
        Some(at) if at + 1 < word.len() => at + 1,
        Some(_) => word.rfind(char::is_uppercase).unwrap_or_default(),
        None => 0,
    };
    let word = word.get(begin..).unwrap_or(word).to_lowercase();
    NAMES.contains(&word.as_str()) || key.to_lowercase().ends_with("seed")
}
