//! Keys that contain tables, and the template. The reader opens them itself.

use super::super::declaration::{ConfigTable, NestedTable, ValueType};
#[cfg(test)]
use serde_json::{Value as Json, json};

pub(in crate::config) struct SubTable(pub &'static ConfigTable);

pub(in crate::config) struct NamedTables(pub &'static ConfigTable);

pub(in crate::config) struct TableList(pub &'static ConfigTable);

/// A message template: a table of any form, or a text.
pub(in crate::config) struct TemplateValue(pub &'static str);

impl ValueType for SubTable {
    fn type_name(&self) -> &'static str {
        "table"
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "object" })
    }

    fn nested(&self) -> Option<NestedTable> {
        Some(NestedTable::One(self.0))
    }
}

impl ValueType for NamedTables {
    fn type_name(&self) -> &'static str {
        "tables by name"
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "object" })
    }

    fn nested(&self) -> Option<NestedTable> {
        Some(NestedTable::Named(self.0))
    }
}

impl ValueType for TableList {
    fn type_name(&self) -> &'static str {
        "list of tables"
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "array" })
    }

    fn nested(&self) -> Option<NestedTable> {
        Some(NestedTable::List(self.0))
    }
}

impl ValueType for TemplateValue {
    fn type_name(&self) -> &'static str {
        "template"
    }

    fn form(&self) -> String {
        self.0.to_owned()
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": ["object", "string"] })
    }
}
