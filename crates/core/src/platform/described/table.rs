//! Reads the tables of a description, and collects every fault with its path.

use crate::message::Condition;
use crate::platform::ANSWER_NAMES;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// What is wrong with a description: the path of the value, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptionFault {
    /// Names from the root of the description, joined by dots; empty for the whole.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// One table of a description.
pub(super) struct Table<'t> {
    path: String,
    fields: &'t Map<String, Value>,
    faults: Rc<RefCell<Vec<DescriptionFault>>>,
}

impl<'t> Table<'t> {
    pub fn root(fields: &'t Map<String, Value>) -> Table<'t> {
        Table { path: String::new(), fields, faults: Rc::default() }
    }

    /// What was found in it and in the tables below it.
    pub fn faults(&self) -> Vec<DescriptionFault> {
        self.faults.take()
    }

    pub fn fault(&self, name: &str, message: String) {
        let path = match (self.path.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (_, true) => self.path.clone(),
            _ => format!("{}.{name}", self.path),
        };
        self.faults.borrow_mut().push(DescriptionFault { path, message });
    }

    pub fn raw(&self, name: &str) -> Option<&'t Value> {
        self.fields.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &'t str> {
        self.fields.keys().map(String::as_str)
    }

    /// Faults for what is none of these names.
    pub fn only(&self, known: &[&str]) {
        for name in self.names().filter(|name| !known.contains(name)) {
            self.fault(name, format!("unknown key; a description has {} here", known.join(", ")));
        }
    }

    fn of<T>(&self, name: &str, kind: &str, read: impl Fn(&'t Value) -> Option<T>) -> Option<T> {
        let value = self.raw(name)?;
        let found = read(value);
        if found.is_none() {
            self.fault(name, format!("expected {kind}"));
        }
        found
    }

    pub fn text(&self, name: &str) -> Option<&'t str> {
        self.of(name, "a text that is not empty", |value| {
            value.as_str().filter(|text| !text.trim().is_empty())
        })
    }

    pub fn flag(&self, name: &str) -> bool {
        self.of(name, "true or false", Value::as_bool).unwrap_or_default()
    }

    pub fn whole(&self, name: &str) -> Option<i64> {
        self.of(name, "a whole number", Value::as_i64)
    }

    /// A whole number above 0, and at most `most`.
    pub fn size(&self, name: &str, most: usize) -> Option<usize> {
        let words = match most {
            usize::MAX => "a whole number above 0".to_owned(),
            _ => format!("a whole number above 0, up to {most}"),
        };
        let read = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        self.of(name, &words, |value| read(value).filter(|number| (1..=most).contains(number)))
    }

    pub fn texts(&self, name: &str) -> Vec<&'t str> {
        let all = |value: &'t Value| value.as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
        self.of(name, "a list of texts", all).unwrap_or_default()
    }

    pub fn table(&self, name: &str) -> Option<Table<'t>> {
        let fields = self.of(name, "a table", Value::as_object)?;
        Some(self.below(name, fields))
    }

    /// The tables by name in a table.
    pub fn tables(&self, name: &str) -> Vec<(&'t str, Table<'t>)> {
        let Some(outer) = self.table(name) else { return Vec::new() };
        outer.names().filter_map(|name| Some((name, outer.table(name)?))).collect()
    }

    /// The tables of a list.
    pub fn list(&self, name: &str) -> Vec<Table<'t>> {
        let list = self.of(name, "a list of tables", Value::as_array);
        let members = list.into_iter().flatten().enumerate();
        let read = |(index, value): (usize, &'t Value)| {
            let path = format!("{name}[{index}]");
            match value.as_object() {
                Some(fields) => Some(self.below(&path, fields)),
                None => {
                    self.fault(&path, "expected a table".to_owned());
                    None
                }
            }
        };
        members.filter_map(read).collect()
    }

    /// Names with texts.
    pub fn pairs(&self, name: &str) -> Vec<(&'t str, &'t str)> {
        let Some(table) = self.table(name) else { return Vec::new() };
        table.names().filter_map(|name| Some((name, table.text(name)?))).collect()
    }

    pub fn condition(&self, name: &str) -> Option<Condition> {
        let source = self.text(name)?;
        Condition::over(source, &ANSWER_NAMES).map_err(|message| self.fault(name, message)).ok()
    }

    fn below(&self, name: &str, fields: &'t Map<String, Value>) -> Table<'t> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Table { path, fields, faults: self.faults.clone() }
    }
}

pub(super) fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

pub(super) fn is_header_text(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}
