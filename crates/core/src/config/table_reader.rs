//! Reads one table of the configuration by its declaration.

use super::declaration::{ConfigKey, ConfigTable, DefaultValue, ReadValue, heading};
use super::diagnostic::{alternatives, nearest};
use super::load_context::{LoadContext, TextValue};
use super::node::{ConfigEntry, ConfigNode, ConfigValue, join};
use super::toml_text;
use super::value_types::{NamedTables, SubTable, TableList};
use std::borrow::Cow;

/// A table with its declaration. Every method adds its errors to the [`LoadContext`] and returns what is valid.
pub(super) struct TableReader<'r> {
    pub context: &'r LoadContext<'r>,
    /// The dotted path, such as `endpoints.team`.
    pub path: String,
    /// Byte offset for errors of the table as a whole.
    pub at: usize,
    declaration: &'static ConfigTable,
    /// The declaration of the whole configuration.
    root: &'static ConfigTable,
    entries: &'r [ConfigEntry],
}

impl<'r> TableReader<'r> {
    pub fn of_root(context: &'r LoadContext<'r>, root: &'static ConfigTable, tree: &'r ConfigNode) -> Self {
        let empty =
            TableReader { context, path: String::new(), at: 0, declaration: root, root, entries: &[] };
        empty.open(root, String::new(), 0, Some(tree))
    }

    /// Opens a table below this one, and reports unknown keys. An omitted table is an empty one.
    fn open(
        &self,
        declaration: &'static ConfigTable,
        path: String,
        at: usize,
        node: Option<&'r ConfigNode>,
    ) -> TableReader<'r> {
        let entries: &[ConfigEntry] = match node.map(|node| (&node.value, node)) {
            None => &[],
            Some((ConfigValue::Table(entries), _)) => entries,
            Some((_, node)) => {
                self.context.error(at, &path, format!("expected a table, found {}", node.type_name()));
                &[]
            }
        };
        let table = TableReader { context: self.context, path, at, declaration, root: self.root, entries };
        table.report_unknown_keys();
        table
    }

    fn report_unknown_keys(&self) {
        let mut known = self.declaration.names();
        if self.declaration.platform_options {
            known.extend(self.context.own_option_names());
        }
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.name.as_str())) {
            let message = self.advice(&entry.name, &known);
            self.context.error(entry.at, &join(&self.path, &entry.name), message);
        }
    }

    fn advice(&self, name: &str, known: &[&'static str]) -> String {
        if let Some(key) = nearest(name, known.iter().copied()) {
            return format!("unknown key; did you mean `{key}`?");
        }
        let tables = self.root.with_nested(String::new());
        if let Some((pattern, _)) = tables.iter().find(|(_, table)| table.names().contains(&name)) {
            return format!("unknown key here; it belongs in {}", heading(pattern));
        }
        let declared: Vec<_> = self.declaration.keys.iter().map(|key| key.name).collect();
        format!("unknown key; expected {}", alternatives(&declared))
    }

    /// Adds an error at the value of a key, or at the table when the key is omitted.
    pub fn error(&self, key: impl AsRef<str>, message: impl Into<String>) {
        self.report(LoadContext::error, key.as_ref(), message.into());
    }

    /// Adds a warning at the value of a key, or at the table when the key is omitted.
    pub fn warn(&self, key: impl AsRef<str>, message: impl Into<String>) {
        self.report(LoadContext::warn, key.as_ref(), message.into());
    }

    #[cold]
    fn report(&self, add: fn(&LoadContext<'r>, usize, &str, String), key: &str, message: String) {
        add(self.context, self.offset(key), &self.path_of(key), message);
    }

    /// The offset of the value of a key, or of the table when the key is omitted.
    pub fn offset(&self, key: impl AsRef<str>) -> usize {
        self.written(key).map_or(self.at, |node| node.at)
    }

    pub fn path_of(&self, key: impl AsRef<str>) -> String {
        join(&self.path, key.as_ref())
    }

    pub fn has(&self, key: impl AsRef<str>) -> bool {
        self.entry(key.as_ref()).is_some()
    }

    #[inline(never)]
    fn entry(&self, name: &str) -> Option<&'r ConfigEntry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The value of a key, else its default.
    #[inline(never)]
    pub fn read<V: ReadValue>(&self, key: &ConfigKey<V>) -> Option<V::Output> {
        let node = self.node(key.name, key.default)?;
        key.value.read(&node, &self.path_of(key), self.context)
    }

    #[inline(never)]
    fn node(&self, name: &'static str, default: DefaultValue) -> Option<Cow<'r, ConfigNode>> {
        if let Some(entry) = self.entry(name) {
            return Some(Cow::Borrowed(&entry.node));
        }
        match default {
            DefaultValue::Toml(text) => toml_text::parse_value(text).map(Cow::Owned),
            DefaultValue::Required => {
                self.error(name, "this key is missing");
                None
            }
            DefaultValue::None | DefaultValue::Described(_) => None,
        }
    }

    /// The value of a text key as a plain string.
    pub fn read_string<V: ReadValue<Output = TextValue>>(&self, key: &ConfigKey<V>) -> Option<String> {
        self.read(key).map(|text| text.text)
    }

    pub fn is_empty_list(&self, key: impl AsRef<str>) -> bool {
        self.written(key).is_some_and(ConfigNode::is_empty_list)
    }

    /// The value of a key as it is written.
    pub fn written(&self, key: impl AsRef<str>) -> Option<&'r ConfigNode> {
        self.entry(key.as_ref()).map(|entry| &entry.node)
    }

    /// The option of a platform; a whole number is read as text, and a list of texts as one with commas.
    pub fn platform_option(&self, name: &str, form: &str, secret: bool) -> Option<TextValue> {
        let node = self.written(name)?;
        let resolve = |text: &str, at: usize| self.context.resolve(text, at, &self.path_of(name), secret);
        match &node.value {
            ConfigValue::Number(number) if number.is_i64() || number.is_u64() => {
                resolve(&number.to_string(), node.at)
            }
            ConfigValue::Text(text) => resolve(text, node.at),
            ConfigValue::List(items)
                if !items.is_empty() && items.iter().all(|item| item.text().is_some()) =>
            {
                let texts = items.iter().map(|item| resolve(item.text()?, item.at));
                let texts = texts.collect::<Option<Vec<TextValue>>>()?;
                let joined =
                    |part: fn(&TextValue) -> &str| texts.iter().map(part).collect::<Vec<_>>().join(", ");
                Some(TextValue {
                    text: joined(|one| &one.text),
                    at: node.at,
                    shown: joined(|one| &one.shown),
                })
            }
            _ => {
                self.error(name, format!("expected text ({form}), found {}", node.type_name()));
                None
            }
        }
    }

    /// A table below this one; an empty one when it is omitted.
    pub fn table(&self, key: &ConfigKey<SubTable>) -> TableReader<'r> {
        self.open(key.value.0, self.path_of(key), self.offset(key), self.written(key))
    }

    /// The tables under the names that the user chose.
    pub fn named_tables(&self, key: &ConfigKey<NamedTables>) -> Vec<(&'r str, TableReader<'r>)> {
        let path = self.path_of(key);
        let entries: &[ConfigEntry] = match self.written(key) {
            None => &[],
            Some(ConfigNode { value: ConfigValue::Table(entries), .. }) => entries,
            Some(node) => {
                self.error(key, format!("expected a table of names, found {}", node.type_name()));
                &[]
            }
        };
        let open = |entry: &'r ConfigEntry| {
            let table = self.open(key.value.0, join(&path, &entry.name), entry.at, Some(&entry.node));
            (entry.name.as_str(), table)
        };
        entries.iter().map(open).collect()
    }

    /// The members of a list of tables.
    pub fn table_list(&self, key: &ConfigKey<TableList>) -> Vec<TableReader<'r>> {
        let path = self.path_of(key);
        match self.written(key) {
            None => Vec::new(),
            Some(ConfigNode { value: ConfigValue::List(nodes), .. }) => {
                let open = |(index, node): (usize, &'r ConfigNode)| {
                    self.open(key.value.0, format!("{path}[{index}]"), node.at, Some(node))
                };
                nodes.iter().enumerate().map(open).collect()
            }
            Some(node) => {
                self.error(key, format!("expected a list of tables, found {}", node.type_name()));
                Vec::new()
            }
        }
    }
}
