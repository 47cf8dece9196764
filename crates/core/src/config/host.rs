//! `[host]`.

use super::declaration::DefaultValue::{Described, None as Absent, Toml};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::endpoint_url::parse_url_prefix;
use super::host_defaults;
use super::load_context::TextValue;
use super::table_reader::TableReader;
use super::value_types::{Choice, Text, choice, parsed_text, text};
use crate::message::{HostInfo, Language};
use url::Url;

config_table! {
    keys: ConfigTable::new("What templates see as `host`.");
    NAME: Text<TextValue> = key(
        "name", text("any text"), Described("the system's host name"), "The machine's display name.",
    );
    BASE_URL: Text<Url> = key(
        "base_url",
        parsed_text("an `http` or `https` URL without query", |text, _| parse_url_prefix(text)),
        Absent,
        "Prefix of relative output URLs.",
    );
    LANGUAGE: Choice<Language> = key(
        "language",
        choice(&["en", "zh"], &[Language::English, Language::Chinese]),
        Toml("\"en\""),
        "The language of the platforms' own cards.",
    );
}

pub(super) fn read(table: &TableReader<'_>) -> HostInfo {
    let base_url = table.read(&keys::BASE_URL);
    HostInfo {
        name: table.read_string(&keys::NAME).unwrap_or_else(|| host_defaults::host_name(table.context)),
        base_url: base_url.map(|url| url.as_str().trim_end_matches('/').to_owned()),
        language: table.read(&keys::LANGUAGE).unwrap_or_default(),
    }
}
