//! `[spool]`.

use super::declaration::DefaultValue::{Described, Toml};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::host_defaults;
use super::settings::SpoolSettings;
use super::table_reader::TableReader;
use super::value_types::{DurationRange, SizeRange, Text, duration, parsed_text, size};
use crate::spool::SpoolPath;

config_table! {
    keys: ConfigTable::new("The SQLite database that keeps events, deliveries and attempts until they have ended.");
    PATH: Text<SpoolPath> = key(
        "path",
        parsed_text("a path, or `:memory:`", |text, context| Ok(match text.text.as_str() {
            ":memory:" => SpoolPath::Memory,
            path => SpoolPath::File(context.path(path)),
        })),
        Described("`<state dir>/taskbell/<config name>.db`"),
        "The database file; with `:memory:` nothing survives the process.",
    );
    RETAIN: DurationRange = key(
        "retain", duration("0s", "3650d"), Toml("\"7d\""), "How long ended deliveries stay in the log.",
    );
    MAX_BYTES: SizeRange = key(
        "max_bytes",
        size("1MiB", "1024GiB"),
        Toml("\"1GiB\""),
        "The size of the database above which the oldest delivered messages are removed early, then the oldest dead \
         letters. Waiting deliveries stay; new events are refused when nothing else is left to remove.",
    );
}

/// `name` is the name of the configuration, which the default path contains.
pub(super) fn read(table: &TableReader<'_>, name: &str) -> SpoolSettings {
    let default_path = || {
        let folder = host_defaults::state_folder(table.context).join("taskbell");
        SpoolPath::File(folder.join(format!("{name}.db")))
    };
    SpoolSettings {
        path: table.read(&keys::PATH).unwrap_or_else(default_path),
        retain: table.read(&keys::RETAIN).unwrap_or_default(),
        max_bytes: table.read(&keys::MAX_BYTES).unwrap_or(u64::MAX),
    }
}
