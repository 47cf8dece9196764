//! `[spool]`.

use super::declaration::DefaultValue::{Described, Toml};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::host_defaults;
use super::load_context::LoadContext;
use super::settings::SpoolSettings;
use super::source::ConfigSource;
use super::table_reader::TableReader;
use super::value_types::{DurationRange, SizeRange, Text, duration, parsed_text, size};
use crate::endpoint::Endpoint;
use crate::hash::sha256_hex;
use crate::spool::SpoolPath;
use std::fs;
use std::path::Path;
use std::sync::Arc;

config_table! {
    keys: ConfigTable::new("The SQLite database that keeps events, deliveries and attempts until they have ended.");
    PATH: Text<SpoolPath> = key(
        "path",
        parsed_text("a path, or `:memory:`", |text, context| Ok(match text.text.as_str() {
            ":memory:" => SpoolPath::Memory,
            path => SpoolPath::File(context.path(path)),
        })),
        Described("`<state dir>/taskbell/<config name>-<hash of its path>.db`"),
        "The database file; with `:memory:` nothing survives the process.",
    );
    RETAIN: DurationRange = key(
        "retain", duration("0s", "3650d"), Toml("\"7d\""), "How long ended deliveries stay in the log.",
    );
    MAX_BYTES: SizeRange = key(
        "max_bytes", size("1MiB", "1024GiB"), Toml("\"1GiB\""),
        "The size of the database with its log. Before it is reached, the oldest delivered messages are removed early, then the \
         oldest dead letters. Waiting deliveries stay; new events are refused when nothing else is left to remove.",
    );
}

/// `endpoints` are part of the identity of a text that was passed directly.
pub(super) fn read(
    table: &TableReader<'_>,
    source: &ConfigSource,
    endpoints: &[Arc<Endpoint>],
) -> SpoolSettings {
    let (path, configuration) = match table.read(&keys::PATH) {
        Some(path) => (path, None),
        None => {
            let (path, identity) = default_path(table.context, source, endpoints);
            (path, Some(identity))
        }
    };
    SpoolSettings {
        path,
        configuration,
        retain: table.read(&keys::RETAIN).unwrap_or_default(),
        max_bytes: table.read(&keys::MAX_BYTES).unwrap_or(u64::MAX),
    }
}

/// The spool of this configuration and no other, and the identity that its name is made of.
fn default_path(
    context: &LoadContext<'_>,
    source: &ConfigSource,
    endpoints: &[Arc<Endpoint>],
) -> (SpoolPath, String) {
    let folder = host_defaults::state_folder(context).unwrap_or_else(|| {
        let folder = std::env::temp_dir();
        let variable = if cfg!(windows) { "LOCALAPPDATA" } else { "HOME" };
        let message = format!(
            "`{variable}` names no folder, so the spool is in {}, which a restart of the machine may empty; set \
             `[spool] path`",
            folder.display()
        );
        context.warn(0, "spool.path", message);
        folder
    });
    let folder = folder.join("taskbell");
    let file = source.file.as_ref().map(|file| fs::canonicalize(file).unwrap_or_else(|_| file.clone()));
    // A link under another name is the same configuration.
    let name = file.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str());
    let identity = match &file {
        Some(file) => file.display().to_string(),
        None => identity_of_text(source, endpoints),
    };
    let (name, hash) = (name.unwrap_or(source.name()), sha256_hex(&identity, 8));
    (SpoolPath::File(folder.join(format!("{name}-{hash}.db"))), identity)
}

/// A text has no path. It is the same configuration as another one when it is passed in the same working directory
/// and sends to the same receivers: the rest may be edited without leaving messages behind. A bare URL is the same
/// everywhere.
fn identity_of_text(source: &ConfigSource, endpoints: &[Arc<Endpoint>]) -> String {
    let receivers: Vec<String> =
        endpoints.iter().map(|endpoint| format!("{}={}", endpoint.name, endpoint.fingerprint())).collect();
    match source.is_bare_url {
        true => format!("a URL for {}", receivers.join(", ")),
        false => format!("a text in {} for {}", source.folder().display(), receivers.join(", ")),
    }
}
