//! One table of the configuration, read by the schema.

use super::fault::nearest;
use super::kind::{Kind, LeftOut};
use super::node::{Entry, Node, Value, join};
use super::quantity::{self, DURATION_FORM, RATE_FORM, SIZE_FORM};
use super::reading::{Reading, Words};
use super::schema::{self, Key, Table};
use crate::platform;
use crate::platform::Rate;
use crate::secret::Secret;
use std::borrow::Cow;
use std::time::Duration;

/// A table and the rules for it. Every getter notes its faults in the [`Reading`] and returns what
/// is sound: the value, else the default, else nothing.
pub(super) struct Section<'r> {
    pub reading: &'r Reading<'r>,
    /// The dotted path, such as `endpoints.team`.
    pub path: String,
    /// Byte offset for faults of the table as a whole.
    pub at: usize,
    table: &'static Table,
    entries: &'r [Entry],
}

impl<'r> Section<'r> {
    /// Opens a table: notes when the value is none, and every key the schema does not know. `None`
    /// as the value stands for an empty table.
    pub fn open(
        reading: &'r Reading<'r>,
        table: &'static Table,
        path: String,
        at: usize,
        node: Option<&'r Node>,
    ) -> Self {
        let entries: &[Entry] = match node.map(|node| &node.value) {
            Some(Value::Table(entries)) => entries,
            Some(_) => {
                let found = node.map_or("", Node::kind);
                reading.fault(at, &path, format!("a table was expected here, not {found}"));
                &[]
            }
            None => &[],
        };
        let section = Section { reading, path, at, table, entries };
        section.refuse_unknown_keys();
        section
    }

    fn refuse_unknown_keys(&self) {
        for entry in self.entries.iter().filter(|entry| !self.table.knows(&entry.name)) {
            self.reading.fault(entry.at, &join(&self.path, &entry.name), self.advice(&entry.name));
        }
    }

    fn advice(&self, name: &str) -> String {
        let own = if self.table.takes_platform_options() { platform::option_names() } else { Vec::new() };
        if let Some(key) = nearest(name, self.table.keys.iter().map(|key| key.name).chain(own)) {
            return format!("there is no such key; did you mean `{key}`?");
        }
        let elsewhere = schema::TABLES.iter().find(|table| table.knows(name));
        if let Some(table) = elsewhere {
            return format!("there is no such key here; it belongs in {}", heading(table.pattern));
        }
        let known: Vec<String> = self.table.keys.iter().map(|key| format!("`{}`", key.name)).collect();
        format!("there is no such key; known here: {}", known.join(", "))
    }

    /// Notes a fault of a key, at its value when it is there.
    pub fn fault(&self, name: &str, message: impl Into<String>) {
        self.reading.fault(self.place(name), &join(&self.path, name), message);
    }

    /// Notes something about a key that is allowed but hardly meant.
    pub fn warn(&self, name: &str, message: impl Into<String>) {
        self.reading.warn(self.place(name), &join(&self.path, name), message);
    }

    /// Where the value of a key stands, or the table when it is left out.
    pub fn place(&self, name: &str) -> usize {
        self.entry(name).map_or(self.at, |entry| entry.node.at)
    }

    /// Whether the key is there.
    pub fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    fn entry(&self, name: &str) -> Option<&'r Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The schema of a key and its value or default.
    fn value(&self, name: &str) -> Option<(&'static Key, Cow<'r, Node>)> {
        let key = self.table.key(name)?;
        if let Some(entry) = self.entry(name) {
            return Some((key, Cow::Borrowed(&entry.node)));
        }
        match key.default {
            LeftOut::Value(text) => Some((key, Cow::Owned(super::toml_text::parse_value(text)?))),
            LeftOut::Required => {
                self.fault(name, "this key is missing");
                None
            }
            LeftOut::Nothing | LeftOut::Words(_) => None,
        }
    }

    fn unexpected(&self, node: &Node, path: &str, expected: &str) {
        self.reading.fault(node.at, path, format!("expected {expected}, found {}", node.kind()));
    }

    /// The value as it is written, for keys with a form of their own.
    pub fn node(&self, name: &str) -> Option<&'r Node> {
        self.entry(name).map(|entry| &entry.node)
    }

    /// A table below this one; an empty one when it is left out.
    pub fn table(&self, name: &str) -> Option<Section<'r>> {
        let table = schema::table(&join(self.table.pattern, name))?;
        let entry = self.entry(name);
        let at = entry.map_or(self.at, |entry| entry.node.at);
        Some(Section::open(self.reading, table, join(&self.path, name), at, entry.map(|entry| &entry.node)))
    }

    /// The tables under free names, with the offset of each name.
    pub fn named_tables(&self, name: &str) -> Vec<(&'r str, usize, Section<'r>)> {
        let Some(table) = schema::table(&format!("{}.*", join(self.table.pattern, name))) else {
            return Vec::new();
        };
        let path = join(&self.path, name);
        let entries = self.free_entries(name);
        let open = |entry: &'r Entry| {
            let below = join(&path, &entry.name);
            let section = Section::open(self.reading, table, below, entry.at, Some(&entry.node));
            (entry.name.as_str(), entry.at, section)
        };
        entries.iter().map(open).collect()
    }

    fn free_entries(&self, name: &str) -> &'r [Entry] {
        match self.node(name) {
            None => &[],
            Some(Node { value: Value::Table(entries), .. }) => entries,
            Some(node) => {
                self.unexpected(node, &join(&self.path, name), "a table of names");
                &[]
            }
        }
    }

    /// The members of a list of tables.
    pub fn list_of_tables(&self, name: &str) -> Vec<Section<'r>> {
        let Some(table) = schema::table(&format!("{}[]", join(self.table.pattern, name))) else {
            return Vec::new();
        };
        let path = join(&self.path, name);
        match self.node(name) {
            None => Vec::new(),
            Some(Node { value: Value::List(nodes), .. }) => {
                let open = |(index, node): (usize, &'r Node)| {
                    Section::open(self.reading, table, format!("{path}[{index}]"), node.at, Some(node))
                };
                nodes.iter().enumerate().map(open).collect()
            }
            Some(node) => {
                self.unexpected(node, &path, "a list of tables");
                Vec::new()
            }
        }
    }

    /// Text. A secret one is gathered for the scrubber.
    pub fn text(&self, name: &str) -> Option<Words> {
        let (key, node) = self.value(name)?;
        match key.kind {
            Kind::Text(form) => self.words(&node, &join(&self.path, name), form, false),
            Kind::Secret(form) => self.words(&node, &join(&self.path, name), form, true),
            _ => None,
        }
    }

    /// The text of a key that belongs to a platform; a whole number is read as text.
    pub fn own_text(&self, name: &str, form: &str, secret: bool) -> Option<Words> {
        let node = self.node(name)?;
        let path = join(&self.path, name);
        match &node.value {
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                self.reading.follow(&number.to_string(), node.at, &path, secret)
            }
            _ => self.words(node, &path, form, secret),
        }
    }

    fn words(&self, node: &Node, path: &str, form: &str, secret: bool) -> Option<Words> {
        match &node.value {
            Value::Text(text) => self.reading.follow(text, node.at, path, secret),
            _ => {
                self.unexpected(node, path, &format!("text ({form})"));
                None
            }
        }
    }

    /// A list of text; what is not text in it is noted and left out.
    pub fn texts(&self, name: &str) -> Vec<Words> {
        match self.value(name) {
            Some((Key { kind: Kind::Texts(form), .. }, node)) => {
                let path = join(&self.path, name);
                self.members(&node, &path, &format!("a list of text ({form})"), |member, path| {
                    self.words(member, path, form, false)
                })
            }
            _ => Vec::new(),
        }
    }

    /// One secret text or a list of them; at least one.
    pub fn secrets(&self, name: &str) -> Vec<Words> {
        let Some((Key { kind: Kind::Secrets(form), .. }, node)) = self.value(name) else {
            return Vec::new();
        };
        let path = join(&self.path, name);
        match &node.value {
            Value::Text(_) => self.words(&node, &path, form, true).into_iter().collect(),
            Value::List(members) if members.is_empty() => {
                self.reading.fault(node.at, &path, "at least one secret is needed");
                Vec::new()
            }
            _ => self.members(&node, &path, "secret text, or a list of it", |member, path| {
                self.words(member, path, form, true)
            }),
        }
    }

    /// Secret texts under free names.
    pub fn secret_table(&self, name: &str) -> Vec<(&'r Entry, Words)> {
        let Some(Key { kind: Kind::SecretTable(form), .. }) = self.table.key(name) else {
            return Vec::new();
        };
        let path = join(&self.path, name);
        let read =
            |entry: &'r Entry| Some((entry, self.words(&entry.node, &join(&path, &entry.name), form, true)?));
        self.free_entries(name).iter().filter_map(read).collect()
    }

    /// A duration within its bounds.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        match self.value(name)? {
            (Key { kind: Kind::Duration(least, most), .. }, node) => {
                self.one_duration(&node, &join(&self.path, name), least, most)
            }
            _ => None,
        }
    }

    /// A list of durations, each within the bounds.
    pub fn durations(&self, name: &str) -> Vec<Duration> {
        match self.value(name) {
            Some((Key { kind: Kind::Durations(least, most), .. }, node)) => {
                let path = join(&self.path, name);
                self.members(&node, &path, "a list of durations such as [\"5s\", \"5m\"]", |member, path| {
                    self.one_duration(member, path, least, most)
                })
            }
            _ => Vec::new(),
        }
    }

    fn one_duration(&self, node: &Node, path: &str, least: &str, most: &str) -> Option<Duration> {
        let Value::Text(text) = &node.value else {
            self.unexpected(node, path, DURATION_FORM);
            return None;
        };
        let words = self.reading.follow(text, node.at, path, false)?;
        let Some(duration) = quantity::parse_duration(&words.text) else {
            self.reading.fault(node.at, path, format!("{} is not {DURATION_FORM}", words.shown));
            return None;
        };
        let within = quantity::parse_duration(least).is_none_or(|least| duration >= least)
            && quantity::parse_duration(most).is_none_or(|most| duration <= most);
        self.within(within.then_some(duration), node, path, &words.shown, least, most)
    }

    fn within<T>(
        &self,
        value: Option<T>,
        node: &Node,
        path: &str,
        shown: &str,
        least: &str,
        most: &str,
    ) -> Option<T> {
        if value.is_none() {
            self.reading.fault(node.at, path, format!("{shown} is out of range: {least} to {most}"));
        }
        value
    }

    /// A number of bytes within its bounds.
    pub fn size(&self, name: &str) -> Option<u64> {
        let (Key { kind: Kind::Size(least, most), .. }, node) = self.value(name)? else { return None };
        let path = join(&self.path, name);
        let (bytes, shown) = match &node.value {
            Value::Number(number) if number.is_u64() => (number.as_u64(), number.to_string()),
            Value::Text(text) => {
                let words = self.reading.follow(text, node.at, &path, false)?;
                let bytes = quantity::parse_size(&words.text);
                if bytes.is_none() {
                    self.reading.fault(node.at, &path, format!("{} is not {SIZE_FORM}", words.shown));
                    return None;
                }
                (bytes, words.shown)
            }
            _ => {
                self.unexpected(&node, &path, SIZE_FORM);
                return None;
            }
        };
        let within = bytes.filter(|bytes| {
            quantity::parse_size(least).is_none_or(|least| *bytes >= least)
                && quantity::parse_size(most).is_none_or(|most| *bytes <= most)
        });
        self.within(within, &node, &path, &shown, least, most)
    }

    /// A whole number within its bounds.
    pub fn integer(&self, name: &str) -> Option<u64> {
        let (Key { kind: Kind::Integer(least, most), .. }, node) = self.value(name)? else { return None };
        let path = join(&self.path, name);
        let Value::Number(number) = &node.value else {
            self.unexpected(&node, &path, &format!("a whole number from {least} to {most}"));
            return None;
        };
        let within = number.as_u64().filter(|number| (*least..=*most).contains(number));
        if within.is_none() {
            let message = format!("expected a whole number from {least} to {most}, found {number}");
            self.reading.fault(node.at, &path, message);
        }
        within
    }

    /// A number, with or without a fraction, and always finite.
    pub fn number(&self, name: &str) -> Option<f64> {
        let (Key { kind: Kind::Number, .. }, node) = self.value(name)? else { return None };
        let number = match &node.value {
            Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
            _ => None,
        };
        if number.is_none() {
            self.unexpected(&node, &join(&self.path, name), "a number such as 10, 0.5 or -20");
        }
        number
    }

    /// True or false.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        let (Key { kind: Kind::Boolean, .. }, node) = self.value(name)? else { return None };
        if let Value::Boolean(truth) = node.value {
            return Some(truth);
        }
        self.unexpected(&node, &join(&self.path, name), "true or false");
        None
    }

    /// A rate or a list of rates; `None` when the key is left out.
    pub fn rates(&self, name: &str) -> Option<Vec<Rate>> {
        let (Key { kind: Kind::Rates(range), .. }, node) = self.value(name)? else { return None };
        let path = join(&self.path, name);
        let one = |node: &Node, path: &str| {
            let Value::Text(text) = &node.value else {
                self.unexpected(node, path, RATE_FORM);
                return None;
            };
            let words = self.reading.follow(text, node.at, path, false)?;
            let rate = quantity::parse_rate(&words.text);
            if rate.is_none() {
                self.reading.fault(node.at, path, format!("{} is not {RATE_FORM}: {range}", words.shown));
            }
            rate
        };
        match &node.value {
            Value::Text(_) => Some(one(&node, &path).into_iter().collect()),
            _ => Some(self.members(&node, &path, &format!("{RATE_FORM}, or a list of them"), one)),
        }
    }

    fn members<T>(
        &self,
        node: &Node,
        path: &str,
        expected: &str,
        read: impl Fn(&Node, &str) -> Option<T>,
    ) -> Vec<T> {
        match &node.value {
            Value::List(members) => {
                let read = |(index, member)| read(member, &format!("{path}[{index}]"));
                members.iter().enumerate().filter_map(read).collect()
            }
            _ => {
                self.unexpected(node, path, expected);
                Vec::new()
            }
        }
    }
}

impl Words {
    /// As a value that is never printed.
    pub fn into_secret(self) -> Secret {
        Secret::new(self.text)
    }
}

/// A table as a person writes its head.
pub(super) fn heading(pattern: &str) -> String {
    let named = pattern.replace('*', "NAME");
    match named.strip_suffix("[]") {
        _ if named.is_empty() => "the top level".to_owned(),
        Some(list) => format!("`[[{list}]]`"),
        None => format!("`[{named}]`"),
    }
}
