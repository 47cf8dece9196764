//! What the tests of all platforms try of each description, made of the description itself.

use super::super::tests::{
    HUGE, Limit, NAME, Tried, bytes, code_points, json, read_json, refuse_lengths, refuse_size,
};
use super::Described;
use super::dialect::dialect;
use super::fields::{BodyField, Kind};
use crate::platform::limits::Unit;
use serde_json::{Map, Value};

impl Tried for Described {
    fn urls(&self) -> Vec<String> {
        self.parts.urls.iter().map(super::address::UrlPattern::example).collect()
    }

    fn pace(&self) -> (Vec<(u32, u64)>, usize) {
        let rates = self.parts.rates.iter();
        (rates.map(|rate| (rate.count, rate.per.as_millis() as u64)).collect(), self.parts.concurrency)
    }

    fn check_card(&self, card: &Value) {
        refuse(self, card).unwrap();
    }

    fn refuse_sent(&self, sent: &[u8]) -> Result<(), String> {
        let form =
            || url::form_urlencoded::parse(sent).map(|(name, value)| (name.into_owned(), json!(value)));
        let body = if self.parts.request.is_form && sent.first() != Some(&b'{') {
            Value::Object(form().collect())
        } else {
            read_json(sent)?
        };
        refuse(self, &body)
    }

    fn has_no_limit(&self) -> bool {
        self.parts.max_bytes.is_none() && limits(self).is_empty()
    }

    fn templates(&self) -> Vec<Value> {
        let text = |field: &BodyField<'_>| {
            let is_huge = field.limit.is_some()
                || self.parts.max_bytes.is_some()
                || field.is_required() && self.has_no_limit();
            json!(if is_huge { HUGE } else { NAME })
        };
        let all = body_of(self, &|field| (field.kind == Kind::Text).then(|| text(field)));
        let chosen = self.parts.fields.iter().flat_map(BodyField::markups).filter(|(at, ..)| !at.is_empty());
        let chosen = chosen.map(|(at, value, _)| {
            let mut body = all.clone();
            put(&mut body, at, json!(value));
            body
        });
        std::iter::once(all.clone()).chain(chosen).collect()
    }
}

impl Described {
    pub(in crate::platform) fn takes_pictures(&self) -> bool {
        self.parts.fields.iter().any(|field| field.kind == Kind::Picture)
    }
}

/// Path, measure, least and most.
type OwnLimit = (String, fn(&str) -> usize, usize, usize);

fn limits(platform: &Described) -> Vec<OwnLimit> {
    let limit = |field: &BodyField<'_>| {
        let (max, unit) = field.limit.filter(|_| field.kind == Kind::Text)?;
        let measure: fn(&str) -> usize = match unit {
            Unit::Bytes => bytes,
            Unit::Utf16 => |text| text.encode_utf16().count(),
            _ => code_points,
        };
        Some((field.path.join("."), measure, usize::from(field.is_required()), max))
    };
    platform.parts.fields.iter().filter_map(limit).collect()
}

fn refuse(platform: &Described, body: &Value) -> Result<(), String> {
    let limits = limits(platform);
    let limits: Vec<Limit<'_>> =
        limits.iter().map(|(path, unit, least, most)| (path.as_str(), *unit, *least, *most)).collect();
    refuse_lengths(body, &limits)?;
    platform.parts.max_bytes.map_or(Ok(()), |most| refuse_size(body.to_string().as_bytes(), most))
}

/// A body with these values, and with all that is required.
fn body_of(platform: &Described, value: &dyn Fn(&BodyField<'_>) -> Option<Value>) -> Value {
    let mut body = json!({});
    for field in &platform.parts.fields {
        let is_added = platform.parts.request.members.iter().any(|(name, _)| field.path == [*name]);
        let required = || match &field.kind {
            Kind::Word(words) => json!(words[0]),
            Kind::Link | Kind::Picture => json!("https://x.example/a.png"),
            _ => json!(NAME),
        };
        let value = value(field).or_else(|| field.is_required().then(required));
        if let Some(value) = value.filter(|_| !is_added) {
            put(&mut body, &field.path, value);
        }
    }
    body
}

/// Puts a value at a path, where `*` is the only entry of a list.
fn put(node: &mut Value, path: &[&str], value: Value) {
    let Some((step, rest)) = path.split_first() else {
        *node = value;
        return;
    };
    if *step == "*" {
        if !node.is_array() {
            *node = json!([{}]);
        }
        return put(&mut node[0], rest, value);
    }
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    put(&mut node[*step], rest, value);
}

/// The name of the markup of the text at this path, where the platform is described.
pub(in crate::platform) fn markup_at(platform: &str, body: &Value, path: &[String]) -> Option<&'static str> {
    let platform = super::BUILT_IN.iter().find(|one| one.description.name == platform)?;
    let is_at = |field: &&BodyField<'_>| field.path.iter().filter(|name| **name != "*").eq(path.iter());
    let markup = platform.parts.fields.iter().find(is_at).and_then(|field| field.markup_in(body));
    Some(markup.map_or("plain", |markup| {
        let is_it = |name: &&&str| dialect(name).unwrap().is_some_and(|other| std::ptr::eq(other, markup));
        ["html", "markdown", "signs"].iter().find(is_it).unwrap()
    }))
}

/// Each text of each description in each of its markups: the platform, the markup, and a body with this in its place.
pub(in crate::platform) fn texts(of: &dyn Fn(&str) -> Vec<String>) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for platform in super::BUILT_IN.iter() {
        for field in platform.parts.fields.iter().filter(|field| field.kind == Kind::Text) {
            for (at, value, _) in field.markups() {
                let mut body = body_of(platform, &|_| None);
                if !at.is_empty() {
                    put(&mut body, at, json!(value));
                }
                let path: Vec<String> =
                    field.path.iter().filter(|name| **name != "*").map(|name| (*name).to_owned()).collect();
                for text in of(markup_at(platform.description.name, &body, &path).unwrap()) {
                    put(&mut body, &field.path, json!(text));
                    all.push((platform.description.name, body.clone()));
                }
            }
        }
    }
    all
}
