//! How a key of the configuration is declared: once, with its name, type, range, default and meaning.
//!
//! The reader, the check for unknown keys, `docs/configuration.md` and the JSON Schema are all derived from these
//! declarations. Each table's keys are declared at the top of the file that reads the table.

use super::load_context::LoadContext;
use super::node::{ConfigNode, join};
use crate::platform;
#[cfg(test)]
use serde_json::Value as Json;

pub(super) struct ConfigTable {
    /// What the table is for, in one or two sentences. The documents alone show it.
    #[cfg(test)]
    pub about: &'static str,
    pub keys: &'static [&'static ConfigKey<dyn ValueType>],
    /// Whether the options of platforms are keys of this table, too.
    pub platform_options: bool,
}

pub(super) struct ConfigKey<V: ?Sized> {
    pub name: &'static str,
    pub default: DefaultValue,
    /// One sentence. The documents alone show it.
    #[cfg(test)]
    pub meaning: &'static str,
    pub value: V,
}

/// The value of an omitted key.
#[derive(Clone, Copy)]
pub(super) enum DefaultValue {
    /// Omitting the key is an error.
    Required,
    None,
    /// A value in TOML syntax.
    Toml(&'static str),
    /// A value that depends on other things, described in words.
    Described(#[cfg_attr(not(test), expect(dead_code))] &'static str),
}

/// The type of a key as the documentation shows it.
pub(super) trait ValueType: Sync {
    #[cfg_attr(not(test), expect(dead_code))]
    fn type_name(&self) -> &'static str;

    /// The range or form; empty when the type says it all.
    fn form(&self) -> String {
        String::new()
    }

    /// Of a key that contains no tables; theirs are made of their keys.
    #[cfg(test)]
    fn json_schema(&self) -> Json {
        Json::Null
    }

    /// The declaration of the table or tables that the key contains.
    fn nested(&self) -> Option<NestedTable> {
        None
    }
}

/// The type of a key as the reader uses it.
pub(super) trait ReadValue: ValueType {
    type Output;

    /// What a diagnostic says after "expected".
    fn expected(&self) -> String;

    /// Converts a value. Adds every error to the context and returns what is valid.
    fn read(&self, node: &ConfigNode, path: &str, context: &LoadContext<'_>) -> Option<Self::Output>;
}

/// How a key contains tables.
#[derive(Clone, Copy)]
pub(super) enum NestedTable {
    One(&'static ConfigTable),
    /// Under names that the user chooses.
    Named(&'static ConfigTable),
    List(&'static ConfigTable),
}

/// Declares the keys of a table: a `ConfigKey` for each, and `TABLE` with all of them.
macro_rules! config_table {
    ($module:ident: $table:expr; $($key:ident: $value:ty = $declaration:expr;)*) => {
        pub(in crate::config) mod $module {
            use super::*;
            $(pub(in crate::config) static $key: ConfigKey<$value> = $declaration;)*
            pub(in crate::config) static TABLE: ConfigTable = $table.with_keys(&[$(&$key),*]);
        }
    };
}
pub(super) use config_table;

pub(super) const fn key<V>(
    name: &'static str,
    value: V,
    default: DefaultValue,
    meaning: &'static str,
) -> ConfigKey<V> {
    let _ = meaning;
    ConfigKey {
        name,
        default,
        #[cfg(test)]
        meaning,
        value,
    }
}

impl<V: ?Sized> AsRef<str> for ConfigKey<V> {
    fn as_ref(&self) -> &str {
        self.name
    }
}

impl NestedTable {
    pub fn table(self) -> &'static ConfigTable {
        match self {
            NestedTable::One(table) | NestedTable::Named(table) | NestedTable::List(table) => table,
        }
    }

    /// What follows the name of the key in the path of the table.
    pub fn suffix(self) -> &'static str {
        match self {
            NestedTable::One(_) => "",
            NestedTable::Named(_) => ".*",
            NestedTable::List(_) => "[]",
        }
    }
}

impl ConfigTable {
    pub const fn new(about: &'static str) -> ConfigTable {
        let _ = about;
        ConfigTable {
            #[cfg(test)]
            about,
            keys: &[],
            platform_options: false,
        }
    }

    pub const fn with_platform_options(self) -> ConfigTable {
        ConfigTable { platform_options: true, ..self }
    }

    pub const fn with_keys(self, keys: &'static [&'static ConfigKey<dyn ValueType>]) -> ConfigTable {
        ConfigTable { keys, ..self }
    }

    /// The names of all keys that are allowed in this table.
    pub fn names(&self) -> Vec<&'static str> {
        let options = if self.platform_options { platform::option_names() } else { Vec::new() };
        self.keys.iter().map(|key| key.name).chain(options).collect()
    }

    /// This table and all tables below it with their patterns, such as `endpoints.*.retry` or `hooks[]`.
    pub fn with_nested(&'static self, pattern: String) -> Vec<(String, &'static ConfigTable)> {
        let below = self.keys.iter().filter_map(|key| Some((key, key.value.nested()?)));
        let below = below.flat_map(|(key, nested)| {
            nested.table().with_nested(format!("{}{}", join(&pattern, key.name), nested.suffix()))
        });
        let below: Vec<_> = below.collect();
        std::iter::once((pattern, self)).chain(below).collect()
    }
}

/// The header of a table as it is written in TOML.
pub(super) fn heading(pattern: &str) -> String {
    let named = pattern.replace('*', "NAME");
    match named.strip_suffix("[]") {
        _ if named.is_empty() => "the top level".to_owned(),
        Some(list) => format!("`[[{list}]]`"),
        None => format!("`[{named}]`"),
    }
}
