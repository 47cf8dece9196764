//! `[files]` and `[network]`: the files and addresses that a task may name.

use super::declaration::DefaultValue::Toml;
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::endpoint_url::parse_url_prefix;
use super::settings::FileSettings;
use super::table_reader::TableReader;
use super::value_types::{List, Text, list, parsed_text};
use crate::endpoint::TaskUrls;
use std::path::PathBuf;
use url::Url;

config_table! {
    file_keys: ConfigTable::new("Files are read only where this table allows it.");
    ROOTS: List<Text<PathBuf>> = key(
        "roots",
        list("list of text", parsed_text("the path of a folder", |text, context| Ok(context.path(&text.text)))),
        Toml("[]"),
        "The folders below which files named in `outputs[].path` may be read. The picture of a task, else its first \
         file, then goes with its message to platforms that accept one.",
    );
}

config_table! {
    network_keys: ConfigTable::new(
        "What a task may request in its `webhook_params`, which a user of the host may have written.",
    );
    TASK_URLS: List<Text<Url>> = key(
        "task_urls",
        list("list of text", parsed_text("an `http` or `https` URL without query", |text, _| parse_url_prefix(text))),
        Toml("[]"),
        "A task's `url` must be public and must start with one of these: same scheme, host and port, and a prefix of \
         whole path segments.",
    );
}

pub(super) fn read_files(table: &TableReader<'_>) -> FileSettings {
    FileSettings { roots: table.read(&file_keys::ROOTS).unwrap_or_default() }
}

pub(super) fn read_network(table: &TableReader<'_>) -> TaskUrls {
    TaskUrls(table.read(&network_keys::TASK_URLS).unwrap_or_default())
}
