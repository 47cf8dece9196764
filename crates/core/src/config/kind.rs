//! What a key of the configuration can hold, and what holds when it is left out.

/// What a key holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A table with the keys of its own [`Table`].
    Table,
    /// A table of such tables under free names.
    NamedTables,
    /// A list of such tables.
    ListOfTables,
    /// Text; the form in words.
    Text(&'static str),
    /// Text that is never shown.
    Secret(&'static str),
    /// A list of text.
    Texts(&'static str),
    /// Secret text, or a list of it.
    Secrets(&'static str),
    /// A table of secret text under free names.
    SecretTable(&'static str),
    /// A duration within bounds.
    Duration(&'static str, &'static str),
    /// A list of durations, each within bounds.
    Durations(&'static str, &'static str),
    /// A number of bytes within bounds.
    Size(&'static str, &'static str),
    /// A whole number within bounds.
    Integer(u64, u64),
    /// A number, with or without a fraction.
    Number,
    /// True or false.
    Boolean,
    /// A rate, or a list of rates.
    Rates(&'static str),
    /// A message template.
    Template(&'static str),
}

/// What holds when a key is left out.
#[derive(Debug, Clone, Copy)]
pub(super) enum LeftOut {
    /// The key has to be given.
    Required,
    /// Nothing.
    Nothing,
    /// This value, as TOML writes it.
    Value(&'static str),
    /// What the words say.
    Words(&'static str),
}

impl Kind {
    /// The type in a few words, for the reference.
    pub fn type_name(&self) -> &'static str {
        match self {
            Kind::Table => "table",
            Kind::NamedTables => "tables by name",
            Kind::ListOfTables => "list of tables",
            Kind::Text(_) => "text",
            Kind::Secret(_) => "secret text",
            Kind::Texts(_) => "list of text",
            Kind::Secrets(_) => "secret text, or a list of it",
            Kind::SecretTable(_) => "table of secret text",
            Kind::Duration(..) => "duration",
            Kind::Durations(..) => "list of durations",
            Kind::Size(..) => "size",
            Kind::Integer(..) => "whole number",
            Kind::Number => "number",
            Kind::Boolean => "`true` or `false`",
            Kind::Rates(_) => "rate, or a list of rates",
            Kind::Template(_) => "template",
        }
    }

    /// The range or the form, for the reference; empty when the type says it all.
    pub fn range(&self) -> String {
        match self {
            Kind::Table | Kind::NamedTables | Kind::ListOfTables | Kind::Boolean | Kind::Number => {
                String::new()
            }
            Kind::Text(form)
            | Kind::Secret(form)
            | Kind::Texts(form)
            | Kind::Secrets(form)
            | Kind::SecretTable(form)
            | Kind::Rates(form)
            | Kind::Template(form) => (*form).to_owned(),
            Kind::Duration(least, most) | Kind::Size(least, most) => format!("{least} to {most}"),
            Kind::Durations(least, most) => format!("each {least} to {most}"),
            Kind::Integer(least, most) => format!("{least} to {most}"),
        }
    }
}
