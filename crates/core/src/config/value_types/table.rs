//! Keys that contain tables, and the template. The reader opens them itself.

use super::super::declaration::{ConfigTable, NestedTable, ValueType};
#[cfg(test)]
use serde_json::{Value as Json, json};

/// A key of this type contains tables, as the reader of this kind of nesting expects them.
macro_rules! tables {
    ($($name:ident, $type_name:literal, $nested:ident;)*) => {$(
        pub(in crate::config) struct $name(pub &'static ConfigTable);

        impl ValueType for $name {
            fn type_name(&self) -> &'static str {
                $type_name
            }

            fn nested(&self) -> Option<NestedTable> {
                Some(NestedTable::$nested(self.0))
            }
        }
    )*};
}

tables! {
    SubTable, "table", One;
    NamedTables, "tables by name", Named;
    TableList, "list of tables", List;
}

/// Tables by name whose keys another room knows.
pub(in crate::config) struct FreeTables(pub &'static str);

/// A message template: a table of any form, or a text.
pub(in crate::config) struct TemplateValue(pub &'static str);

impl ValueType for FreeTables {
    fn type_name(&self) -> &'static str {
        "tables by name"
    }

    fn form(&self) -> String {
        self.0.to_owned()
    }

    #[cfg(test)]
    fn json_schema(&self) -> Json {
        json!({ "type": "object", "additionalProperties": { "type": "object" } })
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
