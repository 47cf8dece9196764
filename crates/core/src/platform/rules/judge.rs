//! Judges a body by the tables of its platform, and names the place of each fault.

use super::super::limits::Unit;
use super::super::links::{followable, has_scheme, is_public};
use super::words::{either, kind_of, meant, near, quoted, unit_name, wanted};
use super::{BodyFault, FaultKind, Others, Rule, Shape, TEXT, TypedMarkup};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

const FAULTS: usize = 100;

#[derive(Debug)]
pub(in crate::platform) struct Faults {
    platform: &'static str,
    path: String,
    /// The kind of the object that is judged, where it has one.
    within: &'static str,
    found: Vec<BodyFault>,
}

impl Faults {
    /// Judges a body by a platform's rules.
    #[inline(never)]
    pub(in crate::platform) fn of(platform: &'static str, rule: &Rule, body: &Value) -> Faults {
        let mut faults = Faults { platform, path: String::new(), within: "", found: Vec::new() };
        faults.judge(rule, body);
        faults
    }

    pub(super) fn platform(&self) -> &'static str {
        self.platform
    }

    /// The list, with the response that the platform gives to each.
    #[inline(never)]
    pub(in crate::platform) fn answered(
        mut self,
        response: fn(&BodyFault) -> &'static str,
    ) -> Vec<BodyFault> {
        for fault in
            self.found.iter_mut().filter(|fault| !matches!(fault.kind, FaultKind::Shown | FaultKind::Typed))
        {
            fault.response = Some(response(fault));
        }
        self.found
    }

    /// Adds a fault of the value at this path below the present one.
    pub(in crate::platform) fn add(&mut self, at: &str, kind: FaultKind, words: &str) {
        if self.found.len() < FAULTS {
            let path = match (self.path.is_empty(), at.is_empty()) {
                (true, _) => at.to_owned(),
                (_, true) => self.path.clone(),
                _ => format!("{}.{at}", self.path),
            };
            let place = if path.is_empty() { "the body".to_owned() } else { format!("`{path}`") };
            let sentence = format!("{place} {words}");
            self.found.push(BodyFault { path, kind, sentence, response: None });
        }
    }

    /// Adds a fault if the size of the whole, or of a part, goes beyond what the platform takes.
    pub(in crate::platform) fn limit(&mut self, at: &str, what: &str, here: usize, most: usize) {
        if here > most {
            let words = format!("is too long: {} takes {most} {what}, and here are {here}", self.platform);
            self.add(at, FaultKind::TooLong, &words);
        }
    }

    /// Judges the value of a member, or an entry of a list; with an empty step, the present value.
    pub(in crate::platform) fn judge_at(&mut self, step: &str, rule: &Rule, value: &Value) {
        let before = self.path.len();
        if !step.is_empty() && !step.starts_with('[') && before > 0 {
            self.path.push('.');
        }
        self.path.push_str(step);
        self.judge(rule, value);
        self.path.truncate(before);
    }

    fn judge(&mut self, rule: &Rule, value: &Value) {
        if self.found.len() >= FAULTS {
            return;
        }
        if let Rule::Or(usual, other) = rule {
            return self.judge(if is_of_kind(other, value) { other } else { usual }, value);
        }
        if !is_of_kind(rule, value) {
            return self.unfit(FaultKind::Kind, kind_of(value), &wanted(rule).unwrap_or_default());
        }
        match (rule, value) {
            (Rule::Whole(least, most), number) => self.judge_number(number, *least..=*most),
            (Rule::Text(max, unit, may_be_blank), Value::String(text)) => {
                if !may_be_blank && text.trim().is_empty() {
                    self.unfit(FaultKind::Empty, "empty", "no empty text");
                }
                self.limit("", unit_name(*unit), unit.length(text), *max);
            }
            (Rule::Plain(max, may_be_blank), Value::String(_)) => {
                self.judge(&Rule::Text(*max, Unit::CodePoints, *may_be_blank), value);
                use TypedMarkup::{Link, SlackLink, SlackPing, StyleTags, TwoStars};
                let kinds = [TwoStars, Link, SlackLink, StyleTags, SlackPing];
                self.typed_markup("", value, &kinds.map(|kind| (kind, "this place has no markup")));
            }
            (Rule::OneOf(words), Value::String(text)) => {
                self.judge_word(text, words, words.contains(&text.as_str()))
            }
            (Rule::OneWord(words), Value::String(text)) => {
                self.judge_word(text, words, words.iter().any(|word| word.eq_ignore_ascii_case(text)));
            }
            (Rule::Link(max), Value::String(text)) => self.judge_link(text, *max, is_link, "with `https://`"),
            (Rule::Picture(max), Value::String(text)) => {
                self.judge_link(text, *max, is_link, "with `https://`");
                self.judge_picture(text);
            }
            (Rule::Address(max), Value::String(text)) => {
                self.judge_link(text, *max, has_scheme, "such as `https://example.com/`");
            }
            (Rule::Colour(words), Value::String(text)) => self.judge_colour(text, words),
            (Rule::Time, Value::String(text)) if crate::clock::parse_rfc3339(text).is_none() => {
                let found = format!("`{}`", quoted(text));
                self.unfit(FaultKind::Unknown, &found, "a time such as `2026-03-01T18:24:05Z`");
            }
            (Rule::List(entry, least, most), Value::Array(list)) => {
                self.judge_list(entry, list, *least..=*most)
            }
            (Rule::Object(shape), Value::Object(fields)) => self.judge_object(shape, "", fields, value),
            (Rule::ByKind(name, kinds), Value::Object(fields)) => self.judge_kind(name, kinds, fields, value),
            _ => {}
        }
    }

    /// Adds that the present value is this, where the platform takes that.
    fn unfit(&mut self, kind: FaultKind, found: &str, takes: &str) {
        let words = format!("is {found}, and {} takes {takes} there", self.platform);
        self.add("", kind, &words);
    }

    fn judge_number(&mut self, number: &Value, bounds: RangeInclusive<i64>) {
        let fits = number.as_i64().is_some_and(|number| bounds.contains(&number));
        if !fits {
            let (least, most) = bounds.into_inner();
            let range = if most == i64::MAX { String::new() } else { format!(" from {least} to {most}") };
            self.unfit(FaultKind::Unknown, &number.to_string(), &format!("a whole number{range}"));
        }
    }

    fn judge_word(&mut self, text: &str, words: &[&str], is_known: bool) {
        if !is_known {
            self.unfit(FaultKind::Unknown, &format!("`{}`", quoted(text)), &either(words));
        }
    }

    fn judge_link(&mut self, text: &str, max: usize, is_whole: fn(&str) -> bool, form: &str) {
        if text.trim().is_empty() {
            self.unfit(FaultKind::Link, "empty", "an address such as `https://example.com/`");
        } else if !is_whole(text) {
            let words =
                format!("is `{}`, and {} takes a whole address there, {form}", quoted(text), self.platform);
            self.add("", FaultKind::Link, &words);
        }
        self.limit("", "bytes", text.len(), max);
    }

    fn judge_picture(&mut self, text: &str) {
        let Some(url) = followable(Some(text), usize::MAX).filter(|url| !is_public(url)) else { return };
        let host = quoted(url.host_str().unwrap_or_default());
        let words = format!("is at `{host}`, where the servers of {} cannot fetch it", self.platform);
        self.add("", FaultKind::Shown, &words);
    }

    fn judge_colour(&mut self, text: &str, words: &[&str]) {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let is_hex = matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex && !words.contains(&text) && !text.is_empty() {
            let others = if words.is_empty() { String::new() } else { format!(", or {}", either(words)) };
            let words = format!(
                "is `{}`, and {} takes a colour such as `#36a64f` there{others}",
                quoted(text),
                self.platform
            );
            self.add("", FaultKind::Shown, &words);
        }
    }

    fn judge_list(&mut self, entry: &Rule, list: &[Value], bounds: RangeInclusive<usize>) {
        let (least, most) = bounds.into_inner();
        if list.len() < least {
            let words = format!("has {} entries, and {} needs {least} at least", list.len(), self.platform);
            let words = if list.is_empty() {
                format!("is an empty list, and {} needs an entry there", self.platform)
            } else {
                words
            };
            self.add("", FaultKind::Empty, &words);
        }
        if list.len() > most {
            let words =
                format!("has too many entries: {} takes {most}, and here are {}", self.platform, list.len());
            self.add("", FaultKind::TooLong, &words);
        }
        for (index, value) in list.iter().enumerate() {
            self.judge_at(&format!("[{index}]"), entry, value);
        }
    }

    fn judge_kind(
        &mut self,
        name: &str,
        kinds: &[(&'static str, &'static Shape)],
        fields: &Map<String, Value>,
        value: &Value,
    ) {
        let Some(kind) = fields.get(name) else { return self.missing(name, fields, &|_| false) };
        let Some(kind) = kind.as_str() else {
            return self.judge_at(name, &TEXT, kind);
        };
        if let Some((known, shape)) = kinds.iter().find(|(known, _)| *known == kind) {
            let outer = std::mem::replace(&mut self.within, known);
            self.judge_object(shape, name, fields, value);
            self.within = outer;
            return;
        }
        let near = match meant(kind, kinds.iter().map(|(known, _)| *known)) {
            Some(near) => format!("; `{near}` is near"),
            None if kinds.len() <= 8 => {
                format!("; it knows {}", either(&kinds.iter().map(|(known, _)| *known).collect::<Vec<_>>()))
            }
            None => String::new(),
        };
        let words = format!("is `{}`, which {} does not know there{near}", quoted(kind), self.platform);
        self.add(name, FaultKind::Unknown, &words);
    }

    /// `kind` is the member that names the kind of the object.
    fn judge_object(&mut self, shape: &Shape, kind: &str, fields: &Map<String, Value>, value: &Value) {
        let is_known = |name: &str| name == kind || shape.find(name).is_some();
        let before = self.found.len();
        for member in shape.all() {
            match fields.get(member.name) {
                Some(Value::Null) if !member.is_needed => {}
                Some(value) => self.judge_at(member.name, &member.rule, value),
                None if member.is_needed => self.missing(member.name, fields, &is_known),
                None => {}
            }
        }
        // A message of blank texts and empty lists says nothing either.
        let says = |value: &Value| match value {
            Value::String(text) => !self.path.is_empty() || !text.trim().is_empty(),
            Value::Array(list) => !self.path.is_empty() || !list.is_empty(),
            other => !other.is_null(),
        };
        let has_some = shape.some_of.iter().any(|name| fields.get(*name).is_some_and(says));
        let blank =
            shape.some_of.iter().find(|name| fields.get(**name).is_some_and(|value| !value.is_null()));
        if !has_some && let Some(blank) = blank {
            let words = format!("is empty, and {} takes no message that says nothing", self.platform);
            self.add(blank, FaultKind::Empty, &words);
        } else if !has_some && let Some(first) = shape.some_of.first() {
            let here = self.instead(fields, shape.some_of, &is_known);
            let words = format!("is missing: {} needs {}{here}", self.platform, either(shape.some_of));
            self.add(first, FaultKind::Missing, &words);
        }
        // What is missing has been named already with what is written in its place.
        let is_told = self.found.len() > before;
        for name in fields.keys().filter(|name| !is_known(name)) {
            let place = shape.elsewhere.iter().find(|(other, _)| other == name).map(|(_, place)| *place);
            if place.is_none() && is_told {
                continue;
            }
            let known = || shape.all().map(|member| member.name);
            let near = match shape.others {
                Others::Unknown => near(name, known().filter(|name| !fields.contains_key(*name))),
                _ => meant(name, known()),
            };
            let near = near.map(|near| format!("; `{near}` is near"));
            let hint = place.map(|place| format!("; {place}")).or(near);
            let kind = match shape.others {
                Others::Refused => FaultKind::Unknown,
                Others::Unknown if hint.is_none() => continue,
                _ => FaultKind::Shown,
            };
            let hint = hint.unwrap_or_default();
            let words = format!("is a member that {} does not know there{hint}", self.platform);
            self.add(&quoted(name), kind, &words);
        }
        if let Some(also) = shape.also {
            also(value, self);
        }
    }

    fn missing(&mut self, name: &str, fields: &Map<String, Value>, is_known: &dyn Fn(&str) -> bool) {
        let here = self.instead(fields, &[name], is_known);
        let words = format!("is missing: {} needs it{here}", self.platform);
        self.add(name, FaultKind::Missing, &words);
    }

    /// What needs these members, and what is written in their place.
    fn instead(
        &self,
        fields: &Map<String, Value>,
        names: &[&str],
        is_known: &dyn Fn(&str) -> bool,
    ) -> String {
        let unknown = fields.keys().map(String::as_str).filter(|name| !is_known(name));
        let wrong = unknown.into_iter().find(|other| meant(other, names.iter().copied()).is_some());
        let wrong = wrong.map_or_else(String::new, |wrong| format!("; `{}` is not its name", quoted(wrong)));
        if self.within.is_empty() { wrong } else { format!(" in `{}`{wrong}", self.within) }
    }
}

/// Whether it is a whole address that a browser can open, or names a file of the same request.
pub(in crate::platform) fn is_link(text: &str) -> bool {
    let mut begins = ["https://", "http://", "attachment://"].into_iter();
    let rest = begins.find_map(|begin| text.strip_prefix(begin));
    rest.is_some_and(|rest| !rest.is_empty()) && has_scheme(text)
}

fn is_of_kind(rule: &Rule, value: &Value) -> bool {
    match rule {
        Rule::Any => true,
        Rule::Bool => value.is_boolean(),
        Rule::Whole(..) => value.is_number(),
        Rule::Text(..)
        | Rule::Plain(..)
        | Rule::OneOf(_)
        | Rule::OneWord(_)
        | Rule::Link(_)
        | Rule::Picture(_)
        | Rule::Address(_)
        | Rule::Colour(_)
        | Rule::Time => value.is_string(),
        Rule::List(..) => value.is_array(),
        Rule::Object(_) | Rule::Table | Rule::ByKind(..) => value.is_object(),
        Rule::Or(usual, other) => is_of_kind(usual, value) || is_of_kind(other, value),
    }
}
